"""The naive pipelines on a small corpus, with an embedder that counts letters."""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.question import Question
from eval.baselines import TOP, build_baselines, cut_corpus, fuse, lay_out
from eval.run import Entrant
from eval.score import RETRIEVAL
from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT, CONVENTION, ExpressionId, InstrumentId
from ingest.instrument import Authority, Expression, ProvisionKind
from ingest.pinpoint import Pinpoint
from ingest.structure import Draft, build_provisions

DAY = date(2026, 11, 23)
WORDS = ("risk", "oversight", "transparency", "sandbox", "penalty", "privacy")


class Letters:
    """An embedder whose vectors count the letters of a text."""

    name = "letters"
    dimension = 26
    fingerprint = "letters"

    def embed(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        counts = np.array([text.casefold().count(chr(ord("a") + place)) for place in range(26)], dtype=np.float32)
        return counts / np.linalg.norm(counts)


def express(instrument: InstrumentId) -> Expression:
    """Six articles of two points, each point 600 characters of one word."""
    identity = ExpressionId(instrument, date(2024, 9, 5), "en")
    drafts = [
        Draft(
            ProvisionKind.ARTICLE,
            label=str(number),
            heading=f"On {word}",
            children=tuple(
                Draft(ProvisionKind.POINT, label=label, printed=f"({label})", text=f"{word} " * (600 // len(word)))
                for label in "ab"
            ),
        )
        for number, word in enumerate(WORDS, 1)
    ]
    return Expression(
        id=identity,
        title=instrument,
        short_title=instrument,
        authority=Authority.LAW,
        url="https://example.org",
        published=identity.effective,
        provisions=build_provisions(identity, drafts),
    )


@pytest.fixture(scope="module")
def texts() -> Corpus:
    instruments = (CONVENTION, AI_ACT, InstrumentId("some-commentary"))
    return Corpus("six", "2026-11-23T00:00:00Z", tuple(map(express, instruments)))


@pytest.fixture(scope="module")
def entrants(texts: Corpus) -> dict[str, Entrant]:
    def silent(_: str, __: int, ___: int) -> None:
        pass

    return {entrant.name: entrant for entrant in build_baselines(texts, Letters(), DAY, silent)}


def test_a_page_says_which_provision_stands_where(texts: Corpus) -> None:
    wording = texts.expressions[0]
    page = lay_out(wording)
    for path in ("art_2/a", "art_6/b"):
        provision = wording.at(Pinpoint.parse(path))
        start = page.text.index(provision.text)
        assert page.touched(start, start + len(provision.text)) == (provision.pinpoint,)
    heading = page.text.index("Article 3 On transparency")
    assert page.touched(heading, heading + 25) == (Pinpoint.parse("art_3"),)


def test_cuts_are_short_and_touch_what_they_hold(texts: Corpus) -> None:
    cuts = cut_corpus(texts, DAY)
    assert {cut.instrument for cut in cuts} == set(texts.instruments)
    for cut in cuts:
        assert 0 < len(cut.text) <= 1000
        touched = {place.unit for place in cut.touched}
        assert {
            Pinpoint.parse(f"art_{number}") for number, word in enumerate(WORDS, 1) if f"{word} {word}" in cut.text
        } <= touched


def test_a_wording_that_is_not_yet_there_is_not_cut(texts: Corpus) -> None:
    assert cut_corpus(texts, date(2020, 1, 1)) == ()


@pytest.mark.parametrize("name", ["naive-a", "naive-b", "naive-c", "naive-a-laws", "naive-b-laws", "naive-c-laws"])
def test_each_pipeline_finds_the_article_of_a_word(entrants: dict[str, Entrant], name: str) -> None:
    answer = entrants[name].respondent.ask(Question("sandbox"))
    assert answer.evidence[0].pinpoint.unit == Pinpoint.parse("art_4")
    assert answer.evidence[0].rank == 1
    assert max(one.rank for one in answer.evidence) <= TOP
    assert answer.citations == ()
    assert entrants[name].measures == RETRIEVAL


def test_the_laws_alone_leave_commentary_out(entrants: dict[str, Entrant]) -> None:
    found = {
        name: {one.instrument for one in entrants[name].respondent.ask(Question("sandbox")).evidence}
        for name in ("naive-b", "naive-b-laws")
    }
    assert found["naive-b-laws"] == {CONVENTION, AI_ACT}
    assert found["naive-b"] == {CONVENTION, AI_ACT, InstrumentId("some-commentary")}


def test_earlier_turns_are_searched_with_the_last(entrants: dict[str, Entrant]) -> None:
    answer = entrants["naive-b"].respondent.ask(Question("and there?", history=("privacy",)))
    assert answer.evidence[0].pinpoint.unit == Pinpoint.parse("art_6")


def test_fusion() -> None:
    # 7: 1/61 + 1/62; 5: 1/62 + 1/61, the same, so by number; 9: 1/63.
    fused = fuse([[(7, 0.9), (5, 0.8), (9, 0.1)], [(5, 3.0), (7, 2.0)]])
    assert [number for number, _ in fused] == [5, 7, 9]
    assert fused[0][1] == pytest.approx(1 / 61 + 1 / 62)
    assert fused[2][1] == pytest.approx(1 / 63)
