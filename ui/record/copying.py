"""The record as a whole, copied while it is in use and put back: SQLite's own online copy, PostgreSQL's own dump."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from ui.record.errors import RecordAway, RecordError
from ui.record.place import FilePlace, Place, ServerPlace

SQLITE_COPY = "record.sqlite"
POSTGRESQL_COPY = "record.pgdump"
DUMPS_WITHIN = 3600


def copy_record(place: Place, folder: Path) -> Path | None:
    """Copy the record as it is at one moment into a folder; None where there is none. Raises RecordError."""
    if isinstance(place, ServerPlace):
        target = folder / POSTGRESQL_COPY
        _run("pg_dump", place, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
        return target
    if not place.path.is_file():
        return None
    return copy_sqlite(place.path, folder / SQLITE_COPY)


def check_fits(place: Place, copy: Path) -> None:
    """Raise RecordError where a copy cannot become the record at a place, by its kind or for want of a program.

    What the database itself refuses is not known before `put_back`.
    """
    if (copy.name == POSTGRESQL_COPY) is not isinstance(place, ServerPlace):
        raise RecordError(
            f"the backup's record is {copy.name}, and the settings name {place}; "
            "name a place of the same kind in VISAVIS_RECORD_URL, or leave the record out with --no-record."
        )
    if isinstance(place, ServerPlace):
        _find("pg_restore")


def put_back(place: Place, copy: Path) -> None:
    """Make a record of a copy that fits, where there is none; raises RecordError."""
    if isinstance(place, ServerPlace):
        _run("pg_restore", place, "--exit-on-error", "--single-transaction", "--no-owner", str(copy))
        return
    place.path.parent.mkdir(parents=True, exist_ok=True)
    copy.chmod(0o600)
    beside = place.path.with_name(f".{place.path.name}.restored")
    shutil.move(copy, beside)
    beside.replace(place.path)


def is_there(place: Place) -> bool:
    """Whether there is a record at a place already; raises RecordError where that cannot be seen."""
    if isinstance(place, FilePlace):
        return place.path.exists()
    said = _run("psql", place, "--no-psqlrc", "--tuples-only", "--command", "SELECT to_regclass('entry') IS NOT NULL")
    return said.strip() == "t"


def copy_sqlite(source: Path, target: Path) -> Path:
    """Copy a database of SQLite as it is at one moment, while others use it; raises RecordError."""
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as there,
            closing(sqlite3.connect(target)) as here,
        ):
            there.backup(here)
            here.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise RecordError(f"{source} cannot be copied: {error}.") from None
    return target


def _run(program: str, place: ServerPlace, *arguments: str) -> str:
    """Run one of PostgreSQL's own programs on a place; the password is in no argument."""
    found = _find(program)
    own = {"PGPASSWORD": place.password, "PGSSLMODE": str(place.tls), "PGCONNECT_TIMEOUT": "10"}
    if place.authority is not None:
        own["PGSSLROOTCERT"] = str(place.authority)
    command = [found, f"--host={place.host}", f"--port={place.port}", f"--username={place.user}", "--no-password"]
    try:
        done = subprocess.run(
            [*command, f"--dbname={place.database}", *arguments],
            env=os.environ | own,
            capture_output=True,
            text=True,
            timeout=DUMPS_WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RecordAway(f"{program} was not done with {place} in {DUMPS_WITHIN} seconds; try again later.") from None
    if done.returncode:
        reason = " ".join(done.stderr.split())[-300:] or f"it ended with {done.returncode}"
        kind = RecordAway if "connection to server" in reason else RecordError
        raise kind(f"{program} could not read or write {place}: {reason}")
    return done.stdout


def _find(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise RecordError(
            f"{program} is not on this machine, and copies of a PostgreSQL record need it; install PostgreSQL's "
            "client programs, or leave the record out with --no-record."
        )
    return found
