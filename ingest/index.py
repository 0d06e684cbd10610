"""The index: built beside the one that serves, switched in one step, searched by shelf.

`$VISAVIS_INDEX/<corpus id>/` holds a whole index: `corpus.json`, `shelves.json`, `chroma/`, `lexical/<shelf>/`; one
that is built again, while the first may still serve, stands beside it as `<corpus id>.2`. Where VISAVIS_CHROMA_URL
names a server, the vectors lie there and `vectors.json` says under which prefix.
`$VISAVIS_INDEX/CURRENT-<search path>` names the one that serves a search path, and is replaced by rename.
"""

import fcntl
import json
import os
import re
import secrets
import shutil
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, count
from pathlib import Path
from typing import IO, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ingest.chroma import Entry, Part, Place, Shelving, Vectors, find_server
from ingest.corpus import Corpus, Missing, load_corpus, save_corpus
from ingest.embedding import Embedder
from ingest.errors import (
    IdentifierError,
    PinpointError,
    StoreAway,
    StoreError,
    StoreMissing,
    StoreStale,
    StoreUnwritable,
    UsageError,
    VisavisError,
)
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.lexical import LexicalIndex
from ingest.passages import Passage, Size, cut_expression, shelf_of
from ingest.pinpoint import Pinpoint

FORMAT = 4
"""The version of what is on the disk and of how passages are cut: a change of it makes older indexes stale."""

LABEL = "shelves.json"
TEXTS = "corpus.json"
AFAR = "vectors.json"
CARRIED = "vectors.npz"
PART = 5000
"""The most passages of one of Chroma's collections; a larger shelf has several.

The work of building a graph of neighbours grows faster than the number of vectors in it, and its recall falls; of parts
of one size both stay as they are.
"""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Shelf:
    """The passages that are searched together, in both engines, under one numbering.

    `parts` are Chroma's collections of `PART` passages each, the last one shorter, with the numbers as ids.
    """

    name: str
    passages: tuple[Passage, ...]
    lexical: LexicalIndex
    parts: tuple[Part, ...]

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
    ) -> list[tuple[int, float]]:
        whole = self._instruments_of_parts[number] <= instruments
        most = min(k, len(self.passages) - number * PART, PART)
        return self.parts[number].search(vector, most, None if whole else instruments)

    def _mask(self, instruments: frozenset[InstrumentId]) -> NDArray[np.bool_] | None:
        if self.instruments <= instruments:
            return None
        return np.array([passage.expression.instrument in instruments for passage in self.passages])


class Store:
    """An open index: the corpus and its shelves. It holds its folder against removal until it is dropped."""

    def __init__(
        self, folder: Path, corpus: Corpus, shelves: Mapping[str, Shelf], shelving: Shelving, opened: ExitStack
    ) -> None:
        self.folder = folder
        self.corpus = corpus
        self._shelving = shelving
        self.shelves = dict(shelves)
        self._finalizer = weakref.finalize(self, opened.close)

    @classmethod
    def open(cls, folder: Path, missing: Sequence[Missing] = ()) -> Self:
        """Open a whole index.

        Raises StoreMissing without one, StoreStale when another version built it, StoreAway when its server does not
        answer, StoreError when it is damaged.
        """
        with ExitStack() as opened:
            held = opened.enter_context(_hold(folder))
            with _damage_named(folder):
                record = _read_label(folder, held)
                _check_sizes(folder, record["sizes"])
                corpus = replace(load_corpus(folder / TEXTS), missing=tuple(missing))
                shelving = opened.enter_context(place_of(folder).open())
                cuts = record["shelves"].items()
                shelves = {name: _open_shelf(folder, shelving, corpus, name, cut) for name, cut in cuts}
            return cls(folder, corpus, shelves, shelving, opened.pop_all())

    def check(self) -> None:
        """Raise StoreAway where it cannot be searched now, for its vectors lie on a server that does not answer."""
        self._shelving.check()

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


def place_of(folder: Path) -> Place:
    """Where the vectors of an index lie; raises StoreError when it cannot be read."""
    path = folder / AFAR
    try:
        return Place(folder, str(json.loads(path.read_text(encoding="utf-8"))["prefix"]) if path.is_file() else "")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise StoreError(
            f"the index in {folder} is damaged ({AFAR}: {error}); run `visavis ingest --rebuild`."
        ) from None


def carry_vectors(folder: Path, path: Path) -> None:
    """Write the vectors of an index to a file, wherever they lie; raises StoreAway or StoreError."""
    with _damage_named(folder):
        record = json.loads((folder / LABEL).read_text(encoding="utf-8"))
        whole = sum(len(cut) for cut in record["shelves"].values())
        with place_of(folder).open(in_bulk=True) as shelving:
            parts = list(shelving.parts())
            if sum(part.count() for part in parts) != whole:
                raise ValueError(f"of its {whole} vectors not all are there")
            held = {key: vector for part in parts for key, vector in part.vectors().items()}
    np.savez(path, keys=np.array(list(held)), vectors=np.array(list(held.values()), dtype=np.float32))


