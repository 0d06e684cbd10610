"""A treaty's status renewed from a CSV file: read, held against the table that it follows, and written."""

import csv
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ingest.clock import parse_date, today
from ingest.errors import UsageError
from ingest.identifiers import InstrumentId
from ingest.status import Participant, TreatyStatus, load_status, own_table, read_table

COLUMNS = ("name", "member_state", "signed", "consented", "consent", "declaration", "as_seen")
NEEDED = ("name", "member_state")
CONSENTS = ("ratification", "acceptance", "approval", "accession", "definitive signature")
LARGEST = 1_000_000  # bytes

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file, its number counted from 1 with the header."""

    number: int
    cells: dict[str, str]

    def day(self, column: str, where: str) -> date | None:
        """The date in a column, None where it is empty; raises UsageError."""
        text = self.cells.get(column, "")
        return parse_date(text, f"{where}, line {self.number}, {column}") if text else None


@dataclass(frozen=True, slots=True)
class Renewal:
    """The status as a file has it, beside the one that it follows."""

    before: TreatyStatus
    after: TreatyStatus

    def changes(self) -> Iterator[str]:
        """A line for each difference."""
        old = {one.name: one for one in self.before.participant}
        new = {one.name: one for one in self.after.participant}
        yield from (f"{name}: no longer listed" for name in old if name not in new)
        for name, one in new.items():
            before = old.get(name)
            if before is None:
                yield f"{name}: new in the list"
            if one.consented and (before is None or before.consented != one.consented):
                yield f"{name}: {one.consent} on {one.consented}"
            elif before is not None and before.consented and not one.consented:
                yield f"{name}: no consent any more"
            if before is not None and before.declaration != one.declaration:
                yield f"{name}: {'declaration changed' if one.declaration else 'no declaration any more'}"
        if self.after.entered_into_force != self.before.entered_into_force:
            yield f"in force since {self.after.entered_into_force}"


def read_renewal(
    file: Path, instrument: InstrumentId, *, as_seen: date | None, source: str, in_force_since: date | None
) -> Renewal:
    """Read a file as the new status of a treaty; raises UsageError in one line that names the file and its line."""
    before = load_status().get(instrument)
    if before is None:
        known = ", ".join(load_status())
        raise UsageError(f"there is no status table for {instrument!r}; there is one for {known}.")
    rows = _read_rows(file)
    participants = tuple(_read_participant(row, before, file.name) for row in rows)
    seen = _day_seen(rows, file.name, as_seen)
    if seen < before.as_seen:
        raise UsageError(f"{file.name} was seen on {seen}, before the table in use ({before.as_seen}); renew it first.")
    _check_names(participants, file.name)
    _check_days(participants, seen, file.name)
    entered = in_force_since or before.entered_into_force
    after = before.model_copy(
        update={
            "as_seen": seen,
            "source": source or before.source,
            "basis": f"imported from {file.name} on {today()}",
            "in_force": entered is not None,
            "entered_into_force": entered,
            "participant": participants,
        }
    )
    _check_entry(after, file.name)
    return Renewal(before, after)


def _read_rows(file: Path) -> tuple[Row, ...]:
    try:
        if file.stat().st_size > LARGEST:
            raise UsageError(f"{file.name} has more than {LARGEST:,} bytes; a status table has a line for each party.")
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{str(file)!r} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file.name} is no UTF-8 text; save the table as CSV in UTF-8.") from None
    lines = text.splitlines()
    delimiter = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        every = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(cells)]
    except csv.Error as error:
        raise UsageError(f"{file.name}, line {reader.line_num}: is no CSV ({error}).") from None
    if len(every) < 2:
        raise UsageError(f"{file.name} has no participant; its first line names the columns: {', '.join(COLUMNS)}.")
    header = _check_header(every[0][1], file.name)
    for number, cells in every[1:]:
        if len(cells) != len(header):
            raise UsageError(f"{file.name}, line {number}: has {len(cells)} cells instead of {len(header)}.")
    return tuple(Row(number, dict(zip(header, cells, strict=True))) for number, cells in every[1:])


def _check_header(header: Sequence[str], file: str) -> Sequence[str]:
    for name in header:
        if name not in COLUMNS or header.count(name) > 1:
            raise UsageError(f"{file}: column {name!r} is unknown or there twice; allowed: {', '.join(COLUMNS)}.")
    for name in NEEDED:
        if name not in header:
            raise UsageError(f"{file}: column {name!r} is missing; needed: {', '.join(NEEDED)}.")
    return header


def _read_participant(row: Row, before: TreatyStatus, file: str) -> Participant:
    """A participant; what the file has no column for, and the program's own remark, stay as they were."""
    cells = row.cells
    where = f"{file}, line {row.number}"
    if not cells["name"] or not all(cell.isprintable() for cell in cells.values()):
        raise UsageError(f"{where}: the name is empty, or a cell has a line break; write a line for each participant.")
    member = _TRUTH.get(cells["member_state"].casefold())
    if member is None:
        raise UsageError(f"{where}: member_state {cells['member_state']!r} is neither true nor false.")
    old = next((one for one in before.participant if one.name == cells["name"]), None)
    signed, consented = row.day("signed", file), row.day("consented", file)
    consent = cells.get("consent", "").casefold()
    if (consented is None) != (not consent) or (consent and consent not in CONSENTS):
        raise UsageError(
            f"{where}: consent {consent!r} on {cells.get('consented', '')!r}; write a day in consented "
            f"and one of {', '.join(CONSENTS)} in consent, or neither."
        )
    return Participant(
        name=cells["name"],
        member_state=member,
        signed=signed if "signed" in cells or old is None else old.signed,
        consented=consented,
        consent=consent,
        declaration=cells.get("declaration", old.declaration if old else ""),
        remark=old.remark if old else "",
    )


