"""Everything that was read: saved and loaded unchanged, looked up by place and day, cited and linked."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ingest.corpus import Corpus, load_corpus, save_corpus
from ingest.errors import PinpointError, StoreStale
from ingest.identifiers import AI_ACT, CONVENTION, ExpressionId, InstrumentId
from ingest.index import Store
from ingest.instrument import Authority, Expression, Provision
from ingest.pinpoint import Pinpoint

ADOPTED, AMENDED = (ExpressionId.parse(f"eu-ai-act@{day}:en") for day in ("2024-07-12", "2026-07-27"))


@pytest.fixture(scope="module")
def corpus(official_store: Store) -> Corpus:
    return official_store.corpus


def at(corpus: Corpus, name: ExpressionId | str, place: str) -> Provision:
    expression = ExpressionId.parse(name) if isinstance(name, str) else name
    return corpus.provision(expression, Pinpoint.parse(place))


class TestSaving:
    def test_what_is_saved_is_loaded_unchanged(self, corpus: Corpus, tmp_path: Path) -> None:
        save_corpus(corpus, tmp_path / "corpus.json")
        loaded = load_corpus(tmp_path / "corpus.json")
        assert loaded.expressions == corpus.expressions
        assert (loaded.id, loaded.built, loaded.missing) == (corpus.id, corpus.built, ())

    def test_a_subdivision_is_a_part_of_its_units_text(self, corpus: Corpus) -> None:
        for expression in corpus.expressions:
            for provision in expression.provisions:
                if provision.is_container:
                    continue
                unit = expression.at(provision.pinpoint.unit).text
                assert unit[provision.offset : provision.offset + len(provision.text)] == provision.text

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda text: text[: len(text) // 2],
            lambda text: "",
            lambda text: "[]",
            lambda text: json.dumps({"id": "x", "built": "y", "expressions": [{"id": "no expression"}]}),
            lambda text: text.replace('"article"', '"chapter house"'),
            lambda text: text.replace('"art_1"', '"nowhere"'),
            lambda text: text.replace('"law"', '"bylaw"'),
        ],
    )
    def test_what_is_not_a_corpus_is_stale(self, corpus: Corpus, tmp_path: Path, spoil: Callable[[str], str]) -> None:
        path = tmp_path / "corpus.json"
        save_corpus(Corpus("x", "y", corpus.expressions[:1]), path)
        path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
        with pytest.raises(StoreStale, match="cannot be read") as refused:
            load_corpus(path)
        assert "\n" not in str(refused.value)

    def test_a_file_that_is_gone_is_stale(self, tmp_path: Path) -> None:
        with pytest.raises(StoreStale, match="No such file"):
            load_corpus(tmp_path / "corpus.json")


class TestLookingUp:
    @pytest.mark.parametrize(
        ("instrument", "day", "name"),
        [
            (AI_ACT, "2024-07-11", None),
            (AI_ACT, "2024-07-12", "eu-ai-act@2024-07-12:en"),
            (AI_ACT, "2026-07-26", "eu-ai-act@2024-07-12:en"),
            (AI_ACT, "2026-07-27", "eu-ai-act@2026-07-27:en"),
            (AI_ACT, "2040-01-01", "eu-ai-act@2026-07-27:en"),
            (CONVENTION, "2024-09-04", None),
            (CONVENTION, "2024-09-05", "coe-ai-convention@2024-09-05:en"),
            ("no-such-act", "2030-01-01", None),
        ],
    )
    def test_the_wording_on_a_day(self, corpus: Corpus, instrument: str, day: str, name: str | None) -> None:
        found = corpus.wording_on(InstrumentId(instrument), date.fromisoformat(day))
        assert (str(found.id) if found else None) == name

    def test_another_language_has_its_own_wordings(self, corpus: Corpus) -> None:
        assert corpus.wording_on(AI_ACT, date(2026, 1, 1), "fr") is None
        assert [one.id for one in corpus.wordings(AI_ACT)] == [ADOPTED, AMENDED]

    @pytest.mark.parametrize(
        ("name", "place", "inserted"),
        [
            (AMENDED, "art_4a", True),
            (AMENDED, "art_5/1/ba", True),
            (AMENDED, "anx_XIV", True),
            (AMENDED, "art_3/14b", True),
            (AMENDED, "art_4", False),
            (AMENDED, "rct_1", False),
            (ADOPTED, "art_4", False),
            ("coe-ai-convention@2024-09-05:en", "art_1", False),
        ],
    )
    def test_what_an_amending_act_brought(
        self, corpus: Corpus, name: ExpressionId | str, place: str, inserted: bool
    ) -> None:
        assert corpus.is_inserted(at(corpus, name, place)) is inserted

    def test_a_place_that_is_not_there_is_one_line(self, corpus: Corpus) -> None:
        with pytest.raises(
            PinpointError, match=r"the AI Act has no Article 4a \(art_4a\) in the wording eu-ai-act@2024"
        ):
            at(corpus, ADOPTED, "art_4a")
        with pytest.raises(PinpointError, match="is not in this corpus; it has coe-ai-convention@"):
            corpus.expression(ExpressionId(AI_ACT, date(2025, 1, 1), "en"))


class TestCiting:
    @pytest.mark.parametrize(
        ("name", "place", "url"),
        [
            (ADOPTED, "art_5/1/f", "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:32024R1689#005.001"),
            (
                AMENDED,
                "art_5/1/f",
                "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:02024R1689-20260727#art_5",
            ),
            (AMENDED, "rct_12", "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:32024R1689#rct_12"),
            ("coe-ai-convention@2024-09-05:en", "art_3/1/b", "https://rm.coe.int/1680afae3c#page=3"),
        ],
    )
    def test_the_official_address(self, corpus: Corpus, name: ExpressionId | str, place: str, url: str) -> None:
        assert corpus.official_url(at(corpus, name, place)) == url

    def test_every_provision_has_an_official_address(self, corpus: Corpus) -> None:
        for expression in corpus.expressions:
            for provision in expression.provisions:
                assert corpus.official_url(provision).startswith("https://")

    @pytest.mark.parametrize(
        ("name", "place", "cited", "authority"),
        [
            ("coe-ai-convention@2024-09-05:en", "art_3/1/b", "Article 3(1)(b) of the Convention", Authority.LAW),
            ("coe-ai-convention@2024-09-05:en", "pre_3", "Preamble, paragraph 3 of the Convention", Authority.RECITAL),
            (AMENDED, "rct_12", "Recital 12 of the AI Act", Authority.RECITAL),
            (AMENDED, "anx_III/5/b", "Annex III, point 5(b) of the AI Act", Authority.LAW),
            (
                "ec-guidelines-prohibited-practices@2025-07-29:en",
                "para_120",
                "C(2025) 5052, para 120",
                Authority.GUIDANCE,
            ),
            (
                "eprs-gpai-code-at-a-glance@2025-08-01:en",
                "page_2/para_1",
                "EPRS, PE 775.890, page 2, para 1",
                Authority.COMMENTARY,
            ),
        ],
    )
    def test_the_printed_citation(
        self, corpus: Corpus, name: ExpressionId | str, place: str, cited: str, authority: Authority
    ) -> None:
        provision = at(corpus, name, place)
        assert corpus.cite(provision) == cited and corpus.authority(provision) is authority

    def test_a_document_without_an_address_has_none(self, corpus: Corpus) -> None:
        guide = corpus.wordings(InstrumentId("eprs-gpai-code-at-a-glance"))[0]
        own = Expression(
            guide.id, "", "Ours", guide.authority, "", guide.published, guide.provisions, column=guide.column
        )
        assert {Corpus("x", "y", (own,)).official_url(one) for one in own.provisions} == {""}
