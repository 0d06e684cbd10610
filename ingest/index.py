"""The index (the only door to Chroma): built beside the one that serves, switched in one step, searched by shelf.

`$VISAVIS_INDEX/<corpus id>/` holds a whole index: `corpus.json`, `shelves.json`, `chroma/`, `lexical/<shelf>/`; one
that is built again, while the first may still serve, stands beside it as `<corpus id>.2`.
`$VISAVIS_INDEX/CURRENT-<search path>` names the one that serves a search path, and is replaced by rename.
"""

import fcntl
import json
import os
import re
import shutil
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from ingest.corpus import Corpus, Missing, load_corpus, save_corpus
from ingest.embedding import Embedder
from ingest.errors import IdentifierError, PinpointError, StoreError, StoreMissing, StoreStale, StoreUnwritable
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.lexical import LexicalIndex
from ingest.passages import Passage, Size, cut_expression, shelf_of
from ingest.pinpoint import Pinpoint

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection

FORMAT = 4
"""The version of what is on the disk and of how passages are cut: a change of it makes older indexes stale."""

LABEL = "shelves.json"
TEXTS = "corpus.json"
SEARCH_WIDTH = 1000
BUILD_WIDTH = 200
LEAST_SYNC = 3  # passages; what Chroma allows
PART = 5000
"""The most passages of one of Chroma's collections; a larger shelf has several.

The work of building a graph of neighbours grows faster than the number of vectors in it, and its recall falls; of parts
of one size both stay as they are.
"""


Vectors = NDArray[np.float32]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Shelf:
    """The passages that are searched together, in both engines, under one numbering.

    `parts` are Chroma's collections of `PART` passages each, the last one shorter, with the numbers as ids.
    """

    name: str
    passages: tuple[Passage, ...]
    lexical: LexicalIndex
    parts: tuple["Collection", ...]

    @cached_property
    def instruments(self) -> frozenset[InstrumentId]:
        """Whose passages stand here."""
        return frozenset(passage.expression.instrument for passage in self.passages)

    def search_words(self, query: str, k: int, instruments: frozenset[InstrumentId]) -> list[tuple[int, float]]:
        """At most `k` passages that share words with the query, best first: number and BM25 score."""
        return self.lexical.search(query, k, self._mask(instruments))

    def search_meaning(self, vector: Vectors, k: int, instruments: frozenset[InstrumentId]) -> list[tuple[int, float]]:
        """At most `k` passages nearest to a unit vector, best first: number and cosine."""
        scored = chain.from_iterable(
            self._search_part(number, vector, k, instruments) for number in self._within(instruments)
        )
        return sorted(scored, key=lambda one: (-one[1], one[0]))[:k]

    @cached_property
    def _instruments_of_parts(self) -> tuple[frozenset[InstrumentId], ...]:
        firsts = range(0, len(self.passages), PART)
        return tuple(frozenset(one.expression.instrument for one in self.passages[at : at + PART]) for at in firsts)

    def _within(self, instruments: frozenset[InstrumentId]) -> Iterator[int]:
        """The parts that have passages of these instruments."""
        return (number for number, own in enumerate(self._instruments_of_parts) if own & instruments)

    def _search_part(
        self, number: int, vector: Vectors, k: int, instruments: frozenset[InstrumentId]
    ) -> Iterator[tuple[int, float]]:
        whole = self._instruments_of_parts[number] <= instruments
        where: Any = None if whole else {"instrument": {"$in": sorted(instruments)}}
        found = self.parts[number].query(
            query_embeddings=[vector.tolist()],
            n_results=min(k, len(self.passages) - number * PART, PART),
            where=where,
            include=["distances"],
        )
        distances = found["distances"]
        assert distances is not None
        return ((int(name), 1.0 - distance) for name, distance in zip(found["ids"][0], distances[0], strict=True))

    def _mask(self, instruments: frozenset[InstrumentId]) -> NDArray[np.bool_] | None:
        if self.instruments <= instruments:
            return None
        return np.array([passage.expression.instrument in instruments for passage in self.passages])


