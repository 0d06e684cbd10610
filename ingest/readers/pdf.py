"""The only door to pypdf: a PDF becomes pages of lines, each line with its place, size and font.

Positions are in points from the page's lower left corner, as printed (a page's rotation is undone).
"""

import logging
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import SourceUnreadable
from ingest.readers.opening import check_file, shown
from ingest.structure import normalise

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader
    from pypdf.generic import DictionaryObject

MAX_BYTES = 200_000_000
MAX_PAGES = 3_000
MAX_PAGE_CHARACTERS = 200_000

_DAMAGE = (
    RecursionError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
    OSError,
    struct.error,
    zlib.error,
)  # what pypdf lets through, besides its own errors, on a file that is not what it should be

Matrix = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Run:
    """Characters set in one go: lower left corner, font size in points, font name."""

    x: float
    y: float
    size: float
    font: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A printed line: `x`, `y`, `size` and `font` are those of its first run that is not blank."""

    page: int
    x: float
    y: float
    size: float
    font: str
    text: str
    runs: tuple[Run, ...]

    @property
    def bold(self) -> bool:
        """Whether all of it that is not blank is set in a bold font."""
        return self._throughout("bold")

    @property
    def emphasised(self) -> bool:
        """Whether all of it that is not blank is set in a bold or in an italic font."""
        return self._throughout("bold") or self._throughout("italic")

    def _throughout(self, style: str) -> bool:
        return all(style in run.font.lower() for run in self.runs if run.text.strip())


@dataclass(frozen=True, slots=True)
class Page:
    """A page with its number (1 is the first), its size in points and its lines in the order of the file."""

    number: int
    width: float
    height: float
    lines: tuple[Line, ...]


def read_pages(path: Path) -> tuple[Page, ...]:
    """All pages of a PDF; raises SourceMissing or SourceUnreadable, naming the file and the reason."""
    _check_file(path)
    with _translated(path):
        reader = _open(path)
        pages = tuple(_read_page(path, number, page) for number, page in enumerate(reader.pages, start=1))
    if not any(page.lines for page in pages):
        raise _unreadable(
            path, "has no text layer (scanned pages?)", "Run it through text recognition (OCR) and add the result."
        )
    return pages


def _unreadable(path: Path, reason: str, remedy: str) -> SourceUnreadable:
    return SourceUnreadable(f"{shown(path)}: the PDF {reason}. {remedy}")


def _check_file(path: Path) -> None:
    check_file(path, MAX_BYTES)
    with path.open("rb") as file:
        if b"%PDF-" not in file.read(1024):
            raise SourceUnreadable(
                f"{shown(path)}: it is no PDF, whatever its name says. Download it again, or give it its true ending."
            )


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn what pypdf raises and logs on a damaged file into SourceUnreadable."""
    from pypdf.errors import DependencyError, PyPdfError

    logger = logging.getLogger("pypdf")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except SourceUnreadable:
        raise
    except (*_DAMAGE, DependencyError, PyPdfError) as error:
        raise _damaged(path, error) from None
    finally:
        logger.setLevel(level)


def _damaged(path: Path, error: BaseException) -> SourceUnreadable:
    detail = normalise(str(error)).rstrip(".")
    if isinstance(error, RecursionError) or "cyclic" in detail.lower():
        return _unreadable(path, "refers to itself in a circle", "Download it again.")
    return _unreadable(path, f"is truncated or damaged ({detail or type(error).__name__})", "Download it again.")


def _open(path: Path) -> "PdfReader":
    from pypdf import PdfReader

    reader = PdfReader(path)
    if reader.is_encrypted and not reader.decrypt(""):
        raise _unreadable(path, "is encrypted and asks for a password", "Save a copy without a password and add that.")
    pages = len(reader.pages)
    if pages == 0:
        raise _unreadable(path, "has no pages", "Download it again.")
    if pages > MAX_PAGES:
        raise _unreadable(path, f"has {pages:,} pages, more than {MAX_PAGES:,}", "Split it, and add the parts.")
    return reader


def _read_page(path: Path, number: int, page: "PageObject") -> Page:
    runs: list[Run] = []
    box = page.mediabox
    turn = page.rotation % 360

    def visit(text: str, cm: Matrix, tm: Matrix, font: "DictionaryObject | None", size: float) -> None:
        if text:
            runs.append(_run(text, _multiply(tm, cm), font, size, (turn, float(box.width), float(box.height))))

    page.extract_text(visitor_text=visit)
    if sum(len(run.text) for run in runs) > MAX_PAGE_CHARACTERS:
        raise _unreadable(path, f"has more than {MAX_PAGE_CHARACTERS:,} characters on page {number}", "Split the page.")
    upright = turn % 180 == 0
    width, height = (box.width, box.height) if upright else (box.height, box.width)
    return Page(number, float(width), float(height), tuple(_join_beside(_lines(number, runs))))


def _run(
    text: str, matrix: Matrix, font: "DictionaryObject | None", size: float, turned: tuple[int, float, float]
) -> Run:
    """A run with its place on the page as printed."""
    turn, width, height = turned
    x, y = matrix[4], matrix[5]
    x, y = {90: (y, width - x), 180: (width - x, height - y), 270: (height - y, x)}.get(turn, (x, y))
    scale = (matrix[2] ** 2 + matrix[3] ** 2) ** 0.5
    name = str(font.get("/BaseFont", "")) if font else ""
    return Run(round(x, 1), round(y, 1), round(size * scale, 1), name.lstrip("/"), text)


def _multiply(m: Matrix, n: Matrix) -> Matrix:
    """The product of two PDF transformation matrices."""
    return (
        m[0] * n[0] + m[1] * n[2],
        m[0] * n[1] + m[1] * n[3],
        m[2] * n[0] + m[3] * n[2],
        m[2] * n[1] + m[3] * n[3],
        m[4] * n[0] + m[5] * n[2] + n[4],
        m[4] * n[1] + m[5] * n[3] + n[5],
    )


def _lines(page: int, runs: list[Run]) -> Iterator[Line]:
    """Runs gathered up to each line feed; blank lines left out."""
    gathered: list[Run] = []
    for run in _split_runs(runs):
        if run is not None:
            gathered.append(run)
        elif any(one.text.strip() for one in gathered):
            yield _line(page, gathered)
            gathered = []
        else:
            gathered = []
    if any(one.text.strip() for one in gathered):
        yield _line(page, gathered)


def _split_runs(runs: list[Run]) -> Iterator[Run | None]:
    """Runs without line feeds; None where a line ends."""
    for run in runs:
        first, *later = run.text.split("\n")
        yield replace(run, text=first)
        for piece in later:
            yield None
            yield replace(run, text=piece)


def _line(page: int, runs: list[Run]) -> Line:
    kept = tuple(run for run in runs if run.text)
    first = next(run for run in kept if run.text.strip())
    return Line(page, first.x, first.y, first.size, first.font, normalise("".join(run.text for run in kept)), kept)


def _join_beside(lines: Iterable[Line]) -> Iterator[Line]:
    """Put a line to the one before it where it stands to its right on the same baseline."""
    before: Line | None = None
    for line in lines:
        if before is None:
            before = line
        elif line.y == before.y and line.x > before.runs[-1].x:
            before = replace(before, text=_beside(before.text, line.text), runs=(*before.runs, *line.runs))
        else:
            yield before
            before = line
    if before is not None:
        yield before


def _beside(left: str, right: str) -> str:
    return f"{left}{right}" if right.startswith((",", ".", ";", ":", ")")) else f"{left} {right}"
