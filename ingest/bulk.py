"""A large folder of a user's documents taken in as a job that can be ended and taken up again at any time."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from ingest.bulk_page import Progress, write_page
from ingest.clock import today
from ingest.corpus import expression_record
from ingest.crew import do_all
from ingest.documents import FORMATS, Description, check_document, check_words
from ingest.embedding import Embedder, open_embedder
from ingest.errors import UsageError, VisavisError
from ingest.isolation import Call, Limits, run_in_turn
from ingest.journal import Journal, Seen, Taken, Tally, journal_path, working_on
from ingest.passages import BUDGET, cut_expression
from ingest.pipeline import READING, passage_size, read_checked
from ingest.readers.opening import shown
from ingest.wordings import express

BATCH = 100  # documents that one process reads, and that at most are done again after a kill
SECONDS = 60.0  # that one document may take, unless the job says otherwise
PAGE_EVERY = 1.0  # seconds
LISTED = 50  # failed documents on the page

Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What to take in, as what, who does it, where the page about it is written, and how long a document may take.

    A document is given its `seconds` twice, the second time in a process of its own, before it is set aside.
    """

    folder: Path
    description: Description
    workers: int = 1
    scheduler: str = ""
    page: Path | None = None
    seconds: float = SECONDS

    @property
    def journal(self) -> Path:
        """Where what is done stands."""
        return journal_path(self.folder)

    @property
    def shown_on(self) -> Path:
        """The page that shows how far it is."""
        return self.page or self.journal.with_suffix(".html")


def run_job(job: Job, report: Report) -> Tally:
    """Take in what waits, and give how all documents stand; raises UsageError, or StoreUnwritable for a full disk.

    A document that cannot be used is noted with a line, and the others go on.
    """
    if not job.folder.is_dir():
        raise UsageError(f"{shown(job.folder)} is no folder.")
    with working_on(job.journal), closing(Journal.open(job.journal)) as journal:
        published = job.description.published or journal.published() or today()
        description = replace(job.description, published=published)
        journal.describe(_described(description))
        journal.see(find_files(job.folder))
        progress = Progress(str(job.folder), time.time(), journal.tally())
        written = 0.0
        work = partial(take_batch, job.folder, description, job.seconds)
        for _, taken in do_all(work, journal.waiting(BATCH), job.workers, job.scheduler):
            journal.note(taken)
            if time.monotonic() - written >= PAGE_EVERY:
                written = time.monotonic()
                _show(job, journal, progress, report)
        return _show(job, journal, progress, report)


def _show(job: Job, journal: Journal, progress: Progress, report: Report) -> Tally:
    tally = journal.tally()
    report("documents", tally.whole - tally.waiting, tally.whole)
    write_page(job.shown_on, replace(progress, now=time.time(), tally=tally, failed=tuple(journal.failed(LISTED))))
    return tally


def find_files(folder: Path) -> Iterator[Seen]:
    """The files below a folder whose endings can be read; what is hidden is left aside.

    Raises UsageError for a folder that cannot be listed: its documents would be taken for gone.
    """
    for place, folders, names in os.walk(folder, onerror=_refuse_unlisted):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = Path(place) / name
            if path.suffix.lower() in FORMATS and not name.startswith(".") and path.is_file():
                state = path.stat()
                yield Seen(str(path.relative_to(folder)), state.st_size, state.st_mtime_ns)


def _refuse_unlisted(error: OSError) -> None:
    raise UsageError(f"{shown(Path(error.filename))} cannot be listed: {error.strerror}; nothing was changed.")


def take_batch(folder: Path, description: Description, seconds: float, paths: Sequence[str]) -> list[Taken]:
    """Read some documents in one process, and embed their passages; a reader that fails costs only its document."""
    read = _read_apart(folder, description, paths, Limits(seconds))
    embedder = _embedder()
    return [_embedded(one, embedder) for one in read]


def _read_apart(folder: Path, description: Description, paths: Sequence[str], limits: Limits) -> Iterator["_Read"]:
    """Read documents in one process; where one of them fails it, that one alone, and the rest in another process."""
    waiting = [Call(path, read_document, (folder, description, path)) for path in paths]
    while waiting:
        for read in run_in_turn(tuple(waiting), limits):
            call = waiting.pop(0)
            yield _read_again(call, limits) if isinstance(read, VisavisError) else read


def _read_again(call: Call["_Read"], limits: Limits) -> "_Read":
    """Read a document by itself, for it may have been the machine or those before it; what fails again is set aside."""
    [read] = run_in_turn((call,), limits)
    return _Read(call.name, line=" ".join(str(read).split())) if isinstance(read, VisavisError) else read


@dataclass(frozen=True, slots=True)
class _Read:
    """A document as its reader gives it: the record of its text and what is to be embedded, or why not."""

    path: str
    hash: str = ""
    expression: str = ""
    passages: tuple[tuple[str, str], ...] = ()
    line: str = ""


def read_document(folder: Path, description: Description, path: str) -> _Read:
    """Read a document, in a process that is not this one."""
    import json

    file = folder / path
    try:
        source = check_document(file, description)
        digest = source.files[0].sha256
        identity = f"{source.id}-{digest[:8]}"  # two documents may be called alike
        source = source.model_copy(update={"id": identity, "instrument": identity})
        drafts = read_checked(source, (file,))
        check_words(file, source, drafts)
    except VisavisError as error:
        return _Read(path, line=" ".join(str(error).split()))
    expression = express(source, drafts, {})
    passages = tuple((one.key, one.searchable) for one in cut_expression(expression, passage_size))
    return _Read(path, digest, json.dumps(expression_record(expression), ensure_ascii=False), passages)


def _embedded(read: _Read, embedder: Embedder) -> Taken:
    if read.line:
        return Taken(read.path, line=read.line)
    vectors = embedder.embed([text for _, text in read.passages])
    passages = tuple((key, vector.tobytes()) for (key, _), vector in zip(read.passages, vectors, strict=True))
    return Taken(read.path, read.hash, read.expression, passages)


@lru_cache(maxsize=1)
def _embedder() -> Embedder:
    return open_embedder()


def _described(description: Description) -> dict[str, str]:
    """All that a reading depends on besides the files: a change of it has them all read again."""
    return {
        "authority": description.authority,
        "language": description.language,
        "published": str(description.published),
        "reading": f"{READING}/{BUDGET}",
        "embedder": _embedder().fingerprint,
    }
