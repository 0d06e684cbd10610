"""What a reader may do wrong, as functions that another process can import."""

import ctypes
import os
import time
from pathlib import Path

from ingest.errors import SourceUnreadable


def double(number: int) -> int:
    return 2 * number


def end_at_once(*_: object) -> None:
    os._exit(3)


def refuse(path: Path) -> None:
    raise SourceUnreadable(f"{path.name}: it is a garden gnome.")


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def pause(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def toil() -> None:
    while True:
        pass


def write_process(path: Path) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(60)


def allocate(count: int) -> int:
    return len(b"x" * count)


def crash() -> None:
    ctypes.string_at(0)


def fail() -> None:
    raise KeyError("of no concern to the other files")


def leave() -> None:
    os._exit(7)


def unspeakable() -> object:
    return lambda: None
