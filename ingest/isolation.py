"""A file of unknown make is read in a process of its own, with a limit on its time and on its memory.

Time is limited everywhere; memory on Linux alone, for macOS does not enforce such a limit: there the readers' own caps
on bytes, pages and unpacked parts have to do. Ctrl-C ends the readers through their parent, without a word of theirs.
"""

import multiprocessing
import pickle
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from time import monotonic, process_time
from typing import Generic, TypeVar

from ingest.errors import ReaderError, SourceUnreadable, VisavisError

SECONDS = 300.0
BYTES = 4 * 2**30
TO_START = 60.0  # seconds for a process that makes several calls, before its first one
GRACE = 60  # seconds of processor time beyond the limit: then the system ends a reader whose parent is gone

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """A module-level function to call in another process, its arguments, and what its errors call it."""

    name: str
    function: Callable[..., T_co]
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one call may take in seconds, and how much address space it may use in bytes."""

    seconds: float = SECONDS
    space: int = BYTES


DEFAULT_LIMITS = Limits()


def run_isolated(name: str, function: Callable[..., T], *arguments: object, limits: Limits = DEFAULT_LIMITS) -> T:
    """Call a module-level function in a fresh process; raises its VisavisError, or SourceUnreadable naming `name`."""
    [(_, result)] = run_side_by_side([Call(name, function, arguments)], 1, limits)
    if isinstance(result, VisavisError):
        raise result
    return result


def run_side_by_side(
    calls: Sequence[Call[T]], at_once: int, limits: Limits = DEFAULT_LIMITS
) -> Iterator[tuple[int, T | VisavisError]]:
    """Make each call in a fresh process, `at_once` at a time; yields its number and its result or error as it ends.

    Whatever ends the iteration ends the processes.
    """
    waiting = list(reversed(list(enumerate(calls))))
    running: list[_Running[T]] = []
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(_start(*waiting.pop(), limits))
            for one in _ended(running):
                running.remove(one)
                yield one.number, one.result(limits)
    finally:
        for one in running:
            one.reader.end()


def run_in_turn(calls: Sequence[Call[T]], limits: Limits) -> Iterator[T | VisavisError]:
    """Make the calls one after another in one fresh process; yields each result, for which the limit of time is.

    An error is the last one, be it the call's own, or that it took too long or ended the process: what comes after it
    is not called. Raises ReaderError where no process starts, twice: that is no fault of what it was to read.
    """
    reader = _begin_in_turn(calls, limits)
    try:
        for call in calls:
            said = reader.hear(call, limits, limits.seconds)
            yield said
            if isinstance(said, VisavisError):
                return
    finally:
        reader.end()


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """A process at work, and where its results come from."""

    process: BaseProcess
    receiving: Connection

    def await_start(self) -> None:
        """Wait until it says that it is there; raises ReaderError."""
        try:
            if not self.receiving.poll(TO_START):
                raise ReaderError(f"no reader started within {TO_START:g} s; free the machine and run this again.")
            self.receiving.recv_bytes()
        except (EOFError, OSError):
            self.process.join(5)
            code = self.process.exitcode
            raise ReaderError(f"a reader ended as it started (exit code {code}); run this again.") from None

    def hear(self, call: Call[T], limits: Limits, patience: float) -> T | VisavisError:
        """What comes back within so many seconds; an error where nothing does."""
        name = call.name
        try:
            if not self.receiving.poll(patience):
                return SourceUnreadable(
                    f"{name}: reading took more than {limits.seconds:.0f} s and was stopped; check the file."
                )
            received: T | VisavisError = pickle.loads(self.receiving.recv_bytes())  # nosec B301 # from a process of our own
            return received
        except (EOFError, OSError):
            self.process.join(5)
            code = self.process.exitcode
            return SourceUnreadable(f"{name}: the reader ended without a result (exit code {code}); check the file.")

    def end(self) -> None:
        """End the process if it goes on, and let go of it."""
        self.process.kill()
        self.process.join()
        self.receiving.close()


@dataclass(frozen=True, slots=True, eq=False)
class _Running(Generic[T]):
    """A call under way."""

    number: int
    call: Call[T]
    reader: _Reader
    deadline: float

    def result(self, limits: Limits) -> T | VisavisError:
        """What came back; an error where nothing did, in time or at all."""
        try:
            return self.reader.hear(self.call, limits, 0)
        finally:
            self.reader.end()


def _ended(running: Sequence[_Running[T]]) -> list[_Running[T]]:
    """Wait for the calls that end first, or that their time runs out for."""
    soonest = min(one.deadline for one in running)
    spoken = wait([one.reader.receiving for one in running], max(0.0, soonest - monotonic()))
    now = monotonic()
    return [one for one in running if one.reader.receiving in spoken or one.deadline <= now]


def _start(number: int, call: Call[T], limits: Limits) -> _Running[T]:
    return _Running(number, call, _begin(_work, call, limits), monotonic() + limits.seconds)


def _begin_in_turn(calls: Sequence[Call[T]], limits: Limits, attempts: int = 2) -> _Reader:
    reader = _begin(_work_in_turn, calls, limits)
    try:
        reader.await_start()
    except BaseException as error:
        reader.end()
        if attempts == 1 or not isinstance(error, ReaderError):
            raise
        return _begin_in_turn(calls, limits, attempts - 1)
    return reader


def _begin(work: Callable[..., None], what: object, limits: Limits) -> _Reader:
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(sending, what, limits), daemon=True)
    with _deaf_children():
        process.start()
    sending.close()
    return _Reader(process, receiving)


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes that begin here do not hear Ctrl-C: their parent does, and ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(sending: Connection, call: Call[object], limits: Limits) -> None:
    """Make the call and send back its result or its error; nobody hears it where the parent is gone."""
    _limit(limits)
    with suppress(BrokenPipeError):
        sending.send_bytes(_outcome(call, limits))
    sending.close()


def _work_in_turn(sending: Connection, calls: Sequence[Call[object]], limits: Limits) -> None:
    """Say that it is there, then make each call and send back its result or its error."""
    with suppress(BrokenPipeError):
        sending.send_bytes(pickle.dumps(None))
        for call in calls:
            _limit(limits)
            sending.send_bytes(_outcome(call, limits))
    sending.close()


def _limit(limits: Limits) -> None:
    """Limit what this process may use from now on."""
    seconds = int(process_time() + limits.seconds) + GRACE
    resource.setrlimit(resource.RLIMIT_CPU, _lowered(resource.RLIMIT_CPU, seconds))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, _lowered(resource.RLIMIT_AS, limits.space))


def _lowered(kind: int, most: int) -> tuple[int, int]:
    """A limit of `most`, or the one there is where that is lower."""
    _, hard = resource.getrlimit(kind)
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    return least, hard


def _outcome(call: Call[object], limits: Limits) -> bytes:
    """The result or the error, pickled, for what cannot be pickled is an error as well."""
    name = call.name
    try:
        return pickle.dumps(call.function(*call.arguments))
    except VisavisError as error:
        return pickle.dumps(error)
    except MemoryError:
        failure = f"reading needs more than {limits.space / 2**30:.1f} GB of memory; check the file."
    except Exception as error:  # a reader's defect on one file must not take the others with it
        failure = f"the reader failed ({type(error).__name__}: {error}); report the file."
    return pickle.dumps(SourceUnreadable(f"{name}: {failure}"))
