"""Spreadsheets, CSV and XLSX (the only door to openpyxl): rows of text under a header, and the template.

What a person sees in a cell is what is read: a date as YYYY-MM-DD, 15 % as "15%", a formula as its stored value.
"""

import csv
import io
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.errors import UsageError

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

CSV = ".csv"
XLSX = ".xlsx"
LARGEST = 20_000_000
"""Bytes of a file."""
UNPACKED = 100_000_000
"""Bytes of all that an XLSX file holds, unpacked."""
MOST_ROWS = 50_000
MOST_COLUMNS = 60
DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not empty: where it stands ("row 4"), and the text of each cell."""

    place: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a file, the header first; `problems` says which cells could not be read, a line each."""

    rows: tuple[Row, ...]
    problems: tuple[str, ...] = ()


def read_spreadsheet(path: Path) -> Sheet:
    """Read a CSV or XLSX file; raises UsageError for one that cannot be read at all."""
    ending = path.suffix.casefold()
    if ending not in (CSV, XLSX):
        raise UsageError(f"{path.name} is neither CSV nor XLSX; save it as “CSV UTF-8” or as an Excel workbook.")
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise UsageError(f"{path.name} has {size / 1e6:.0f} MB; {LARGEST / 1e6:.0f} are allowed: split it.")
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); name a CSV or XLSX file.") from None
    sheet = _read_csv(path.name, content) if ending == CSV else _read_xlsx(path.name, content)
    if not sheet.rows:
        raise UsageError(f"{path.name} is empty; its first row names the columns.")
    return sheet


def _read_csv(name: str, content: bytes) -> Sheet:
    text = _decode(name, content)
    first, _, rest = text.partition("\n")
    if first.casefold().startswith("sep=") and len(first.strip()) == 5:
        delimiter, text, before = first[4], rest, 1
    else:
        delimiter, before = max(DELIMITERS, key=first.count), 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    number, line = before, before + 1
    try:
        for number, cells in enumerate(reader, before + 1):
            _check_rows(name, number)
            place = f"row {number}" if line == number else f"row {number} (line {line})"
            rows.append(Row(place, tuple(_tidy(cell) for cell in cells)))
            line = before + reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"{name}, row {number + 1} (line {line}): not CSV ({error}); check its quotes.") from None
    return Sheet(tuple(row for row in rows if any(row.cells)))


def _decode(name: str, content: bytes) -> str:
    """The text of a CSV file; raises UsageError naming the line that is not UTF-8."""
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{name}, line {line}: not UTF-8 (byte 0x{content[error.start]:02x}), perhaps Windows-1252;"
            " save it as “CSV UTF-8”."
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UsageError(f"{name}, line {line}: a null byte; it is no CSV file.")
    return text


def _check_rows(name: str, number: int) -> None:
    if number > MOST_ROWS + 1:
        raise UsageError(f"{name} has more than {MOST_ROWS:,} rows; split it, or delete the empty rows at its end.")


def _tidy(text: str) -> str:
    return text.replace("_x000D_", "").replace("\r\n", "\n").replace("\u00a0", " ").strip()


def _read_xlsx(name: str, content: bytes) -> Sheet:
    _check_archive(name, content)
    sheet = _open_first(name, content, values=True)
    _check_rows(name, sheet.max_row)
    if sheet.max_column > MOST_COLUMNS:
        raise UsageError(f"{name} has {sheet.max_column} columns; {MOST_COLUMNS} are read: delete those on the right.")
    formulas = _formulas(_open_first(name, content, values=False))
    problems = [
        f"row {merged.min_row}: cells {merged.coord} are merged; unmerge them and fill each"
        for merged in sheet.merged_cells.ranges
        if sheet.cell(merged.min_row, merged.min_col).value is not None
    ]
    rows: list[Row] = []
    for cells in sheet.iter_rows():
        texts = tuple(_show(cell) for cell in cells)
        problems += _unreadable(cells, formulas)
        if any(texts):
            rows.append(Row(f"row {cells[0].row}", texts))
    return Sheet(tuple(rows), tuple(problems))