class Store:
    """An open index: the corpus and its shelves. It holds its folder against removal until it is dropped."""

    def __init__(self, folder: Path, corpus: Corpus, shelves: Mapping[str, Shelf], opened: ExitStack) -> None:
        self.folder = folder
        self.corpus = corpus
        self.shelves = dict(shelves)
        self._finalizer = weakref.finalize(self, opened.close)

    @classmethod
    def open(cls, folder: Path, missing: Sequence[Missing] = ()) -> Self:
        """Open a whole index.

        Raises StoreMissing without one, StoreStale when another version built it, StoreError when it is damaged.
        """
        with ExitStack() as opened:
            held = opened.enter_context(_hold(folder))
            with _damage_named(folder):
                record = _read_label(folder, held)
                _check_sizes(folder, record["sizes"])
                corpus = replace(load_corpus(folder / TEXTS), missing=tuple(missing))
                client = opened.enter_context(_open_chroma(folder))
                cuts = record["shelves"].items()
                shelves = {name: _open_shelf(folder, client, corpus, name, cut) for name, cut in cuts}
            return cls(folder, corpus, shelves, opened.pop_all())

    def close(self) -> None:
        """Let go of the folder."""
        self._finalizer()


def index_root() -> Path:
    """Where the indexes are: $VISAVIS_INDEX, or `index` in the user's data folder."""
    import platformdirs

    named = os.environ.get("VISAVIS_INDEX")
    return Path(named).expanduser() if named else platformdirs.user_data_path("visavis") / "index"


@dataclass(frozen=True, slots=True)
class Current:
    """What serves a search path: the folder of an index, and the texts that could not be had for it."""

    folder: str
    missing: tuple[Missing, ...] = ()

    @property
    def corpus_id(self) -> str:
        """The corpus that the index is of."""
        return self.folder.partition(".")[0]


def current_file(root: Path, key: str) -> Path:
    """The file that names what serves a search path."""
    return root / f"CURRENT-{key}"


def read_current(root: Path, key: str) -> Current | None:
    """What serves a search path, or None when nothing whole does."""
    try:
        folder, *lines = current_file(root, key).read_text(encoding="utf-8").splitlines()
        missing = tuple(Missing.read(json.loads(line)) for line in lines)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return Current(folder, missing) if is_whole(root / folder) else None


def open_current(root: Path, key: str) -> Store | None:
    """Open what serves a search path, None when nothing does; raises StoreStale or StoreError."""
    while (current := read_current(root, key)) is not None:
        try:
            return Store.open(root / current.folder, current.missing)
        except StoreMissing:
            continue  # another one was switched to, and this one swept away, since CURRENT was read
    return None


def is_whole(folder: Path) -> bool:
    """Whether a folder holds an index that was built to its end."""
    return (folder / LABEL).is_file()


def switch(root: Path, key: str, current: Current) -> None:
    """Make an index the one that serves a search path, in one step."""
    beside = root / f".CURRENT-{key}-{os.getpid()}"
    lines = (current.folder, *(json.dumps(one.record(), ensure_ascii=True) for one in current.missing))
    with _written(root):
        beside.write_text("\n".join(lines) + "\n", encoding="utf-8")
        beside.replace(current_file(root, key))


def find_whole(root: Path, corpus_id: str, serving: Current | None = None) -> str | None:
    """The folder of a whole index of a corpus, the one that serves before others, or None."""
    if serving is not None and serving.corpus_id == corpus_id:
        return serving.folder
    return next((folder.name for folder in sorted(root.glob(f"{corpus_id}*"), reverse=True) if is_whole(folder)), None)


def sweep(root: Path) -> bool:
    """Remove indexes that serve no search path and that no process holds, and what interrupted builds left.

    Gives whether nothing is left to remove. To be called under `building`, for it takes a build that is under way for
    an interrupted one.
    """
    named = {path.read_text(encoding="utf-8").partition("\n")[0] for path in root.glob("CURRENT-*")}
    for path in root.glob(".CURRENT-*"):
        path.unlink(missing_ok=True)
    unnamed = [path for path in root.iterdir() if path.is_dir() and path.name not in named]
    return all([_discard(folder) for folder in unnamed])


