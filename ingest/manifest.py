"""Which file is which instrument: its format, hash, licence, official address, authority and expected counts."""

import tomllib
from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

import pydantic
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    model_validator,
)

from ingest.clock import parse_date
from ingest.datafiles import data_file
from ingest.errors import ManifestError
from ingest.identifiers import Celex, Cets, Eli, ExpressionId, InstrumentId, parse_instrument_id
from ingest.instrument import Authority
from ingest.tables import reading

MANIFEST: Final = "manifest.toml"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
SOURCE_AUTHORITIES: Final = (Authority.LAW, Authority.EXPLANATORY_REPORT, Authority.GUIDANCE, Authority.COMMENTARY)


class SourceFormat(StrEnum):
    """How a file is laid out, which decides its reader."""

    CETS_PDF = "cets-pdf"
    OJ_PDF = "oj-pdf"
    EURLEX_HTML = "eurlex-html"
    FORMEX = "formex"
    GUIDELINES_PDF = "guidelines-pdf"
    PDF = "pdf"
    HTML = "html"
    MARKDOWN = "markdown"
    TEXT = "text"
    DOCX = "docx"


class Use(StrEnum):
    """What a source is for.

    It is indexed, the same wording in another format, a sample to try the readers on, or a corrigendum, which is read
    into the text that it corrects.
    """

    CORPUS = "corpus"
    ALTERNATE = "alternate"
    COMPARISON = "comparison"
    CORRIGENDUM = "corrigendum"


TAKEN_IN: Final = frozenset({Use.CORPUS, Use.CORRIGENDUM})
"""What an index is made of: a text of its own, or one that is read into another."""


def _line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds a line break or another control character")
    return text


def _relative_path(text: str) -> str:
    parts = _line(text).split("/")
    if any(part in {"", ".", ".."} for part in parts) or "\\" in text or ":" in text:
        raise ValueError("is no path inside a corpus folder; write folder/name without a leading slash, .. or a drive")
    return text


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine itself."""
    return host in LOOPBACK


def _web_address(text: str) -> str:
    parts = urlsplit(_line(text))
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError("is no web address; write https://…")
    return text


def _optional_address(text: str) -> str:
    """An address, or nothing for a document that has none, such as a user's own."""
    return text and _web_address(text)


def _secure_address(text: str) -> str:
    parts = urlsplit(_web_address(text))
    if parts.scheme != "https" and not is_loopback(parts.hostname):
        raise ValueError("is not secure; a download address begins with https://")
    return text


def _day(value: object) -> date:
    if isinstance(value, str):
        return parse_date(value)
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("is no date; write it as YYYY-MM-DD, for example 2024-07-12")
    return value


Line = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_line)]
Slug = Annotated[InstrumentId, reading(parse_instrument_id)]
Day = Annotated[date, BeforeValidator(_day), reading(parse_date)]
Count = Annotated[StrictInt, Field(ge=0)]
OptionalLine = Annotated[str, Field(max_length=500), AfterValidator(_line)]


