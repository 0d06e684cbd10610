"""The naive pipelines to beat (the only door to langchain_text_splitters): the same texts cut at 1,000 characters.

A embeds the cuts and ranks by exact cosine, B ranks them by BM25, C fuses the two rankings; each once over the whole
corpus, and once over the compared instruments alone. All are given a conversation's earlier turns joined to its last,
and each cut counts for every provision that it touches.
"""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from assistant.answer import Answer, Evidence, Timings, Writer
from assistant.question import SIDES, Intent, Question
from eval.run import Entrant
from eval.score import RETRIEVAL
from ingest.corpus import DEFAULT_LANGUAGE, Corpus
from ingest.embedding import Embedder
from ingest.identifiers import InstrumentId
from ingest.instrument import Expression, Provision
from ingest.lexical import LexicalIndex
from ingest.pinpoint import Pinpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHARACTERS = 1000
OVERLAP = 200
TOP = 10
DEPTH = 50
FUSION = 60
"""The constant of reciprocal rank fusion, as its authors chose it."""

Ranked = list[tuple[int, float]]
Ranking = Callable[[str, int], Ranked]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece of an instrument's plain text, with the smallest provisions that it touches."""

    instrument: InstrumentId
    text: str
    touched: tuple[Pinpoint, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """An instrument's plain text as one string, and where in it the smallest provisions begin and end."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    places: tuple[Pinpoint, ...]

    def touched(self, start: int, end: int) -> tuple[Pinpoint, ...]:
        """The smallest provisions that share a character with [start, end)."""
        inside = self.places[bisect_right(self.ends, start) : bisect_left(self.starts, end)]
        return tuple(dict.fromkeys(inside))


@dataclass(frozen=True, slots=True)
class Naive:
    """A naive pipeline: a ranking of cuts, turned into evidence and nothing more."""

    name: str
    corpus: Corpus
    cuts: tuple[Cut, ...]
    rank: Ranking

    def ask(self, question: Question) -> Answer:
        """The ten best cuts as evidence; nothing is written or refused."""
        text = " ".join((*question.history, question.text))
        clock = time.perf_counter()
        best = self.rank(text, TOP)
        spent = (time.perf_counter() - clock) * 1000
        return Answer(
            id=question.id,
            question=question.text,
            standalone_question=text,
            intent=Intent.OTHER,
            as_of=question.as_of,
            scope=question.scope,
            writer=Writer(self.name),
            corpus_id=self.corpus.id,
            corpus_built=self.corpus.built,
            evidence=tuple(self._evidence(best)),
            timings=Timings(retrieve=spent),
        )

    def _evidence(self, best: Ranked) -> list[Evidence]:
        """One entry for each provision that a cut touches, all with the cut's rank."""
        return [
            Evidence(rank, self.cuts[number].instrument, place, score)
            for rank, (number, score) in enumerate(best, 1)
            for place in self.cuts[number].touched
        ]


def build_baselines(corpus: Corpus, embedder: Embedder, day: date, progress: Progress) -> tuple[Entrant, ...]:
    """The three naive pipelines over the wordings of a day: on the whole corpus, then on the compared instruments."""
    cuts = cut_corpus(corpus, day)
    texts = [cut.text for cut in cuts]
    vectors = embedder.embed(texts, lambda done: progress("embedding the cuts", done, len(texts)))
    laws = [number for number, cut in enumerate(cuts) if cut.instrument in SIDES]
    law_cuts = tuple(cuts[number] for number in laws)
    return (
        *_pipelines("", corpus, cuts, vectors, embedder),
        *(_pipelines("-laws", corpus, law_cuts, vectors[laws], embedder) if laws else ()),
    )


def _pipelines(
    ending: str, corpus: Corpus, cuts: tuple[Cut, ...], vectors: "NDArray[np.float32]", embedder: Embedder
) -> tuple[Entrant, ...]:
    lexical = LexicalIndex.build([cut.text for cut in cuts], DEFAULT_LANGUAGE)

    def rank_meaning(text: str, k: int) -> Ranked:
        return _nearest(vectors, embedder.embed_query(text), k)

    def rank_words(text: str, k: int) -> Ranked:
        return lexical.search(text, k)

    def rank_both(text: str, k: int) -> Ranked:
        return fuse([rank_meaning(text, DEPTH), rank_words(text, DEPTH)])[:k]

    rankings = {"naive-a": rank_meaning, "naive-b": rank_words, "naive-c": rank_both}
    names = {f"{name}{ending}": rank for name, rank in rankings.items()}
    return tuple(Entrant(name, Naive(name, corpus, cuts, rank), RETRIEVAL) for name, rank in names.items())


def cut_corpus(corpus: Corpus, day: date) -> tuple[Cut, ...]:
    """The plain text of every instrument in its wording of a day, cut at 1,000 characters."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=CHARACTERS, chunk_overlap=OVERLAP, add_start_index=True, strip_whitespace=True
    )
    cuts: list[Cut] = []
    for instrument in corpus.instruments:
        wording = corpus.wording_on(instrument, day)
        if wording is None:
            continue
        page = lay_out(wording)
        for document in splitter.create_documents([page.text]):
            start = int(document.metadata["start_index"])
            touched = page.touched(start, start + len(document.page_content))
            cuts.append(Cut(instrument, document.page_content, touched))
    return tuple(cuts)


def lay_out(wording: Expression) -> Page:
    """A wording as plain text: headings on lines of their own, units parted by an empty line."""
    parts: list[str] = []
    spans: list[tuple[int, int, Pinpoint]] = []
    cursor = 0
    for provision in wording.provisions:
        if not (provision.is_container or provision.is_unit):
            continue
        heading = f"{provision.label} {provision.heading}\n" if provision.heading else ""
        if provision.is_unit:
            begin = cursor + len(heading)
            spans += [(cursor, begin, provision.pinpoint)] if heading else []
            spans += [(begin + first, begin + last, place) for first, last, place in _smallest(wording, provision)]
        parts.append(f"{heading}{provision.text}\n\n")
        cursor += len(parts[-1])
    starts, ends, places = zip(*spans, strict=True)
    return Page("".join(parts), starts, ends, places)


def fuse(rankings: Sequence[Ranked]) -> Ranked:
    """Reciprocal rank fusion of equal weights: number and fused score, best first, equals by their number."""
    fused: dict[int, float] = {}
    for ranking in rankings:
        for rank, (number, _) in enumerate(ranking, 1):
            fused[number] = fused.get(number, 0.0) + 1 / (FUSION + rank)
    return sorted(fused.items(), key=lambda one: (-one[1], one[0]))


def _smallest(wording: Expression, unit: Provision) -> list[tuple[int, int, Pinpoint]]:
    """A unit's text parted among its provisions, each having what its children leave: start, end, place."""
    inside = list(wording.subtree(unit.pinpoint))
    starts = [provision.offset for provision in inside]
    ends = [*starts[1:], unit.offset + len(unit.text)]
    return [
        (start, end, provision.pinpoint)
        for start, end, provision in zip(starts, ends, inside, strict=True)
        if start < end
    ]


def _nearest(vectors: "NDArray[np.float32]", query: "NDArray[np.float32]", k: int) -> Ranked:
    scores = vectors @ query
    order = sorted(range(len(scores)), key=lambda number: (-float(scores[number]), number))[:k]
    return [(number, float(scores[number])) for number in order]
