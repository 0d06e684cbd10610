"""Everything that a server keeps, as one file, and back: indexes, documents, tokens, settings, record.

A backup is a gzipped tar whose first member says what is in it, with the SHA-256 and the size of each file. It is
written beside its place and renamed, so that a half-written one is never found there; it may be made while a server
runs. Nothing is put back before all of it was read and held against its hashes.
"""

import fcntl
import json
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

import platformdirs

from assistant.settings import FILE_VARIABLE, load_settings, settings_path
from ingest import chroma, index
from ingest.documents import documents_folder
from ingest.download import file_hash
from ingest.egress import CHROMA_VARIABLE
from ingest.errors import StoreAway, UsageError, VisavisError
from ingest.journal import ENDING
from ui import access
from ui.record.copying import check_fits, copy_record, copy_sqlite, is_there, put_back
from ui.record.place import FilePlace, Place, ServerPlace, place_of
from ui.settings import ServeSettings, load_serve_settings
from ui.signin import admission

SCHEMA = "visavis.backup/1"
MANIFEST = "MANIFEST.json"
MOST_MANIFEST = 64 * 1024 * 1024
STATUS = "status.toml"
SETTINGS = "visavis.toml"
RECORD = "record"
DATABASE = "chroma.sqlite3"
PASSED_OVER = (".lock", "-wal", "-shm", "-journal")

_PASSWORD = re.compile(r"(://[^/\s:@\"']+):[^/\s@\"']+@")


class BackupError(VisavisError):
    """A backup cannot be made, read or put back."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a backup is to hold."""

    secrets: bool = False
    record: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """What a backup holds: when it was made, its files, and whether secrets are among them."""

    made: str
    files: dict[str, tuple[str, int]]
    secrets: bool

    def parts(self) -> list[str]:
        """The uppermost names in it."""
        return sorted({PurePosixPath(name).parts[0] for name in self.files})


def make_backup(path: Path, wanted: Wanted) -> Told:
    """Write everything to a file; raises BackupError, RecordError, SettingsError or UsageError, in one line."""
    if path.exists():
        raise UsageError(f"{path} is there already; give another name, or remove it.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".visavis-backup-", dir=path.parent) as folder:
            staged = Path(folder)
            _gather(staged / "kept", wanted)
            told = _describe(staged / "kept", wanted)
            beside = staged / "whole.tar.gz"
            _pack(staged / "kept", told, beside)
            beside.replace(path)
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror or error}; nothing is left of it.") from None
    return told


def _gather(folder: Path, wanted: Wanted) -> None:
    folder.mkdir()
    settings = load_serve_settings()
    _gather_indexes(folder / "index")
    _gather_documents(folder / "documents")
    for name, path in _files().items():
        if path.is_file():
            _copy(path, folder / name)
    if settings_path().is_file():
        text = settings_path().read_text(encoding="utf-8")
        kept = text if wanted.secrets else _PASSWORD.sub(r"\1@", text)
        (folder / SETTINGS).write_text(kept, encoding="utf-8")
    if wanted.record and settings.record:
        (folder / RECORD).mkdir()
        copy_record(place_of(settings), folder / RECORD)
    if wanted.secrets:
        for name, path in _secrets(settings).items():
            if path.is_file():
                _copy(path, folder / "secrets" / name)


def _files() -> dict[str, Path]:
    """Single files of the user's data folder that are kept."""
    data = platformdirs.user_data_path("visavis")
    return {access.FILE: access.default_path(), STATUS: data / STATUS}


def _secrets(settings: ServeSettings) -> dict[str, Path]:
    """The files that hold keys and passwords, by the setting that names them."""
    data = platformdirs.user_data_path("visavis")
    named = {
        "session_key_file": settings.session_key_file or data / admission.KEY_FILE,
        "embed_key_file": settings.embed_key_file,
        "record_password_file": settings.record_password_file,
        "oidc_client_secret_file": settings.oidc_client_secret_file,
        "model_key_file": load_settings().model_key_file,
    }
    return {name: path.expanduser() for name, path in named.items() if path is not None}


def _gather_indexes(target: Path) -> None:
    """The indexes that serve, each held against removal while it is copied."""
    root = index.index_root()
    for current in sorted(root.glob("CURRENT-*")):
        key = current.name.removeprefix("CURRENT-")
        serving = index.read_current(root, key)
        if serving is None:
            continue
        folder = root / serving.folder
        with (folder / index.LABEL).open(encoding="utf-8") as held:
            fcntl.flock(held, fcntl.LOCK_SH)
            if not index.is_whole(folder):
                raise BackupError(f"the index {folder} was replaced just now; make the backup again.")
            if not (target / serving.folder).exists():
                _copy_tree(folder, target / serving.folder)
                if index.place_of(folder).prefix:
                    _carry(folder, target / serving.folder / index.CARRIED)
        index.switch(target, key, serving)  # another may be the current one by now


