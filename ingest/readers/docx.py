"""The only door to python-docx for reading: a Word document's paragraphs and table rows under their headings."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import SourceUnreadable
from ingest.instrument import SourceSpan
from ingest.readers.opening import check_file, shown
from ingest.readers.paragraphs import number_paragraphs
from ingest.readers.reading import Furniture, FurnitureKind, Reading
from ingest.structure import normalise

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph

MAX_BYTES = 100_000_000
MAX_UNPACKED = 300_000_000  # bytes of all parts together
MAX_RATIO = 200  # unpacked to packed, of a part larger than a megabyte
MAX_PARTS = 5_000

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    NotImplementedError,
    AssertionError,
)  # what zipfile and python-docx let through on a package that is not what it should be
_MEGABYTE = 2**20


def read_docx(path: Path) -> Reading:
    """A Word document's paragraphs and table rows, labelled 1, 2, …; raises SourceMissing or SourceUnreadable."""
    check_file(path, MAX_BYTES)
    document = _open(path)
    found = tuple(_pieces(document))
    furniture = [
        Furniture(FurnitureKind.HEADING, text, SourceSpan(path.name)) for heading, text in found if heading == text
    ]
    return number_paragraphs(path, (piece for piece in found if piece[0] != piece[1]), furniture)


def _open(path: Path) -> "Document":
    from docx import Document as open_document
    from docx.opc.exceptions import OpcError
    from lxml.etree import XMLSyntaxError

    try:
        _check_parts(path)
        return open_document(str(path))
    except (*_DAMAGE, OpcError, XMLSyntaxError) as error:
        reason = normalise(str(error)).strip("'\". ") or type(error).__name__
        raise SourceUnreadable(
            f"{shown(path)}: it is no Word document, or a damaged or locked one ({reason}). Save it anew as .docx."
        ) from None


def _check_parts(path: Path) -> None:
    """Raise SourceUnreadable where unpacking would fill the memory."""
    with zipfile.ZipFile(path) as package:
        parts = package.infolist()
    swollen = [one for one in parts if one.file_size > max(_MEGABYTE, MAX_RATIO * one.compress_size)]
    if swollen or len(parts) > MAX_PARTS or sum(one.file_size for one in parts) > MAX_UNPACKED:
        raise SourceUnreadable(
            f"{shown(path)}: it unpacks to far more than it holds, as a zip bomb does, and is not opened. "
            "Save the document anew as .docx."
        )


def _pieces(document: "Document") -> Iterator[tuple[str, str]]:
    """Each paragraph and table row with the heading it stands under; a heading's own text is its heading."""
    from docx.table import Table

    heading = ""
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            for row in block.rows:
                cells = [normalise(cell.text) for cell in row.cells]
                yield heading, " | ".join(dict.fromkeys(cell for cell in cells if cell))
        elif _is_heading(block):
            heading = normalise(block.text)
            yield heading, heading
        else:
            yield heading, block.text


def _is_heading(paragraph: "Paragraph") -> bool:
    style = paragraph.style
    return style is not None and (style.name or "").startswith(("Heading", "Title")) and bool(paragraph.text.strip())
