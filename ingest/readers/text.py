"""Plain text: paragraphs parted by blank lines."""

import re
from pathlib import Path

from ingest.readers.opening import read_utf8
from ingest.readers.paragraphs import number_paragraphs
from ingest.readers.reading import Reading

_BLANK_LINES = re.compile(r"\n[ \t\f\v]*(?:\n[ \t\f\v]*)+")


def read_text(path: Path) -> Reading:
    """A text's paragraphs, labelled 1, 2, …; raises SourceMissing or SourceUnreadable."""
    return number_paragraphs(path, (("", piece) for piece in _BLANK_LINES.split(read_utf8(path))))
