"""The soak: a server asked for hours while its index changes; each quotation held against the index that served it.

`python -m tests.load.soak --seconds 7200` starts a server of its own on a free loopback port, in folders of its own,
asks it twice a second, half over REST and half through the page's queue, and adds a document every ten minutes, so that
each ingest makes a new index. Everything goes to a log of JSON lines; the table at the end says what it came to, and
the exit code is 1 where anything failed. Read the log again with `--read FILE`.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median, quantiles
from typing import IO, Any

import httpx

from assistant.answer import Answer, Citation, Writer
from assistant.grounding import find_faults
from assistant.noted import with_notes
from assistant.question import SIDES, Intent
from ingest.corpus import Corpus, load_corpus
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.instrument import Authority
from ingest.pinpoint import Pinpoint
from tests.load.chatting import NotAnswered, Page, Tab
from tests.load.questions import asked

FRONT_DOOR = Path(__file__).parents[2] / "visavis.py"
LONGEST = 6 * 3600
TABS = 8
QUESTIONS_OF_A_TAB = 40
SAMPLE_EVERY = 10.0
WATCH_EVERY = 1.0
TAKEN_UP_WITHIN = 15.0
MOST_UNDERWAY = 60
KEPT_CORPORA = 4
MOST_GROWTH = 0.05
MEGABYTE = 1024 * 1024


class Log:
    """JSON lines, each with the seconds since the beginning."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._begun = time.monotonic()

    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begun

    def write(self, kind: str, **fields: object) -> None:
        """Write a line at once, so that nothing is lost with the process."""
        self._out.write(json.dumps({"at": round(self.now(), 2), "kind": kind, **fields}) + "\n")
        self._out.flush()


class Corpora:
    """The texts of each index by corpus id, read while the index stands."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._held: OrderedDict[str, Corpus] = OrderedDict()

    def take_up(self) -> str:
        """Read the index that serves now, where it is another one than before, and give its corpus id."""
        [current] = self._root.glob("CURRENT-*")
        folder = current.read_text(encoding="utf-8").partition("\n")[0]
        identity = folder.partition(".")[0]
        if identity in self._held:
            return identity
        corpus = with_notes(load_corpus(self._root / folder / "corpus.json"))
        self._held[corpus.id] = corpus
        while len(self._held) > KEPT_CORPORA:
            self._held.popitem(last=False)
        return corpus.id

    def faults(self, record: dict[str, Any]) -> list[str]:
        """What does not stand in a record, held against the index that it names."""
        if record["corpus"]["id"] not in self._held:
            self.take_up()
        corpus = self._held.get(record["corpus"]["id"])
        if corpus is None:
            return [f"the answer names the index {record['corpus']['id']}, which never served"]
        return list(find_faults(_cited(record), corpus))


def _cited(record: dict[str, Any]) -> Answer:
    """An answer with the citations of a record."""
    return Answer(
        id=record["id"],
        question="",
        standalone_question="",
        intent=Intent(record["intent"]),
        as_of=date.fromisoformat(record["as_of"]),
        scope=SIDES,
        writer=Writer("quoting"),
        corpus_id=record["corpus"]["id"],
        corpus_built=record["corpus"]["built"],
        citations=tuple(map(_citation, record["citations"])),
    )


def _citation(sent: dict[str, Any]) -> Citation:
    return Citation(
        n=sent["n"],
        instrument=InstrumentId(sent["instrument"]),
        label=sent["label"],
        authority=Authority(sent["authority"]),
        pinpoint=Pinpoint.parse(sent["pinpoint"]) if sent["pinpoint"] else None,
        expression=ExpressionId.parse(sent["expression"]) if sent["expression"] else None,
        quote=sent["quote"],
        start=sent["start"],
        end=sent["end"],
        as_seen=date.fromisoformat(sent["as_seen"]) if sent.get("as_seen") else None,
    )


@dataclass
class Serving:
    """A running server: its process, address and folders."""

    process: subprocess.Popen[str]
    address: str
    environment: dict[str, str]

    def sample(self) -> dict[str, float]:
        """Its resident memory in megabytes, open files and threads."""
        proc = Path("/proc") / str(self.process.pid)
        pages = int((proc / "statm").read_text().split()[1])
        rss = pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE
        return {
            "rss_mb": round(rss, 1),
            "files": len(list((proc / "fd").iterdir())),
            "threads": len(list((proc / "task").iterdir())),
        }


def folders_in(home: Path) -> dict[str, str]:
    """The environment of a server that touches nobody's own folders."""
    own = {
        "HOME": home,
        "XDG_DATA_HOME": home / "data",
        "XDG_CONFIG_HOME": home / "config",
        "XDG_STATE_HOME": home / "state",
        "VISAVIS_INDEX": home / "index",
        "VISAVIS_DOCUMENTS": home / "documents",
    }
    root = str(FRONT_DOOR.parent)
    return os.environ | {name: str(path) for name, path in own.items()} | {"PYTHONPATH": root, "VISAVIS_OFFLINE": "1"}


