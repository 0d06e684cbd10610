"""The record as a file: JSON lines that can be verified where no database is, and what readers said, for measuring.

An export begins with a line on what it holds, has an entry a line, and ends with the SHA-256 of all lines before. It is
written beside its place and renamed, so that a half-written one is never found there.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from ui.record.chain import Fault, Head, Verdict, verify
from ui.record.entry import SCHEMA, Entry, EntryKind, Record, dump, now, read_entry, say_moment
from ui.record.errors import RecordError
from ui.record.ledger import Ledger

FEEDBACK_SCHEMA = "visavis.feedback/1"


def write_export(ledger: Ledger, path: Path, since: datetime | None = None) -> int:
    """Write the entries, those since a moment where one is given, to a file; gives how many there are."""
    count = 0
    digest = sha256()
    with _written(path) as write, ledger.walk(since) as (start, head, entries):

        def put(record: Record) -> None:
            line = dump(record) + "\n"
            digest.update(line.encode("ascii"))
            write(line)

        put({"schema": SCHEMA, "made": say_moment(now()), "start": str(start), "head": str(head)})
        for entry in entries:
            put(entry.record())
            count += 1
        write(dump({"entries": count, "sha256": digest.hexdigest()}) + "\n")
    return count


def verify_export(path: Path, kept: Head | None = None) -> Verdict:
    """Whether an exported file is whole, and its chain stands; raises RecordError where it cannot be read at all."""
    try:
        with path.open("rb") as lines:
            return _verify_lines(_Reading(lines, path), kept)
    except OSError as error:
        raise RecordError(f"the export {path} cannot be read: {error.strerror}.") from None


def _verify_lines(reading: "_Reading", kept: Head | None) -> Verdict:
    start, head = reading.opening()
    verdict = verify(reading.entries(), head, start=start, kept=kept, is_whole=lambda: not reading.is_cut)
    return verdict if verdict.fault is not None else replace(verdict, fault=reading.fault)


class _Reading:
    """An export as it is read, line by line; `fault` says where its lines are not those that were written."""

    def __init__(self, lines: Iterable[bytes], path: Path) -> None:
        self.fault: Fault | None = None
        self._lines = iter(lines)
        self._path = path
        self._digest = sha256()
        self._last = 0

    @property
    def is_cut(self) -> bool:
        """Whether entries could not be read."""
        return self.fault is not None and self.fault.seq > 0

    def opening(self) -> tuple[Head, Head]:
        """What the first entry follows, and the end of the chain."""
        line = next(self._lines, b"")
        self._digest.update(line)
        try:
            opening = json.loads(line)
            if opening["schema"] != SCHEMA:
                raise ValueError
            start, head = read_head(opening["start"]), read_head(opening["head"])
        except (ValueError, KeyError, TypeError):
            raise RecordError(
                f"{self._path} is no export of the record; `visavis audit export -o FILE` writes one."
            ) from None
        self._last = start.seq
        return start, head

    def entries(self) -> Iterator[Entry]:
        """The entries, up to the first line that is not what was written."""
        count = 0
        try:
            for line in self._lines:
                record = _read_line(line)
                if "sha256" in record:
                    self._close(record, count)
                    return
                entry = read_entry(record)
                self._digest.update(line)
                self._last = entry.seq
                count += 1
                yield entry
        except ValueError as error:
            self.fault = Fault(self._last + 1, f"its line in the file is not as it was written: {error}")
        else:
            self.fault = Fault(self._last + 1, "the file ends before it; it is half written")

    def _close(self, record: Record, count: int) -> None:
        if record != {"entries": count, "sha256": self._digest.hexdigest()}:
            self.fault = Fault(0, "the file's lines are not those that its last line names")
        elif next(self._lines, None) is not None:
            self.fault = Fault(0, "the file goes on after its last line")


def _read_line(line: bytes) -> Record:
    record = json.loads(line)
    if not isinstance(record, dict) or dump(record).encode("ascii") + b"\n" != line:
        raise ValueError("it is written in another way")
    return record


def read_head(text: str) -> Head:
    """A head from `SEQ:HASH`; raises ValueError where it is none."""
    seq, _, digest = text.partition(":")
    if len(digest) != len(sha256().hexdigest()):
        raise ValueError(f"{text!r} is no SEQ:HASH")
    return Head(int(seq), digest)


def write_feedback(ledger: Ledger, path: Path, since: datetime | None = None) -> int:
    """Write what readers said of answers, each with what it was said of and without who said it; gives how many."""
    count = 0
    with _written(path) as write, ledger.walk(since) as (_, _, entries):
        for record in _feedback(entries, ledger):
            write(dump(record) + "\n")
            count += 1
    return count


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all, for the owner alone."""
    with _written(path) as write:
        write(text)


def _feedback(entries: Iterable[Entry], ledger: Ledger) -> Iterator[Record]:
    for entry in entries:
        if entry.kind == EntryKind.FEEDBACK and entry.refers is not None:
            yield feedback_record(entry, ledger.find(entry.refers))


def feedback_record(entry: Entry, about: Entry | None) -> Record:
    """Feedback with the answer that it is about, None where that was deleted; the file's fields are in docs/api.md."""
    said = entry.told()
    answer = {} if about is None else about.told()
    return {
        "schema": FEEDBACK_SCHEMA,
        "id": entry.id,
        "at": entry.at,
        "feedback": said["feedback"],
        "citation": said["citation"],
        "comment": (said["personal"] or {}).get("comment", ""),
        "question": (answer.get("personal") or {}).get("question"),
        "as_of": answer.get("as_of"),
        "intent": answer.get("intent"),
        "scope": answer.get("scope", []),
        "citations": answer.get("citations", []),
        "refusal": answer.get("refusal"),
        "corpus": answer.get("corpus"),
    }


@contextmanager
def _written(path: Path) -> Iterator[Callable[[str], None]]:
    """What writes to a file that takes its place once it is whole; raises RecordError where it cannot."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with _unwritable(path):
        opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        out = os.fdopen(opened, "w", encoding="utf-8")

        def write(text: str) -> None:
            with _unwritable(path):
                out.write(text)

        with closing(out):
            yield write
            with _unwritable(path):
                out.flush()
                os.fsync(opened)
        with _unwritable(path):
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _unwritable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordError(
            f"{path} cannot be written: {error.strerror or error}; what was there is as it was."
        ) from None