def lay_vectors(folder: Path, progress: Progress) -> None:
    """Lay the vectors that `carry_vectors` wrote into an index's folder where those of a new one would be.

    Raises StoreError, StoreUnwritable or StoreAway; then what was laid on a server is taken off it again.
    """
    with _damage_named(folder):
        record = json.loads((folder / LABEL).read_text(encoding="utf-8"))
        corpus = load_corpus(folder / TEXTS)
        cut = {name: tuple(_read_cut(corpus, one)) for name, one in record["shelves"].items()}
        with np.load(folder / CARRIED, allow_pickle=False) as carried:
            held = dict(zip(carried["keys"].tolist(), carried["vectors"], strict=True))
        if any(passage.key not in held for passages in cut.values() for passage in passages):
            raise ValueError(f"{CARRIED} has not all of its vectors")
    with _written(folder):
        (folder / CARRIED).unlink()
        (folder / AFAR).unlink(missing_ok=True)
        place = _place_anew(folder, corpus.id)
        try:
            with place.open(to_write=True) as shelving:
                for number, (name, passages) in enumerate(cut.items()):
                    progress("laying vectors", number, len(cut))
                    _fill(shelving, name, passages, _Sought(held, None))
            progress("laying vectors", len(cut), len(cut))
        except BaseException:
            drop_vectors(place)
            raise
        _put_label(folder, record)


def drop_vectors(place: Place) -> None:
    """Take the vectors of an index off the server that they lie on, where it answers."""
    if place.prefix:
        with suppress(StoreError), place.open() as shelving:
            shelving.drop()


