"""The only door to the record's database: entries appended in one chain, read, erased, deleted; SQLite or PostgreSQL.

Whoever writes holds the one row of the table `head`, in SQLite the whole file, so that no two writers follow the same
entry, be they threads, processes or replicas. A write is whole or not at all.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui.record.chain import Gap, Head, Verdict, erased_by, removed_by, runs_of, verify
from ui.record.entry import Draft, Entry, EntryKind, say_moment, seal
from ui.record.errors import RecordAway, RecordError
from ui.record.place import DRIVER, FilePlace, Place, ServerPlace, Tls

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, RowMapping, TextClause

BUSY_SECONDS = 20.0
PATIENCE_SECONDS = 30
REWRITING_WITHIN = 2000
"""Milliseconds that a rewriting waits for its turn; who comes after it waits for it too."""
PAGE = 500
LOCK_NOT_AVAILABLE = "55P03"
PERSONAL_INDEXES = ("ix_entry_subject", "ix_entry_answer")
MIGRATING = 225_2024
"""The number of the advisory lock that whoever upgrades a database holds."""

COLUMNS = "seq, id, kind, at, refers, body, commitment, previous, hash, personal, nonce"


def open_ledger(place: Place, *, create: bool = True, read_only: bool = False) -> "Ledger":
    """The record at a place, brought up to this version's tables; raises RecordError, RecordAway where it may come.

    Without `create` there must be one already. `read_only` changes nothing in it, and cannot read an older one.
    """
    if isinstance(place, FilePlace) and not create and not place.path.is_file():
        raise RecordError(f"there is no record at {place}; `visavis serve` makes it with the first answer.")
    with _explained(place):
        engine = _connect_file(place.path, read_only=read_only) if isinstance(place, FilePlace) else _connect(place)
    ledger = Ledger(place, engine)
    try:
        if read_only:
            ledger.check_version()
        else:
            ledger.upgrade()
    except RecordError:
        ledger.close()
        raise
    return ledger


class Ledger:
    """An open record."""

    def __init__(self, place: Place, engine: "Engine") -> None:
        self.place = place
        self._engine = engine

    def append(self, drafts: Sequence[Draft], *, again: bool = False) -> list[Entry]:
        """Enter drafts in order, all or none; with `again` those left out that an earlier try has entered after all."""
        with self._writing() as connection:
            if again:
                drafts = [one for one in drafts if not _holds(connection, one.id)]
            return _append(connection, drafts)

    def head(self) -> Head:
        """The end of the chain."""
        with self._reading() as connection:
            return _head(connection)

    def count(self) -> int:
        """How many entries there are."""
        with self._reading() as connection:
            return int(connection.execute(_sql("SELECT count(*) FROM entry")).scalar_one())

    def bounds(self) -> tuple[str, str] | None:
        """The earliest and the latest moment of an entry, None where there is none."""
        with self._reading() as connection:
            first, last = connection.execute(_sql("SELECT min(at), max(at) FROM entry")).one()
        return None if first is None else (first, last)

    def entries(self, *, subject: str | None = None, newest: int | None = None) -> list[Entry]:
        """The entries in order: those of one person, or the newest so many."""
        where = "" if subject is None else "WHERE subject = :subject"
        limit = "" if newest is None else f"LIMIT {int(newest)}"
        query = _sql(f"SELECT {COLUMNS} FROM entry {where} ORDER BY seq DESC {limit}")  # nosec B608 # names of our own; values are bound
        with self._reading() as connection:
            rows = connection.execute(query, {} if subject is None else {"subject": subject}).mappings().all()
        return [_entry(row) for row in reversed(rows)]

    @contextmanager
    def walk(self, since: datetime | None = None) -> Iterator[tuple[Head, Head, Iterator[Entry]]]:
        """The chain at one moment: what its first entry follows, its end, and the entries from the first one `since`.

        Raises RecordAway where the database goes in between.
        """
        with self._reading() as connection:
            head = _head(connection)
            yield _start(connection, since, head), head, self._pages(connection, since)

    def _pages(self, connection: "Connection", since: datetime | None) -> Iterator[Entry]:
        query = _sql(f"SELECT {COLUMNS} FROM entry WHERE seq > :after ORDER BY seq LIMIT {PAGE}")  # nosec B608 # names of our own; values are bound
        after = _start(connection, since, _head(connection)).seq
        while rows := connection.execute(query, {"after": after}).mappings().all():
            yield from map(_entry, rows)
            after = rows[-1]["seq"]

    def verify(self, kept: Head | None = None) -> Verdict:
        """Whether the whole chain stands, and still contains the head that was noted earlier."""
        with self.walk() as (_, head, entries):
            return verify(entries, head, kept=kept)

    def erasures(self) -> list[tuple[int, int, str]]:
        """The first and last number of each run of entries that were erased, and the day of it."""
        query = _sql(f"SELECT {COLUMNS} FROM entry WHERE kind = :kind")  # nosec B608 # names of our own; values are bound
        with self._reading() as connection:
            rows = connection.execute(query, {"kind": EntryKind.ERASURE.value}).mappings().all()
        return [(first, last, one.at[:10]) for one in map(_entry, rows) for first, last in erased_by(one)]

    def find(self, identity: str) -> Entry | None:
        """The entry with an id."""
        query = _sql(f"SELECT {COLUMNS} FROM entry WHERE id = :id")  # nosec B608 # names of our own; values are bound
        with self._reading() as connection:
            row = connection.execute(query, {"id": identity}).mappings().one_or_none()
        return None if row is None else _entry(row)

    def find_answer(self, answer: str, subject: str | None) -> Entry | None:
        """The newest answer with an id that a person was given."""
        whose = "subject IS NULL" if subject is None else "subject = :subject"
        query = _sql(
            f"SELECT {COLUMNS} FROM entry WHERE answer = :answer AND kind = :kind AND {whose} ORDER BY seq DESC LIMIT 1"  # nosec B608 # names of our own; values are bound
        )
        given = {"answer": answer, "kind": EntryKind.ANSWER.value} | ({} if subject is None else {"subject": subject})
        with self._reading() as connection:
            row = connection.execute(query, given).mappings().one_or_none()
        return None if row is None else _entry(row)

    def erase(self, subject: str, moment: datetime) -> int:
        """Take out for good what is personal in a person's entries; gives how many they were."""
        with self._writing() as connection:
            query = _sql("SELECT seq FROM entry WHERE subject = :subject AND personal IS NOT NULL ORDER BY seq")
            numbers = connection.execute(query, {"subject": subject}).scalars().all()
            if numbers:
                blank = "personal = NULL, nonce = NULL, subject = NULL, answer = NULL"
                connection.execute(_sql(f"UPDATE entry SET {blank} WHERE subject = :subject"), {"subject": subject})  # nosec B608 # names of our own; values are bound
                body = {"erased": runs_of(numbers)}
                _append(connection, [Draft(EntryKind.ERASURE, body, at=moment)])
        if numbers:
            self.compact(rewrite=isinstance(self.place, ServerPlace))
        return len(numbers)

    def purge(self, before: datetime, moment: datetime) -> int:
        """Delete the entries from before a moment; gives how many they were. `compact` takes out what is left."""
        with self._writing() as connection:
            old = _old(connection, say_moment(before))
            if all(row["kind"] == EntryKind.PURGE for row in old):
                return 0
            gaps = _merge(
                [*_gaps(connection), *(Gap(row["seq"], row["seq"], row["previous"], row["hash"]) for row in old)]
            )
            for first, last in runs_of(row["seq"] for row in old):
                bounds = {"first": first, "last": last}
                connection.execute(_sql("DELETE FROM entry WHERE seq BETWEEN :first AND :last"), bounds)
            body = {"removed": [gap.record() for gap in gaps], "before": say_moment(before)}
            _append(connection, [Draft(EntryKind.PURGE, body, at=moment)])
        return len(old)

    def compact(self, *, rewrite: bool = False) -> None:
        """Take what was deleted out of the database's files, while others write: in SQLite all of it.

        PostgreSQL frees its room, and overwrites it in time. With `rewrite` it is written anew and gives its room back,
        and others wait meanwhile. Raises RecordAway where somebody reads for too long; what is deleted stays so.
        """
        with _explained(self.place), self._engine.connect() as connection:
            bare = connection.execution_options(isolation_level="AUTOCOMMIT", plain=True)
            if isinstance(self.place, FilePlace):
                self._scrub(bare, rewrite=rewrite)
                return
            bare.connection.rollback()  # the ping before has begun a transaction
            bare.exec_driver_sql("VACUUM entry")
            if rewrite:
                self._rewrite(bare)

    def _rewrite(self, connection: "Connection") -> None:
        """Write PostgreSQL's table anew, unless somebody reads from it."""
        from sqlalchemy.exc import DBAPIError

        connection.exec_driver_sql(f"SET lock_timeout = {REWRITING_WITHIN}")
        try:
            connection.exec_driver_sql("VACUUM FULL entry")
        except DBAPIError as error:
            if _code(error.orig) != LOCK_NOT_AVAILABLE:
                raise
            raise RecordAway(
                f"the record at {self.place} is being read: what was to be deleted is, and its table is not written "
                "anew; run visavis audit purge --rewrite in a minute."
            ) from None
        finally:
            connection.exec_driver_sql("RESET lock_timeout")

    def _scrub(self, connection: "Connection", *, rewrite: bool) -> None:
        """Rows were overwritten where they were deleted; what is left of them in indexes goes with their old pages."""
        if rewrite:
            connection.exec_driver_sql("VACUUM")
        else:
            for name in PERSONAL_INDEXES:
                connection.exec_driver_sql(f"REINDEX {name}")
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")  # while a checkpoint waits, nobody else writes
        try:
            self._empty_log(connection)
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")

    def _empty_log(self, connection: "Connection") -> None:
        """Take what was deleted out of the write-ahead log too, as soon as nobody reads from it."""
        until = time.monotonic() + BUSY_SECONDS
        while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:
            if time.monotonic() > until:
                raise RecordAway(f"the record at {self.place} is being read; run visavis audit purge in a minute.")
            time.sleep(0.05)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def upgrade(self) -> None:
        """Bring the tables up to this version's; raises RecordError where a newer version made them."""
        with self._writing(heads=False) as connection:
            if isinstance(self.place, ServerPlace):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")
            self._refuse_newer(connection)
            migrate(connection)

    def check_version(self) -> None:
        """Raise RecordError where the tables are not this version's."""
        with self._reading() as connection:
            version = self._refuse_newer(connection)
        if version != newest_revision():
            raise RecordError(
                f"the record at {self.place} is of an older version; make it writable, and run this again."
            )

    def _refuse_newer(self, connection: "Connection") -> str | None:
        version = find_revision(connection)
        if version is not None and version not in revisions():
            raise RecordError(f"the record at {self.place} was made by a newer version of visavis; update this one.")
        return version

    @contextmanager
    def _writing(self, *, heads: bool = True) -> Iterator["Connection"]:
        with _explained(self.place), self._engine.begin() as connection:
            if heads and isinstance(self.place, ServerPlace):
                connection.execute(_sql("SELECT seq FROM head FOR UPDATE"))
            yield connection

    @contextmanager
    def _reading(self) -> Iterator["Connection"]:
        """A connection that sees the record as it is at one moment."""
        with _explained(self.place), self._engine.connect() as connection:
            if isinstance(self.place, ServerPlace):
                yield connection.execution_options(isolation_level="REPEATABLE READ")
            else:
                yield connection.execution_options(reading=True)


