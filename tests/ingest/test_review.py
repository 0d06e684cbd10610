"""What the review finds, shown on an invented law; the program's own data is reviewed beside its schema."""

from datetime import date
from pathlib import Path

import pytest

from ingest.identifiers import ExpressionId
from ingest.instrument import Authority, Expression, ProvisionKind, SourceSpan
from ingest.notes import NoteFile, changed_places
from ingest.pinpoint import Pinpoint
from ingest.review import LawWords, Statement, find_faults_of_notes, find_statement_faults, find_unnoted
from ingest.structure import Draft, build_provisions
from tests.small_corpus import run_visavis

RULE = (
    "A gardener shall water every rose within five days of planting and no later than 3 May 2031, "
    "in accordance with Article 9 of Regulation (EU) 2019/1020."
)
POINTS = ("roses of high-quality stock;", "tulips;", "lilies.")


def draft(
    kind: ProvisionKind, label: str, text: str = "", *children: Draft, heading: str = "", printed: str = ""
) -> Draft:
    return Draft(kind, label, printed, heading, text, children, SourceSpan("garden.txt"))


def garden(effective: str = "2030-01-01", rule: str = RULE) -> Expression:
    points = (
        draft(ProvisionKind.POINT, letter, text, printed=f"({letter})")
        for letter, text in zip("abc", POINTS, strict=True)
    )
    paragraphs = (
        draft(ProvisionKind.PARAGRAPH, "1", rule, printed="1."),
        draft(ProvisionKind.PARAGRAPH, "2", "The plants are:", *points, printed="2."),
    )
    drafts = (
        draft(ProvisionKind.PREAMBLE_PARAGRAPH, "1", "Mindful of gardens,"),
        draft(ProvisionKind.ARTICLE, "7", "", *paragraphs, heading="Roses"),
    )
    identity = ExpressionId.parse(f"garden-act@{effective}:en")
    return Expression(
        identity,
        "Garden Act",
        "the Garden Act",
        Authority.LAW,
        "https://law.example",
        identity.effective,
        build_provisions(identity, drafts),
    )


def faults(text: str, *cites: str) -> list[str]:
    law = garden()
    statement = Statement("here", text, tuple((law.id, Pinpoint.parse(cite)) for cite in cites))
    return list(find_statement_faults([statement], {law.id: law}, LawWords([law])))


@pytest.mark.parametrize(
    ("text", "cite"),
    [
        ("Roses get water within 5 days, at the latest on 3 May 2031.", "art_7/1"),
        ("Roses get water until May 2031.", "art_7/1"),
        ("There are three plants.", "art_7/2"),
        ("Article 9 of Regulation (EU) 2019/1020 applies.", "art_7/1"),
        ("Article 7(2) lists the plants.", "art_7/2"),
        ("The Act says: “A gardener shall water every rose within five days of planting and no later”.", "art_7/1"),
        ("A gardener shall water every rose within five days of planting.", "art_7/1"),
    ],
)
def test_a_sentence_that_its_places_carry_has_no_fault(text: str, cite: str) -> None:
    assert faults(text, cite) == []


@pytest.mark.parametrize(
    ("text", "cite", "expected"),
    [
        ("Roses.", "art_8", "here names art_8, which garden-act@2030-01-01:en does not have"),
        ("Water within six days.", "art_7/1", "here says 6, which garden-act:art_7/1 does not"),
        ("Water by 3 May 2032.", "art_7/1", "here says 3 May 2032, which garden-act:art_7/1 does not"),
        ("Water within five days.", "art_7/2", "here says 5, which garden-act:art_7/2 does not"),
        ("There are seven plants.", "art_7/2", "here says 7, which garden-act:art_7/2 does not"),
        ("It takes nine days.", "art_7/1", "here says 9, which garden-act:art_7/1 does not"),
        ("Article 8 lists them.", "art_7/2", "here speaks of Article 8, which garden-act:art_7/2 does not lead to"),
        (
            "A gardener shall water every rose within five days of planting and no later.",
            "art_7/1",
            "here has 14 consecutive words of the law outside quotation marks: "
            "a gardener shall water every rose within five days of planting and no later",
        ),
        (
            "A GARDENER shall water every rose ‘within’ five days of planting and no later",
            "art_7/1",
            None,
        ),
    ],
)
def test_a_sentence_that_its_places_do_not_carry_has_one_fault(text: str, cite: str, expected: str | None) -> None:
    assert faults(text, cite) == ([expected] if expected else [])


def note_file(wording: str = "garden-act@2030-01-01:en", sentences: int = 2) -> NoteFile:
    sentence = {"text": "Roses want water.", "cites": ["art_7/1"]}
    note = {"pinpoint": "art_7", "sentences": [sentence] * sentences, "plain": [{"at": "art_7/2/a", "words": ["rose"]}]}
    return NoteFile.model_validate({"wording": wording, "reviewed": date(2030, 1, 2), "note": [note]})


def test_anybodys_notes_are_reviewed_without_having_to_cover_the_law() -> None:
    assert list(find_faults_of_notes([note_file()], [garden()])) == []


def test_a_note_of_one_sentence_is_too_short() -> None:
    found = list(find_faults_of_notes([note_file(sentences=1)], [garden()]))
    assert found == ["note garden-act art_7 has 1 sentences, not 2 to 6"]


def test_notes_on_a_wording_that_is_not_at_hand_are_not_passed() -> None:
    (found,) = find_faults_of_notes([note_file("garden-act@2031-01-01:en")], [garden()])
    assert found.startswith("the notes: the wording garden-act@2031-01-01:en is not among the texts")


def test_what_has_no_note_is_named() -> None:
    law = garden()
    assert list(find_unnoted([note_file()], {law.id: law})) == ["garden-act pre_1 has no note"]


def test_a_place_has_changed_when_its_words_have_and_not_when_its_signs_have() -> None:
    places = [Pinpoint.parse(place) for place in ("art_7", "art_7/1", "art_7/2/a", "pre_1", "art_8")]
    old = garden()
    assert changed_places(places, old, garden("2031-01-01", RULE.replace(" ", "\u00a0"))) == ()
    changed = changed_places(places, old, garden("2031-01-01", RULE.replace("five", "six")))
    assert [str(place) for place in changed] == ["art_7", "art_7/1"]


def test_the_command_prints_the_faults_of_a_users_own_notes(
    corpus_dir: Path, built_index: Path, model_cache: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'wording = "eu-ai-act@2026-07-27:en"\nreviewed = 2026-11-23\n[[note]]\npinpoint = "art_4"\nsentences = [\n'
        '{ text = "It is about literacy.", cites = ["art_4/1"] },\n'
        '{ text = "It has applied since 3 March 1999.", cites = ["art_4/1"] },\n]\n',
        encoding="utf-8",
    )
    homes = {"VISAVIS_INDEX": str(built_index), "XDG_CACHE_HOME": str(model_cache)}
    ran = run_visavis("law", "check", file, "--corpus", corpus_dir, **homes)
    assert (ran.code, ran.out) == (
        1,
        "note eu-ai-act art_4, sentence 2, says 3 March 1999, which eu-ai-act:art_4/1 does not\n",
    )
    file.write_text('wording = "eu-ai-act"\n', encoding="utf-8")
    wrong = run_visavis("law", "check", file, "--corpus", corpus_dir, **homes)
    assert wrong.code == 2
    assert f"{file} cannot be read" in wrong.complaint
