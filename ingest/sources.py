"""Find the files of the corpus in a folder or in the cache, or download them; check them; look for newer ones."""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import platformdirs

from ingest.clock import today
from ingest.corpus import Lack, Missing
from ingest.datafiles import CHECKOUT
from ingest.download import Passing, Patience, Progress, Web, file_hash, unpack
from ingest.egress import Host
from ingest.errors import DownloadError, SourceChanged, SourceMissing, SourceUnreadable
from ingest.manifest import TAKEN_IN, Address, Manifest, Source, SourceFile, SourceFormat, Use

VARIABLE: Final = "VISAVIS_CORPUS"
FIRST_SEEN: Final = ".first-seen.json"
EUR_LEX: Final = "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:"
DEFAULT_PATIENCE: Final = Patience()
# The consolidated versions and the corrigenda of some acts, in the Publications Office's Common Data Model.
QUERY: Final = """PREFIX cdm: <http://publications.europa.eu/ontology/cdm#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
SELECT DISTINCT ?celex WHERE {
  VALUES ?base { %s }
  ?act cdm:resource_legal_id_celex ?base .
  { ?work cdm:act_consolidated_consolidates_resource_legal ?act }
  UNION { ?work cdm:resource_legal_corrects_resource_legal ?act }
  ?work cdm:resource_legal_id_celex ?celex .
}"""


@dataclass(frozen=True, slots=True)
class SearchPath:
    """The folders that are looked in, first to last; `alone` where one was named, so that nothing is downloaded."""

    folders: tuple[Path, ...]
    alone: bool = False

    @property
    def key(self) -> str:
        """A short name for these folders, the same at every run."""
        return sha256("\n".join(str(folder) for folder in self.folders).encode()).hexdigest()[:12]

    @property
    def cache(self) -> Path:
        """The folder that downloads go to."""
        return self.folders[-1]

    def __str__(self) -> str:
        return ", ".join(str(folder) for folder in self.folders)


@dataclass(frozen=True, slots=True)
class Found:
    """A source whose files are all there, with their hashes as they are; `changed` ones differ from the manifest's."""

    source: Source
    folder: Path
    hashes: tuple[str, ...]
    first_seen: date | None = None
    changed: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, in the manifest's order."""
        return tuple(self.folder / file.path for file in self.source.files)


@dataclass(frozen=True, slots=True)
class Absent:
    """A source that cannot be used, and in one line why and what to do."""

    source: Source
    text: str
    reason: Lack

    @property
    def missing(self) -> Missing:
        """The same for those who know no manifest."""
        source = self.source
        line = " ".join(self.text.split())
        return Missing(source.id, source.short_title, source.files[0].path, source.url, self.reason, line)


@dataclass(frozen=True, slots=True)
class Findings:
    """What the search came to; alternates and samples for comparison that are nowhere are not counted as missing."""

    path: SearchPath
    found: tuple[Found, ...]
    missing: tuple[Absent, ...]
    changed: tuple[Absent, ...]

    def get(self, source_id: str) -> Found | None:
        """The found source with an id, or None."""
        return next((found for found in self.found if found.source.id == source_id), None)

    def require(self) -> None:
        """Raise SourceChanged or SourceMissing for the first source that is required and cannot be used."""
        for absent in self.changed:
            if absent.source.required:
                raise SourceChanged(absent.text)
        for absent in self.missing:
            if absent.source.required:
                raise SourceMissing(absent.text)


class UpdateKind(StrEnum):
    """What a check for updates can come to."""

    NEW_VERSION = "new_version"
    CORRIGENDUM = "corrigendum"
    CHANGED = "changed"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Update:
    """One finding of a check for updates, about a source or a CELEX number."""

    kind: UpdateKind
    about: str
    text: str


