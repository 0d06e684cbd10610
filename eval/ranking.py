"""The retrieval on a BEIR-format set: meaning, words, and both fused, as the assistant searches one instrument.

A document that is too long for the model is cut into passages and ranks by its best one. Vectors are exact neighbours
in memory; they are kept in the user's cache by the hash of what was embedded, a thousand passages to a file, so that a
second run, or one after an interruption, embeds what is new.
"""

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.retrieval import DEPTH, fuse_scores, make_query
from eval.beir import BeirSet, Document, Qrels, unknown_documents
from eval.metrics import standard_error
from eval.ranking_metrics import RankingMeasure, measure_ranking, order_documents
from ingest.embedding import Embedder, count_word_pieces
from ingest.errors import UsageError
from ingest.lexical import LexicalIndex
from ingest.passages import cut_plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 1000
KEPT = 100
"""How many documents of each query a run file holds."""

_LOG = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
Ranking = Mapping[str, float]


class Engine(StrEnum):
    """How passages are found."""

    DENSE = "dense"
    LEXICAL = "lexical"
    FUSED = "fused"


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over queries and its standard error, None for one query."""

    mean: float
    error: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run on a set came to: counts, seconds by stage, and for each engine the measures and the rankings.

    `unknown` counts right documents that the set has no text of. A ranking gives each found document its score.
    """

    name: str
    split: str
    embedder: str
    documents: int
    passages: int
    queries: int
    unknown: int
    seconds: Mapping[str, float]
    means: Mapping[Engine, Mapping[RankingMeasure, Mean]]
    rankings: Mapping[Engine, Mapping[str, Ranking]]

    def names(self) -> Iterator[str]:
        """The ids of all queries and of all documents found."""
        for rankings in self.rankings.values():
            yield from rankings
            yield from (document for ranking in rankings.values() for document in ranking)


@dataclass(frozen=True, slots=True)
class Pieces:
    """A set's passages as the engines index them, and the document that each was cut from."""

    texts: tuple[str, ...]
    owners: tuple[str, ...]


@dataclass(frozen=True)
class Engines:
    """Both engines over one set's passages."""

    pieces: Pieces
    vectors: "NDArray[np.float32]"
    lexical: LexicalIndex
    embedder: Embedder

    def rank(self, text: str) -> dict[Engine, Ranking]:
        """The documents that each engine finds for a query, scored by their best passages."""
        query = make_query(text, self.embedder)
        words = dict(self.lexical.search(query.words, DEPTH))
        meaning = self._nearest(query.vector)
        found = {Engine.DENSE: meaning, Engine.LEXICAL: words, Engine.FUSED: fuse_scores(words, meaning)}
        return {engine: self._best(scores) for engine, scores in found.items()}

    def _nearest(self, vector: "NDArray[np.float32]") -> dict[int, float]:
        import numpy as np

        cosines = self.vectors @ vector
        best = np.argsort(-cosines, kind="stable")[:DEPTH]
        return {int(number): float(cosines[number]) for number in best}

    def _best(self, scores: Mapping[int, float]) -> Ranking:
        best: dict[str, float] = {}
        for number, score in scores.items():
            owner = self.pieces.owners[number]
            best[owner] = max(score, best.get(owner, score))
        return best


def run_set(found: BeirSet, split: str, embedder: Embedder, progress: Progress, limit: int | None = None) -> Outcome:
    """Search a set's judged queries, the first `limit` of them, with each engine, and measure what was found."""
    judged = dict(list(found.judged(split).items())[:limit])
    clock = [time.perf_counter()]
    pieces = cut_documents(found.documents, progress)
    clock.append(time.perf_counter())
    vectors = embed_kept(pieces.texts, embedder, progress)
    clock.append(time.perf_counter())
    engines = Engines(pieces, vectors, LexicalIndex.build(pieces.texts), embedder)
    clock.append(time.perf_counter())
    rankings: dict[Engine, dict[str, Ranking]] = {engine: {} for engine in Engine}
    for done, query in enumerate(judged):
        progress("searching", done, len(judged))
        for engine, ranking in engines.rank(found.queries[query]).items():
            rankings[engine][query] = ranking
    progress("searching", len(judged), len(judged))
    clock.append(time.perf_counter())
    stages = ("cutting", "embedding", "indexing", "searching")
    return Outcome(
        name=found.name,
        split=split,
        embedder=embedder.name,
        documents=len(found.documents),
        passages=len(pieces.texts),
        queries=len(judged),
        unknown=unknown_documents(found, split),
        seconds={stage: round(end - start, 2) for stage, start, end in zip(stages, clock, clock[1:], strict=False)},
        means={engine: average(ranked, judged) for engine, ranked in rankings.items()},
        rankings=rankings,
    )


