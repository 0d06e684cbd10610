"""Our concordance and notes as a way into the law: everyday words and issues, each leading to places in instruments."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import platformdirs
from numpy.typing import NDArray

from ingest.concordance import Concordance, Correspondence, load_concordance
from ingest.embedding import Embedder
from ingest.identifiers import InstrumentId
from ingest.lexical import LexicalIndex
from ingest.notes import Note, load_notes
from ingest.pinpoint import Pinpoint

Vectors = NDArray[np.float32]
Progress = Callable[[str, int, int], None]
Places = Mapping[InstrumentId, tuple[Pinpoint, ...]]


class SignpostKind(StrEnum):
    """Which words of ours lead to the places."""

    NOTE = "note"
    ISSUE = "issue"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Signpost:
    """Words of ours that lead to places, the first place of an instrument being the one meant most."""

    text: str
    places: Places
    kind: SignpostKind = SignpostKind.NOTE
    correspondence: Correspondence | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """A correspondence, and the numbers of the signposts with its own words and with the questions asked on it."""

    correspondence: Correspondence
    own: list[int]
    asked: list[int]


class Guide:
    """All signposts, found by words and by meaning."""

    def __init__(self, signposts: tuple[Signpost, ...], lexical: LexicalIndex | None, vectors: Vectors) -> None:
        self.signposts = signposts
        self._lexical = lexical
        self._vectors = vectors
        self._leading: dict[tuple[InstrumentId, SignpostKind], list[int]] = {}
        issues: dict[str, Issue] = {}
        for number, signpost in enumerate(signposts):
            for instrument in (one for one, places in signpost.places.items() if places):
                self._leading.setdefault((instrument, signpost.kind), []).append(number)
            if signpost.correspondence is not None:
                issue = issues.setdefault(signpost.correspondence.id, Issue(signpost.correspondence, [], []))
                (issue.own if signpost.kind is SignpostKind.ISSUE else issue.asked).append(number)
        self.issues = tuple(issues.values())

    def only(self, keep: Callable[[Signpost], bool]) -> "Guide":
        """The guide with some of its signposts alone."""
        numbers = [number for number, signpost in enumerate(self.signposts) if keep(signpost)]
        signposts = tuple(self.signposts[number] for number in numbers)
        lexical = LexicalIndex.build([one.text for one in signposts]) if signposts else None
        return Guide(signposts, lexical, self._vectors[numbers])

    def leading_to(self, instrument: InstrumentId, kind: SignpostKind) -> NDArray[np.intp]:
        """The numbers of the signposts of a kind to places of an instrument."""
        return np.array(self._leading.get((instrument, kind), []), dtype=np.intp)

    def score(self, words: str, vector: Vectors, words_weight: float) -> tuple[Vectors, float]:
        """How well each signpost fits a query, from 0 to 1, and the best cosine of any.

        A signpost fits by its cosine and by its BM25 as a share of the best, weighed.
        """
        meaning = np.maximum(self._vectors @ vector, 0.0)
        found = self._lexical.score(words) if self._lexical else np.zeros(len(meaning), dtype=np.float32)
        best = float(found.max(initial=0.0))
        fused: Vectors = (1 - words_weight) * meaning + words_weight * (found / best if best else found)
        return fused, float(meaning.max(initial=0.0))


def open_guide(embedder: Embedder) -> Guide:
    """The signposts of the program's own concordance and notes; their vectors are kept in the user's cache."""
    signposts = tuple(list_signposts(load_concordance(), load_notes()))
    texts = [signpost.text for signpost in signposts]
    lexical = LexicalIndex.build(texts) if texts else None
    return Guide(signposts, lexical, _vectors(texts, embedder, None))


def prepare_guide(embedder: Embedder, progress: Progress) -> None:
    """Compute the vectors that `open_guide` takes from the cache, where they are not there yet."""
    texts = [signpost.text for signpost in list_signposts(load_concordance(), load_notes())]
    _vectors(texts, embedder, progress)


def list_signposts(
    concordance: Concordance, notes: Mapping[InstrumentId, Mapping[Pinpoint, Note]]
) -> Iterator[Signpost]:
    """A signpost for each correspondence and each question asked on it, each note, and each group of plain words."""
    for one in concordance.correspondence:
        text = f"{one.issue}\n{', '.join(one.words)}\n{' '.join(sentence.text for sentence in one.note)}"
        places = {InstrumentId(side): led for side, led in one.sides.items()}
        yield Signpost(text, places, SignpostKind.ISSUE, one)
        yield from (Signpost(asked, places, SignpostKind.ASKED, one) for asked in one.asked)
    for instrument, held in notes.items():
        for note in held.values():
            sentences = " ".join(sentence.text for sentence in note.sentences)
            yield Signpost(sentences, {instrument: (note.pinpoint,)})
            for plain in note.plain:
                yield from (Signpost(words, {instrument: (plain.at,)}) for words in plain.words)


def _vectors(texts: list[str], embedder: Embedder, progress: Progress | None) -> Vectors:
    """The texts' vectors, from the cache or computed and kept there; a cache that cannot be written is done without."""
    key = hashlib.sha256(json.dumps([embedder.fingerprint, texts]).encode()).hexdigest()[:16]
    kept = platformdirs.user_cache_path("visavis") / "guide" / f"{key}.npy"
    if kept.is_file():
        held: Vectors = np.load(kept, allow_pickle=False)
        return held
    report = progress or (lambda *_: None)
    vectors = embedder.embed(texts, progress=lambda done: report("notes", done, len(texts)))
    beside = kept.with_name(f".{key}-{os.getpid()}.npy")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(beside, vectors)
        beside.replace(kept)
    except OSError:
        return vectors
    return vectors
