"""Our plain-language notes on provisions: what a provision says, whom it binds, and what people would call it."""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from importlib.resources.abc import Traversable
from typing import Annotated

from pydantic import Field

from ingest.concordance import ReadExpression, ReadPlace
from ingest.datafiles import data_file
from ingest.errors import ManifestError
from ingest.identifiers import ExpressionId, InstrumentId, parse_instrument_id
from ingest.instrument import Expression
from ingest.pinpoint import Pinpoint
from ingest.tables import Strict, read_file, read_own, reading

FOLDER = "notes"
ASKED = "asked.toml"

_Instrument = Annotated[InstrumentId, reading(parse_instrument_id)]
_Questions = Annotated[tuple[str, ...], Field(min_length=1)]
_ONE_SIGN = str.maketrans("‐‑–—‘’“”", "----''\"\"")


class NoteSentence(Strict):
    """One sentence of ours and the places of the same instrument that carry it."""

    text: Annotated[str, Field(min_length=1)]
    cites: Annotated[tuple[ReadPlace, ...], Field(min_length=1)]


class PlainWords(Strict):
    """What people who do not speak law would type when they mean a place."""

    at: ReadPlace
    words: Annotated[tuple[str, ...], Field(min_length=1)]


class Note(Strict):
    """Two to six sentences on one provision; `binds` says whom, in a few words."""

    pinpoint: ReadPlace
    binds: str = ""
    sentences: Annotated[tuple[NoteSentence, ...], Field(min_length=1, max_length=8)]
    plain: tuple[PlainWords, ...] = ()


class NoteFile(Strict):
    """The notes of one file, on one wording."""

    wording: ReadExpression
    reviewed: date
    note: tuple[Note, ...]


@lru_cache(maxsize=1)
def load_note_files() -> tuple[NoteFile, ...]:
    """Our files of notes; raises ManifestError when one is not what its schema says."""
    return tuple(read_note_file(file, f"data/{FOLDER}/{file.name}") for file in _files())


@lru_cache(maxsize=1)
def load_notes() -> dict[InstrumentId, dict[Pinpoint, Note]]:
    """Our notes by instrument and place; raises ManifestError when a file is not what its schema says."""
    notes: dict[InstrumentId, dict[Pinpoint, Note]] = {}
    for file in load_note_files():
        held = notes.setdefault(file.wording.instrument, {})
        for note in file.note:
            if note.pinpoint in held:
                place = f"{file.wording.instrument} {note.pinpoint}"
                raise ManifestError(f"data/{FOLDER} has a second note on {place}; keep one.")
            held[note.pinpoint] = note
    return notes


@lru_cache(maxsize=1)
def load_asked() -> dict[InstrumentId, dict[Pinpoint, tuple[str, ...]]]:
    """Our questions by the place that answers them; raises ManifestError when the file is not what its schema says."""
    return read_own(dict[_Instrument, dict[ReadPlace, _Questions]], ASKED)


def note_wordings() -> dict[InstrumentId, ExpressionId]:
    """The wording that each instrument's notes were written on."""
    return {file.wording.instrument: file.wording for file in load_note_files()}


def read_note_file(file: Traversable, name: str = "") -> NoteFile:
    """Read a file of notes, called `name` in complaints; raises ManifestError when it is not what its schema says."""
    return read_file(NoteFile, file, name or file.name)


def changed_places(places: Iterable[Pinpoint], written_on: Expression, other: Expression) -> tuple[Pinpoint, ...]:
    """The places whose text is another in `other` than in the wording that was written on, or is missing from it.

    A note on them, or a sentence that cites them, may no longer be true.
    """
    return tuple(place for place in places if _text(written_on, place) != _text(other, place))


def _text(wording: Expression, place: Pinpoint) -> str | None:
    """The words at a place, whatever the hyphens, the quotation marks and the white space; None where there is none."""
    provision = wording.get(place)
    return None if provision is None else " ".join(provision.text.translate(_ONE_SIGN).split())


def _files() -> Iterator[Traversable]:
    folder = data_file(FOLDER)
    return iter(sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name))