def average(rankings: Mapping[str, Ranking], judged: Qrels) -> dict[RankingMeasure, Mean]:
    """The mean of every measure over all judged queries, one without a ranking counting as 0."""
    each = [measure_ranking(order_documents(rankings.get(query, {})), grades) for query, grades in judged.items()]
    return {measure: _mean([one[measure] for one in each]) for measure in RankingMeasure}


def _mean(values: Sequence[float]) -> Mean:
    return Mean(sum(values) / len(values), standard_error(values))


def cut_documents(documents: Sequence[Document], progress: Progress) -> Pieces:
    """Cut documents into passages that the model reads whole."""
    texts: list[str] = []
    owners: list[str] = []
    for done, document in enumerate(documents):
        progress("cutting", done, len(documents))
        cut = list(cut_plain(document.title, document.text, count_word_pieces))
        texts += cut
        owners += [document.id] * len(cut)
    progress("cutting", len(documents), len(documents))
    return Pieces(tuple(texts), tuple(owners))


def embed_kept(texts: Sequence[str], embedder: Embedder, progress: Progress) -> "NDArray[np.float32]":
    """Embed texts as an array (n, dimension), taking from the user's cache what was embedded before."""
    import numpy as np

    folder = vectors_folder() / embedder.fingerprint[:16]
    parts: list[NDArray[np.float32]] = []
    for first in range(0, len(texts), CHUNK):
        chunk = texts[first : first + CHUNK]
        file = folder / f"{_hash(chunk)}.npy"
        known = _load(file, (len(chunk), embedder.dimension))
        if known is None:
            known = embedder.embed(chunk, partial(_report, progress, first, len(texts)))
            _keep(file, known)
        parts.append(known)
    progress("embedding", len(texts), len(texts))
    return np.concatenate(parts)


def _report(progress: Progress, before: int, whole: int, done: int) -> None:
    """Tell how many of all texts are embedded; the end is told once, when they are kept too."""
    if before + done < whole:
        progress("embedding", before + done, whole)


def vectors_folder() -> Path:
    """Where the vectors of sets are kept; it may be removed at any time."""
    import platformdirs

    return platformdirs.user_cache_path("visavis") / "sets"


def _hash(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def _load(file: Path, shape: tuple[int, int]) -> "NDArray[np.float32] | None":
    """What is kept in a file, None where there is none or it is damaged."""
    import numpy as np

    with suppress(OSError, ValueError, EOFError):
        kept: NDArray[np.float32] = np.load(file, allow_pickle=False)
        if kept.shape == shape and kept.dtype == np.float32:
            return kept
    return None


def _keep(file: Path, vectors: "NDArray[np.float32]") -> None:
    """Write vectors beside and move them into place; where the cache cannot be written, each run embeds again."""
    import numpy as np

    beside = file.with_name(f".{os.getpid()}-{file.name}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(beside, vectors)
        beside.replace(file)
    except OSError as error:
        _LOG.warning("The vectors cannot be kept in %s (%s): each run embeds anew.", file.parent, error.strerror)


def write_run_files(outcome: Outcome, folder: Path) -> tuple[Path, ...]:
    """Write each engine's rankings as TREC run files, `<engine>.trec`; raises UsageError when that cannot be done."""
    spaced = next((one for one in outcome.names() if any(letter.isspace() for letter in one)), None)
    if spaced is not None:
        raise UsageError(f"{spaced!r} has white space in it, which parts the columns of a run file; rename it.")
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for engine, rankings in outcome.rankings.items():
            written.append(folder / f"{engine}.trec")
            written[-1].write_text("".join(_run_lines(engine, rankings)), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"run files cannot be written to {folder} ({error.strerror}); name another folder.") from None
    return tuple(written)


def _run_lines(engine: Engine, rankings: Mapping[str, Ranking]) -> Iterator[str]:
    for query, ranking in rankings.items():
        for rank, document in enumerate(order_documents(ranking)[:KEPT], 1):
            yield f"{query} Q0 {document} {rank} {ranking[document]:.9g} visavis-{engine}\n"
