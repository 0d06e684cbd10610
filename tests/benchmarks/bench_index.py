"""How fast the index is built and searched, and how much memory that takes: run by `make bench`.

Synthetic passages with seeded random vectors, each number of them in a process of its own; texts embedded a second;
the stages of an ingest of the official texts, where these are found. Prints tables, and exits with 1 where the memory,
or the processor time for a passage, grows out of its limit, or the nearest passages are not all found.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

CHECKOUT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(CHECKOUT))

SIZES = (10_000, 30_000, 100_000)
DIMENSION = 384
WORDS_A_PASSAGE = 30
MOST_MEMORY = 2_000  # megabytes
MOST_GROWTH = 1.5  # of the processor time for a passage, over ten times as many; quadratic work would give 10
LEAST_RECALL = 0.99  # of the ten passages that are nearest by exact search
NEAREST = 10
QUERIES = 100
EMBEDDED = 120  # texts
SEED = 20_261_123
VOCABULARY = 5_000
SLOWEST = 900  # seconds for one number of passages
WHOLE, AGAIN = "all of it", "again, nothing changed"
MOST_SECONDS = {"reading": 15.0, WHOLE: 75.0, AGAIN: 2.0}  # on two cores that nobody else uses


@dataclass(frozen=True, slots=True)
class Measure:
    """What one number of passages took: seconds, megabytes, milliseconds; and how many of the nearest it finds."""

    passages: int
    build: float
    processor: float
    open: float
    memory: float
    disk: float
    meaning_median: float
    meaning_slow: float
    words_median: float
    words_slow: float
    recall: float


@dataclass(frozen=True, slots=True)
class RandomVectors:
    """An embedder that gives seeded random vectors of unit length."""

    name: str = "random vectors"
    dimension: int = DIMENSION
    fingerprint: str = f"random-{SEED}"

    def embed(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """A vector for each text, by its place."""
        vectors = np.random.default_rng(SEED).standard_normal((len(texts), self.dimension), dtype=np.float32)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The first of the vectors."""
        return self.embed([text])[0]


def silent(stage: str, done: int, whole: int) -> None:
    """Report nothing."""


def count_words(text: str) -> int:
    """The size of a text."""
    return len(text.split())


def make_texts(number: int, words: int) -> list[str]:
    """Seeded texts of invented words, common ones oftener, no two alike."""
    rng = np.random.default_rng(SEED)
    drawn = np.minimum(rng.zipf(1.3, (number, words)), VOCABULARY)
    return [f"Passage {place} says " + " ".join(f"w{word}" for word in row) for place, row in enumerate(drawn)]


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """The median and the 95th percentile, in milliseconds."""
    return float(np.percentile(seconds, 50)) * 1000, float(np.percentile(seconds, 95)) * 1000


def time_each(calls: Sequence[Callable[[], object]]) -> list[float]:
    """The seconds that each call takes."""
    taken = []
    for call in calls:
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return taken


