"""The user's own documents: copied into a folder of the user's data and listed there in a manifest of their own.

They stand in every index of this user, whatever folder the official texts come from.
"""

import fcntl
import json
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import platformdirs
import pydantic

from ingest.clock import today
from ingest.download import file_hash
from ingest.errors import SourceMissing, SourceUnreadable, UsageError
from ingest.instrument import Authority
from ingest.lexical import SNOWBALL, analyse
from ingest.manifest import MANIFEST, Manifest, Source, SourceFormat, Use, load_manifest
from ingest.readers.opening import shown
from ingest.sources import Absent, Findings, SearchPath, find_sources
from ingest.structure import Draft

VARIABLE = "VISAVIS_DOCUMENTS"
PREFIX = "own-"
FORMATS = {
    ".pdf": SourceFormat.PDF,
    ".html": SourceFormat.HTML,
    ".htm": SourceFormat.HTML,
    ".xhtml": SourceFormat.HTML,
    ".docx": SourceFormat.DOCX,
    ".md": SourceFormat.MARKDOWN,
    ".markdown": SourceFormat.MARKDOWN,
    ".txt": SourceFormat.TEXT,
}
LICENCE = "the user's own copy: its rights are its owner's"
LONGEST_ID = 48

_HEADER = "# Your own documents, written by `visavis ingest add` and `visavis ingest remove`.\n\nversion = 1\n"


@dataclass(frozen=True, slots=True)
class Description:
    """What a user says of a document; an empty title is the file's name, no day is today.

    A corrigendum names the source that it `corrects`.
    """

    title: str
    authority: Authority
    language: str
    short_title: str = ""
    url: str = ""
    published: date | None = None
    column: bool = False
    format: SourceFormat | None = None
    corrects: str = ""
    celex: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """A document that is listed, and whether it had been there before."""

    source: Source
    known: bool


def documents_folder() -> Path:
    """Where the documents are: $VISAVIS_DOCUMENTS, or `documents` in the user's data folder."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_data_path("visavis") / "documents"


def list_documents() -> tuple[Source, ...]:
    """The documents that were added, oldest first; raises ManifestError when their list cannot be read."""
    path = documents_folder() / MANIFEST
    return load_manifest(path).sources if path.is_file() else ()


def find_documents() -> Findings:
    """The documents whose copies are as they were added, and those whose copies are gone or changed."""
    folder = documents_folder()
    documents = list_documents()
    if not documents:
        return Findings(SearchPath((folder,), alone=True), (), (), ())
    found = find_sources(Manifest(version=1, sources=documents), folder)
    return replace(
        found,
        missing=tuple(_again(absent, "is gone from") for absent in found.missing),
        changed=tuple(_again(absent, "has changed in") for absent in found.changed),
    )


def _again(absent: Absent, what: str) -> Absent:
    source = absent.source
    return replace(
        absent,
        text=f"{source.short_title} ({source.id}): its copy {what} {documents_folder()}; "
        f"run `visavis ingest remove {source.id}`, and add the document again.",
    )


def find_files(folder: Path) -> tuple[Path, ...]:
    """The files of a folder whose endings can be read, by name; hidden ones and folders within are left aside."""
    files = (path for path in folder.iterdir() if path.suffix.lower() in FORMATS and not path.name.startswith("."))
    return tuple(sorted(path for path in files if path.is_file()))


def check_document(file: Path, description: Description, official: Iterable[Source] = ()) -> Source:
    """The manifest's entry for a file.

    Raises SourceMissing, SourceUnreadable, or UsageError for what is wrongly described or an official text already.
    """
    sources = tuple(official)
    kind = description.format or FORMATS.get(file.suffix.lower())
    if not file.is_file():
        raise SourceMissing(f"{shown(file)}: there is no such file.")
    if kind is None:
        raise UsageError(f"{shown(file)}: its ending is none of {', '.join(FORMATS)}; rename it, or give --format.")
    if description.language not in SNOWBALL:
        allowed = ", ".join(sorted(SNOWBALL))
        raise UsageError(f"no word search in the language {description.language!r}; allowed are {allowed}.")
    title = description.title.strip() or " ".join(re.split(r"[\s_]+", file.stem))
    day = description.published or today()
    digest = _hash(file)
    if description.corrects:
        _check_corrected(description, sources)
    same = _known_as(digest, sources)
    if same is not None:
        raise UsageError(f"{shown(file)}: these are the bytes of {same.title} ({same.id}), which is in the corpus.")
    identity = _identity(title, digest)
    try:
        return Source.model_validate(
            {
                "id": identity,
                "instrument": identity,
                "title": title,
                "short_title": description.short_title.strip() or title,
                "language": description.language,
                "version": day,
                "published": day,
                "format": kind,
                "authority": description.authority,
                "column": description.column,
                "use": Use.CORRIGENDUM if description.corrects else Use.CORPUS,
                "corrects": description.corrects,
                "celex": description.celex or None,
                "url": description.url,
                "files": [{"path": f"{identity}{file.suffix.lower()}", "sha256": digest}],
                "licence": LICENCE,
                "attribution": title,
            }
        )
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        said = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{first['loc'][0]} {str(first['input'])[:80]!r}: {said}.") from None


def _check_corrected(description: Description, official: Iterable[Source]) -> None:
    """Raise UsageError where a corrigendum is not of an act that can be corrected, in its own language."""
    acts = [one for one in official if one.use is Use.CORPUS and one.authority is Authority.LAW]
    fitting = [one.id for one in acts if one.language == description.language]
    if description.corrects not in fitting:
        allowed = ", ".join(fitting) or "none"
        raise UsageError(
            f"--corrects {description.corrects!r} is no text in {description.language!r} to be corrected; "
            f"allowed: {allowed}."
        )
    if description.authority is not Authority.LAW:
        raise UsageError(f"--authority {description.authority.value!r}: a corrigendum is law; give --authority law.")


def check_words(file: Path, source: Source, drafts: Iterable[Draft]) -> None:
    """Raise SourceUnreadable where a document has no word to search for: no index could be built with it."""
    if not any(analyse(draft.whole(), source.language) for draft in drafts):
        raise SourceUnreadable(f"{shown(file)}: it has no word that can be searched for. Add a file with a text.")


def _hash(file: Path) -> str:
    try:
        return file_hash(file)
    except OSError as error:
        raise SourceUnreadable(f"{shown(file)}: it cannot be opened: {error.strerror}.") from None


def _identity(title: str, digest: str) -> str:
    """An id from the title's Latin letters and digits; from the hash where it has none."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    name = "-".join(words)[:LONGEST_ID].strip("-")
    return f"{PREFIX}{name or digest[:8]}"


