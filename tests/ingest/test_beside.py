"""Any two provisions beside each other: redline, what the concordance says of both, the defined terms of each."""

import json

import pytest
from click.testing import CliRunner

from ingest.beside import lay_beside
from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT, CONVENTION, InstrumentId
from ingest.index import Store
from ingest.instrument import Provision
from ingest.law_cli import law
from ingest.pinpoint import Pinpoint


@pytest.fixture
def texts(official_store: Store, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setattr("ingest.compare_cli.open_corpus", lambda folder: official_store.corpus)
    return official_store.corpus


def at(texts: Corpus, instrument: InstrumentId, place: str) -> Provision:
    return texts.wordings(instrument)[-1].at(Pinpoint.parse(place))


def printed(*arguments: str) -> str:
    ran = CliRunner().invoke(law, ["compare", *arguments])
    assert ran.exit_code == 0, ran.output
    return ran.output


class TestWhatBelongsToBoth:
    def test_only_what_touches_both_sides(self, texts: Corpus) -> None:
        one = lay_beside(texts, at(texts, CONVENTION, "art_2"), at(texts, AI_ACT, "art_3/1"))
        assert [each.id for each in one.correspondences] == ["definition-ai-system"]
        other = lay_beside(texts, at(texts, CONVENTION, "art_2"), at(texts, AI_ACT, "art_101"))
        assert other.correspondences == ()

    def test_a_whole_article_has_what_its_points_have(self, texts: Corpus) -> None:
        convention = at(texts, CONVENTION, "art_16")
        whole, part = (lay_beside(texts, convention, at(texts, AI_ACT, place)) for place in ("art_9", "art_9/2"))
        assert {one.id for one in part.correspondences} <= {one.id for one in whole.correspondences}
        assert part.correspondences

    def test_the_terms_of_each_side_with_the_provision_that_defines_them(self, texts: Corpus) -> None:
        one = lay_beside(texts, at(texts, CONVENTION, "art_9"), at(texts, AI_ACT, "art_26/1"))
        left = {term.definition.term: str(term.provision.pinpoint) for term in one.left_terms}
        right = {term.definition.term: str(term.provision.pinpoint) for term in one.right_terms}
        assert left == {"artificial intelligence system": "art_2"}
        assert right["deployer"] == "art_3/4" and right["AI system"] == "art_3/1"
        assert not any(term.own for term in (*one.left_terms, *one.right_terms))

    def test_a_definition_is_a_term_of_its_own_side(self, texts: Corpus) -> None:
        one = lay_beside(texts, at(texts, AI_ACT, "art_3/4"), at(texts, AI_ACT, "art_3/3"))
        assert next((term.definition.term, term.own) for term in one.left_terms) == ("deployer", True)
        assert ("AI system", False) in [(term.definition.term, term.own) for term in one.right_terms]

    def test_the_two_sides_are_read_back_from_the_redline(self, texts: Corpus) -> None:
        one = lay_beside(texts, at(texts, CONVENTION, "art_14"), at(texts, AI_ACT, "art_86"))
        for text, own in ((one.left.text, "deleted"), (one.right.text, "inserted")):
            assert "".join(part.text for part in one.redline if part.change in ("kept", own)) == text


class TestCommand:
    def test_it_is_readable_at_eighty_columns(self, texts: Corpus) -> None:
        for sides in (
            ("coe-ai-convention:art_2", "eu-ai-act:art_3/1"),
            ("coe-ai-convention:art_16", "eu-ai-act:art_9"),
        ):
            output = printed(*sides)
            assert max(map(len, output.splitlines())) <= 80
            assert "\x1b" not in output

    def test_both_columns_the_issue_and_the_terms_are_printed(self, texts: Corpus) -> None:
        output = " ".join(printed("coe-ai-convention:art_2", "eu-ai-act:art_3/1").split())
        assert "Article 2 of the Convention" in output and "Article 3(1) of the AI Act" in output
        assert "Definition of an AI system: similar [definition-ai-system]" in output
        assert "the Convention: Article 2; binds each Party" in output
        assert (
            "Defined terms of Article 3(1) of the AI Act AI system: Article 3(1) of the AI Act, defined here" in output
        )

    def test_it_says_so_where_no_correspondence_touches_both(self, texts: Corpus) -> None:
        output = printed("coe-ai-convention:art_2", "eu-ai-act:art_101")
        assert "Our concordance has no correspondence that touches both." in output
        assert "How they correspond" not in output

    def test_json_has_it_all(self, texts: Corpus) -> None:
        found = json.loads(printed("coe-ai-convention:art_9", "eu-ai-act:art_26/1", "--json"))
        assert found["left"]["label"] == "Article 9 of the Convention"
        assert found["right"]["expression"] == "eu-ai-act@2026-07-27:en"
        for side, own in (("left", "deleted"), ("right", "inserted")):
            kept = "".join(one["text"] for one in found["redline"] if one["change"] in ("kept", own))
            assert kept == found[side]["text"]
        [deployer] = [one for one in found["right"]["terms"] if one["term"] == "deployer"]
        assert (deployer["pinpoint"], deployer["defined_here"]) == ("art_3/4", False)
        assert deployer["text"].startswith("(4) ")
        assert all({"issue", "relation", "addressees", "note"} <= one.keys() for one in found["correspondences"])

    def test_another_day_has_another_wording(self, texts: Corpus) -> None:
        sides = ("coe-ai-convention:art_9", "eu-ai-act:art_4")
        then, now = (json.loads(printed(*sides, "--json", *more)) for more in (["--as-of", "2025-03-01"], []))
        assert then["right"]["expression"] == "eu-ai-act@2024-07-12:en"
        assert then["right"]["text"] != now["right"]["text"] and then["left"] == now["left"]

    def test_the_help_has_an_example(self) -> None:
        assert "visavis law compare coe-ai-convention:art_2 eu-ai-act:art_3/1" in printed("--help")