def search_path(corpus: Path | None = None) -> SearchPath:
    """The named folder alone, or the one of VISAVIS_CORPUS; else checkout, team's copy and cache.

    Raises SourceMissing where the named folder does not exist.
    """
    named = corpus or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is not None:
        if not named.is_dir():
            raise SourceMissing(
                f"the corpus folder {str(named)!r} does not exist; name the folder that holds the texts."
            )
        return SearchPath((named.resolve(),), alone=True)
    cache = platformdirs.user_cache_path("visavis") / "instruments"
    if not (CHECKOUT / "manifest.toml").is_file():
        return SearchPath((cache,))
    return SearchPath((CHECKOUT / "instruments", CHECKOUT.parent.parent / "shared" / "corpus", cache))


def official_hosts(manifest: Manifest) -> tuple[str, ...]:
    """Every host that a download or a check for updates may ask, for a firewall's list."""
    catalogue = [Address(url=manifest.catalogue)] if manifest.catalogue else []
    every = [*catalogue, *(address for source in manifest.sources for address in source.addresses)]
    return tuple(sorted({address.host for address in every}))


def hosts_of_texts(manifest: Manifest) -> tuple[Host, ...]:
    """The official hosts of a manifest, for the time in which texts are fetched."""
    return tuple(Host(name, "the official texts", "the manifest") for name in official_hosts(manifest))


def find_sources(
    manifest: Manifest,
    corpus: Path | None = None,
    *,
    accept_changed: bool = False,
    download: bool = True,
    offline: bool = False,
    progress: Progress | None = None,
    patience: Patience = DEFAULT_PATIENCE,
) -> Findings:
    """Look every source up, download what is missing and may be, and say of the rest what to do.

    A file that differs from its hash is used with `accept_changed` alone. With no network this ends within 10 s.
    Raises SourceMissing for a corpus folder that does not exist, SourceUnreadable for a file that cannot be opened.
    """
    path = search_path(corpus)
    copies = {source.id: _copies(source, path) for source in manifest.sources}
    lacking = [source for source in manifest.sources if _chosen(copies[source.id], accept_changed) is None]
    reasons: dict[str, str] = {}
    if path.alone:
        reasons = {source.id: "a named folder is the only one looked in" for source in lacking}
    elif offline or not download:
        reasons = {source.id: "nothing was downloaded" for source in lacking}
    else:
        wanted = [source for source in lacking if source.download and source.use in TAKEN_IN]
        reasons = _download(manifest, wanted, path.cache, accept_changed, progress, patience)
        copies |= {source.id: _copies(source, path) for source in wanted}
    found = {source.id: _chosen(copies[source.id], accept_changed) for source in manifest.sources}
    absent = [source for source in manifest.sources if found[source.id] is None]
    return Findings(
        path,
        found=tuple(one for one in found.values() if one),
        missing=tuple(
            Absent(source, _missing_text(source, path, reasons.get(source.id, "")), Lack.MISSING)
            for source in absent
            if source.use in TAKEN_IN and not copies[source.id]
        ),
        changed=tuple(
            Absent(source, _changed_text(copies[source.id][0]), Lack.CHANGED) for source in absent if copies[source.id]
        ),
    )


def _copies(source: Source, path: SearchPath) -> tuple[Found, ...]:
    """Every folder's whole copy of a source, in the order of the search path."""
    every = (_copy(source, folder) for folder in path.folders)
    return tuple(copy for copy in every if copy is not None)


def _copy(source: Source, folder: Path) -> Found | None:
    """A folder's copy of a source, None where a file of it is not there."""
    paths = [folder / file.path for file in source.files]
    if not all(path.is_file() for path in paths):
        return None
    try:
        hashes = tuple(file_hash(path) for path in paths)
    except OSError as error:
        raise SourceUnreadable(
            f"{source.short_title}: {error.filename!r} cannot be opened: {error.strerror}."
        ) from None
    pins = [_pin(file, folder) for file in source.files]
    changed = tuple(
        file.path
        for file, pin, seen in zip(source.files, pins, hashes, strict=True)
        if pin.sha256 and pin.sha256 != seen
    )
    return Found(source, folder, hashes, first_seen=pins[0].first_seen, changed=changed)