def measure(number: int) -> Measure:
    """Build an index of synthetic passages, open it, and search it."""
    from ingest.corpus import Corpus
    from ingest.identifiers import ExpressionId
    from ingest.index import Store, build_index
    from ingest.instrument import Authority, Expression, ProvisionKind
    from ingest.structure import Draft, build_provisions

    name = ExpressionId.parse("garden-act@2030-01-01:en")
    texts = make_texts(number, WORDS_A_PASSAGE)
    drafts = (Draft(ProvisionKind.ARTICLE, str(place), text=text) for place, text in enumerate(texts, start=1))
    act = Expression(name, "", "Act", Authority.LAW, "", date(2030, 1, 1), build_provisions(name, drafts))
    embedder = RandomVectors()
    with tempfile.TemporaryDirectory() as folder:
        began, working = time.perf_counter(), time.process_time()
        index = build_index(Corpus("bench", "", (act,)), embedder, count_words, Path(folder), silent)
        built, worked = time.perf_counter(), time.process_time()
        store = Store.open(index)
        opened = time.perf_counter()
        [shelf] = store.shelves.values()
        rng = np.random.default_rng(SEED + 1)
        vectors = rng.standard_normal((QUERIES, DIMENSION), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        asked = [" ".join(texts[place].split()[3:8]) for place in rng.integers(0, number, QUERIES)]
        own = frozenset({act.instrument})
        meaning = time_each([lambda vector=vector: shelf.search_meaning(vector, NEAREST, own) for vector in vectors])
        words = time_each([lambda query=query: shelf.search_words(query, NEAREST, own) for query in asked])
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
        disk = sum(file.stat().st_size for file in index.rglob("*") if file.is_file()) / 1e6
        found = [{number for number, _ in shelf.search_meaning(vector, NEAREST, own)} for vector in vectors]
        store.close()
    taken = (built - began, worked - working, opened - built)
    recall = share_found(found, vectors, embedder.embed(texts))
    return Measure(number, *taken, memory, disk, *percentiles(meaning), *percentiles(words), recall)


def share_found(found: Sequence[set[int]], asked: NDArray[np.float32], held: NDArray[np.float32]) -> float:
    """The share of the passages nearest to each question, by exact search, that were found."""
    nearest = np.argsort(-(asked @ held.T), axis=1)[:, :NEAREST]
    return sum(len(own & set(row.tolist())) for own, row in zip(found, nearest, strict=True)) / nearest.size


def measure_apart(number: int) -> Measure:
    """The same in a process of its own, so that its memory is its own."""
    command = [sys.executable, __file__, "--only", str(number)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SLOWEST)
    return Measure(**json.loads(ran.stdout))


def texts_a_second() -> tuple[float, float]:
    """How many texts of about 200 tokens the embedder reads a second, and how long one question takes, in ms."""
    from ingest.embedding import open_embedder

    embedder = open_embedder()
    texts = make_texts(EMBEDDED, 87)
    embedder.embed(texts[:4])
    began = time.perf_counter()
    embedder.embed(texts)
    rate = EMBEDDED / (time.perf_counter() - began)
    median, _ = percentiles(time_each([lambda: embedder.embed_query("Who shall water the roses?")] * 20))
    return rate, median


def time_stages(corpus: Path | None) -> dict[str, float]:
    """The seconds of each stage of an ingest into an empty index, and of one that finds nothing changed."""
    from ingest.pipeline import Options, ingest_corpus

    stages: dict[str, float] = {}
    last = time.perf_counter()

    def report(stage: str, done: int, whole: int) -> None:
        nonlocal last
        now = time.perf_counter()
        stages[stage] = stages.get(stage, 0.0) + now - last
        last = now

    began = time.perf_counter()
    ingest_corpus(Options(corpus, offline=True), report)
    whole = time.perf_counter()
    ingest_corpus(Options(corpus, offline=True), silent)
    return {**stages, WHOLE: whole - began, AGAIN: time.perf_counter() - whole}


def print_measures(console: Console, measures: Sequence[Measure]) -> bool:
    """Print the table of the index; gives whether all is within the limits."""
    table = Table(
        "passages", "build s", "processor s", "ms a passage", "open s", "peak MB", "disk MB", "meaning ms", "words ms",
        "recall",
        title=f"Index of random vectors (dimension {DIMENSION}); search median and 95th percentile",
    )  # fmt: skip
    for one in measures:
        table.add_row(
            f"{one.passages:,}",
            f"{one.build:.1f}",
            f"{one.processor:.1f}",
            f"{one.processor / one.passages * 1000:.2f}",
            f"{one.open:.1f}",
            f"{one.memory:.0f}",
            f"{one.disk:.0f}",
            f"{one.meaning_median:.1f} / {one.meaning_slow:.1f}",
            f"{one.words_median:.1f} / {one.words_slow:.1f}",
            f"{one.recall:.3f}",
        )
    console.print(table)
    first = measures[0].processor / measures[0].passages
    growth = max(one.processor / one.passages / first for one in measures)
    memory = max(one.memory for one in measures)
    recall = min(one.recall for one in measures)
    console.print(
        f"Processor time for a passage grows {growth:.2f} times (limit {MOST_GROWTH}); "
        f"memory {memory:.0f} MB at most (limit {MOST_MEMORY}); recall {recall:.3f} at least (limit {LEAST_RECALL})."
    )
    return growth <= MOST_GROWTH and memory <= MOST_MEMORY and recall >= LEAST_RECALL


def print_stages(console: Console, stages: Mapping[str, float]) -> bool:
    """Print what each stage of an ingest took; gives whether all is within the limits."""
    table = Table("stage", "seconds", "limit", title="Ingest of the official texts into an empty index")
    for stage, seconds in stages.items():
        table.add_row(stage, f"{seconds:.1f}", f"{MOST_SECONDS[stage]:.0f}" if stage in MOST_SECONDS else "")
    console.print(table)
    return all(stages[stage] <= most for stage, most in MOST_SECONDS.items() if stage in stages)


def main() -> int:
    """Run what is asked for; 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=int, help="measure this number of passages and print JSON")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="the numbers of passages")
    parser.add_argument("--corpus", type=Path, help="the folder of the official texts; default: as `visavis ingest`")
    asked = parser.parse_args()
    console = Console(width=120)
    if asked.only:
        sys.stdout.write(json.dumps(asdict(measure(asked.only))))
        return 0
    within = print_measures(console, [measure_apart(number) for number in asked.sizes])
    rate, median = texts_a_second()
    console.print(f"Embedding: {rate:.1f} texts of about 200 tokens a second; a question {median:.1f} ms.")
    from ingest.errors import VisavisError

    with tempfile.TemporaryDirectory() as folder:
        os.environ["VISAVIS_INDEX"] = folder
        try:
            within &= print_stages(console, time_stages(asked.corpus))
        except VisavisError as error:
            console.print(f"Ingest was not timed: {error}")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