def _known_as(digest: str, others: Iterable[Source]) -> Source | None:
    """The source among others that has the same bytes."""
    return next((other for other in others if digest in {file.sha256 for file in other.files}), None)


def keep_document(file: Path, source: Source) -> Added:
    """Copy a file and list it; a document with the same bytes is left as it is listed. Raises UsageError."""
    with _changing() as folder:
        documents = list_documents()
        known = _known_as(source.files[0].sha256, documents)
        if known is not None:
            return Added(known, known=True)
        source = _named_apart(source, {one.id for one in documents})
        beside = folder / f".{source.files[0].path}"
        shutil.copyfile(file, beside)
        beside.replace(folder / source.files[0].path)
        _write(folder, (*documents, source))
        return Added(source, known=False)


def drop_document(identity: str) -> Source:
    """Take a document off the list and remove its copy; raises UsageError when there is none of that id."""
    with _changing() as folder:
        documents = list_documents()
        dropped = next((one for one in documents if one.id == identity), None)
        if dropped is None:
            there = ", ".join(one.id for one in documents) or "none"
            raise UsageError(f"no document of yours is called {identity!r}; there are: {there}.")
        _write(folder, tuple(one for one in documents if one is not dropped))
        (folder / dropped.files[0].path).unlink(missing_ok=True)
        return dropped


@contextmanager
def _changing() -> Iterator[Path]:
    """The documents' folder, held for one change at a time; raises UsageError when it cannot be written."""
    folder = documents_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    except OSError as error:
        raise UsageError(
            f"the documents' folder {folder} cannot be written ({error.strerror}); "
            f"free it, or name another one in {VARIABLE}."
        ) from None


def _named_apart(source: Source, taken: set[str]) -> Source:
    """The source under an id that no other has."""
    identity, number = str(source.id), 1
    while identity in taken:
        number += 1
        identity = f"{source.id}-{number}"
    path = f"{identity}{Path(source.files[0].path).suffix}"
    file = source.files[0].model_copy(update={"path": path})
    return source.model_copy(update={"id": identity, "instrument": identity, "files": (file,)})


def _write(folder: Path, documents: Iterable[Source]) -> None:
    """Write the list beside and move it into place."""
    beside = folder / f".{MANIFEST}"
    beside.write_text(_HEADER + "".join(map(_table, documents)), encoding="utf-8")
    beside.replace(folder / MANIFEST)


def _table(source: Source) -> str:
    """A source as TOML; its texts have no control characters, so JSON's strings are TOML's."""
    [file] = source.files
    texts = {
        "id": source.id,
        "instrument": source.instrument,
        "title": source.title,
        "short_title": source.short_title,
        "language": source.language,
        "format": source.format,
        "authority": source.authority,
        "url": source.url,
        "licence": source.licence,
        "attribution": source.attribution,
    }
    lines = [f"{key} = {_quoted(value)}" for key, value in texts.items()]
    lines += [f"version = {source.version}", f"published = {source.published}"]
    lines += [f"column = {str(source.column).lower()}", f"use = {_quoted(source.use)}"]
    lines += [f"corrects = {_quoted(source.corrects)}"] if source.corrects else []
    lines += [f"celex = {_quoted(str(source.celex))}"] if source.celex else []
    lines += [f"files = [{{ path = {_quoted(file.path)}, sha256 = {_quoted(file.sha256)} }}]"]
    return "\n[[source]]\n" + "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
