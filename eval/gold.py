"""Which cases are asked: the gold of the checkout, one of its sets, a half, or a file of the user's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from eval.case import Half, Located, read_located
from ingest.datafiles import CHECKOUT
from ingest.errors import UsageError

ENDING = ".jsonl"


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice of cases: named sets of the gold (all when empty), or one file; then a half and the first so many."""

    sets: tuple[str, ...] = ()
    file: Path | None = None
    half: Half | None = None
    limit: int | None = None


def gold_folder() -> Path:
    """The gold questions of the checkout; raises UsageError where the program was installed without them."""
    folder = CHECKOUT / "gold"
    if not folder.is_dir():
        raise UsageError(
            "the gold questions are not part of the installed program; "
            "run this in a checkout, or name cases of your own with --cases FILE."
        )
    return folder


def gold_files(sets: Sequence[str] = ()) -> tuple[Path, ...]:
    """The files of the named sets, of all when none is named; raises UsageError for a name that is none."""
    folder = gold_folder()
    known = {path.name.removesuffix(ENDING): path for path in sorted(folder.glob(f"*{ENDING}"))}
    if not known:
        raise UsageError(f"{folder} holds no cases; write one JSON object a line into a file *{ENDING}.")
    for name in sets:
        if name not in known:
            raise UsageError(f"there is no gold set {name!r}; there are {', '.join(known)}.")
    return tuple(known[name] for name in (dict.fromkeys(sets) if sets else known))


def choose_cases(choice: Choice) -> tuple[Located, ...]:
    """The cases of a choice, in the order of their files; raises UsageError when there is none."""
    files = (choice.file,) if choice.file else gold_files(choice.sets)
    located = [one for one in read_located(files) if choice.half in (None, one.case.half)]
    if not located:
        raise UsageError(f"no case of {', '.join(path.name for path in files)} is in the half {choice.half}.")
    return tuple(located[: choice.limit])


def fingerprint(cases: Sequence[Located]) -> str:
    """A hash of the cases asked, so that two runs can be told to have asked the same."""
    joined = "\n".join(one.case.model_dump_json() for one in cases)
    return sha256(joined.encode()).hexdigest()[:16]
