import io
import json
import os
import sqlite3
import stat
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

import visavis
from ingest import index
from ingest.documents import documents_folder
from ingest.errors import StoreStale, UsageError
from ingest.index import Current
from ingest.journal import ENDING, PREFIX, Journal, Seen
from ingest.pipeline import open_store
from tests.conftest import give_home
from tests.load.soak import serving
from tests.small_corpus import SmallCorpus, run_visavis
from tests.ui.records import draft
from ui.access import Scope, TokenFile
from ui.operation import backup as backing
from ui.operation.backup import SCHEMA, BackupError, Wanted, make_backup, restore_backup, unpack
from ui.record.copying import SQLITE_COPY
from ui.record.errors import RecordError
from ui.record.ledger import open_ledger
from ui.record.place import FilePlace, place_of
from ui.settings import load_serve_settings

KEY = "0123456789ab"
SETTINGS = '[serve]\nlog_format = "json"\nrecord_url = "{url}"\n'
ALL = Wanted(secrets=True)


def data_folder() -> Path:
    return Path(os.environ["XDG_DATA_HOME"]) / "visavis"


def settings_file() -> Path:
    return Path(os.environ["XDG_CONFIG_HOME"]) / "visavis" / "visavis.toml"


def furnish(url: str = "") -> None:
    """Give a home an index, documents, a token, settings, a key and a record."""
    root = index.index_root()
    whole = root / "fedcba9876543210"
    (whole / "lexical").mkdir(parents=True)
    (whole / "lexical" / "words").write_bytes(bytes(range(256)) * 9000)
    (whole / "corpus.json").write_text("{}", encoding="utf-8")
    (whole / index.LABEL).write_text("{}", encoding="utf-8")
    (whole / ".hidden").write_text("left behind", encoding="utf-8")
    (root / "0000000000000000").mkdir()
    (root / "0000000000000000" / index.LABEL).write_text("serves nothing", encoding="utf-8")
    index.switch(root, KEY, Current(whole.name, ()))
    documents = data_folder() / "documents"
    documents.mkdir(parents=True)
    (documents / "own-note.md").write_text("# A note\n", encoding="utf-8")
    (documents / ".lock").touch()
    TokenFile().create("intranet", (Scope.ASK,), None)
    (data_folder() / "session.key").write_text("k" * 43, encoding="utf-8")
    (data_folder() / "session.key").chmod(0o600)
    if url:
        settings_file().parent.mkdir(parents=True)
        settings_file().write_text(SETTINGS.format(url=url), encoding="utf-8")
    ledger = open_ledger(place_of(load_serve_settings()))
    ledger.append([draft(identity="one"), draft(identity="two")])
    ledger.close()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, the record and locks aside."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files if "sqlite" not in path.name}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Go to another home."""
    return lambda: give_home(monkeypatch, tmp_path / "other")


@pytest.fixture
def backed(tmp_path: Path) -> Path:
    furnish()
    path = tmp_path / "all.tar.gz"
    make_backup(path, ALL)
    return path


def test_what_was_kept_comes_back_elsewhere(tmp_path: Path, elsewhere: Callable[[], None]) -> None:
    furnish()
    path = tmp_path / "backups" / "all.tar.gz"
    told = make_backup(path, ALL)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before, indexed, secret = contents(data_folder()), contents(index.index_root()), data_folder() / "session.key"
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert {"index", "documents", "tokens.json", "record", "secrets", "MANIFEST.json"} - {"MANIFEST.json"} == set(
        told.parts()
    )
    kept = secret.read_text(encoding="utf-8")
    elsewhere()
    assert restore_backup(path, ALL)[1] == ()
    serving_now = index.read_current(index.index_root(), KEY)
    assert serving_now is not None and serving_now.folder == "fedcba9876543210"
    after = contents(data_folder())
    assert after["documents/own-note.md"] == before["documents/own-note.md"]
    assert after["tokens.json"] == before["tokens.json"]
    assert {name for name in indexed if not name.startswith("0000")} == set(contents(index.index_root()))
    assert (data_folder() / "session.key").read_text(encoding="utf-8") == kept
    assert stat.S_IMODE((data_folder() / "session.key").stat().st_mode) == 0o600
    assert TokenFile().tokens()[0].client == "intranet"
    ledger = open_ledger(place_of(load_serve_settings()), create=False)
    assert ledger.count() == 2 and not ledger.verify().fault
    ledger.close()