def _sql(text: str) -> "TextClause":
    from sqlalchemy import text as sql

    return sql(text)


def _entry(row: "RowMapping") -> Entry:
    return Entry(**row)


def _head(connection: "Connection") -> Head:
    seq, digest = connection.execute(_sql("SELECT seq, hash FROM head")).one()
    return Head(seq, digest)


def _holds(connection: "Connection", identity: str) -> bool:
    query = _sql("SELECT 1 FROM entry WHERE id = :id")
    return connection.execute(query, {"id": identity}).one_or_none() is not None


def _start(connection: "Connection", since: datetime | None, head: Head) -> Head:
    """What the first entry since a moment follows."""
    if since is None:
        return Head()
    query = _sql("SELECT seq, previous FROM entry WHERE at >= :since ORDER BY seq LIMIT 1")
    row = connection.execute(query, {"since": say_moment(since)}).one_or_none()
    return head if row is None else Head(row[0] - 1, row[1])


def _append(connection: "Connection", drafts: Iterable[Draft]) -> list[Entry]:
    head = _head(connection)
    entries: list[Entry] = []
    rows: list[dict[str, Any]] = []
    for draft in drafts:
        entry = seal(draft, head.seq + 1, head.hash)
        head = Head(entry.seq, entry.hash)
        entries.append(entry)
        rows.append({**entry.record(), "subject": draft.subject, "answer": draft.answer})
    if rows:
        marks = ", ".join(f":{name}" for name in rows[0])
        connection.execute(_sql(f"INSERT INTO entry ({', '.join(rows[0])}) VALUES ({marks})"), rows)  # nosec B608 # names of our own; values are bound
        connection.execute(_sql("UPDATE head SET seq = :seq, hash = :hash"), {"seq": head.seq, "hash": head.hash})
    return entries


