"""A large collection of a user's documents: what was read of each and the vectors of its words, in one file a folder.

The file is a journal: a batch of documents stands in it whole or not at all, whenever the process is killed, and what
stands in it is not done again. The index takes texts and vectors from it as it needs them, never all at once.
"""

import fcntl
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Self

import numpy as np

from ingest.chroma import Vectors
from ingest.corpus import read_expression
from ingest.documents import documents_folder
from ingest.errors import StoreError, StoreUnwritable, UsageError
from ingest.instrument import Expression

PREFIX = "collection-"
ENDING = ".sqlite"
LOOKED_UP = 500  # vectors in one question to the database

_TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS collection (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS document (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, changed INTEGER NOT NULL, state TEXT NOT NULL, seen INTEGER NOT NULL,
    hash TEXT, expression TEXT, passages INTEGER NOT NULL DEFAULT 0, line TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS by_state ON document (state, path);
CREATE UNIQUE INDEX IF NOT EXISTS by_hash ON document (hash) WHERE state = 'done';
CREATE TABLE IF NOT EXISTS vector (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
"""


class Standing(StrEnum):
    """What has become of a document."""

    WAITING = "waiting"
    DONE = "done"
    DOUBLE = "double"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Seen:
    """A file of the folder: its path, its bytes, and when it was changed in nanoseconds."""

    path: str
    size: int
    changed: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a document: the record of its text with its passages' keys and vectors, or why there is none."""

    path: str
    hash: str = ""
    expression: str = ""
    passages: tuple[tuple[str, bytes], ...] = ()
    line: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many documents stand how, and how many passages they make."""

    done: int
    double: int
    failed: int
    waiting: int
    passages: int

    @property
    def whole(self) -> int:
        """All documents."""
        return self.done + self.double + self.failed + self.waiting


class Journal:
    """The open journal of one folder."""

    def __init__(self, path: Path, opened: ExitStack, database: sqlite3.Connection) -> None:
        self.path = path
        self._opened = opened
        self._database = database

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a journal, a new one where there is none; raises StoreUnwritable or StoreError."""
        with ExitStack() as opened, _understood(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(path, timeout=60, isolation_level=None)
            opened.callback(database.close)
            database.executescript(_TABLES)
            return cls(path, opened.pop_all(), database)

    def close(self) -> None:
        """Let go of the file."""
        self._opened.close()

    def describe(self, description: dict[str, str]) -> bool:
        """Say how the documents are to be read; where they were read otherwise, all are to be read again.

        Gives whether they were.
        """
        with self._changing():
            known = dict(self._database.execute("SELECT name, value FROM collection"))
            if known == description:
                return False
            self._database.execute("DELETE FROM collection")
            self._database.executemany("INSERT INTO collection VALUES (?, ?)", description.items())
            self._database.execute(
                "UPDATE document SET state = 'waiting', hash = NULL, expression = NULL, passages = 0, line = ''"
            )
            self._database.execute("DELETE FROM vector")
            return bool(known)

    def published(self) -> date | None:
        """The day that the documents were said to be of, or None before that."""
        found = self._database.execute("SELECT value FROM collection WHERE name = 'published'").fetchone()
        return date.fromisoformat(found[0]) if found else None

    def see(self, files: Iterable[Seen]) -> None:
        """Take note of the files that there are: new and changed ones wait, those that are gone are forgotten."""
        with self._changing():
            done = self._count_done()
            self._database.execute("UPDATE document SET seen = 0")
            self._database.executemany(
                "INSERT INTO document (path, size, changed, state, seen) VALUES (?, ?, ?, 'waiting', 1)"
                " ON CONFLICT (path) DO UPDATE SET seen = 1, size = excluded.size, changed = excluded.changed,"
                " state = CASE WHEN size = excluded.size AND changed = excluded.changed AND state != 'failed'"
                " THEN state ELSE 'waiting' END",
                ((one.path, one.size, one.changed) for one in files),
            )
            self._database.execute("DELETE FROM document WHERE seen = 0")
            if self._count_done() < done:  # what was the same as one of these may be needed now
                self._database.execute("UPDATE document SET state = 'waiting' WHERE state = 'double'")

    def _count_done(self) -> int:
        (count,) = self._database.execute("SELECT count(*) FROM document WHERE state = 'done'").fetchone()
        return int(count)

    def waiting(self, batch: int) -> Iterator[list[str]]:
        """The paths that wait, in batches, each path once."""
        last = ""
        while True:
            rows = self._database.execute(
                "SELECT path FROM document WHERE state = 'waiting' AND path > ? ORDER BY path LIMIT ?", (last, batch)
            ).fetchall()
            if not rows:
                return
            yield [path for (path,) in rows]
            last = rows[-1][0]

    def note(self, taken: Sequence[Taken]) -> None:
        """Write what came of some documents, all or nothing."""
        with self._changing():
            for one in taken:
                self._note(one)

    def _note(self, one: Taken) -> None:
        if one.line:
            self._write(one, Standing.FAILED)
            return
        first = self._database.execute(
            "SELECT path FROM document WHERE hash = ? AND state = 'done' AND path != ?", (one.hash, one.path)
        ).fetchone()
        if first is not None:
            self._write(Taken(one.path, line=f"the same bytes as {first[0]}"), Standing.DOUBLE)
            return
        self._database.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?)", one.passages)
        self._write(one, Standing.DONE)

    def _write(self, one: Taken, standing: Standing) -> None:
        self._database.execute(
            "UPDATE document SET state = ?, hash = ?, expression = ?, passages = ?, line = ? WHERE path = ?",
            (standing, one.hash or None, one.expression or None, len(one.passages), one.line, one.path),
        )

    def tally(self) -> Tally:
        """How many documents stand how."""
        rows = self._database.execute("SELECT state, count(*), sum(passages) FROM document GROUP BY state").fetchall()
        counts = {state: count for state, count, _ in rows}
        return Tally(
            done=counts.get(Standing.DONE, 0),
            double=counts.get(Standing.DOUBLE, 0),
            failed=counts.get(Standing.FAILED, 0),
            waiting=counts.get(Standing.WAITING, 0),
            passages=sum(passages or 0 for _, _, passages in rows),
        )

    def failed(self, most: int = -1) -> list[tuple[str, str]]:
        """The documents that cannot be used, each with the line that says why; at most so many."""
        found = self._database.execute(
            "SELECT path, line FROM document WHERE state = 'failed' ORDER BY path LIMIT ?", (most,)
        )
        return [(str(path), str(line)) for path, line in found]

    def expressions(self) -> Iterator[Expression]:
        """The texts that were read, by path; raises StoreError where one cannot be read any more."""
        with _understood(self.path):
            found = self._database.execute("SELECT expression FROM document WHERE state = 'done' ORDER BY path")
            for (record,) in found:
                yield read_expression(json.loads(record))

    def digest(self) -> str:
        """A hash of all that an index takes from here; empty where there is nothing."""
        with _understood(self.path):
            digest = hashlib.sha256()
            rows = self._database.execute("SELECT hash FROM document WHERE state = 'done' ORDER BY path")
            hashes = [found for (found,) in rows]
            described = self._database.execute("SELECT name, value FROM collection ORDER BY name").fetchall()
        digest.update(json.dumps([described, hashes]).encode())
        return digest.hexdigest() if hashes else ""

    def keys(self) -> frozenset[str]:
        """The hashes of the words that there is a vector for."""
        with _understood(self.path):
            return frozenset(key for (key,) in self._database.execute("SELECT key FROM vector"))

    def take(self, keys: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of some of them."""
        found: dict[str, Vectors] = {}
        with _understood(self.path):
            for first in range(0, len(keys), LOOKED_UP):
                some = keys[first : first + LOOKED_UP]
                marks = ",".join("?" * len(some))
                rows = self._database.execute(f"SELECT key, vector FROM vector WHERE key IN ({marks})", some)  # nosec B608 # question marks
                found.update((key, np.frombuffer(vector, dtype=np.float32)) for key, vector in rows)
        return found

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """All of a change, or nothing of it; raises StoreUnwritable."""
        with _understood(self.path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


@dataclass(frozen=True, slots=True)
class Collections:
    """Every collection of this user, open; as `ingest.index.Kept`, the vectors of all of them."""

    journals: tuple[Journal, ...]

    def digests(self) -> list[str]:
        """What an index takes from each of them, as hashes."""
        return [digest for one in self.journals if (digest := one.digest())]

    def expressions(self) -> Iterator[Expression]:
        """The texts of all; one that stands in two folders is taken once."""
        known = set()
        for journal in self.journals:
            for expression in journal.expressions():
                if expression.id not in known:
                    known.add(expression.id)
                    yield expression

    def keys(self) -> frozenset[str]:
        """The hashes of the words that there is a vector for."""
        return frozenset[str]().union(*(journal.keys() for journal in self.journals))

    def take(self, keys: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of some of them."""
        found: dict[str, Vectors] = {}
        for journal in self.journals:
            found |= journal.take([key for key in keys if key not in found])
        return found


@contextmanager
def open_collections() -> Iterator[Collections]:
    """The collections that there are; raises StoreError for one that is damaged."""
    with ExitStack() as opened:
        journals = []
        for path in sorted(documents_folder().glob(f"{PREFIX}*{ENDING}")):
            journal = Journal.open(path)
            opened.callback(journal.close)
            journals.append(journal)
        yield Collections(tuple(journals))


def journal_path(folder: Path) -> Path:
    """Where the journal of a folder is."""
    key = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    return documents_folder() / f"{PREFIX}{key}{ENDING}"


@contextmanager
def working_on(path: Path) -> Iterator[None]:
    """Hold a journal for one job at a time; raises UsageError where another holds it."""
    lock = path.with_suffix(".lock")
    with _understood(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        held = lock.open("w", encoding="utf-8")
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError("another job takes this folder in already; wait for it, or end it.") from None
        yield


def forget(path: Path) -> None:
    """Remove a journal."""
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    """Turn what the database raises into StoreUnwritable or StoreError, each in one line."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        raise StoreUnwritable(
            f"the journal {path} cannot be used ({error}); free its disk, and run the job again."
        ) from None
    except (sqlite3.DatabaseError, ValueError, LookupError, TypeError) as error:
        raise StoreError(
            f"the journal {path} is damaged ({error}); remove it and run `visavis ingest bulk` again."
        ) from None
