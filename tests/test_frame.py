"""The frame: the front door, the locks, the wheel, the Makefile, and what the repository must not hold."""

import ast
import importlib.metadata
import os
import re
import shutil
import stat
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import visavis
from ingest.datafiles import data_file
from ingest.errors import VisavisError

CHECKOUT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = ("ingest", "assistant", "ui", "eval")
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-local-model.lock")
HEAVY = set(
    [
        "bm25s",
        "chromadb",
        "fastapi",
        "gradio",
        "httpx",
        "langchain",
        "langchain_core",
        "lxml",
        "numpy",
        "onnx",
        "onnxruntime",
        "pandas",
        "pypdf",
        "tiktoken",
        "tokenizers",
    ]
)
HELP_SECONDS = 1.0 if os.environ.get("CI") else 0.5
COMMANDS = sorted(visavis.DOORS)


def run_visavis(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "visavis", *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


# The front door


def test_help_lists_every_command_with_an_example() -> None:
    shown = run_visavis("--help")
    assert shown.returncode == 0
    for name, door in visavis.DOORS.items():
        assert re.search(rf"^  {name} +{re.escape(door.summary)}$", shown.stdout, re.MULTILINE)
    assert "Examples:" in shown.stdout
    assert "visavis ask " in shown.stdout


@pytest.mark.parametrize("arguments", [(), *((command,) for command in COMMANDS)], ids=["visavis", *COMMANDS])
def test_help_comes_at_once(arguments: tuple[str, ...]) -> None:
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        shown = run_visavis(*arguments, "--help")
        seconds.append(time.perf_counter() - start)
        assert shown.returncode == 0, shown.stderr
    assert min(seconds) < HELP_SECONDS  # what else the machine does only adds to it


@pytest.mark.parametrize("command", COMMANDS)
def test_help_opens_no_door(command: str) -> None:
    program = f"import sys, visavis; visavis.DOORS[{command!r}].open(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(loaded.stdout.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_the_name_it_is_called_by_and_an_example(command: str) -> None:
    assert visavis.DOORS[command].open().name == command
    shown = run_visavis(command, "--help").stdout
    assert f"visavis {command}" in shown.split("\n", 1)[1], "no example after the usage line"


def test_version_is_the_distribution_s() -> None:
    assert run_visavis("--version").stdout == f"visavis {visavis.__version__}\n"


def test_front_door_imports_no_room_but_the_errors_and_the_guard() -> None:
    tree = ast.parse((CHECKOUT / "visavis.py").read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {module for module in imported if module and module.split(".")[0] not in sys.stdlib_module_names} == {
        "assistant.egress",
        "eval.egress",
        "ui.egress",
        "click",
        "ingest.egress",
        "ingest.errors",
    }


@pytest.fixture
def command_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Put a command `ask` behind the front door whose body is the test's statement."""
    name = f"room_of_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(
        "import click\nfrom ingest.errors import UsageError\n\n"
        f"@click.command()\n@click.pass_context\ndef ask(ctx):\n    {request.param}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(visavis.DOORS, "ask", visavis.Door(f"{name}:ask", ""))


@pytest.mark.parametrize(
    ("command_that", "code", "line"),
    [
        ("pass", 0, ""),
        ("ctx.exit(1)", 1, ""),
        ("raise UsageError('no such article;\\n  name another.')", 2, "visavis: no such article; name another.\n"),
        ("raise click.UsageError('one of the two.', ctx)", 2, "visavis: one of the two. See 'visavis ask --help'.\n"),
        ("raise KeyboardInterrupt", 130, "\nvisavis: interrupted; the last good index is as it was.\n"),
        (
            "raise RuntimeError('boom')",
            1,
            "visavis: this is a bug (RuntimeError: boom); VISAVIS_DEBUG=1 shows where. Please report it.\n",
        ),
    ],
    indirect=["command_that"],
)
@pytest.mark.usefixtures("command_that")
def test_every_end_has_its_exit_code_and_one_line(code: int, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert visavis.main(["ask"]) == code
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("command_that", ["raise RuntimeError('boom')"], indirect=True)
@pytest.mark.usefixtures("command_that")
def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DEBUG", "1")
    with pytest.raises(RuntimeError, match="boom"):
        visavis.main(["ask"])


def test_unknown_command_is_one_line() -> None:
    refused = run_visavis("aks")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith("visavis: No such command 'aks'.")


def test_no_command_shows_the_help() -> None:
    assert "Commands:" in run_visavis().stderr


def test_closed_pipe_is_quiet() -> None:
    closed = subprocess.Popen(
        [sys.executable, "-c", "import sys, time, visavis; time.sleep(0.3); sys.exit(visavis.main(['--help']))"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert closed.stdout is not None
    closed.stdout.close()
    _, complaint = closed.communicate(timeout=30)
    assert complaint == b""


# The locks


def read_lock(name: str) -> dict[str, str]:
    """Each pinned distribution of a lock with its version."""
    pins = re.findall(r"^([\w.-]+)==(\S+)", (CHECKOUT / name).read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(distribution): version for distribution, version in pins}


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_address_and_hashes_everything(lock: str) -> None:
    text = (CHECKOUT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "index-url" not in text
    for block in re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.splitlines()[0]


def test_lock_has_what_the_project_declares() -> None:
    pins = read_lock("requirements.lock")
    groups = PROJECT["dependency-groups"]
    for declared in map(Requirement, [*PROJECT["project"]["dependencies"], *groups["lock"]]):
        assert declared.specifier.contains(pins[canonicalize_name(declared.name)]), declared
    development = read_lock("requirements-dev.lock")
    for declared in map(Requirement, groups["dev"]):
        assert declared.specifier.contains(development[canonicalize_name(declared.name)]), declared
    local = read_lock("requirements-local-model.lock")
    for declared in map(Requirement, PROJECT["project"]["optional-dependencies"]["local-model"]):
        assert declared.specifier.contains(local[canonicalize_name(declared.name)]), declared


def third_party_imports() -> set[str]:
    """The top-level packages that the rooms import, here or there, and that are neither Python's nor ours."""
    named: set[str] = set()
    for path in (path for room in ROOMS for path in (CHECKOUT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                named.add(node.module.split(".")[0])
    return named - sys.stdlib_module_names - {*ROOMS}


def test_what_is_imported_is_declared() -> None:
    extras = PROJECT["project"]["optional-dependencies"].values()
    lines = [*PROJECT["project"]["dependencies"], *(line for extra in extras for line in extra)]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    distributions = importlib.metadata.packages_distributions()
    for package in sorted(third_party_imports()):
        assert declared & {canonicalize_name(name) for name in distributions[package]}, package


def test_locks_agree() -> None:
    pins, development = read_lock("requirements.lock"), read_lock("requirements-dev.lock")
    assert {name: pins[name] for name in pins.keys() & development.keys()} == {
        name: development[name] for name in pins.keys() & development.keys()
    }
    assert pins.items() <= read_lock("requirements-local-model.lock").items()


def test_lock_holds_no_torch() -> None:
    locked = read_lock("requirements.lock").keys() | read_lock("requirements-dev.lock").keys()
    assert not {name for name in locked if "torch" in name or name in {"sentence-transformers", "transformers"}}


# The wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the checkout that also holds texts, gold questions and runs."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    leave = shutil.ignore_patterns("__pycache__", "instruments", "runs")
    for room in (*ROOMS, "data"):
        shutil.copytree(CHECKOUT / room, source / room, ignore=leave)
    for kept in ("pyproject.toml", "visavis.py", "LICENSE", "README.md"):
        if (CHECKOUT / kept).exists():
            shutil.copy(CHECKOUT / kept, source / kept)
    for left_out in ("beir", "gold", "instruments", "labelled", "runs"):
        (source / "data" / left_out).mkdir(exist_ok=True)
        (source / "data" / left_out / "left-out.txt").write_text("not for the wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    return next(target.glob("visavis-*.whl"))


def test_wheel_holds_the_rooms_and_the_data_but_no_gold_texts_or_runs(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    roots = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert roots == {*ROOMS, "visavis.py", "visavis_data"}
    assert "visavis_data/manifest.toml" in names
    assert not [name for name in names if "left-out" in name or "/gold/" in name or "__pycache__" in name]
    assert [name for name in names if name.endswith("licenses/LICENSE")]


def test_wheel_reads_its_own_data(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = "from ingest.datafiles import data_file; print(data_file('manifest.toml'))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()) == tmp_path / "visavis_data" / "manifest.toml"


def test_checkout_reads_its_own_data() -> None:
    assert str(data_file("manifest.toml")) == str(CHECKOUT / "data" / "manifest.toml")


def test_missing_data_file_is_named() -> None:
    with pytest.raises(VisavisError, match=r"'no-such\.toml' is missing"):
        data_file("no-such.toml")


# The Makefile


FAKE_PYTHON = """#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in *"$FAIL_ON"*) exit 1;; esac
"""


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the Makefile, the locks and a virtual environment whose interpreter only notes what it is told."""
    for name in ("Makefile", "pyproject.toml", *LOCKS):
        shutil.copy(CHECKOUT / name, tmp_path / name)
    interpreter = tmp_path / ".venv" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text(FAKE_PYTHON)
    interpreter.chmod(0o755)
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("FAIL_ON", "nothing")
    for variable in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def make(yard: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run make; gives also the installations that it asked pip for."""
    (yard / "log").write_text("")
    made = subprocess.run(["make", *arguments], cwd=yard, capture_output=True, text=True, check=False)
    return made, [line for line in (yard / "log").read_text().splitlines() if " install " in line]


def test_setup_installs_the_lock_once(yard: Path) -> None:
    made, installs = make(yard, "setup")
    assert made.returncode == 0, made.stderr
    assert len(installs) == 2
    assert "--no-deps --require-hashes --only-binary :all: -r requirements.lock" in installs[0]
    assert "--no-deps --no-build-isolation --editable ." in installs[1]
    assert make(yard, "setup")[1] == []


def test_setup_for_tests_serves_for_running_too(yard: Path) -> None:
    assert "-r requirements.lock -r requirements-dev.lock" in make(yard, "setup-dev")[1][0]
    assert make(yard, "setup")[1] == []


def test_changed_lock_installs_again(yard: Path) -> None:
    make(yard, "setup")
    with (yard / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert len(make(yard, "setup")[1]) == 2


def test_broken_install_says_so_and_is_tried_again(yard: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL_ON", "--require-hashes")
    made, _ = make(yard, "setup")
    assert made.returncode == 2
    assert "The installation did not finish" in made.stderr
    assert len(make(yard, "setup")[1]) == 1


def test_old_python_is_refused_in_one_line(yard: Path) -> None:
    old = yard / "old-python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" || exit 1\n')
    old.chmod(0o755)
    made, _ = make(yard, "python", f"PYTHON={old}")
    assert made.returncode == 2
    assert "Visavis needs Python 3.11, 3.12 or 3.13;" in made.stderr
    assert "Python 3.9.2" in made.stderr


@pytest.mark.parametrize("target", ["run", "test", "lint", "lock", "wheel", "clean"])
def test_make_help_names_the_target(yard: Path, target: str) -> None:
    assert re.search(rf"^{target} +\w", make(yard, "help")[0].stdout, re.MULTILINE)


# The repository


@pytest.fixture(scope="session")
def tracked() -> list[Path]:
    """Every file of the repository, or to be in it."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return [CHECKOUT / name for name in listed.stdout.split("\0") if name and (CHECKOUT / name).is_file()]


def test_no_path_of_a_machine_is_written_down(tracked: list[Path]) -> None:
    machine = re.compile(rb"(?<![\w.~-])/(work|root|home/\w+|Users/\w+)/")
    assert not [path for path in tracked if machine.search(path.read_bytes())]


def test_no_registry_is_named(tracked: list[Path]) -> None:
    registry = re.compile(rb"(pypi|npmjs|pythonhosted)\.(org|com)")
    assert not [path for path in tracked if registry.search(path.read_bytes()) and path != Path(__file__)]


def test_continuous_integration_can_be_run() -> None:
    script = CHECKOUT / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    subprocess.run(["bash", "-n", str(script)], check=True)
