"""Our plain-language notes on provisions: what a provision says, whom it binds, and what people would call it."""

import tomllib
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from importlib.resources.abc import Traversable
from typing import Annotated

from pydantic import Field, ValidationError

from ingest.concordance import ReadExpression, ReadPlace, Strict
from ingest.datafiles import data_file
from ingest.errors import ManifestError
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.pinpoint import Pinpoint

FOLDER = "notes"


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
def load_notes() -> dict[InstrumentId, dict[Pinpoint, Note]]:
    """Our notes by instrument and place; raises ManifestError when a file is not what its schema says."""
    notes: dict[InstrumentId, dict[Pinpoint, Note]] = {}
    for file in _files():
        read = _read(file)
        held = notes.setdefault(read.wording.instrument, {})
        for note in read.note:
            if note.pinpoint in held:
                raise ManifestError(f"data/notes/{file.name}: a second note on {note.pinpoint}; keep one.")
            held[note.pinpoint] = note
    return notes


def note_wordings() -> dict[InstrumentId, ExpressionId]:
    """The wording that each instrument's notes were written on."""
    return {read.wording.instrument: read.wording for read in map(_read, _files())}


def _files() -> Iterator[Traversable]:
    folder = data_file(FOLDER)
    return iter(sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name))


def _read(file: Traversable) -> NoteFile:
    try:
        return NoteFile.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        reason = " ".join(str(error).split())[:400]
        raise ManifestError(f"data/notes/{file.name} cannot be read: {reason}; correct it.") from None
