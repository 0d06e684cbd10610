"""The first look at a file: there, not empty, of a bearable size, and text where text is wanted."""

from pathlib import Path

from ingest.errors import SourceMissing, SourceUnreadable

MAX_TEXT_BYTES = 20_000_000


def shown(path: Path) -> str:
    """The file's name on one line, whatever characters it has."""
    return path.name if path.name.isprintable() else path.name.encode("unicode_escape").decode("ascii")


def check_file(path: Path, most: int) -> None:
    """Raise SourceMissing or SourceUnreadable unless the file is there with 1 to `most` bytes."""
    if not path.is_file():
        raise SourceMissing(f"{shown(path)}: there is no such file. Put it in the corpus folder or download it again.")
    size = path.stat().st_size
    if size == 0:
        raise SourceUnreadable(f"{shown(path)}: it is empty (0 bytes). Download it again.")
    if size > most:
        raise SourceUnreadable(
            f"{shown(path)}: it has {size:,} bytes, more than {most:,}. Split it, and add the parts."
        )


def read_utf8(path: Path) -> str:
    """A text file's content, line ends as line feeds; raises SourceMissing or SourceUnreadable."""
    check_file(path, MAX_TEXT_BYTES)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceUnreadable(
            f"{shown(path)}: it is no UTF-8 text (byte {error.start:,} fits none). Save it as UTF-8 and add that."
        ) from None
    if "\0" in text:
        raise SourceUnreadable(f"{shown(path)}: it holds NUL bytes, so it is no text. Give it its true ending.")
    if not text.strip():
        raise SourceUnreadable(f"{shown(path)}: it holds nothing but white space. Add a file with a text.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