def test_without_being_asked_no_secret_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    furnish(url=f"sqlite:///{tmp_path}/record.sqlite")
    text = 'record_url = "postgresql://visavis:hunter2@db.example/record"\n'
    path = tmp_path / "plain.tar.gz"
    monkeypatch.setenv("VISAVIS_RECORD_URL", f"sqlite:///{tmp_path}/record.sqlite")
    settings_file().write_text(f"[serve]\n{text}", encoding="utf-8")
    make_backup(path, Wanted())
    with tarfile.open(path) as archive:
        names = archive.getnames()
        member = archive.extractfile("visavis.toml")
        assert member is not None
        kept = member.read().decode()
    assert "hunter2" not in kept and "postgresql://visavis@db.example/record" in kept
    assert not [name for name in names if name.startswith("secrets")]


def test_what_stands_there_is_not_overwritten_and_with_force_put_aside(
    backed: Path, elsewhere: Callable[[], None]
) -> None:
    with pytest.raises(UsageError) as raised:
        restore_backup(backed, ALL)
    assert "--force" in str(raised.value) and "the index" in str(raised.value) and "\n" not in str(raised.value)
    (data_folder() / "documents" / "later.md").write_text("later", encoding="utf-8")
    _, before = restore_backup(backed, ALL, force=True)
    assert not (data_folder() / "documents" / "later.md").exists()
    asides = {path.name.partition(".before-")[0] for path in before}
    assert asides >= {"index", "documents", "tokens.json", "record.sqlite", "session.key"}
    [documents] = [path for path in before if path.name.startswith("documents")]
    assert (documents / "later.md").read_text(encoding="utf-8") == "later"


def test_an_index_that_a_server_holds_is_left_alone(backed: Path) -> None:
    import fcntl

    with (index.index_root() / "fedcba9876543210" / index.LABEL).open(encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        with pytest.raises(UsageError, match="a server is running"):
            restore_backup(backed, ALL, force=True)
    assert index.read_current(index.index_root(), KEY) is not None


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.97])
def test_a_half_written_backup_changes_nothing(
    backed: Path, elsewhere: Callable[[], None], part: float, tmp_path: Path
) -> None:
    whole = backed.read_bytes()
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(whole[: int(len(whole) * part)])
    elsewhere()
    with pytest.raises(BackupError, match="nothing was changed") as raised:
        restore_backup(cut, ALL)
    assert "\n" not in str(raised.value)
    assert not list(data_folder().iterdir()) and not index.index_root().exists()


def archive_of(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], files: dict[str, bytes]) -> Path:
    """A backup with a right manifest of `files`, and members of one's own making."""
    described = {name: {"sha256": sha256(one).hexdigest(), "size": len(one)} for name, one in files.items()}
    manifest = json.dumps({"schema": SCHEMA, "made": "now", "secrets": False, "files": described}).encode()
    with tarfile.open(path, "w:gz") as archive:
        for member, content in [(tarfile.TarInfo("MANIFEST.json"), manifest), *members]:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, linkname: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, linkname
    return made


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside-visavis", "index/../../outside", "a\x00b"])
def test_a_backup_that_reaches_outside_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "staged"
    folder.mkdir()
    bad = archive_of(tmp_path / "bad.tar.gz", [(member(name), b"x")], {name: b"x"})
    with pytest.raises(BackupError, match="nothing was changed"):
        unpack(bad, folder)
    assert not list(folder.iterdir()) and not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "made",
    [
        member("tokens.json", tarfile.SYMTYPE, "/etc/passwd"),
        member("tokens.json", tarfile.LNKTYPE, "../../etc/passwd"),
        member("tokens.json", tarfile.FIFOTYPE),
        member("not-in-the-manifest"),
    ],
    ids=["symbolic link", "hard link", "pipe", "unlisted"],
)
def test_links_and_what_the_manifest_does_not_name_are_refused(tmp_path: Path, made: tarfile.TarInfo) -> None:
    bad = archive_of(tmp_path / "bad.tar.gz", [(made, b"")], {"tokens.json": b""})
    with pytest.raises(BackupError, match="nothing was changed"):
        unpack(bad, tmp_path / "staged")