def _carry(folder: Path, path: Path) -> None:
    try:
        index.carry_vectors(folder, path)
    except StoreAway:
        raise BackupError(
            f"the vectors of the index {folder} lie on a Chroma server that does not answer; start it first."
        ) from None


def _gather_documents(target: Path) -> None:
    """The user's own documents with their list, as they are between two changes."""
    folder = documents_folder()
    if not folder.is_dir():
        return
    with ExitStack() as held:
        with suppress(FileNotFoundError):
            fcntl.flock(held.enter_context((folder / ".lock").open(encoding="utf-8")), fcntl.LOCK_SH)
        _copy_tree(folder, target)


def _copy_tree(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith(PASSED_OVER):
            _copy(path, target / path.relative_to(source))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.name == DATABASE or source.suffix == ENDING:
        copy_sqlite(source, target)
    else:
        shutil.copyfile(source, target)


def _describe(folder: Path, wanted: Wanted) -> Told:
    files = {
        path.relative_to(folder).as_posix(): (file_hash(path), path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return Told(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), files, wanted.secrets)


def _pack(folder: Path, told: Told, target: Path) -> None:
    record = {
        "schema": SCHEMA,
        "made": told.made,
        "version": version("visavis"),
        "secrets": told.secrets,
        "files": {name: {"sha256": digest, "size": size} for name, (digest, size) in told.files.items()},
    }
    manifest = folder.parent / MANIFEST
    manifest.write_text(json.dumps(record, indent=1), encoding="utf-8")
    opened = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "wb") as out:
        with tarfile.open(fileobj=out, mode="w:gz", compresslevel=5) as archive:
            archive.add(manifest, MANIFEST, filter=_plain)
            for name in told.files:
                archive.add(folder / name, name, filter=_plain)
        out.flush()
        os.fsync(out.fileno())


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's name and no mode of this machine."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


# Back


@dataclass(frozen=True, slots=True)
class Move:
    """Something to be put in its place: where it is staged, and where it goes."""

    name: str
    staged: Path
    target: Path


def restore_backup(
    path: Path, wanted: Wanted, *, force: bool = False, progress: index.Progress = lambda *_: None
) -> tuple[Told, tuple[Path, ...]]:
    """Put everything back; gives what the backup held, and where what stood there before was put, with `force`.

    Raises BackupError where the file is not whole or not ours, and UsageError where something stands there already.
    Interrupted, it is run again with `force`.
    """
    data = platformdirs.user_data_path("visavis")
    try:
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".restoring-", dir=data) as folder, ExitStack() as laid:
            staged = Path(folder)
            told = unpack(path, staged)
            moves = _moves(staged, wanted)
            place = place_of(_settings_of(staged)) if wanted.record and (staged / RECORD).is_dir() else None
            if place is not None:
                for copy in (staged / RECORD).iterdir():
                    check_fits(place, copy)
            _refuse_to_overwrite(moves, place, force=force)
            _lay_vectors(staged / "index", progress, laid)
            before = _put_in_place(moves, place, staged / RECORD)
            laid.pop_all()
    except OSError as error:
        raise BackupError(f"{path} cannot be put back: {error.strerror or error}.") from None
    return told, before


def _lay_vectors(root: Path, progress: index.Progress, laid: ExitStack) -> None:
    """Lay the vectors that came with indexes where new ones go; they are taken off a server again with `laid`."""
    for carried in sorted(root.glob(f"*/{index.CARRIED}")):
        try:
            index.lay_vectors(carried.parent, progress)
        except StoreAway:
            raise BackupError(
                f"{CHROMA_VARIABLE} names a server that does not answer; start it, or leave it out to have the vectors "
                "in the index's folder. Nothing was changed."
            ) from None
        laid.callback(_take_back, carried.parent.name, index.place_of(carried.parent))


def _take_back(name: str, place: chroma.Place) -> None:
    """Take laid vectors off their server again, unless their index has reached its place and is searched by them."""
    if index.place_of(index.index_root() / name).prefix != place.prefix:
        index.drop_vectors(place)


