"""The concordance: its schema, its places and sentences held against the law, and the command that shows it."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pydantic import ValidationError

from ingest.application import load_wordings
from ingest.concordance import Concordance, load_concordance
from ingest.concordance_cli import concordance, find_touching
from ingest.errors import PinpointError, UsageError
from ingest.identifiers import AI_ACT, CONVENTION
from ingest.index import Store
from ingest.instrument import ProvisionKind
from ingest.outline import load_outlines, relation_words
from ingest.pinpoint import Pinpoint
from ingest.review import LawWords, find_application_faults, find_concordance_faults

SENTENCE = {"text": "Both grow roses.", "cites": ["coe-ai-convention:art_1", "eu-ai-act:art_1"]}
ROSES: dict[str, Any] = {
    "id": "roses",
    "issue": "Roses",
    "relation": "similar",
    "sides": {"coe-ai-convention": ["art_1"], "eu-ai-act": ["art_1/1"]},
    "note": [SENTENCE],
    "basis": "reviewed",
    "reviewed": "2026-11-23",
}
WORDINGS = {"coe-ai-convention": "coe-ai-convention@2024-09-05:en", "eu-ai-act": "eu-ai-act@2026-07-27:en"}


def table(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"wordings": WORDINGS, "correspondence": [ROSES | change for change in changes]}


def test_a_correspondence_as_it_should_be_is_read() -> None:
    (roses,) = Concordance.model_validate(table({})).correspondence
    assert [str(place) for place in roses.side(AI_ACT)] == ["art_1/1"]
    assert [(name, str(place)) for name, place in roses.note[0].places] == [(CONVENTION, "art_1"), (AI_ACT, "art_1")]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ([{"colour": "red"}], "Extra inputs"),
        ([{"relation": "alike"}], "Input should be"),
        ([{"id": "Two Roses"}], "should match pattern"),
        ([{"sides": {"coe-ai-convention": ["article 1"], "eu-ai-act": ["art_1"]}}], "cannot be read"),
        ([{"sides": {"The Act": ["art_1"]}}], "is no identifier"),
        ([{"sides": {"coe-ai-convention": ["art_1"], "eu-ai-act": []}}], "both sides speak"),
        ([{"relation": "only"}], "go together"),
        ([{"only": "eu-ai-act"}], "go together"),
        ([{"relation": "only", "only": "eu-ai-act"}], "only eu-ai-act speaks"),
        ([{"nearest": {"eu-ai-act": ["art_1"]}}], "so it has no nearest places"),
        ([{"note": []}], "at least 1 item"),
        ([{"note": [SENTENCE | {"cites": []}]}], "at least 1 item"),
        ([{"note": [SENTENCE | {"cites": ["art_1"]}]}], "is not instrument:pinpoint"),
        ([{"reviewed": "lately"}], "valid date"),
        ([{}, {}], "is used twice"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused(changes: list[dict[str, Any]], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Concordance.model_validate(table(*changes))


def test_what_a_place_stands_first_for_comes_first() -> None:
    touching = load_concordance().touching(CONVENTION, Pinpoint.parse("art_3/3"))
    assert touching[0].id == "research-and-development"
    assert "research-and-development" not in {one.id for one in touching[1:]}


def test_the_concordance_stands_up_to_the_law(official_store: Store) -> None:
    expressions = official_store.corpus.expressions
    found = find_concordance_faults(load_concordance(), {one.id: one for one in expressions}, LawWords(expressions))
    assert "\n".join(found) == ""


def test_the_dates_of_application_name_places_that_exist(official_store: Store) -> None:
    wordings = {one.id: one for one in official_store.corpus.expressions}
    assert list(find_application_faults(load_wordings().values(), wordings)) == []


def test_the_review_finds_what_a_concordance_leaves_out(official_store: Store) -> None:
    expressions = official_store.corpus.expressions
    whole = load_concordance()
    removed = (*whole.touching(CONVENTION, Pinpoint.parse("art_33")), *find_touching(whole, "eu-ai-act:cpt_XII"))
    gone = {one.id for one in removed}
    kept = tuple(one for one in whole.correspondence if one.id not in gone)
    lacking = whole.model_copy(update={"correspondence": kept})
    found = list(find_concordance_faults(lacking, {one.id: one for one in expressions}, LawWords(expressions)))
    assert f"{CONVENTION} art_33 is in no correspondence" in found
    assert f"{AI_ACT} cpt_XII is in no correspondence" in found
    few = whole.model_copy(update={"correspondence": whole.correspondence[:69]})
    assert "the concordance has 69 correspondences, not 70" in find_concordance_faults(few, {}, LawWords(()))


@pytest.mark.parametrize("instrument", [CONVENTION, AI_ACT])
def test_the_outline_is_the_division_of_the_wording(official_store: Store, instrument: str) -> None:
    outline = load_outlines()[instrument]
    wording = official_store.corpus.expression(outline.wording)
    assert outline.wording == load_concordance().wordings[instrument]
    chapters = [one for one in wording.provisions if one.kind is ProvisionKind.CHAPTER]
    articles = [one for one in wording.provisions if one.kind is ProvisionKind.ARTICLE]
    for chapter, printed in zip(outline.chapter, chapters, strict=True):
        own = [one for one in articles if wording.ancestors(one)[0] == printed]
        assert (chapter.pinpoint, chapter.heading.casefold()) == (printed.pinpoint, printed.heading.casefold())
        assert chapter.articles == tuple(one.pinpoint.root.label for one in own)
        assert set(chapter.headings.items()) <= {(one.pinpoint.root.label, one.heading) for one in own}


# The command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(concordance, arguments)


def test_the_table_shows_every_issue_with_its_places() -> None:
    shown = run()
    assert shown.exit_code == 0
    text = " ".join(shown.output.replace("│", " ").split())
    assert "Definition of an AI system" in text
    assert "Article 2" in text
    assert shown.output.count("├") == len(load_concordance().correspondence) - 1


def test_json_holds_what_the_file_holds() -> None:
    shown = json.loads(run("--json").output)
    held = load_concordance().correspondence
    assert [one["id"] for one in shown] == [one.id for one in held]
    assert [len(one["note"]) for one in shown] == [len(one.note) for one in held]
    assert shown[0]["sides"][CONVENTION][0] == {"pinpoint": "art_1/1", "label": "Article 1(1)"}


def test_an_article_picks_what_it_carries_and_what_its_parts_carry() -> None:
    ids = {one["id"] for one in json.loads(run("--article", "coe-ai-convention:art_2", "--json").output)}
    assert ids == {one.id for one in load_concordance().correspondence if "art_2" in map(str, one.side(CONVENTION))}
    assert ids


def test_a_chapter_stands_for_its_articles() -> None:
    found = find_touching(load_concordance(), "eu-ai-act:cpt_IV")
    assert found
    assert all(any(str(place.unit) == "art_50" for place in one.side(AI_ACT)) for one in found)


def test_a_relation_picks_its_own_and_full_prints_the_notes() -> None:
    shown = run("--relation", "only", "--article", "coe-ai-convention:art_33", "--full").output
    (one,) = (one for one in load_concordance().correspondence if one.id == "federal-clause")
    assert shown.startswith(f"{one.issue} [federal-clause]\n  only the Convention; reviewed on {one.reviewed}\n")
    assert "the AI Act: silent" in shown
    assert all(sentence.text in shown for sentence in one.note)


def test_where_nothing_fits_the_exit_code_says_so() -> None:
    shown = run("--article", "eu-ai-act:art_999")
    assert (shown.exit_code, shown.stderr) == (1, "No correspondence fits eu-ai-act:art_999.\n")


@pytest.mark.parametrize(
    ("article", "error"),
    [
        ("art_14", UsageError),
        ("gdpr:art_14", UsageError),
        ("eu-ai-act:cpt_III/sec_2", UsageError),
        ("eu-ai-act:fourteen", PinpointError),
    ],
)
def test_an_article_that_cannot_be_understood_is_refused_in_one_line(article: str, error: type[Exception]) -> None:
    refused = run("--article", article).exception
    assert isinstance(refused, error)
    assert "\n" not in str(refused)


def test_every_relation_has_words() -> None:
    assert all(relation_words(one) for one in load_concordance().correspondence)