def _old(connection: "Connection", before: str) -> Sequence["RowMapping"]:
    """What is older than a moment, but for erasures that still account for an entry which stays."""
    query = _sql("SELECT seq, kind, previous, hash FROM entry WHERE at < :before ORDER BY seq")
    rows = connection.execute(query, {"before": before}).mappings().all()
    going = {row["seq"] for row in rows}
    kept = {row["seq"] for row in rows if row["kind"] == EntryKind.ERASURE and _accounts(connection, row["seq"], going)}
    return [row for row in rows if row["seq"] not in kept]


def _accounts(connection: "Connection", seq: int, going: set[int]) -> bool:
    query = _sql(f"SELECT {COLUMNS} FROM entry WHERE seq = :seq")  # nosec B608 # names of our own; values are bound
    erasure = _entry(connection.execute(query, {"seq": seq}).mappings().one())
    between = _sql("SELECT seq FROM entry WHERE seq BETWEEN :first AND :last")
    for first, last in erased_by(erasure):
        standing = connection.execute(between, {"first": first, "last": last}).scalars()
        if any(number not in going for number in standing):
            return True
    return False


def _gaps(connection: "Connection") -> tuple[Gap, ...]:
    """The gaps that the newest purge accounts for."""
    query = _sql(f"SELECT {COLUMNS} FROM entry WHERE kind = :kind ORDER BY seq DESC LIMIT 1")  # nosec B608 # names of our own; values are bound
    row = connection.execute(query, {"kind": EntryKind.PURGE.value}).mappings().one_or_none()
    return () if row is None else removed_by(_entry(row))


