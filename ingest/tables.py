"""Tables in TOML, our own and the user's, held against the schema that says what may stand in them."""

import tomllib
from collections.abc import Callable
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from ingest.datafiles import data_file
from ingest.errors import ManifestError, VisavisError

LONGEST_REASON = 400

T = TypeVar("T")


class Strict(BaseModel):
    """A table that is frozen and has no key beyond its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def reading(parse: Callable[[str], object]) -> BeforeValidator:
    """Read a value by `parse`, its error becoming the validator's; what is already read passes."""

    def read(value: object) -> object:
        try:
            return parse(value) if isinstance(value, str) else value
        except VisavisError as error:
            raise ValueError(str(error)) from None

    return BeforeValidator(read)


def read_own(schema: type[T], path: str) -> T:
    """One of the program's own files, named as in `data/`; raises ManifestError when it is not what its schema says."""
    return read_file(schema, data_file(path), f"data/{path}")


def read_file(schema: type[T], file: Path | Traversable, name: str) -> T:
    """A TOML file as its schema reads it; raises ManifestError, one line that begins with `name`."""
    try:
        return TypeAdapter(schema).validate_python(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        reason = " ".join(str(error).split())[:LONGEST_REASON]
        raise ManifestError(f"{name} cannot be read: {reason}; correct it.") from None
