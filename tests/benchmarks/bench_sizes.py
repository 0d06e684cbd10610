"""How large a machine has to be: the whole answer among synthetic passages, its processor time and the memory it needs.

    python tests/benchmarks/bench_sizes.py --passages 3600 30000 100000 --questions 100

Needs the official texts' index. Synthetic passages are shuffled words of the real ones, each near a real passage in
meaning, and stand on the shelf of commentary as a user's own documents. Every size runs in a process of its own; the
questions are the development half's. Exits with 1 where an answer at the 95th percentile takes longer than the limit,
or the gold provision among the first five is lost oftener than allowed.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

CHECKOUT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(CHECKOUT))

SIZES = (3_600, 30_000, 100_000)
SEED = 20_261_123
A_DOCUMENT = 5  # passages
WORDS = 30
OWN_SHARE = 0.45  # how near a synthetic passage is to a real one: a cosine of about that
MOST_SECONDS = 0.6
MOST_LOSS = 0.01
FIRST = 5


@dataclass(frozen=True, slots=True)
class Sized:
    """What one number of passages came to: milliseconds, seconds, megabytes, and the share of questions found."""

    passages: int
    median: float
    slow: float
    processor: float
    processor_slow: float
    memory: float
    opening: float
    building: float
    disk: float
    found: float
    questions: int


class Synthetic:
    """Vectors near the real ones, made as they are wanted: each from its own seed."""

    def __init__(self, real: np.ndarray, numbers: dict[str, int]) -> None:
        self._real = real
        self._numbers = numbers

    def keys(self) -> frozenset[str]:
        return frozenset(self._numbers)

    def take(self, keys: Sequence[str]) -> dict[str, np.ndarray]:
        return {key: self._make(self._numbers[key]) for key in keys if key in self._numbers}

    def _make(self, number: int) -> np.ndarray:
        rng = np.random.default_rng(SEED + number)
        noise = rng.standard_normal(self._real.shape[1]).astype(np.float32)
        noise /= np.linalg.norm(noise)
        mixed = OWN_SHARE * self._real[rng.integers(len(self._real))] + (1 - OWN_SHARE**2) ** 0.5 * noise
        return np.asarray(mixed / np.linalg.norm(mixed), dtype=np.float32)


def memory_now() -> float:
    """What this process holds in memory, in megabytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return float(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def build(number: int, corpus: Path, root: Path) -> tuple[Path, float]:
    """An index of the official texts with so many passages in all, and the seconds that it took."""
    from ingest import index
    from ingest.embedding import open_embedder
    from ingest.identifiers import ExpressionId
    from ingest.instrument import Authority, Expression, ProvisionKind
    from ingest.passages import cut_expression
    from ingest.pipeline import open_store, passage_size
    from ingest.structure import Draft, build_provisions

    store = open_store(corpus, build=False)
    passages = [one for shelf in store.shelves.values() for one in shelf.passages]
    words = np.array(" ".join(one.text for one in passages).split())
    real = np.stack([v for shelf in store.shelves.values() for part in shelf.parts for v in part.vectors().values()])
    rng = np.random.default_rng(SEED)

    def documents() -> Iterator[Expression]:
        for first in range(0, number - len(passages), A_DOCUMENT):
            name = ExpressionId.parse(f"own-synthetic-{first}@2020-01-01:en")
            drafts = [
                Draft(
                    ProvisionKind.NUMBERED_PARAGRAPH, str(n), text=" ".join(words[rng.integers(len(words), size=WORDS)])
                )
                for n in range(1, A_DOCUMENT + 1)
            ]
            title = f"Synthetic {first}"
            day = date(2020, 1, 1)
            yield Expression(name, title, title, Authority.COMMENTARY, "", day, build_provisions(name, drafts))

    added = tuple(documents())
    keys = [cut.key for one in added for cut in cut_expression(one, passage_size)]
    kept = Synthetic(real, {key: place for place, key in enumerate(keys)})
    whole = replace(store.corpus, id=f"sized{number}", expressions=(*store.corpus.expressions, *added))
    target = root / "index"
    target.mkdir()
    (target / store.folder.name).symlink_to(store.folder)  # whose vectors are taken over
    began = time.perf_counter()
    folder = index.build_index(whole, open_embedder(), passage_size, target, lambda *_: None, kept=kept)
    return folder, time.perf_counter() - began


def measure(number: int, corpus: Path, most: int) -> Sized:
    """Build in a process of its own, then open, ask, and measure."""
    from assistant.answering import Assistant
    from assistant.question import Question
    from eval.case import Half, read_cases
    from eval.scorers import _in_order, _units, found_units
    from ingest.clock import today
    from ingest.index import Store

    files = sorted((CHECKOUT / "data" / "gold").glob("*.jsonl"))
    cases = [case for file in files for case in read_cases(file) if case.half is Half.DEV and case.gold_places]
    cases = sorted(cases, key=lambda case: case.id)
    cases = cases[:: max(len(cases) // most, 1)][:most]
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            [sys.executable, __file__, "--build", str(number), "--into", folder, "--corpus", str(corpus)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise SystemExit(made.stderr)
        built, building = json.loads(made.stdout)
        began = time.perf_counter()
        store = Store.open(Path(built))
        assistant = Assistant.of(store)
        opening = time.perf_counter() - began
        passages = sum(len(shelf.passages) for shelf in store.shelves.values())
        assistant.ask(Question("What is an AI system?"))
        walls, processors, hits = [], [], []
        for case in cases:
            question = Question(case.question, tuple(case.history), case.as_of or today())
            wall, processor = time.perf_counter(), time.process_time()
            answer = assistant.ask(question)
            processors.append(time.process_time() - processor)
            walls.append(time.perf_counter() - wall)
            hits.append(bool(_in_order(_units(case.gold_places), found_units(answer)[:FIRST])))
        memory = memory_now()
        disk = sum(file.stat().st_size for file in Path(built).rglob("*") if file.is_file()) / 1e6
        store.close()
    return Sized(
        passages,
        float(np.percentile(walls, 50)) * 1000,
        float(np.percentile(walls, 95)) * 1000,
        float(np.percentile(processors, 50)) * 1000,
        float(np.percentile(processors, 95)) * 1000,
        memory,
        opening,
        building,
        disk,
        float(np.mean(hits)),
        len(cases),
    )


def print_table(console: Console, rows: Sequence[Sized]) -> bool:
    """Print the sizes; gives whether all is within the limits."""
    table = Table(
        "passages", "answer ms (p50 / p95)", "processor ms (p50 / p95)", "a second on 1 core", "MB a replica",
        "open s", "build s", "disk MB", f"gold in first {FIRST}",
        title=f"The whole answer among synthetic passages, {rows[0].questions} questions",
    )  # fmt: skip
    for one in rows:
        table.add_row(
            f"{one.passages:,}",
            f"{one.median:.0f} / {one.slow:.0f}",
            f"{one.processor:.0f} / {one.processor_slow:.0f}",
            f"{1000 / one.processor:.1f}",
            f"{one.memory:.0f}",
            f"{one.opening:.1f}",
            f"{one.building:.0f}",
            f"{one.disk:.0f}",
            f"{one.found:.3f}",
        )
    console.print(table)
    slowest = max(one.processor_slow for one in rows) / 1000
    loss = rows[0].found - min(one.found for one in rows)
    console.print(f"Processor time at p95 {slowest:.3f} s (limit {MOST_SECONDS}); loss {loss:.3f} (limit {MOST_LOSS}).")
    return slowest <= MOST_SECONDS and loss <= MOST_LOSS


def main() -> int:
    """Run what is asked for; 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path(os.environ.get("VISAVIS_CORPUS", "")))
    parser.add_argument("--passages", type=int, nargs="+", default=SIZES)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--build", type=int)
    parser.add_argument("--into", type=Path)
    asked = parser.parse_args()
    if asked.build:
        folder, seconds = build(asked.build, asked.corpus, asked.into)
        sys.stdout.write(json.dumps([str(folder), seconds]))
        return 0
    if len(asked.passages) == 1:
        sys.stdout.write(json.dumps(asdict(measure(asked.passages[0], asked.corpus, asked.questions))))
        return 0
    rows = []
    for number in asked.passages:
        ran = subprocess.run(
            [sys.executable, __file__, "--passages", str(number), "--questions", str(asked.questions), "--corpus",
             str(asked.corpus)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if ran.returncode:
            sys.stderr.write(ran.stderr)
            return 1
        rows.append(Sized(**json.loads(ran.stdout)))
    return 0 if print_table(Console(width=150), rows) else 1


if __name__ == "__main__":
    sys.exit(main())
