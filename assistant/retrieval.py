"""What each instrument says on a subject: found by words and by meaning, each instrument searched on its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from assistant.analysis import keywords
from ingest.embedding import Embedder
from ingest.identifiers import InstrumentId
from ingest.index import Shelf, Store
from ingest.instrument import Authority, Expression, Provision
from ingest.passages import Passage, shelf_of

DEPTH = 250
COMMENTARY_DEPTH = 60
WORDS_WEIGHT = 0.35


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found, with its provision, and its weight among the hits, 0 to 1.

    `cosine` is its nearness to the question in meaning, `words` its BM25 as a share of the best.
    """

    provision: Provision
    passage: Passage
    score: float
    cosine: float
    words: float


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched: the words, and their vector."""

    words: str
    vector: NDArray[np.float32]


def make_query(phrase: str, embedder: Embedder) -> Query:
    """A query: its key words for the one engine, the vector of the whole phrase for the other."""
    return Query(keywords(phrase) or phrase, embedder.embed_query(phrase))


def search_wording(store: Store, query: Query, wording: Expression) -> list[Hit]:
    """The passages of one wording, best first."""
    shelf = store.shelves.get(shelf_of(wording))
    return [] if shelf is None else _fuse(store, shelf, query, frozenset({wording.instrument}), DEPTH)


def search_commentary(store: Store, query: Query, day: date) -> list[Hit]:
    """The passages of guidance and commentary published by a day, best first."""
    known = frozenset(
        one.instrument
        for one in store.corpus.expressions
        if one.authority is not Authority.LAW and one.published <= day
    )
    hits: list[Hit] = []
    for name, shelf in store.shelves.items():
        if name.startswith("commentary:") and known:
            hits += _fuse(store, shelf, query, known, COMMENTARY_DEPTH)
    return sorted(hits, key=lambda hit: -hit.score)


def fuse_scores(words: Mapping[int, float], meaning: Mapping[int, float]) -> dict[int, float]:
    """Both engines' scores by passage in one, best first: the cosine, and BM25 as a share of the best, weighted."""
    best = max(words.values(), default=1.0)
    scored = {
        number: (1 - WORDS_WEIGHT) * max(meaning.get(number, 0.0), 0.0) + WORDS_WEIGHT * words.get(number, 0.0) / best
        for number in {*words, *meaning}
    }
    return dict(sorted(scored.items(), key=lambda one: (-one[1], one[0])))


def _fuse(store: Store, shelf: Shelf, query: Query, instruments: frozenset[InstrumentId], depth: int) -> list[Hit]:
    """Both engines' findings in one list, at most so many of each."""
    words = dict(shelf.search_words(query.words, depth, instruments))
    meaning = dict(shelf.search_meaning(query.vector, depth, instruments))
    best = max(words.values(), default=1.0)
    return [
        _hit(store, shelf.passages[number], score, meaning.get(number, 0.0), words.get(number, 0.0) / best)
        for number, score in fuse_scores(words, meaning).items()
    ]


def _hit(store: Store, passage: Passage, score: float, cosine: float, words: float) -> Hit:
    return Hit(store.corpus.provision(passage.expression, passage.pinpoint), passage, score, cosine, words)