@contextmanager
def serving(home: Path, *options: str, **variables: str) -> Iterator[Serving]:
    """A server on a free loopback port, with further variables where given, ended at the end."""
    environment = folders_in(home) | variables
    with (home / "server.log").open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, str(FRONT_DOOR), "serve", "--port", "0", *options],
            env=environment,
            cwd=FRONT_DOOR.parent,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            assert process.stdout is not None
            words = process.stdout.readline().split()
            address = next((word for word in words if word.startswith("http://127.0.0.1:")), "")
            if not address:
                raise SystemExit(f"the server did not start; {home / 'server.log'} says why")
            yield Serving(process, address, environment)
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


async def run_visavis(server: Serving, *arguments: str) -> tuple[int, str]:
    """Run a command beside the server; gives its exit code and the last line on standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(FRONT_DOOR), *arguments),
        env=server.environment,
        cwd=FRONT_DOOR.parent,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    return process.returncode or 0, errors.decode().strip().rpartition("\n")[2]


class Soak:
    """The questions, the ingests and the samples of one run."""

    def __init__(self, server: Serving, home: Path, log: Log, options: argparse.Namespace) -> None:
        self.server = server
        self.home = home
        self.log = log
        self.options = options
        self.corpora = Corpora(home / "index")
        self.expected = self.corpora.take_up()
        self.since = 0.0
        self.page: Page | None = None
        self.tabs: list[Tab] = []
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        self.client = httpx.AsyncClient(base_url=server.address, timeout=90, limits=limits, trust_env=False)

    async def run(self) -> None:
        """Ask until the time is over, then wait for what is under way."""
        async with self.client:
            self.page = await Page.load(self.client)
            self.tabs = [self._new_tab() for _ in range(TABS)]
            around = [asyncio.create_task(one()) for one in (self._ingest, self._watch, self._sample)]
            underway: set[asyncio.Task[None]] = set()
            pace, questions = 1 / self.options.rate, asked(7)
            number = 0
            while (due := number * pace) < self.options.seconds and self.server.process.poll() is None:
                await asyncio.sleep(max(0.0, due - self.log.now()))
                way = "chat" if number % 2 else "api"
                if len(underway) < MOST_UNDERWAY:
                    task = asyncio.create_task(self._timed(way, *next(questions)))
                    underway.add(task)
                    task.add_done_callback(underway.discard)
                else:
                    self.log.write("failed", way=way, status=0, reason="too many questions wait for an answer")
                number += 1
            await asyncio.gather(*underway)
            for task in around:
                task.cancel()
            await asyncio.gather(*around, return_exceptions=True)
            for tab in self.tabs:
                await tab.close()
        if self.server.process.poll() is not None:
            self.log.write("failed", way="server", status=0, reason=f"it ended with {self.server.process.returncode}")

    def _new_tab(self) -> Tab:
        assert self.page is not None
        tab = Tab(self.client, self.page)
        tab.open()
        return tab

    async def _timed(self, way: str, question: str, day: str | None) -> None:
        begun = time.monotonic()
        try:
            seconds, record = await (self._ask_page if way == "chat" else self._ask_rest)(question, day)
        except NotAnswered as error:
            self.log.write("failed", way=way, status=error.status, reason=str(error), question=question)
        except httpx.HTTPError as error:
            self.log.write("failed", way=way, status=0, reason=f"{type(error).__name__} {error}", question=question)
        else:
            self._verify(way, begun, seconds, record)

    def _verify(self, way: str, begun: float, seconds: float, record: dict[str, Any]) -> None:
        faults = self.corpora.faults(record)
        corpus = record["corpus"]["id"]
        late = begun - self.since > TAKEN_UP_WITHIN and corpus != self.expected
        self.log.write(
            "answer",
            way=way,
            ms=round(seconds * 1000),
            corpus=corpus,
            answered=record["kind"],
            quotations=sum(one["quote"] is not None for one in record["citations"]),
            faults=faults + ([f"the index {self.expected} was not taken up"] if late else []),
        )

    async def _ask_rest(self, question: str, day: str | None) -> tuple[float, dict[str, Any]]:
        begun = time.monotonic()
        sent = await self.client.post("/api/v1/ask", json={"question": question, "as_of": day})
        seconds = time.monotonic() - begun
        if sent.is_error:
            raise NotAnswered(sent.status_code, sent.text[:300])
        record: dict[str, Any] = sent.json()
        return seconds, record

    async def _ask_page(self, question: str, day: str | None) -> tuple[float, dict[str, Any]]:
        tab = await self._free_tab()
        async with tab.busy:
            begun = time.monotonic()
            html = await tab.ask(question, day)
            seconds = time.monotonic() - begun
            if 'data-state="answered"' not in html:
                raise NotAnswered(500, f"the page shows trouble: {html[:200]}")
            return seconds, await tab.record()

    async def _free_tab(self) -> Tab:
        """A tab that is not asking, or the one that asked least; a tab that asked much is closed for a new one."""
        free = [tab for tab in self.tabs if not tab.busy.locked()]
        tab = min(free or self.tabs, key=lambda one: one.asked)
        if tab.asked < QUESTIONS_OF_A_TAB or tab.busy.locked():
            return tab
        fresh = self._new_tab()
        self.tabs[self.tabs.index(tab)] = fresh
        await tab.close()
        return fresh

    async def _ingest(self) -> None:
        """Put another document in the place of the last one, again and again."""
        last = ""
        for number in range(1, LONGEST):
            await asyncio.sleep(self.options.ingest_every)
            title = f"Gardeners' note {number}"
            file = self.home / f"note-{number}.md"
            file.write_text(f"# {title}\n\nNote {number} on roses, written for this run.\n", encoding="utf-8")
            begun = time.monotonic()
            if last:
                await run_visavis(self.server, "ingest", "remove", last, "--no-build")
            said = ("--title", title, "--authority", "commentary", "--lang", "en")
            before = self.expected
            code, line = await run_visavis(self.server, "ingest", "add", str(file), *said)
            seconds = round(time.monotonic() - begun, 1)
            last = f"own-gardeners-note-{number}"
            await self._look()
            fine = code == 0 and self.expected != before
            self.log.write("ingest", seconds=seconds, corpus=self.expected, fine=fine, said="" if fine else line)

    async def _look(self) -> None:
        """See whether another index serves since the last look."""
        expected = await asyncio.to_thread(self.corpora.take_up)
        if expected != self.expected:
            self.expected, self.since = expected, time.monotonic()

    async def _watch(self) -> None:
        """Look so often that each index is read before it may be gone."""
        while True:
            await self._look()
            await asyncio.sleep(WATCH_EVERY)

    async def _sample(self) -> None:
        while True:
            with suppress(OSError):
                self.log.write("sample", **self.server.sample())
            await asyncio.sleep(SAMPLE_EVERY)


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log; the last one may be half written while the soak runs."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        with suppress(ValueError):
            found.append(json.loads(line))
    return found


def _growth(samples: list[dict[str, Any]], name: str) -> tuple[float, float]:
    """The medians of a figure in the second sixth of the run and in the last one."""
    end = samples[-1]["at"]
    early = [one[name] for one in samples if end / 6 <= one["at"] <= end / 3]
    late = [one[name] for one in samples if one["at"] >= end * 5 / 6]
    return median(early or [samples[0][name]]), median(late)


def summarise(lines: list[dict[str, Any]]) -> tuple[str, bool]:
    """The table of a run, and whether all is well."""
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        by_kind.setdefault(line["kind"], []).append(line)
    answers, failed = by_kind.get("answer", []), by_kind.get("failed", [])
    statuses = dict(Counter(f"{one['way']} {one['status']}" for one in failed))
    ingests, samples = by_kind.get("ingest", []), by_kind.get("sample", [])
    faults = [fault for one in answers for fault in one["faults"]]
    if len(answers) < 2 or not samples:
        return "too little was logged to judge", False
    out = [f"{'time':<24}{lines[-1]['at'] / 60:.1f} minutes"]
    for way in ("api", "chat"):
        times = [one["ms"] for one in answers if one["way"] == way]
        if len(times) > 1:
            cuts = quantiles(times, n=100)
            out.append(
                f"{'answers, ' + way:<24}{len(times)}; p50 {cuts[49]:.0f} ms, p95 {cuts[94]:.0f}, p99 {cuts[98]:.0f}"
            )
    quotations = sum(one["quotations"] for one in answers)
    out += [
        f"{'quotations verified':<24}{quotations}, faults {len(faults)}",
        f"{'indexes that served':<24}{len({one['corpus'] for one in answers})}",
        f"{'ingests':<24}{len(ingests)}, failed {sum(not one['fine'] for one in ingests)}",
        f"{'questions that failed':<24}{len(failed)} {statuses or ''}",
    ]
    grew = []
    for name, unit, slack in (("rss_mb", "MB", 0), ("files", "", 10), ("threads", "", 10)):
        early, late = _growth(samples, name)
        grew.append(late - early > max(early * MOST_GROWTH, slack))
        out.append(f"{name:<24}{early:.0f} → {late:.0f} {unit} ({(late / early - 1) * 100:+.1f} %)")
    out += [f"{'fault':<24}{fault}" for fault, _ in Counter(faults).most_common(5)]
    out += [f"{'failure':<24}{why}" for why, _ in Counter(one["reason"][:150] for one in failed).most_common(5)]
    well = not faults and not failed and all(one["fine"] for one in ingests) and not any(grew)
    out.append(f"{'verdict':<24}{'well' if well else 'NOT well'}")
    return "\n".join(out), well


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=7200, help=f"how long to ask, at most {LONGEST} (%(default)s)")
    parser.add_argument("--rate", type=float, default=2, help="questions a second (%(default)s)")
    parser.add_argument("--ingest-every", type=float, default=600, help="seconds between ingests (%(default)s)")
    parser.add_argument("--home", type=Path, help="folder for index, documents and log (a temporary one)")
    parser.add_argument("--read", type=Path, metavar="FILE", help="print the table of a log, also while it is written")
    options = parser.parse_args(arguments)
    options.seconds = min(options.seconds, LONGEST)
    return options


def main() -> int:
    """Run, and print the table; 1 where anything failed or grew."""
    options = options_of()
    if options.read:
        table, well = summarise(read_log(options.read))
        sys.stdout.write(f"{table}\n")
        return 0 if well else 1
    home = options.home or Path(tempfile.mkdtemp(prefix="visavis-soak-"))
    home.mkdir(parents=True, exist_ok=True)
    path = home / "soak.jsonl"
    sys.stdout.write(f"log: {path}\n")
    with serving(home) as server, path.open("w", encoding="utf-8") as out:
        asyncio.run(Soak(server, home, Log(out), options).run())
    table, well = summarise(read_log(path))
    (home / "summary.txt").write_text(f"{table}\n", encoding="utf-8")
    sys.stdout.write(f"{table}\n")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
