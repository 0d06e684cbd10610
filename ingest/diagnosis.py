"""What a doctor looks at: texts, index, embedding, status table, and what each lacks."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ingest import index
from ingest.clock import today
from ingest.embedding import open_embedder
from ingest.errors import VisavisError
from ingest.pipeline import Options, find_texts
from ingest.sources import search_path
from ingest.status import load_status


class State(StrEnum):
    """How a thing stands."""

    WELL = "well"
    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at, how it stands, and what to do."""

    name: str
    state: State
    text: str


def diagnose(corpus: Path | None) -> tuple[Check, ...]:
    """Look at everything that an answer depends on, downloading nothing."""
    return (*_texts(corpus), _index(corpus), _embedding(), *_status())


def _texts(corpus: Path | None) -> list[Check]:
    findings = find_texts(Options(corpus), download=False)
    found = [
        Check("text", State.WELL, f"{one.source.short_title} ({one.source.id}): {one.folder}") for one in findings.found
    ]
    missing = [Check("text", State.MISSING, one.text) for one in findings.missing]
    return [*found, *missing, *(Check("text", State.BROKEN, one.text) for one in findings.changed)]


def _index(corpus: Path | None) -> Check:
    root = index.index_root()
    current = index.read_current(root, search_path(corpus).key)
    if current is None:
        return Check("index", State.MISSING, f"none in {root} for these texts; run `visavis ingest`.")
    try:
        store = index.Store.open(root / current.folder, current.missing)
    except VisavisError as error:
        return Check("index", State.BROKEN, str(error))
    passages = sum(len(shelf.passages) for shelf in store.shelves.values())
    store.close()
    return Check(
        "index", State.WELL, f"{current.corpus_id}, built {store.corpus.built}, {passages} passages, in {root}"
    )


def _embedding() -> Check:
    try:
        embedder = open_embedder()
        embedder.embed_query("artificial intelligence")
    except VisavisError as error:
        return Check("embedding", State.BROKEN, str(error))
    return Check("embedding", State.WELL, f"{embedder.name}, {embedder.dimension} dimensions, offline")


def _status() -> list[Check]:
    return [
        Check(
            "status",
            State.MISSING if treaty.is_stale(today()) else State.WELL,
            f"{treaty.instrument} as seen on {treaty.as_seen}; verify at {treaty.source}",
        )
        for treaty in load_status().values()
    ]