def _merge(gaps: Iterable[Gap]) -> list[Gap]:
    """Gaps that touch as one."""
    merged: list[Gap] = []
    for gap in sorted(gaps, key=lambda one: one.first):
        if merged and merged[-1].last == gap.first - 1:
            merged[-1] = Gap(merged[-1].first, gap.last, merged[-1].previous, gap.hash)
        else:
            merged.append(gap)
    return merged


# Connecting


def _connect_file(path: Path, *, read_only: bool) -> "Engine":
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool, QueuePool

    if not read_only:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise RecordAway(
                f"the record at {path} cannot be written: {error.strerror}; make its folder writable."
            ) from None
    address = f"{path.as_uri()}?mode={_reading_mode(path) if read_only else 'rw'}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        if not read_only:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
                connection.execute(f"PRAGMA {pragma}").close()
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool if read_only else QueuePool)

    @event.listens_for(engine, "begin")
    def begin(connection: "Connection") -> None:
        options = connection.get_execution_options()
        if not options.get("plain"):
            connection.exec_driver_sql("BEGIN" if options.get("reading") else "BEGIN IMMEDIATE")

    return engine


def _reading_mode(path: Path) -> str:
    """How a file is opened that is only read: as one that nobody changes, where its folder cannot be written."""
    is_used = path.with_name(f"{path.name}-wal").exists()
    return "ro" if is_used or os.access(path.parent, os.W_OK, effective_ids=True) else "ro&immutable=1"


def _connect(place: ServerPlace) -> "Engine":
    from sqlalchemy import URL, create_engine

    url = URL.create(DRIVER, place.user, place.password, place.host, place.port, place.database)
    given: dict[str, Any] = {"timeout": PATIENCE_SECONDS, "application_name": "visavis"}
    if place.tls is Tls.VERIFIED:
        import ssl

        given["ssl_context"] = ssl.create_default_context(cafile=place.authority)
    elif place.tls is Tls.NONE:
        given["ssl_context"] = False
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # a lost connection is said once, by the recorder
    return create_engine(url, connect_args=given, pool_pre_ping=True, pool_size=2, max_overflow=2, hide_parameters=True)


@contextmanager
def _explained(place: Place) -> Iterator[None]:
    """What the database complains of, as one line in which no value stands."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except DBAPIError as error:
        raise RecordAway(f"the record at {place} cannot be reached or written: {_reason(error.orig)}.") from None
    except SQLAlchemyError as error:
        raise RecordError(f"the record at {place} cannot be used ({type(error).__name__}).") from None
    except (OSError, sqlite3.Error) as error:
        raise RecordAway(f"the record at {place} cannot be reached or written: {_reason(error)}.") from None


def _code(error: BaseException | None) -> str:
    """PostgreSQL's own code of what went wrong, "" where there is none."""
    fields = error.args[0] if error is not None and error.args else None
    return str(fields.get("C", "")) if isinstance(fields, dict) else ""


def _reason(error: BaseException | None) -> str:
    """What a driver says, in a line without the values that it was given."""
    if error is not None and error.args and isinstance(error.args[0], dict):  # pg8000 gives the server's fields
        return str(error.args[0].get("M", "refused"))
    if error is not None and isinstance(error.__cause__, OSError):
        return _reason(error.__cause__)
    return " ".join(str(error).split())[:200].rstrip(".")


# The tables and their versions


def migrations() -> Path:
    """The folder of the migrations, in the package."""
    return Path(str(resources.files("ui").joinpath("record", "migrations")))


def revisions() -> tuple[str, ...]:
    """The names of all versions of the tables, the oldest first."""
    return tuple(sorted(path.stem.partition("_")[0] for path in (migrations() / "versions").glob("[0-9]*.py")))


def newest_revision() -> str:
    """The name of this version's tables."""
    return revisions()[-1]


def find_revision(connection: "Connection") -> str | None:
    """The version of a database's tables, None where it has none."""
    from sqlalchemy import inspect

    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(_sql("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return None if found is None else str(found)


def migrate(connection: "Connection", revision: str = "head") -> None:
    """Bring the tables to a version, inside the connection's transaction."""
    if revision == "head" and find_revision(connection) == newest_revision():
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
