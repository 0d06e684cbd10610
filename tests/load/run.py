"""`make load`: a server of its own under the load of fifty users, then three times as many, and what that came to.

The server stands on a free loopback port in folders of its own, on the index that the user has (or one that is built);
Locust asks from the same machine. The table says each target and what was measured; the exit code is 1 above one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from ingest.index import index_root
from tests.load.soak import FRONT_DOOR, Serving, read_log, serving
from ui.access import FILE, Scope, TokenFile

CLIENTS = 20
SPAWN = 15.0  # seconds until all users are there
SLOWEST = 1500  # milliseconds
RATE = 10.0
MOST_DRIFT = 0.05
BACK_WITHIN = 10.0
BURST, AFTER = 20.0, 30.0
LONGEST = 1800
FIRST_MINUTE = 60.0


@dataclass
class Measured:
    """What was seen: when each phase began, the questions, the server's memory by the second, its processor time."""

    phases: dict[str, float]
    began: dict[str, float] = field(default_factory=dict)
    asked: list[dict[str, object]] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    processor: float = 0.0

    def during(self, name: str, after: float = 0.0) -> list[dict[str, object]]:
        """The questions put in a phase, from so many seconds after its beginning."""
        start, end = self.began[name] + after, self.began[name] + self.phases[name]
        return [q for q in self.asked if start <= float(str(q["began"])) < end]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table."""

    what: str
    target: str
    measured: str
    well: bool


def percentile(asked: list[dict[str, object]], way: str = "") -> float:
    """The 95th percentile of the milliseconds of those that were answered."""
    times = [int(str(q["ms"])) for q in asked if q["status"] == 200 and (not way or q["way"] == way)]
    return quantiles(times, n=100)[94] if len(times) > 1 else float("inf")


def judge(seen: Measured) -> list[Line]:
    """The targets, each with what was measured."""
    steady, seconds = seen.during("steady", SPAWN), seen.phases["steady"] - SPAWN
    failed = Counter(f"{q['way']} {q['status']}" for q in steady if q["status"] != 200)
    rate = sum(q["status"] == 200 for q in steady) / seconds
    lines = [
        Line("answers a second", f"≥ {RATE * 0.95:.1f}", f"{rate:.1f}", rate >= RATE * 0.95),
        Line("errors", "0", f"{sum(failed.values())} {dict(failed) or ''}", not failed),
    ]
    for way in ("api", "chat"):
        slow = percentile(steady, way)
        lines.append(Line(f"p95, {way}", f"≤ {SLOWEST} ms", f"{slow:.0f} ms", slow <= SLOWEST))
    lines.append(_memory_line(seen))
    return lines + (_burst_lines(seen) if len(seen.phases) > 1 else [])


def _memory_line(seen: Measured) -> Line:
    begun = seen.began["steady"]
    settled = [mb for at, mb in seen.memory if begun + FIRST_MINUTE <= at <= begun + seen.phases["steady"]]
    if len(settled) < 60:
        return Line("memory", "± 5 % after a minute", "too short a run to judge", True)
    first = median(settled[:10])
    drift = max(abs(mb / first - 1) for mb in settled)
    said = f"{first:.0f} MB, {(settled[-1] / first - 1) * 100:+.1f} % at the end, at most {drift * 100:.1f} %"
    return Line("memory", "± 5 % after a minute", said, drift <= MOST_DRIFT)


def _burst_lines(seen: Measured) -> list[Line]:
    burst, after = seen.during("burst"), seen.during("after", BACK_WITHIN)
    refused = [q for q in burst if q["status"] == 429]
    told = sum(q["retry_after"] is not None for q in refused)
    others = Counter(f"{q['way']} {q['status']}" for q in burst if q["status"] not in {200, 429})
    failed = Counter(f"{q['way']} {q['status']}" for q in after if q["status"] != 200)
    slow = percentile(after)
    said = f"{len(burst) - len(refused) - sum(others.values())} answered, {len(refused)} told to come again"
    return [
        Line("3 × the load", "429 with Retry-After", said, told == len(refused) > 0),
        Line("p95 of those answered", "", f"{percentile(burst):.0f} ms", True),
        Line("anything else", "0", f"{sum(others.values())} {dict(others) or ''}", not others),
        Line("p95, 10 s later", f"≤ {SLOWEST} ms", f"{slow:.0f} ms", slow <= SLOWEST and not failed),
    ]


def watch(server: Serving, seen: Measured, stop: threading.Event) -> None:
    """Sample the server's memory every second."""
    while not stop.wait(1):
        seen.memory.append((time.time(), server.sample()["rss_mb"]))