def tidy(root: Path) -> bool:
    """Sweep, unless a build is under way; gives whether nothing is left to remove."""
    with (root / ".lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return sweep(root)


def _discard(folder: Path) -> bool:
    """Remove a folder that no CURRENT names, unless somebody holds it."""
    if is_whole(folder):
        with (folder / LABEL).open(encoding="utf-8") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


@contextmanager
def building(root: Path, progress: Progress) -> Iterator[None]:
    """Hold the index folder for one build at a time; raises StoreUnwritable when it cannot be written."""
    with _written(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / ".lock").open("w", encoding="utf-8")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another ingest", 0, 1)
            fcntl.flock(lock, fcntl.LOCK_EX)
            progress("waiting for another ingest", 1, 1)
        yield


@contextmanager
def _written(root: Path) -> Iterator[None]:
    """Turn a folder that refuses, or a disk that is full, into StoreUnwritable."""
    try:
        yield
    except OSError as error:
        raise StoreUnwritable(
            f"the index folder {root} cannot be written ({error.strerror or error}); "
            "free it, or name another one in VISAVIS_INDEX."
        ) from None


def build_index(
    corpus: Corpus, embedder: Embedder, size: Size, root: Path, progress: Progress, *, anew: bool = False
) -> Path:
    """Write a whole index beside the others and give its folder.

    Passages whose words an index of the same embedder already holds are not embedded again, unless `anew`.
    """
    # Chroma never opens a path again in a process in which that failed once: each build has a name of its own.
    beside = root / f".building-{os.getpid()}-{time.time_ns()}"
    cut = _cut_shelves(corpus, size, progress)
    known = {} if anew else _known_vectors(root, embedder)
    try:
        vectors = _embed(cut, embedder, known, progress)
        with _written(root):
            beside.mkdir()
            _write_engines(beside, cut, vectors, progress)
            save_corpus(corpus, beside / TEXTS)
            _write_label(beside, cut, embedder)
            whole = _free_folder(root, corpus.id)
            beside.rename(whole)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return whole


def _free_folder(root: Path, corpus_id: str) -> Path:
    """A folder for an index: an interrupted one is removed, a whole one is left where it is."""
    names = chain([corpus_id], (f"{corpus_id}.{number}" for number in count(2)))
    folder = next(root / name for name in names if not is_whole(root / name))
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _write_label(folder: Path, cut: Mapping[str, Sequence[Passage]], embedder: Embedder) -> None:
    """Write what the index is made of, last: a folder without it is not whole."""
    record = {
        "format": FORMAT,
        "embedder": embedder.fingerprint,
        "sizes": {path.relative_to(folder).as_posix(): path.stat().st_size for path in _lasting_files(folder)},
        "shelves": {name: _cut_record(passages) for name, passages in cut.items()},
    }
    beside = folder / f".{LABEL}"
    beside.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    beside.replace(folder / LABEL)


def _lasting_files(folder: Path) -> list[Path]:
    """The files that nothing writes to once they are built: all but the database, which checks itself."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if not path.name.startswith("chroma.sqlite3"))


@contextmanager
def _hold(folder: Path) -> Iterator[IO[str]]:
    """Hold a whole index against removal; raises StoreMissing where there is none, or no longer."""
    missing = StoreMissing(f"there is no index in {folder}; run `visavis ingest`.")
    try:
        held = (folder / LABEL).open(encoding="utf-8")
    except OSError:
        raise missing from None
    with held:
        fcntl.flock(held, fcntl.LOCK_SH)
        if not is_whole(folder):
            raise missing
        yield held


def _read_label(folder: Path, held: IO[str]) -> dict[str, Any]:
    record: dict[str, Any] = json.load(held)
    if record.get("format") != FORMAT:
        raise StoreStale(f"the index in {folder} was built by another version; run `visavis ingest`.")
    return record


def _check_sizes(folder: Path, sizes: Mapping[str, int]) -> None:
    """Raise ValueError for a file that is gone or cut: the engines would answer from what is left of it."""
    for name, size in sizes.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise ValueError(f"{name} is missing or cut")


@contextmanager
def _damage_named(folder: Path) -> Iterator[None]:
    """Turn what the engines and the label's reader raise on a damaged index into StoreError."""
    from chromadb.errors import ChromaError

    unfit = (ChromaError, OSError, ValueError, LookupError, TypeError, AttributeError)
    damage = (*unfit, IdentifierError, PinpointError, StoreMissing)
    try:
        yield
    except damage as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StoreError(f"the index in {folder} is damaged ({reason}); run `visavis ingest --rebuild`.") from None


def _cut_shelves(corpus: Corpus, size: Size, progress: Progress) -> dict[str, tuple[Passage, ...]]:
    cut: dict[str, list[Passage]] = {}
    for place, expression in enumerate(corpus.expressions):
        progress("cutting", place, len(corpus.expressions))
        cut.setdefault(shelf_of(expression), []).extend(cut_expression(expression, size))
    progress("cutting", len(corpus.expressions), len(corpus.expressions))
    return {name: tuple(passages) for name, passages in cut.items()}


def _known_vectors(root: Path, embedder: Embedder) -> dict[str, Vectors]:
    """Vectors by passage key from the whole indexes that were built with the same embedder; a damaged one has none."""
    known: dict[str, Vectors] = {}
    for label in sorted(root.glob(f"*/{LABEL}")):
        with suppress(StoreError), _damage_named(label.parent):
            known.update(_vectors_of(label.parent, embedder))
    return known


def _vectors_of(folder: Path, embedder: Embedder) -> dict[str, Vectors]:
    found: dict[str, Vectors] = {}
    with _hold(folder) as held:
        record = _read_label(folder, held)
        if record["embedder"] != embedder.fingerprint:
            return {}
        _check_sizes(folder, record["sizes"])
        with _open_chroma(folder) as client:
            for collection in client.list_collections():
                held_vectors = collection.get(include=["embeddings", "metadatas"])
                keys = (str(entry["key"]) for entry in held_vectors["metadatas"] or ())
                found.update(zip(keys, np.asarray(held_vectors["embeddings"], dtype=np.float32), strict=True))
    return found


def _embed(
    cut: Mapping[str, Sequence[Passage]], embedder: Embedder, known: dict[str, Vectors], progress: Progress
) -> dict[str, Vectors]:
    """A vector for each passage key."""
    wanted = {passage.key: passage for passages in cut.values() for passage in passages}
    fresh = {key: passage.searchable for key, passage in wanted.items() if key not in known}
    found = embedder.embed(tuple(fresh.values()), progress=lambda done: progress("embedding", done, len(fresh)))
    return {**{key: known[key] for key in wanted if key in known}, **dict(zip(fresh, found, strict=True))}


def _write_engines(
    folder: Path, cut: Mapping[str, Sequence[Passage]], vectors: Mapping[str, Vectors], progress: Progress
) -> None:
    from chromadb.errors import ChromaError

    try:
        with _open_chroma(folder) as client:
            for place, (name, passages) in enumerate(cut.items()):
                progress("indexing", place, len(cut))
                lexical = LexicalIndex.build(
                    [passage.searchable for passage in passages], passages[0].expression.language
                )
                lexical_folder = folder / "lexical" / _safe(name)
                lexical_folder.mkdir(parents=True)
                lexical.save(lexical_folder)
                _fill(client, name, passages, vectors)
    except ChromaError as error:
        raise OSError(str(error)) from None
    progress("indexing", len(cut), len(cut))


def _fill(client: "Client", name: str, passages: Sequence[Passage], vectors: Mapping[str, Vectors]) -> None:
    """Write a shelf's passages into collections of `PART` each, every one laid on the disk once, when it is full."""
    for number, first in enumerate(range(0, len(passages), PART)):
        part = passages[first : first + PART]
        collection = client.create_collection(
            _part_name(name, number),
            embedding_function=None,
            configuration={
                "hnsw": {
                    "space": "ip",
                    "ef_search": SEARCH_WIDTH,
                    "ef_construction": BUILD_WIDTH,
                    "sync_threshold": max(len(part), LEAST_SYNC),
                }
            },
        )
        collection.add(
            ids=[str(first + place) for place in range(len(part))],
            embeddings=np.stack([vectors[passage.key] for passage in part]),
            metadatas=[
                {
                    "key": passage.key,
                    "instrument": passage.expression.instrument,
                    "expression": str(passage.expression),
                    "pinpoint": str(passage.pinpoint),
                }
                for passage in part
            ],
        )


def _part_name(shelf: str, number: int) -> str:
    return f"{_safe(shelf)}.{number + 1}"


def _open_chroma(folder: Path) -> "Client":
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(path=str(folder / "chroma"), settings=Settings(anonymized_telemetry=False))
    return cast("Client", client)


def _open_shelf(folder: Path, client: "Client", corpus: Corpus, name: str, cut: Iterable[Sequence[Any]]) -> Shelf:
    passages = tuple(_read_cut(corpus, cut))
    lexical = LexicalIndex.load(folder / "lexical" / _safe(name))
    numbers = range(-(-len(passages) // PART))
    parts = tuple(client.get_collection(_part_name(name, number), embedding_function=None) for number in numbers)
    if not len(passages) == lexical.size == sum(part.count() for part in parts):
        raise ValueError(f"{name} has {len(passages)} passages, of which not all can be searched")
    return Shelf(name, passages, lexical, parts)


def _cut_record(passages: Iterable[Passage]) -> list[list[Any]]:
    return [[str(one.expression), str(one.pinpoint), one.start, one.end, one.context] for one in passages]


def _read_cut(corpus: Corpus, cut: Iterable[Sequence[Any]]) -> Iterator[Passage]:
    expressions: dict[str, ExpressionId] = {str(expression.id): expression.id for expression in corpus.expressions}
    for expression, path, start, end, context in cut:
        provision = corpus.provision(expressions[expression], Pinpoint.parse(path))
        yield Passage(provision.expression, provision.pinpoint, start, end, context, provision.text[start:end])


def _safe(name: str) -> str:
    """A shelf's name as Chroma and the file system take it."""
    return re.sub(r"[^A-Za-z0-9.-]", "_", name)
