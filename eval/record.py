"""What was run: a record of one run, kept as JSON in the user's data folder."""

import json
import os
import subprocess
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from eval.case import CaseKind, Half
from eval.score import Measure, Score
from ingest.datafiles import CHECKOUT
from ingest.errors import UsageError

VERSION: Literal["visavis.run/1"] = "visavis.run/1"
FOLDER_VARIABLE = "VISAVIS_RUNS"
LAST = "last"
SYSTEM = "visavis"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stages(_Frozen):
    """Milliseconds spent: on the wall clock and on the processor in all, and in each stage."""

    wall: float
    processor: float
    analyse: float = 0.0
    retrieve: float = 0.0
    write: float = 0.0
    ground: float = 0.0


class CaseRecord(_Frozen):
    """One case as it was asked and scored; `error` says why nothing of it is scored."""

    id: str
    kind: CaseKind
    half: Half
    question: str
    answered: str
    scores: dict[Measure, Score]
    stages: Stages | None = None
    error: str = ""

    def score(self, measure: Measure) -> Score:
        """Its score by a measure, unscored where the measure was not taken."""
        return self.scores.get(measure, Score(None, explanation=self.error or "not measured"))


class Settings(_Frozen):
    """What was asked for: which cases, for which day, from which texts."""

    sets: tuple[str, ...] = ()
    cases: str = ""
    half: Half | None = None
    as_of: date
    limit: int | None = None
    corpus: str = ""


class RunRecord(_Frozen):
    """A run: who was asked, on what, with which scores; `complete` is false when it was interrupted."""

    version: Literal["visavis.run/1"] = VERSION
    name: str
    system: str
    writer: str
    model: str | None
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
    folder = runs_folder()
    path = folder / f"{run.name}.json"
    beside = folder / f".{run.name}-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside.write_text(run.model_dump_json(indent=1), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise UsageError(
            f"the run cannot be kept in {folder} ({error.strerror}); free it, or name another in {FOLDER_VARIABLE}."
        ) from None
    return path


def load_run(name: str) -> RunRecord:
    """Read a record by its name, its path, or "last" (the assistant's newest); raises UsageError."""
    path = _find_run(name)
    try:
        return RunRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageError(f"run {path} cannot be read ({error}).") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(f"run {path} is no record of a run of this version ({place}: {first['msg']}).") from None


def _find_run(name: str) -> Path:
    kept = sorted(runs_folder().glob("*.json"))
    own = [path for path in kept if path.stem.endswith(f"-{SYSTEM}")]
    if name == LAST and own:
        return own[-1]
    by_name = {path.stem: path for path in kept}
    if name in by_name:
        return by_name[name]
    if Path(name).is_file():
        return Path(name)
    known = ", ".join([*by_name][-5:]) or "none"
    raise UsageError(f"there is no run {name!r} in {runs_folder()}; the newest are: {known}. A path does as well.")


def find_commit() -> str:
    """The commit of the checkout, marked where files differ from it, or "" where this is none."""
    try:
        command = ["git", "-C", str(CHECKOUT.parent), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
