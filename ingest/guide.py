"""Our concordance and notes as a way into the law: everyday words and issues, each leading to places in instruments."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Signpost:
    """Words of ours that lead to places, the first place of an instrument being the one meant most."""

    text: str
    places: Places
    correspondence: Correspondence | None = None


class Guide:
    """All signposts, found by words and by meaning."""

    def __init__(self, signposts: tuple[Signpost, ...], lexical: LexicalIndex | None, vectors: Vectors) -> None:
        self.signposts = signposts
        self._lexical = lexical
        self._vectors = vectors
        self._leading: dict[tuple[InstrumentId, bool], list[int]] = {}
        for number, signpost in enumerate(signposts):
            for instrument in (one for one, places in signpost.places.items() if places):
                self._leading.setdefault((instrument, signpost.correspondence is not None), []).append(number)

    def only(self, keep: Callable[[Signpost], bool]) -> "Guide":
        """The guide with some of its signposts alone."""
        numbers = [number for number, signpost in enumerate(self.signposts) if keep(signpost)]
        signposts = tuple(self.signposts[number] for number in numbers)
        lexical = LexicalIndex.build([one.text for one in signposts]) if signposts else None
        return Guide(signposts, lexical, self._vectors[numbers])

    def leading_to(self, instrument: InstrumentId, *, issues: bool) -> NDArray[np.intp]:
        """The numbers of the signposts to places of an instrument: the concordance's issues, or the notes."""
        return np.array(self._leading.get((instrument, issues), []), dtype=np.intp)

    def nearest(self, vector: Vectors) -> float:
        """The best cosine that any signpost has with a query."""
        return float((self._vectors @ vector).max(initial=0.0))

    def score(self, words: str, vector: Vectors, words_weight: float) -> Vectors:
        """How well each signpost fits a query, from 0 to 1: its cosine and its BM25 as a share of the best, weighed."""
        meaning = np.maximum(self._vectors @ vector, 0.0)
        found = np.zeros(len(meaning), dtype=np.float32)
        for number, score in self._lexical.search(words, len(meaning)) if self._lexical else ():
            found[number] = score
        best = float(found.max(initial=0.0))
        fused: Vectors = (1 - words_weight) * meaning + words_weight * (found / best if best else found)
        return fused


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
    """A signpost for each correspondence, each note, and each group of plain words."""
    for one in concordance.correspondence:
        text = f"{one.issue}\n{', '.join(one.words)}\n{' '.join(sentence.text for sentence in one.note)}"
        yield Signpost(text, {InstrumentId(side): places for side, places in one.sides.items()}, one)
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