def processor_seconds(server: Serving) -> float:
    """What the server has used of the processor."""
    fields = (Path("/proc") / str(server.process.pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(server: Serving, home: Path, phases: list[tuple[str, float, float]], idle: int) -> Measured:
    """Let Locust run through the phases."""
    tokens = TokenFile(home / "data" / "visavis" / FILE)
    made = [tokens.create(f"load {number}", (Scope.ASK,), None)[1] for number in range(CLIENTS)]
    seen, log, stop = Measured({name: seconds for name, seconds, _ in phases}), home / "load.jsonl", threading.Event()
    log.write_text("", encoding="utf-8")
    given = {"LOAD_PHASES": json.dumps(phases), "LOAD_TOKENS": json.dumps(made), "LOAD_LOG": str(log)}
    command = [sys.executable, "-m", "locust", "--headless", "--only-summary", "--host", server.address]
    command += [
        "-f",
        str(Path(__file__).with_name("locustfile.py")),
        "--exit-code-on-error",
        "0",
        "--loglevel",
        "WARNING",
    ]
    watching = threading.Thread(target=watch, args=(server, seen, stop))
    watching.start()
    before = processor_seconds(server)
    with (home / "locust.log").open("w", encoding="utf-8") as out:
        environment = os.environ | given | {"LOAD_IDLE": str(idle), "PYTHONPATH": str(FRONT_DOOR.parent)}
        seconds = sum(one[1] for one in phases)
        subprocess.run(command, env=environment, stdout=out, stderr=out, timeout=seconds + 120, check=False)
    seen.processor = processor_seconds(server) - before
    stop.set()
    watching.join()
    for line in read_log(log):
        if "phase" in line:
            seen.began[str(line["phase"])] = float(str(line["began"]))
        else:
            seen.asked.append(line)
    return seen


def options_of() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300, help="of the steady load (%(default)s)")
    parser.add_argument("--idle", type=int, default=500, help="tabs that are only open (%(default)s)")
    parser.add_argument("--no-burst", action="store_true", help="leave out three times the load")
    options = parser.parse_args()
    options.seconds = min(max(options.seconds, 2 * SPAWN), LONGEST)
    return options


def main() -> int:
    """Run, print the table; 1 where a target was missed."""
    options = options_of()
    phases = [("steady", options.seconds, 1.0)]
    phases += [] if options.no_burst else [("burst", BURST, 3.0), ("after", BACK_WITHIN + AFTER, 1.0)]
    with tempfile.TemporaryDirectory(prefix="visavis-load-") as folder:
        home = Path(folder)
        root = index_root()
        with serving(home, VISAVIS_INDEX=str(root)) as server:
            seen = load(server, home, phases, options.idle)
        if not seen.asked:
            sys.stdout.write((home / "locust.log").read_text() + "\nnothing was asked\n")
            return 1
    lines = judge(seen)
    for line in lines:
        mark = "ok" if line.well else "MISSED"
        sys.stdout.write(f"{line.what:<24}{line.target:<24}{line.measured:<60}{mark}\n")
    each = seen.processor / max(1, sum(q["status"] == 200 for q in seen.asked)) * 1000
    sys.stdout.write(f"{'processor time':<24}{'':<24}{each:.0f} ms of the server's for an answer, all counted\n")
    said = Counter(str(q["said"])[:150] for q in seen.asked if q.get("said") and q["status"] not in {200, 429})
    for line_said, times in said.most_common(5):
        sys.stdout.write(f"  {times} × {line_said}\n")
    return 0 if all(line.well for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
