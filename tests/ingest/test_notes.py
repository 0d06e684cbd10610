"""The plain-language notes: their schema, and each sentence held against the law."""

from datetime import date
from pathlib import Path

import pytest

from ingest.errors import ManifestError
from ingest.identifiers import AI_ACT
from ingest.index import Store
from ingest.instrument import ProvisionKind
from ingest.notes import changed_places, load_asked, load_note_files, load_notes, note_wordings, read_note_file
from ingest.pinpoint import Pinpoint
from ingest.review import LawWords, find_note_faults, find_unnoted

HEAD = 'wording = "eu-ai-act@2026-07-27:en"\nreviewed = 2026-11-23\n'
NOTE = '[[note]]\npinpoint = "art_4"\nsentences = [{ text = "It is about literacy.", cites = ["art_4/1"] }]\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (HEAD + NOTE + 'colour = "red"\n', "Extra inputs"),
        (HEAD.replace("@2026-07-27:en", "") + NOTE, "cannot be read"),
        (HEAD + NOTE.replace("art_4/1", "article four"), "article four"),
        (HEAD + NOTE.replace('["art_4/1"]', "[]"), "at least 1 item"),
        (HEAD + '[[note]]\npinpoint = "art_4"\nsentences = []\n', "at least 1 item"),
        (HEAD + NOTE + 'plain = [{ at = "art_4", words = [] }]\n', "at least 1 item"),
        ("wording =", "Invalid value"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "notes.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match=complaint) as refused:
        read_note_file(file)
    assert "\n" not in str(refused.value)


def test_a_file_of_notes_is_read(tmp_path: Path) -> None:
    file = tmp_path / "notes.toml"
    file.write_text(HEAD + NOTE, encoding="utf-8")
    read = read_note_file(file)
    assert (read.reviewed, str(read.note[0].sentences[0].cites[0])) == (date(2026, 11, 23), "art_4/1")


def test_no_file_of_notes_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"nowhere\.toml cannot be read"):
        read_note_file(tmp_path / "nowhere.toml")


def test_the_notes_stand_up_to_the_law(official_store: Store) -> None:
    expressions = official_store.corpus.expressions
    found = find_note_faults(load_note_files(), {one.id: one for one in expressions}, LawWords(expressions))
    assert "\n".join(found) == ""


def test_every_place_that_a_question_of_ours_stands_under_exists(official_store: Store) -> None:
    for instrument, asked in load_asked().items():
        wording = official_store.corpus.wordings(instrument)[-1]
        assert [str(place) for place in asked if wording.get(place) is None] == []


def test_every_article_annex_and_preamble_paragraph_is_noted_and_recitals_enough(official_store: Store) -> None:
    wordings = {one.id: one for one in official_store.corpus.expressions}
    assert "\n".join(find_unnoted(load_note_files(), wordings)) == ""


@pytest.mark.parametrize(
    ("instrument", "kind", "number"),
    [
        ("coe-ai-convention", ProvisionKind.ARTICLE, 36),
        ("coe-ai-convention", ProvisionKind.PREAMBLE_PARAGRAPH, 17),
        (AI_ACT, ProvisionKind.ARTICLE, 119),
        (AI_ACT, ProvisionKind.ANNEX, 14),
    ],
)
def test_the_coverage_is_of_the_whole_instrument(
    official_store: Store, instrument: str, kind: ProvisionKind, number: int
) -> None:
    wording = official_store.corpus.expression(note_wordings()[instrument])
    units = [unit.pinpoint for unit in wording.units() if unit.kind is kind]
    noted = {place.unit for place in load_notes()[instrument]}
    assert len(units) == number
    assert noted.issuperset(units)


@pytest.mark.parametrize(
    ("place", "changed"),
    [
        ("art_4", True),
        ("art_75a", True),
        ("art_5/1/ba", True),
        ("art_14", False),
        ("art_5/1/a", False),
        ("rct_12", False),
    ],
)
def test_a_note_is_flagged_for_a_wording_whose_words_are_others(
    official_store: Store, place: str, changed: bool
) -> None:
    first, last = official_store.corpus.wordings(AI_ACT)
    assert bool(changed_places([Pinpoint.parse(place)], last, first)) is changed


def test_the_wordings_differ_where_the_amending_act_says_so(official_store: Store) -> None:
    """Save where it only strikes something out, which leaves no mark on what remains."""
    first, last = official_store.corpus.wordings(AI_ACT)
    marked = [unit.pinpoint for unit in last.units() if any(one.changed_by for one in last.subtree(unit.pinpoint))]
    assert len(marked) > 40
    assert set(changed_places(marked, last, first)) == set(marked)
