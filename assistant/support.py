"""How far words of the law carry words about it: shared words, words of like meaning, and the nearness of the whole."""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from assistant.drafting import Passage
from assistant.wording import Manner, read_manner, stems_of
from ingest.citation import find_citations, find_instruments
from ingest.corpus import Corpus
from ingest.embedding import Embedder
from ingest.instrument import Expression, Provision
from ingest.lexical import analyse

COVERAGE_WEIGHT = 0.5
"""What coverage weighs in the support of a sentence; the rest is nearness."""

LIKE = 0.2
"""The cosine of two words from which on they count as somewhat alike."""

MOST_CLAUSES = 16
"""How many clauses of a passage are embedded each for itself."""

_LONGEST = 1200
_WORD = re.compile(r"[a-z][a-z-]{2,}")
_SENTENCE_END = re.compile(r"(?<=[.;])\s+")
_AUXILIARIES = (
    "about all allow allows also among and another any are been being between both but can cannot could does done "
    "each even every for from give given gives had has have here into its made make makes may might more most "
    "must need needs nor not only onto other over own per permit permits require required requires said say says "
    "set sets shall should still such take taken takes than that the their them then there these they this those "
    "under unless upon use used uses very via was were when where whether which while whose will with within "
    "would"
)
_EMPTY = frozenset(_AUXILIARIES.split())


@dataclass(frozen=True, slots=True)
class LawClause:
    """A sentence of a passage; `text` has it after the opening words that it hangs from, `terms` are its own."""

    passage: int
    sentence: str
    text: str
    terms: frozenset[str]
    manner: Manner


def read_clauses(passage: Passage, corpus: Corpus) -> tuple[LawClause, ...]:
    """The clauses of a passage, each sentence of a point after the words that introduce the point."""
    wording = corpus.expression(passage.provision.expression)
    first = passage.provision.offset + passage.start
    last = passage.provision.offset + passage.end
    found: list[LawClause] = []
    for part in wording.subtree(passage.provision.pinpoint):
        own = part.text[: _own_length(wording, part)]
        start, end = max(first - part.offset, 0), min(last - part.offset, len(own))
        if start >= end:
            continue
        lead = _lead_in(wording, part)
        for sentence in _SENTENCE_END.split(own[start:end]):
            text = f"{lead} {sentence}".strip()
            found.append(LawClause(passage.n, sentence, text, frozenset(analyse(sentence)), read_manner(text)))
    return tuple(found)


def _own_length(wording: Expression, provision: Provision) -> int:
    """How much of a provision's text stands before its first subdivision."""
    below = [one for one in wording.children(provision.pinpoint) if one.pinpoint.unit == provision.pinpoint.unit]
    return below[0].offset - provision.offset if below else len(provision.text)


def _lead_in(wording: Expression, provision: Provision) -> str:
    """The opening words, ending in a colon, of what a provision hangs from."""
    opening: list[str] = []
    for above in wording.ancestors(provision):
        words = above.text[: _own_length(wording, above)].strip()
        if not above.is_container and words.endswith(":"):
            opening.append(words)
    return " ".join(opening)


def content_words(text: str) -> tuple[str, ...]:
    """The words of a text that say something of its matter: no names of instruments, no references, no auxiliaries."""
    spans = {(one.start, one.end) for one in find_citations(text)} | {
        (one.start, one.end) for one in find_instruments(text)
    }
    for start, end in sorted(spans, reverse=True):
        text = f"{text[:start]} {text[end:]}"
    return tuple(dict.fromkeys(word for word in _WORD.findall(text.lower()) if word not in _EMPTY and stems_of(word)))


def measure_support(text: str, passages: Sequence[Passage], corpus: Corpus, embedder: Embedder) -> float:
    """How far passages carry a text, from 0 to about 1; 1 for a text that says nothing of a matter."""
    words = content_words(text)
    if not words or not passages:
        return float(not words)
    held = [_hold(embedder, _units(passage, corpus)) for passage in passages]
    asked = np.stack([vector(embedder, text), vector(embedder, " ".join(words))])
    near = max(float((one.units @ asked.T).max()) for one in held)
    return COVERAGE_WEIGHT * _cover(words, held, embedder) + (1 - COVERAGE_WEIGHT) * near


def _units(passage: Passage, corpus: Corpus) -> tuple[str, ...]:
    """What of a passage is held against a text: the whole with its headings, and its clauses."""
    path = corpus.expression(passage.provision.expression).heading_path(passage.provision)
    clauses = [clause.text for clause in read_clauses(passage, corpus)]
    whole = f"{path} {passage.text}"
    return (whole[:_LONGEST], *(clause[-_LONGEST:] for clause in clauses[:MOST_CLAUSES]))


@dataclass(frozen=True, slots=True)
class _Held:
    """What a passage has: its units as vectors (m, dimension), its words as vectors (k, dimension), their stems."""

    units: NDArray[np.float32]
    words: NDArray[np.float32]
    stems: frozenset[str]


def _hold(embedder: Embedder, units: tuple[str, ...]) -> _Held:
    return _held(cast(Hashable, embedder), units)


@lru_cache(maxsize=256)
def _held(key: Hashable, units: tuple[str, ...]) -> _Held:
    embedder = cast(Embedder, key)
    words = {word for text in units for word in _WORD.findall(text.lower()) if word not in _EMPTY and stems_of(word)}
    vectors = [vector(embedder, word) for word in sorted(words)] or [vector(embedder, units[0])]
    stems = frozenset(stem for word in words for stem in stems_of(word))
    return _Held(np.stack([vector(embedder, text) for text in units]), np.stack(vectors), stems)


def _cover(words: Sequence[str], held: Sequence[_Held], embedder: Embedder) -> float:
    """The share of the words that passages have, a word of like meaning counting in part."""
    total = 0.0
    for word in words:
        if any(not one.stems.isdisjoint(stems_of(word)) for one in held):
            total += 1.0
        else:
            like = max(float(np.max(one.words @ vector(embedder, word))) for one in held)
            total += max(0.0, like - LIKE) / (1 - LIKE)
    return total / len(words)


def vector(embedder: Embedder, text: str) -> NDArray[np.float32]:
    """The vector of a text, kept for the next time."""
    return _vector(cast(Hashable, embedder), text)


@lru_cache(maxsize=16384)
def _vector(embedder: Hashable, text: str) -> NDArray[np.float32]:
    return cast(Embedder, embedder).embed_query(text)