def unpack(path: Path, folder: Path) -> Told:
    """Unpack a backup and hold every file against its hash; raises BackupError with nothing else done."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            told = _read_manifest(archive.next(), archive)
            while (member := archive.next()) is not None:
                _check_member(member, told)
                archive.extract(member, folder, filter="data")
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file.") from None
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{path} is no whole backup ({error}); nothing was changed.") from None
    for name, (digest, _) in told.files.items():
        if not (folder / name).is_file() or file_hash(folder / name) != digest:
            raise BackupError(f"{path} is no whole backup ({name} is missing or changed); nothing was changed.")
    return told


def _read_manifest(member: tarfile.TarInfo | None, archive: tarfile.TarFile) -> Told:
    content = archive.extractfile(member) if member is not None and member.isfile() else None
    if member is None or content is None or member.name != MANIFEST or member.size > MOST_MANIFEST:
        raise ValueError(f"its first member is not {MANIFEST}")
    record: dict[str, Any] = json.load(content)
    if record["schema"] != SCHEMA:
        raise ValueError(f"its form is {record['schema']!r}, and this version reads {SCHEMA!r}")
    files = {name: (str(one["sha256"]), int(one["size"])) for name, one in record["files"].items()}
    return Told(str(record["made"]), files, bool(record["secrets"]))


def _check_member(member: tarfile.TarInfo, told: Told) -> None:
    """Only what the manifest names, as long as it says: so nothing unpacks to more, or to elsewhere."""
    if not member.isfile() or member.name not in told.files or member.size != told.files[member.name][1]:
        raise ValueError(f"{member.name!r} is not what {MANIFEST} says")
    if PurePosixPath(member.name).is_absolute() or ".." in PurePosixPath(member.name).parts:
        raise ValueError(f"{member.name!r} is a place outside of it")


def _moves(staged: Path, wanted: Wanted) -> list[Move]:
    """What goes where."""
    moves = [Move("the index", staged / "index", index.index_root())]
    moves.append(Move("your own documents", staged / "documents", documents_folder()))
    moves += [Move(name, staged / name, path) for name, path in _files().items()]
    moves.append(Move("the settings", staged / SETTINGS, settings_path()))
    if wanted.secrets:
        settings = _settings_of(staged)
        moves += [Move(name, staged / "secrets" / name, path) for name, path in _secrets(settings).items()]
    return [one for one in moves if one.staged.exists()]


def _settings_of(staged: Path) -> ServeSettings:
    """The settings that will hold: those of the backup where there are none here."""
    kept = staged / SETTINGS
    if settings_path().is_file() or not kept.is_file():
        return load_serve_settings()
    before = os.environ.get(FILE_VARIABLE)
    os.environ[FILE_VARIABLE] = str(kept)
    try:
        return load_serve_settings()
    finally:
        os.environ.pop(FILE_VARIABLE)
        if before is not None:
            os.environ[FILE_VARIABLE] = before


def _refuse_to_overwrite(moves: Iterable[Move], place: Place | None, *, force: bool) -> None:
    """Raise UsageError for what stands there, unless it may be put aside, and where a server runs on it."""
    standing = [one for one in moves if _stands(one.target)]
    taken = [f"{one.name} ({one.target})" for one in standing]
    if place is not None and is_there(place):
        taken.append(f"the record ({place})")
    if taken and not force:
        listed = "; ".join(dict.fromkeys(taken))
        raise UsageError(f"there is something already: {listed}. With --force it is put aside, under another name.")
    if isinstance(place, ServerPlace) and is_there(place):
        raise UsageError(f"there is a record at {place}; name an empty database, or leave it out with --no-record.")
    for one in standing:
        running = [folder for folder in one.target.glob("*") if index.is_whole(folder) and _is_held(folder)]
        if running:
            raise UsageError(f"a server is running on the index {running[0]}; stop it first.")


def _stands(target: Path) -> bool:
    """Whether something is at a place; an empty folder is nothing."""
    return any(target.iterdir()) if target.is_dir() else target.exists()


def _is_held(folder: Path) -> bool:
    with (folder / index.LABEL).open(encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _put_in_place(moves: Iterable[Move], place: Place | None, record: Path) -> tuple[Path, ...]:
    """Put each thing in its place, by renaming what is complete beside it; gives where the old ones went."""
    before: list[Path] = []
    for one in moves:
        beside = one.target.with_name(f".{one.target.name}.restored")
        one.target.parent.mkdir(parents=True, exist_ok=True)
        _remove(beside)
        shutil.move(one.staged, beside)
        before += _put_aside(one.target)
        beside.rename(one.target)
    if place is not None:
        if isinstance(place, FilePlace):
            before += _put_aside(place.path)
        for copy in record.iterdir():
            put_back(place, copy)
    return tuple(before)


def _remove(path: Path) -> None:
    """Remove what an interrupted run left."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def _put_aside(target: Path) -> list[Path]:
    """Rename what is at a place, and an SQLite file's own companions with it."""
    aside: list[Path] = []
    if target.is_dir() and not _stands(target):
        target.rmdir()
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    for path in (target, *(target.with_name(target.name + ending) for ending in ("-wal", "-shm", "-journal"))):
        if path.exists():
            aside.append(path.rename(path.with_name(f"{path.name}.before-{stamp}")))
    return aside
