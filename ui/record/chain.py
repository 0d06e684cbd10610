"""The chain over the entries: whether each stands where it stood, with what it held, and whether what is gone may be.

Order is by number, never by time, so a clock that jumps changes nothing. What is gone must be accounted for in the
chain itself: the newest purge lists every gap with the hashes on both sides of it, and an erasure the entries erased.
Whoever can write the whole database can make a whole new chain; against that stands a head kept elsewhere.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ui.record.entry import GENESIS, Entry, EntryKind, Record
from ui.record.errors import RecordError


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain: its number and its hash."""

    seq: int = 0
    hash: str = GENESIS

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Gap:
    """Entries that were deleted: the first and the last number, the hash before them, and that of the last."""

    first: int
    last: int
    previous: str
    hash: str

    def record(self) -> Record:
        """Its JSON form."""
        return {"first": self.first, "last": self.last, "previous": self.previous, "hash": self.hash}


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a chain breaks first, and how; 0 is no entry, but the file itself."""

    seq: int
    reason: str

    def __str__(self) -> str:
        return f"entry {self.seq}: {self.reason}" if self.seq else self.reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: how many entries stand, how many were deleted and erased, the head, and the first fault."""

    entries: int
    deleted: int
    erased: int
    head: Head
    fault: Fault | None = None

    def record(self) -> Record:
        """Its JSON form."""
        fault = None if self.fault is None else {"entry": self.fault.seq, "reason": self.fault.reason}
        counted = {"entries": self.entries, "deleted": self.deleted, "erased": self.erased}
        return {"verified": fault is None, **counted, "head": str(self.head), "fault": fault}


@dataclass(slots=True)
class _Walk:
    """What was seen of a chain so far."""

    last: Head
    faults: list[Fault] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    erased: list[int] = field(default_factory=list)
    allowed_gaps: tuple[Gap, ...] = ()
    erasures: list[tuple[int, int]] = field(default_factory=list)
    count: int = 0
    kept: Head | None = None
    unlike_kept: bool = False

    def step(self, entry: Entry) -> None:
        """Look at the next entry."""
        self.count += 1
        self._place(entry)
        if entry.sealed() != entry.hash:
            self._fault(entry, "its content is not what its hash was made of")
        elif entry.is_erased:
            self.erased.append(entry.seq)
        elif entry.committed() != entry.commitment:
            self._fault(entry, "its personal part is not what was entered")
        else:
            self._account(entry)
        if self.kept is not None and entry.seq == self.kept.seq and entry.hash != self.kept.hash:
            self.unlike_kept = True
        self.last = Head(max(entry.seq, self.last.seq), entry.hash)

    def _place(self, entry: Entry) -> None:
        if entry.seq <= self.last.seq:
            self._fault(entry, f"it stands after entry {self.last.seq}")
        elif entry.seq > self.last.seq + 1:
            self.gaps.append(Gap(self.last.seq + 1, entry.seq - 1, self.last.hash, entry.previous))
        elif entry.previous != self.last.hash:
            self._fault(entry, f"it does not follow entry {self.last.seq}")

    def _account(self, entry: Entry) -> None:
        if entry.kind == EntryKind.PURGE:
            self.allowed_gaps = removed_by(entry)
        elif entry.kind == EntryKind.ERASURE:
            self.erasures += erased_by(entry)

    def _fault(self, entry: Entry, reason: str) -> None:
        self.faults.append(Fault(entry.seq, reason))

    def all_faults(self, head: Head | None, kept: Head | None) -> Iterator[Fault]:
        """Every fault, those too that show only at the end."""
        if kept is not None and (self.unlike_kept or kept.seq > self.last.seq):
            yield Fault(kept.seq, f"it is not the one that was kept, {kept}")
        yield from self.faults
        for gap in self.gaps:
            if gap not in self.allowed_gaps:
                which = f"entries {gap.first} to {gap.last} are" if gap.last > gap.first else "it is"
                yield Fault(gap.first, f"{which} missing, and no purge accounts for it")
        for seq in self.erased:
            if not any(first <= seq <= last for first, last in self.erasures):
                yield Fault(seq, "its personal part is missing, and no erasure accounts for it")
        if head is not None and head.seq > self.last.seq:
            yield Fault(self.last.seq + 1, f"it is missing; the chain ends at entry {head.seq}")
        elif head is not None and head != self.last:
            yield Fault(self.last.seq, f"the chain's end is kept as {head}")


def removed_by(purge: Entry) -> tuple[Gap, ...]:
    """The gaps that a purge accounts for; raises RecordError where it was changed."""
    with _read(purge):
        return tuple(Gap(**one) for one in json.loads(purge.body)["removed"])


def erased_by(erasure: Entry) -> list[tuple[int, int]]:
    """The first and last number of each run of entries that an erasure accounts for; raises RecordError as above."""
    with _read(erasure):
        return [(first, last) for first, last in json.loads(erasure.body)["erased"]]


@contextmanager
def _read(entry: Entry) -> Iterator[None]:
    try:
        yield
    except (ValueError, LookupError, TypeError):
        raise RecordError(f"entry {entry.seq} of the record was changed; `visavis audit verify` says where.") from None


def verify(
    entries: Iterable[Entry],
    head: Head | None,
    *,
    start: Head | None = None,
    kept: Head | None = None,
    is_whole: Callable[[], bool] = lambda: True,
) -> Verdict:
    """Walk a chain from `start`, or from its beginning, to its end, which is to be `head`; names the first fault.

    `kept` is an end of the chain that was noted earlier; that entry must still stand, if its days are not over.
    Where `is_whole` says at the end that entries are wanting, nothing is made of what they would have accounted for.
    """
    walk = _Walk(start or Head(), kept=kept)
    for entry in entries:
        walk.step(entry)
    faults = walk.all_faults(head, kept) if is_whole() else iter(walk.faults)
    fault = min(faults, key=lambda one: one.seq, default=None)
    deleted = sum(gap.last - gap.first + 1 for gap in walk.gaps)
    return Verdict(walk.count, deleted, len(walk.erased), walk.last, fault)


def runs_of(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers in rising order as runs, each with its first and last."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
