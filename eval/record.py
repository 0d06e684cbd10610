"""What was run: a record of one run, kept as JSON in the user's data folder.

While a run goes on it is a journal, a line for each case, so that whatever stops it leaves what was scored.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ValidationError

from eval.case import Case, CaseKind, Half
from eval.score import Measure, Score
from ingest.datafiles import CHECKOUT
from ingest.errors import UsageError
from ingest.tables import Strict

VERSION: Literal["visavis.run/1"] = "visavis.run/1"
FOLDER_VARIABLE = "VISAVIS_RUNS"
ENDING = ".json"
JOURNAL = ".jsonl"
LAST = "last"
SYSTEM = "visavis"


class Stages(Strict):
    """Milliseconds spent: on the wall clock and on the processor in all, and in each stage."""

    wall: float
    processor: float
    analyse: float = 0.0
    retrieve: float = 0.0
    write: float = 0.0
    ground: float = 0.0


class CaseRecord(Strict):
    """One case as it was asked and scored, with the answer's record; `error` says why nothing of it is scored."""

    id: str
    kind: CaseKind
    half: Half
    question: str
    answered: str
    scores: dict[Measure, Score]
    stages: Stages | None = None
    error: str = ""
    case: Case | None = None
    answer: dict[str, Any] | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing of it failed: what did is asked again when the run is taken up."""
        return not self.error and not any(score.failed for score in self.scores.values())

    def score(self, measure: Measure) -> Score:
        """Its score by a measure, unscored where the measure was not taken."""
        return self.scores.get(measure, Score(None, explanation=self.error or "not measured"))


class Settings(Strict):
    """What was asked for: which cases, for which day, from which texts, who wrote, how often, judged by which model."""

    sets: tuple[str, ...] = ()
    cases: str = ""
    half: Half | None = None
    as_of: date
    limit: int | None = None
    corpus: str = ""
    writer: str = "quoting"
    model: str = ""
    repeat: int = 1
    judge: str = ""
    judge_prompt: str = ""


class RunRecord(Strict):
    """A run: who was asked, on what, with which scores; `complete` is false when it was interrupted.

    `prompts` is a hash of the texts that a language model was given, empty where none wrote.
    """

    version: Literal["visavis.run/1"] = VERSION
    name: str
    system: str
    writer: str
    model: str | None
    prompts: str = ""
    corpus_id: str
    gold: str
    commit: str
    settings: Settings
    measures: tuple[Measure, ...]
    complete: bool
    started: str
    seconds: float
    peak_mb: float
    cases: tuple[CaseRecord, ...]

    @property
    def is_own(self) -> bool:
        """Whether the assistant as it is was asked, and no other system beside it."""
        return self.system == SYSTEM

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return runs_folder() / f"{self.name}{ENDING}"

    @property
    def errors(self) -> int:
        """How many cases ended in an error and are unscored."""
        return sum(bool(case.error) for case in self.cases)

    def scores(self, measure: Measure, kind: CaseKind | None = None, half: Half | None = None) -> Iterable[Score]:
        """The scores of a measure, over all cases or those of one kind or half."""
        return (
            case.score(measure)
            for case in self.cases
            if (kind is None or case.kind is kind) and (half is None or case.half is half)
        )


def runs_folder() -> Path:
    """Where the records are: $VISAVIS_RUNS, or `runs` in the user's data folder."""
    import platformdirs

    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_data_path("visavis") / "runs"


def save_run(run: RunRecord) -> Path:
    """Write a record and give its path; raises UsageError when the folder cannot be written."""
    with _in_folder():
        _write(run.path, run.model_dump_json(indent=1))
    return run.path


class Journal:
    """A run that goes on, on the disk: its head, then a line for each case as soon as it is scored."""

    def __init__(self, head: RunRecord) -> None:
        """Begin with the head, and the cases that it has already; raises UsageError when it cannot be written."""
        self.path = runs_folder() / f"{head.name}{JOURNAL}"
        with _in_folder():
            lines = (head.model_copy(update={"cases": ()}), *head.cases)
            _write(self.path, "".join(f"{line.model_dump_json()}\n" for line in lines))
            self._file = self.path.open("a", encoding="utf-8")

    def add(self, case: CaseRecord) -> None:
        """Keep a case."""
        with _in_folder():
            self._file.write(f"{case.model_dump_json()}\n")
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def remove(self) -> None:
        """Take the journal away, once the record stands."""
        self.path.unlink(missing_ok=True)


@contextmanager
def _in_folder() -> Iterator[None]:
    folder = runs_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UsageError(
            f"the run cannot be kept in {folder} ({error.strerror}); free it, or name another in {FOLDER_VARIABLE}."
        ) from None


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    beside = path.parent / f".{path.name}-{os.getpid()}"
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def load_run(name: str) -> RunRecord:
    """Read a record, or the journal of a run that was stopped, by its name, its path, or "last"; raises UsageError.

    "last" is the assistant's newest.
    """
    path = _find_run(name)
    try:
        text = path.read_text(encoding="utf-8")
        return _read_journal(text) if path.suffix == JOURNAL else RunRecord.model_validate_json(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageError(f"run {path} cannot be read ({error}).") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(f"run {path} is no record of a run of this version ({place}: {first['msg']}).") from None


def _read_journal(text: str) -> RunRecord:
    """A run as far as its journal goes: a last line that was cut off in the writing does not count."""
    head, *lines = text.split("\n")[:-1] or [""]
    cases = tuple(map(CaseRecord.model_validate_json, lines))
    spent = sum(case.stages.wall for case in cases if case.stages) / 1000
    return RunRecord.model_validate_json(head).model_copy(
        update={"cases": cases, "seconds": round(spent, 3), **find_writer(cases)}
    )


def find_writer(cases: Iterable[CaseRecord]) -> dict[str, str | None]:
    """Who wrote the answers of a run: the model, where one wrote any, else whoever wrote the first."""
    writers = [case.answer["writer"] for case in cases if case.answer is not None]
    wrote = next((one for one in writers if one["model"]), writers[0] if writers else {"name": "", "model": None})
    return {"writer": wrote["name"], "model": wrote["model"]}


def hash_prompts() -> str:
    """A hash of all that a language model is told when it writes."""
    folder = resources.files("assistant.writers") / "prompts"
    texts = (f"{one.name}\n{one.read_text(encoding='utf-8')}" for one in folder.iterdir() if one.is_file())
    return sha256("\n".join(sorted(texts)).encode()).hexdigest()[:16]


def _find_run(name: str) -> Path:
    folder = runs_folder()
    by_name = {path.stem: path for ending in (ENDING, JOURNAL) for path in sorted(folder.glob(f"*{ending}"))}
    own = sorted(stem for stem in by_name if stem.endswith(f"-{SYSTEM}"))
    if name == LAST and own:
        return by_name[own[-1]]
    if name in by_name:
        return by_name[name]
    if Path(name).is_file():
        return Path(name)
    known = ", ".join(sorted(by_name)[-5:]) or "none"
    raise UsageError(f"there is no run {name!r} in {folder}; the newest are: {known}. A path does as well.")


def find_commit() -> str:
    """The commit of the checkout, marked where files differ from it, or "" where this is none."""
    try:
        command = ["git", "-C", str(CHECKOUT.parent), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