def _check_archive(name: str, content: bytes) -> None:
    """Refuse what is no XLSX file, and one that unpacks to more than is sound."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OverflowError):
        raise UsageError(f"{name} is no XLSX file, or encrypted; save it as an Excel workbook without one.") from None
    if unpacked > UNPACKED:
        raise UsageError(
            f"{name} unpacks to {unpacked / 1e6:.0f} MB; {UNPACKED / 1e6:.0f} are allowed: save it as CSV UTF-8."
        )


def _open_first(name: str, content: bytes, *, values: bool) -> "Worksheet":
    """The first sheet, its formulas as stored values or as themselves."""
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(content), data_only=values, keep_links=False)
            return book.worksheets[0]
    except Exception as error:  # openpyxl passes on whatever its parsers raise
        raise UsageError(f"{name} cannot be read ({_first_line(error)}); save it anew, or as CSV UTF-8.") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _formulas(sheet: "Worksheet") -> frozenset[str]:
    return frozenset(cell.coordinate for cells in sheet.iter_rows() for cell in cells if cell.data_type == "f")


def _unreadable(cells: "Iterable[Cell]", formulas: frozenset[str]) -> Iterator[str]:
    for cell in cells:
        if cell.data_type == "e":
            yield f"row {cell.row}: cell {cell.coordinate} holds the error {cell.value}; put it right"
        elif cell.value is None and cell.coordinate in formulas:
            yield (
                f"row {cell.row}: cell {cell.coordinate} is a formula without a stored value;"
                " open and save the file in a spreadsheet program, or paste the value"
            )


def _show(cell: "Cell") -> str:
    """What a person sees in a cell."""
    value: Any = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, int | float) and not isinstance(value, bool):
        percent = str(cell.number_format).endswith("%")
        return f"{value * 100:.10g}%" if percent else f"{value:.15g}"
    return _tidy(str(value))


@dataclass(frozen=True, slots=True)
class TemplateColumn:
    """A column of the template: its heading, what belongs in it, its width in letters, and what it may hold."""

    heading: str
    explanation: str
    width: int
    choices: tuple[str, ...] = ()


def write_template(
    path: Path, columns: Sequence[TemplateColumn], examples: Sequence[Sequence[str]], layout: str = ""
) -> None:
    """Write a header with examples, as CSV or XLSX by `layout` or else by the file's ending; raises UsageError."""
    ending = f".{layout}" if layout else path.suffix.casefold()
    if ending not in (CSV, XLSX):
        raise UsageError(f"{path.name} ends neither in {CSV} nor in {XLSX}; name it so, or choose with --format.")
    rows = [[column.heading for column in columns], *examples]
    try:
        if ending == CSV:
            with path.open("w", encoding="utf-8-sig", newline="") as file:
                csv.writer(file).writerows(rows)
        else:
            _lay_out(rows, columns).save(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}); name another file.") from None


def _lay_out(rows: Sequence[Sequence[str]], columns: Sequence[TemplateColumn]) -> "Workbook":
    """A workbook with the rows on its first sheet, and on its second what each column means."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Cases"
    for row in rows:
        sheet.append(list(row))
    sheet.freeze_panes = "A2"
    for number, column in enumerate(columns, 1):
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = column.width
        sheet[f"{letter}1"].font = Font(bold=True)
        for place in range(1, len(rows) + 1):
            sheet[f"{letter}{place}"].alignment = Alignment(wrap_text=True, vertical="top")
        if column.choices:
            allowed = DataValidation(type="list", formula1=f'"{",".join(column.choices)}"', allow_blank=True)
            allowed.add(f"{letter}2:{letter}{MOST_ROWS + 1}")
            sheet.add_data_validation(allowed)
    meaning = book.create_sheet("Columns")
    for column in columns:
        meaning.append([column.heading, column.explanation])
    meaning.column_dimensions["A"].width = 24
    meaning.column_dimensions["B"].width = 110
    return book