def is_placed(folder: Path) -> bool:
    """Whether the vectors of an index lie where those of a new one would: in its folder, or on a server."""
    return (folder / AFAR).is_file() == (find_server() is not None)


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
    """The folder of a whole index of a corpus with its vectors in their place, the one that serves first, or None."""
    named = [root / serving.folder] if serving is not None and serving.corpus_id == corpus_id else []
    folders = chain(named, sorted(root.glob(f"{corpus_id}*"), reverse=True))
    return next((folder.name for folder in folders if is_whole(folder) and is_placed(folder)), None)


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
    """Sweep, unless a build is under way or the disk refuses; gives whether nothing is left to remove."""
    try:
        with (root / ".lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return sweep(root)
    except OSError:
        return False


def _discard(folder: Path) -> bool:
    """Remove a folder that no CURRENT names, unless somebody holds it."""
    if is_whole(folder):
        with (folder / LABEL).open(encoding="utf-8") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return _remove(folder)
    return _remove(folder)


def _remove(folder: Path) -> bool:
    """Remove an index, its vectors first; it stays for another time where their server does not answer."""
    try:
        place = place_of(folder)
        if place.prefix:
            with place.open() as shelving:
                shelving.drop()
    except (StoreAway, StoreStale, UsageError):
        return False
    except StoreError:
        pass  # what says where they lie is damaged
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
    except VisavisError:  # EgressError is an OSError too
        raise
    except OSError as error:
        raise StoreUnwritable(
            f"the index folder {root} cannot be written ({error.strerror or error}); "
            "free it, or name another one in VISAVIS_INDEX."
        ) from None


class Kept(Protocol):
    """Vectors that are kept elsewhere, made by the same embedder: too many to be held at once."""

    def keys(self) -> frozenset[str]:
        """The hashes of the words that there is a vector for."""

    def take(self, keys: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of some of them."""


def build_index(
    corpus: Corpus,
    embedder: Embedder,
    size: Size,
    root: Path,
    progress: Progress,
    *,
    anew: bool = False,
    kept: Kept | None = None,
) -> Path:
    """Write a whole index beside the others and give its folder.

    Passages whose words an index of the same embedder already holds are not embedded again, unless `anew`; nor are
    those that `kept` has. Raises StoreUnwritable, and StoreAway where the server that is named does not answer.
    """
    # Chroma never opens a path again in a process in which that failed once: each build has a name of its own.
    beside = root / f".building-{os.getpid()}-{time.time_ns()}"
    try:
        with _written(root):
            place = _lay_out(beside, corpus.id)
            with place.open(to_write=True) as shelving:
                cut = _cut_shelves(corpus, size, progress)
                vectors = _find_vectors(cut, root, embedder, progress, kept, anew=anew)
                _write_engines(beside, shelving, cut, vectors, progress)
            save_corpus(corpus, beside / TEXTS)
            _write_label(beside, cut, embedder)
            whole = _free_folder(root, corpus.id)
            beside.rename(whole)
    finally:
        if beside.exists():
            _remove(beside)
    return whole


def _lay_out(folder: Path, corpus_id: str) -> Place:
    """The folder of a new index, and where its vectors go: noted there before the first is written."""
    folder.mkdir()
    return _place_anew(folder, corpus_id)


def _place_anew(folder: Path, corpus_id: str) -> Place:
    if find_server() is None:
        return Place(folder)
    place = Place(folder, f"{_safe(corpus_id)}-{secrets.token_hex(4)}.")
    (folder / AFAR).write_text(json.dumps({"prefix": place.prefix}), encoding="utf-8")
    return place


def _free_folder(root: Path, corpus_id: str) -> Path:
    """A folder for an index: an interrupted one is removed, a whole one is left where it is."""
    names = chain([corpus_id], (f"{corpus_id}.{number}" for number in count(2)))
    folder = next(root / name for name in names if not is_whole(root / name))
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _write_label(folder: Path, cut: Mapping[str, Sequence[Passage]], embedder: Embedder) -> None:
    shelves = {name: _cut_record(passages) for name, passages in cut.items()}
    _put_label(folder, {"format": FORMAT, "embedder": embedder.fingerprint, "shelves": shelves})


def _put_label(folder: Path, record: Mapping[str, Any]) -> None:
    """Write what the index is made of, with the sizes of its files, last: a folder without it is not whole."""
    lasting = {path.relative_to(folder).as_posix(): path.stat().st_size for path in _lasting_files(folder)}
    sizes = {name: size for name, size in lasting.items() if name != LABEL}
    beside = folder / f".{LABEL}"
    beside.write_text(json.dumps({**record, "sizes": sizes}, ensure_ascii=False), encoding="utf-8")
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
    """Turn what the word engine and the label's reader raise on a damaged index into StoreError."""
    unfit = (OSError, ValueError, LookupError, TypeError, AttributeError)
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


@dataclass(frozen=True, slots=True)
class _Sought:
    """The vectors of a build by the hash of the words: those at hand, and those kept elsewhere."""

    held: Mapping[str, Vectors]
    kept: Kept | None

    def gather(self, keys: Sequence[str]) -> Vectors:
        """The vectors of some passages, in their order."""
        away = [key for key in dict.fromkeys(keys) if key not in self.held]
        taken = self.kept.take(away) if self.kept is not None and away else {}
        return np.stack([self.held[key] if key in self.held else taken[key] for key in keys])


def _find_vectors(
    cut: Mapping[str, Sequence[Passage]],
    root: Path,
    embedder: Embedder,
    progress: Progress,
    kept: Kept | None,
    *,
    anew: bool,
) -> _Sought:
    """A vector for each passage key: taken over, or made."""
    away = frozenset() if kept is None else kept.keys()
    wanted = {passage.key: passage for passages in cut.values() for passage in passages}
    sought = {key: passage for key, passage in wanted.items() if key not in away}
    known = {} if anew else _known_vectors(root, embedder, sought.keys())
    fresh = {key: passage.searchable for key, passage in sought.items() if key not in known}
    found = embedder.embed(tuple(fresh.values()), progress=lambda done: progress("embedding", done, len(fresh)))
    return _Sought({**known, **dict(zip(fresh, found, strict=True))}, kept)


def _known_vectors(root: Path, embedder: Embedder, sought: Set[str]) -> dict[str, Vectors]:
    """Vectors by passage key from the whole indexes that were built with the same embedder; a damaged one has none."""
    known: dict[str, Vectors] = {}
    for label in sorted(root.glob(f"*/{LABEL}")):
        with suppress(StoreError), _damage_named(label.parent):
            found = _vectors_of(label.parent, embedder)
            known.update((key, vector) for key, vector in found if key in sought)
    return known


def _vectors_of(folder: Path, embedder: Embedder) -> Iterator[tuple[str, Vectors]]:
    with _hold(folder) as held:
        record = _read_label(folder, held)
        if record["embedder"] != embedder.fingerprint:
            return
        _check_sizes(folder, record["sizes"])
        with place_of(folder).open(in_bulk=True) as shelving:
            for part in shelving.parts():
                yield from part.vectors().items()


def _write_engines(
    folder: Path, shelving: Shelving, cut: Mapping[str, Sequence[Passage]], vectors: _Sought, progress: Progress
) -> None:
    for place, (name, passages) in enumerate(cut.items()):
        progress("indexing", place, len(cut))
        lexical = LexicalIndex.build([passage.searchable for passage in passages], passages[0].expression.language)
        lexical_folder = folder / "lexical" / _safe(name)
        lexical_folder.mkdir(parents=True)
        lexical.save(lexical_folder)
        _fill(shelving, name, passages, vectors)
    progress("indexing", len(cut), len(cut))


def _fill(shelving: Shelving, name: str, passages: Sequence[Passage], vectors: _Sought) -> None:
    """Write a shelf's passages into collections of `PART` each."""
    for number, first in enumerate(range(0, len(passages), PART)):
        part = passages[first : first + PART]
        entries = [
            Entry(place, one.key, one.expression.instrument, str(one.expression), str(one.pinpoint))
            for place, one in enumerate(part, start=first)
        ]
        shelving.fill(_part_name(name, number), entries, vectors.gather([one.key for one in entries]))


def _part_name(shelf: str, number: int) -> str:
    return f"{_safe(shelf)}.{number + 1}"


def _open_shelf(folder: Path, shelving: Shelving, corpus: Corpus, name: str, cut: Iterable[Sequence[Any]]) -> Shelf:
    passages = tuple(_read_cut(corpus, cut))
    lexical = LexicalIndex.load(folder / "lexical" / _safe(name))
    numbers = range(-(-len(passages) // PART))
    parts = tuple(shelving.part(_part_name(name, number)) for number in numbers)
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