class _Entry(BaseModel):
    """A table of the manifest: frozen, and no key beyond its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Expected(_Entry):
    """How many of each the text has; None where nobody counted."""

    preamble_paragraphs: Count | None = None
    recitals: Count | None = None
    chapters: Count | None = None
    sections: Count | None = None
    articles: Count | None = None
    annexes: Count | None = None
    numbered_paragraphs: Count | None = None
    amending_points: Count | None = None

    def stated(self) -> dict[str, int]:
        """The counts that are given, by name."""
        return self.model_dump(exclude_none=True)


class Address(_Entry):
    """An official address for a download, with the headers by which the site picks format and language."""

    url: Annotated[str, AfterValidator(_secure_address)]
    accept: OptionalLine = ""
    accept_language: OptionalLine = ""

    @property
    def host(self) -> str:
        """The machine that is asked."""
        return urlsplit(self.url).hostname or ""


class SourceFile(_Entry):
    """A file in a corpus folder and its SHA-256 in hex, empty until it is pinned at the first download."""

    path: Annotated[str, AfterValidator(_relative_path)]
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


class Source(_Entry):
    """One text in one format: the files it is made of, where they come from, and what they should hold.

    `version` is the day its wording takes legal effect, save an instrument's first, dated by publication; `published`
    is the document's own date, `in_force` the day an act enters into force; `corrigenda` are those it has in it.
    `amends` names the source that an amending act changes, `corrects` the one that a corrigendum corrects.
    """

    id: Slug
    instrument: Slug
    title: Line
    short_title: Line
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    version: Day
    published: Day
    in_force: Day | None = None
    format: SourceFormat
    authority: Authority
    use: Use = Use.CORPUS
    alternate_of: str = ""
    amends: str = ""
    corrects: str = ""
    required: StrictBool = False
    column: StrictBool = False
    celex: Annotated[Celex | None, reading(Celex.parse)] = None
    eli: Annotated[Eli | None, reading(Eli.parse)] = None
    cets: Annotated[Cets | None, reading(Cets.parse)] = None
    corrigenda: tuple[Annotated[Celex, reading(Celex.parse)], ...] = ()
    url: Annotated[str, AfterValidator(_optional_address)]
    addresses: tuple[Address, ...] = ()
    files: Annotated[tuple[SourceFile, ...], Field(min_length=1)]
    licence: Line
    attribution: Line
    remark: OptionalLine = ""
    expected: Expected = Expected()

    @property
    def expression(self) -> ExpressionId:
        """The wording that it holds: `eu-ai-act@2024-07-12:en`."""
        return ExpressionId(self.instrument, self.version, self.language)

    @property
    def download(self) -> bool:
        """Whether it may be fetched; copyright commentary has a link alone."""
        return bool(self.addresses)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.authority not in SOURCE_AUTHORITIES:
            raise ValueError(
                f"authority {self.authority.value!r} is not a source's; allowed: {_listed(SOURCE_AUTHORITIES)}"
            )
        if (self.use is Use.ALTERNATE) != bool(self.alternate_of):
            raise ValueError('use = "alternate" and alternate_of = "<source id>" go together')
        if (self.use is Use.CORRIGENDUM) != bool(self.corrects):
            raise ValueError('use = "corrigendum" and corrects = "<source id>" go together')
        if len(self.files) > 1 and self.format is not SourceFormat.FORMEX:
            raise ValueError(f"format {self.format.value!r} takes one file; only formex takes several")
        return self


class Manifest(_Entry):
    """All the sources, and the catalogue where the Publications Office lists new versions and corrigenda."""

    version: Literal[1]
    catalogue: Annotated[str, AfterValidator(_secure_address)] | None = None
    sources: Annotated[tuple[Source, ...], Field(validation_alias="source")] = ()

    def get(self, source_id: str) -> Source:
        """The source with an id; raises ManifestError when there is none."""
        for source in self.sources:
            if source.id == source_id:
                return source
        raise ManifestError(f"the manifest has no source {source_id!r}; it has {_listed(s.id for s in self.sources)}.")

    def used_for(self, use: Use) -> tuple[Source, ...]:
        """The sources of one use, in the manifest's order."""
        return tuple(source for source in self.sources if source.use is use)

    def extended(self, sources: Iterable[Source]) -> "Manifest":
        """This manifest with a user's own sources after its own; raises ManifestError on an id or a path used twice."""
        try:
            return Manifest(version=self.version, catalogue=self.catalogue, sources=(*self.sources, *sources))
        except pydantic.ValidationError as error:
            raise _problem("the extended manifest", {}, error) from None

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        ids: list[str] = [source.id for source in self.sources]
        for what, names in (("id", ids), ("path", [file.path for s in self.sources for file in s.files])):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} {twice[0]!r} is used twice; each source has its own")
        for source in self.sources:
            if source.alternate_of and source.alternate_of not in ids:
                raise ValueError(
                    f"source {source.id!r} is the alternate of {source.alternate_of!r}, which is no source"
                )
            if source.amends and source.amends not in ids:
                raise ValueError(f"source {source.id!r} amends {source.amends!r}, which is no source")
            if any(one.id == source.amends and one.celex is None for one in self.sources):
                raise ValueError(f"source {source.id!r} amends {source.amends!r}, which has no celex number to go by")
        return self


def load_manifest(path: Path | None = None) -> Manifest:
    """Read a manifest, the program's own by default; raises ManifestError, one line naming the file and the key."""
    file: Path | Traversable = data_file(MANIFEST) if path is None else path
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ManifestError(f"manifest {str(file)!r} cannot be read: {reason}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"manifest {str(file)!r} is not valid TOML: {error}.") from None
    try:
        return Manifest.model_validate(tables)
    except pydantic.ValidationError as error:
        raise _problem(f"manifest {str(file)!r}", tables, error) from None


_TABLES: Final[dict[str, type[_Entry]]] = {
    "source": Source,
    "files": SourceFile,
    "addresses": Address,
    "expected": Expected,
}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _problem(name: str, tables: dict[str, Any], error: pydantic.ValidationError) -> ManifestError:
    """The first thing wrong, as one line; how many more there are stands at its end."""
    first, *others = error.errors(include_url=False, include_context=False)
    *above, key = first["loc"] or ("",)
    if first["type"] == "extra_forbidden":
        table = next((_TABLES[step] for step in reversed(above) if isinstance(step, str)), Manifest)
        allowed = sorted("source" if name == "sources" else name for name in table.model_fields)
        wrong = f"unknown key {key!r}; allowed: {_listed(allowed)}"
    elif first["type"] == "missing":
        wrong = f"key {key!r} is missing"
    else:
        said = first["msg"].removeprefix("Value error, ")
        wrong = f"{key} = {str(first['input'])[:80]!r}: {said}" if isinstance(first["input"], str | int) else said
    more = f" (and {len(others)} more)" if others else ""
    return ManifestError(f"{name}{_place(above, key, tables)}: {wrong}{more}.")


def _place(above: list[int | str], key: int | str, tables: dict[str, Any]) -> str:
    """Where in the manifest: `, source 'eu-ai-act', files 3`."""
    steps = [*above, key] if isinstance(key, int) else above
    place = ""
    for table, number in pairwise(steps):
        if isinstance(table, str) and isinstance(number, int):
            entry = tables[table][number] if table == "source" and table in tables else {}
            named = entry.get("id") if isinstance(entry, dict) else None
            place += f", {table} {named!r}" if isinstance(named, str) else f", {table} {number + 1}"
    return place