def _day_seen(rows: Sequence[Row], file: str, named: date | None) -> date:
    """The one day on which the table was seen; raises UsageError for none, two, or one to come."""
    days = {day for row in rows if (day := row.day("as_seen", file)) is not None} | ({named} if named else set())
    if len(days) != 1:
        found = ", ".join(map(str, sorted(days))) or "no day"
        raise UsageError(f"{file}: was seen on {found}; give one day, in the column as_seen or with --as-seen.")
    [day] = days
    if day > today():
        raise UsageError(f"{file}: was seen on {day}, a day to come; today is {today()}.")
    return day


def _check_names(participants: Sequence[Participant], file: str) -> None:
    names = [one.name for one in participants]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{file}: {twice!r} is there twice; each participant has one line.")


def _check_days(participants: Sequence[Participant], seen: date, file: str) -> None:
    for one in participants:
        late = next((day for day in (one.signed, one.consented) if day is not None and day > seen), None)
        if late is not None:
            raise UsageError(f"{file}: {one.name} signed or consented on {late}, after the table was seen ({seen}).")


def _check_entry(treaty: TreatyStatus, file: str) -> None:
    """Raise UsageError where the consents suffice for entry into force, and nobody has said since when it is."""
    enough = (
        len(treaty.consents) >= treaty.consents_needed and len(treaty.member_consents) >= treaty.member_consents_needed
    )
    if enough and treaty.entered_into_force is None:
        raise UsageError(
            f"{file}: {len(treaty.consents)} consents suffice for entry into force ({treaty.entry_clause}); "
            "name the day from which the treaty is, or will be, in force with --in-force-since."
        )


def save_renewal(renewal: Renewal) -> Path:
    """Put the new status into the user's own table, beside what that has of other treaties."""
    file = own_table()
    kept = read_table(file, str(file)) if file.is_file() else {}
    kept[renewal.after.instrument] = renewal.after
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_text("\n".join(map(_print_treaty, kept.values())), encoding="utf-8")
    beside.replace(file)
    load_status.cache_clear()
    return file


def _print_treaty(treaty: TreatyStatus) -> str:
    """A treaty's status in TOML."""
    record = treaty.model_dump(exclude_none=True)
    participants = record.pop("participant")
    lines = ["[[treaty]]", *_print_table(record)]
    for one in participants:
        lines += [
            "",
            "[[treaty.participant]]",
            *_print_table({key: value for key, value in one.items() if value != ""}),
        ]
    return "\n".join(lines) + "\n"


def _print_table(record: dict[str, object]) -> Iterator[str]:
    for key, value in record.items():
        text = value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
        yield f"{key} = {text}"