def _chosen(copies: Sequence[Found], accept_changed: bool) -> Found | None:
    return next((copy for copy in copies if accept_changed or not copy.changed), None)


@dataclass(frozen=True, slots=True)
class _Pin:
    """The hash that a file should have, and when it was first seen where the manifest does not say it."""

    sha256: str
    first_seen: date | None = None


def _pin(file: SourceFile, folder: Path) -> _Pin:
    note = _note_of(folder / file.path)
    if file.sha256 or not note.is_file():
        return _Pin(file.sha256)
    try:
        noted = json.loads(note.read_text(encoding="utf-8"))
        return _Pin(str(noted["sha256"]), date.fromisoformat(noted["first_seen"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise SourceUnreadable(f"{str(note)!r}, which pins a downloaded file, cannot be read; remove both.") from None


def _note_of(path: Path) -> Path:
    return path.with_name(path.name + FIRST_SEEN)


def _missing_text(source: Source, path: SearchPath, reason: str) -> str:
    files = source.files[0].path + (f" and {len(source.files) - 1} more" if len(source.files) > 1 else "")
    why = "; ".join(part for part in (reason, source.remark) if part)
    return (
        f"{source.short_title} ({source.id}) is missing: {files} is in none of {path}{f' ({why})' if why else ''}; "
        f"open {source.url} and save it as {path.folders[0] / source.files[0].path}."
    )


def _changed_text(copy: Found) -> str:
    return (
        f"{copy.source.short_title} ({copy.source.id}) has changed: {', '.join(copy.changed)} in {copy.folder} differs "
        f"from the manifest's sha256; compare it with {copy.source.url}, and use it with --accept-changed."
    )


def _download(
    manifest: Manifest,
    wanted: Sequence[Source],
    cache: Path,
    accept_changed: bool,
    progress: Progress | None,
    patience: Patience,
) -> dict[str, str]:
    """Fetch sources into the cache; for each that could not be, why."""
    if not wanted:
        return {}
    with Web(official_hosts(manifest), patience, progress) as web:
        hosts = set(web.answering(address for source in wanted for address in source.addresses))
        reasons = {source.id: _fetch_first(web, hosts, source, cache, accept_changed) for source in wanted}
    return {source_id: reason for source_id, reason in reasons.items() if reason}


def _fetch_first(web: Web, hosts: set[str], source: Source, cache: Path, accept_changed: bool) -> str:
    """Fetch from the first address that gives the source; why not, or "". A host that is down is asked no more."""
    reason = ""
    for address in source.addresses:
        try:
            if address.host not in hosts:
                raise DownloadError(f"no connection to {address.host}")
            _fetch(web, address, source, cache, accept_changed)
            return ""
        except DownloadError as error:
            reason = str(error)
            if isinstance(error, Passing):
                hosts.discard(address.host)
        except OSError as error:
            reason = f"the folder {str(cache)!r} cannot be written: {error.strerror}"
    return reason


def _fetch(web: Web, address: Address, source: Source, cache: Path, accept_changed: bool) -> None:
    """Fetch a source and lay its files into the cache, unless they differ from their hashes."""
    part = cache / ".parts" / f"{source.id}.part"
    with _staged(web, address, source, part) as staged:
        pins = [_pin(file, cache) for file in source.files]
        changed = [pin for pin, path in zip(pins, staged, strict=True) if pin.sha256 not in {"", file_hash(path)}]
        if changed and not accept_changed:
            raise DownloadError(
                f"what {address.url} gives differs from the pinned sha256; --accept-changed would take it"
            )
        for file, path in zip(source.files, staged, strict=True):
            target = cache / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            if not file.sha256:
                noted = {"sha256": file_hash(path), "first_seen": today().isoformat(), "address": address.url}
                _note_of(target).write_text(json.dumps(noted), encoding="utf-8")
            path.replace(target)


@contextmanager
def _staged(web: Web, address: Address, source: Source, part: Path) -> Iterator[tuple[Path, ...]]:
    """The files that an address gives for a source, in its order, in a folder that goes away afterwards."""
    archived = source.format is SourceFormat.FORMEX
    web.fetch(address, part, source.format, "" if archived else source.files[0].sha256)
    with tempfile.TemporaryDirectory(dir=part.parent) as folder:
        names = [Path(file.path).name for file in source.files]
        if archived:
            unpack(part, names, Path(folder))
            part.unlink()
        else:
            part.replace(Path(folder) / names[0])
        yield tuple(Path(folder) / name for name in names)


def check_updates(manifest: Manifest, patience: Patience = DEFAULT_PATIENCE) -> tuple[Update, ...]:
    """New consolidated versions, corrigenda and changed files at the addresses; raises DownloadError offline."""
    sources = [source for source in manifest.used_for(Use.CORPUS) if source.download]
    catalogue = [Address(url=manifest.catalogue)] if manifest.catalogue else []
    with Web(official_hosts(manifest), patience) as web, tempfile.TemporaryDirectory() as folder:
        hosts = web.answering([*catalogue, *(address for source in sources for address in source.addresses)])
        if not hosts:
            raise DownloadError("no official address answers, so nothing was checked; try again with a network.")
        updates = [update for address in catalogue for update in _listed_updates(web, address, manifest, Path(folder))]
        updates += [
            update
            for source in sources
            if (update := _changed_at_origin(web, source, Path(folder), search_path().cache))
        ]
    return tuple(updates)


def _listed_updates(web: Web, catalogue: Address, manifest: Manifest, folder: Path) -> Iterator[Update]:
    """What the catalogue lists of the manifest's acts and the manifest does not know."""
    known = {str(celex) for source in manifest.sources for celex in (source.celex, *source.corrigenda) if celex}
    acts = sorted(celex for celex in known if celex.startswith("3"))
    asked = QUERY % " ".join(f'"{celex}"^^xsd:string' for celex in acts)
    address = Address(url=f"{catalogue.url}?{urlencode({'query': asked})}", accept="application/sparql-results+json")
    answer = folder / "catalogue.part"
    try:
        web.fetch(address, answer, None)
        rows = json.loads(answer.read_bytes())["results"]["bindings"]
        listed = sorted({str(row["celex"]["value"]) for row in rows} - known)
    except DownloadError as error:
        yield Update(UpdateKind.UNCHECKED, catalogue.host, f"new versions and corrigenda were not checked: {error}.")
        return
    except (ValueError, KeyError, TypeError):
        yield Update(UpdateKind.UNCHECKED, catalogue.host, f"{catalogue.host} gave no list of versions and corrigenda.")
        return
    for celex in listed:
        if any(celex.startswith(f"0{act[1:]}-") for act in acts):
            yield Update(
                UpdateKind.NEW_VERSION, celex, f"a consolidated version {celex} is published: {EUR_LEX}{celex}"
            )
        elif any(celex.startswith(f"{act}R(") for act in acts):
            yield Update(UpdateKind.CORRIGENDUM, celex, f"a corrigendum {celex} is not in our text: {EUR_LEX}{celex}")


def _changed_at_origin(web: Web, source: Source, folder: Path, cache: Path) -> Update | None:
    """Whether a source's address gives other bytes than the pinned ones; None where it gives the same."""
    address = source.addresses[0]
    try:
        with _staged(web, address, source, folder / f"{source.id}.part") as staged:
            hashes = [file_hash(path) for path in staged]
    except DownloadError as error:
        return Update(UpdateKind.UNCHECKED, source.id, f"{source.short_title} was not checked: {error}.")
    pins = [_pin(file, cache) for file in source.files]
    if all(pin.sha256 in {"", seen} for pin, seen in zip(pins, hashes, strict=True)):
        return None
    return Update(UpdateKind.CHANGED, source.id, f"{source.short_title} has changed at {address.url}; compare it anew.")