def test_bytes_that_changed_are_found(tmp_path: Path) -> None:
    bad = archive_of(tmp_path / "bad.tar.gz", [(member("tokens.json"), b"[evil]")], {"tokens.json": b"[good]"})
    with pytest.raises(BackupError, match=r"tokens\.json is missing or changed"):
        unpack(bad, tmp_path / "staged")


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00rubbish"])
def test_what_is_no_backup_is_one_line(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(content)
    assert visavis.main(["restore", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "is no whole backup" in said


def test_an_interrupted_restore_is_run_again(
    backed: Path, elsewhere: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere()
    real, done = Path.rename, []

    def rename(self: Path, target: Path) -> Path:
        done.append(target)
        if len(done) == 3:
            raise KeyboardInterrupt
        return real(self, target)

    with monkeypatch.context() as once:
        once.setattr(Path, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            restore_backup(backed, ALL)
    assert index.read_current(index.index_root(), KEY) is not None, "what was put in place is whole"
    assert not (data_folder() / "tokens.json").exists()
    restore_backup(backed, ALL, force=True)
    assert TokenFile().tokens()[0].client == "intranet"
    leftovers = [one.name for one in data_folder().iterdir() if one.name.startswith((".restoring", ".tokens"))]
    assert [one for one in leftovers if not one.endswith(".lock")] == []


def test_a_full_disk_leaves_no_backup_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    furnish()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ui.operation.backup._pack", full)
    with pytest.raises(BackupError, match="No space left on device"):
        make_backup(tmp_path / "backups" / "all.tar.gz", ALL)
    assert not list((tmp_path / "backups").iterdir())


def test_a_backup_does_not_write_over_another(backed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert visavis.main(["backup", str(backed)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_the_record_is_copied_whole_while_it_is_written(tmp_path: Path) -> None:
    place = FilePlace(data_folder() / "record.sqlite")
    place.path.parent.mkdir(parents=True)
    stop, written = threading.Event(), []

    def write() -> None:
        ledger = open_ledger(place)
        while not stop.is_set():
            written.extend(ledger.append([draft(identity=str(len(written)))]))
        ledger.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(written) < 5:
            pass
        make_backup(tmp_path / "one.tar.gz", ALL)
    finally:
        stop.set()
        writer.join()
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        archive.extract(f"record/{SQLITE_COPY}", tmp_path, filter="data")
    copied = open_ledger(FilePlace(tmp_path / "record" / SQLITE_COPY), create=False)
    assert not copied.verify().fault and 5 <= copied.count() <= len(written)
    copied.close()


def test_a_job_under_way_is_copied_with_what_its_log_holds(tmp_path: Path) -> None:
    path = documents_folder() / f"{PREFIX}0123456789ab{ENDING}"
    with closing(Journal.open(path)) as journal:
        journal.see([Seen("a.md", 1, 1)])
        make_backup(tmp_path / "one.tar.gz", ALL)
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        archive.extract(f"documents/{path.name}", tmp_path, filter="data")
    with closing(Journal.open(tmp_path / "documents" / path.name)) as copied:
        assert copied.tally().waiting == 1


def test_an_index_that_is_switched_to_meanwhile_is_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    furnish()
    root = index.index_root()
    copy = backing._copy_tree

    def switched(source: Path, target: Path) -> None:
        copy(source, target)
        index.switch(root, KEY, Current("0000000000000000", ()))

    monkeypatch.setattr(backing, "_copy_tree", switched)
    make_backup(tmp_path / "one.tar.gz", ALL)
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        named = archive.extractfile(f"index/CURRENT-{KEY}")
        assert named is not None and named.read() == b"fedcba9876543210\n"


def test_a_record_in_postgresql_comes_back(
    postgresql: str,
    postgresql_server: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgresql_programs: Path,
) -> None:
    monkeypatch.setenv("PATH", f"{postgresql_programs}:{os.environ['PATH']}")
    monkeypatch.setenv("VISAVIS_RECORD_URL", postgresql)
    furnish()
    path = tmp_path / "all.tar.gz"
    make_backup(path, ALL)
    with pytest.raises(UsageError, match="there is"):
        restore_backup(path, ALL)
    give_home(monkeypatch, tmp_path / "other")
    with pytest.raises(UsageError, match="empty database"):
        restore_backup(path, ALL, force=True)
    monkeypatch.setenv("VISAVIS_RECORD_URL", postgresql_server.create_database())  # type: ignore[attr-defined]
    restore_backup(path, ALL)
    ledger = open_ledger(place_of(load_serve_settings()), create=False)
    assert ledger.count() == 2 and not ledger.verify().fault
    ledger.append([draft(identity="three")])
    assert ledger.count() == 3 and not ledger.verify().fault
    ledger.close()


def test_a_copy_of_another_kind_of_record_is_refused(
    backed: Path,
    elsewhere: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    postgresql: str,
    postgresql_programs: Path,
) -> None:
    monkeypatch.setenv("PATH", f"{postgresql_programs}:{os.environ['PATH']}")
    elsewhere()
    monkeypatch.setenv("VISAVIS_RECORD_URL", postgresql)
    with pytest.raises(RecordError, match="--no-record"):
        restore_backup(backed, ALL)
    assert contents(data_folder()) == {} and not index.index_root().exists(), "nothing was changed"
    restore_backup(backed, Wanted(True, record=False))


def test_a_record_whose_program_is_not_here_changes_nothing(
    postgresql: str,
    postgresql_server: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgresql_programs: Path,
) -> None:
    before = os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{postgresql_programs}:{before}")
    monkeypatch.setenv("VISAVIS_RECORD_URL", postgresql)
    furnish()
    path = tmp_path / "all.tar.gz"
    make_backup(path, ALL)
    give_home(monkeypatch, tmp_path / "other")
    monkeypatch.setenv("VISAVIS_RECORD_URL", postgresql_server.create_database())  # type: ignore[attr-defined]
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "psql").symlink_to(postgresql_programs / "psql")
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(RecordError, match="pg_restore is not on this machine"):
        restore_backup(path, ALL)
    assert contents(data_folder()) == {} and not index.index_root().exists()


@pytest.fixture
def gardened(small_corpus: SmallCorpus, model_cache: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    yield {"XDG_CACHE_HOME": str(model_cache), "VISAVIS_CORPUS": str(small_corpus.folder)}


@pytest.mark.timeout(300)
def test_a_backup_of_a_running_server_answers_elsewhere(gardened: dict[str, str], tmp_path: Path) -> None:
    home, path = tmp_path / "serving", tmp_path / "all.tar.gz"
    home.mkdir()
    with serving(home, **gardened) as server:
        asked = httpx.post(f"{server.address}/api/v1/ask", json={"question": "hedges"}, timeout=60, trust_env=False)
        assert asked.status_code == 200
        kept = run_visavis("backup", path, **server.environment)
        assert kept.code == 0 and "index" in kept.out and "record" in kept.out
    other = {name: str(tmp_path / "other" / name) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    there = other | gardened | {"VISAVIS_INDEX": str(tmp_path / "other" / "index"), "VISAVIS_OFFLINE": "1"}
    assert run_visavis("restore", path, **there).code == 0
    again = run_visavis("ask", "hedges", "--json", **there)
    assert again.code == 0
    first, second = asked.json(), json.loads(again.out)
    assert first["corpus"] == second["corpus"] and first["citations"] == second["citations"]
    verdict = run_visavis("audit", "verify", **there)
    assert verdict.code == 0
    with sqlite3.connect(next((tmp_path / "other").rglob("record.sqlite"))) as record:
        assert record.execute("SELECT count(*) FROM entry").fetchone() == (1,)
    record.close()


@pytest.mark.usefixtures("embedding")
def test_an_index_of_an_older_version_is_built_anew_with_a_line_that_says_so(
    small_corpus: SmallCorpus, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as older:
        older.setattr(index, "FORMAT", index.FORMAT - 1)
        old = open_store(small_corpus.folder)
    with pytest.raises(StoreStale):
        open_store(small_corpus.folder, build=False)
    assert old.corpus.expressions, "a server of the older version goes on with what it has open"
    new = open_store(small_corpus.folder)
    assert [record.message for record in caplog.records] == [
        "the index was built by another version; it is built anew before anything is answered."
    ]
    assert new.corpus.id != old.corpus.id and new.corpus.expressions == old.corpus.expressions
    assert index.is_whole(old.folder), "nothing is taken from under it"
    old.close()
    new.close()
