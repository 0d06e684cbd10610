"""What the check of a model's sentences catches and what it wrongly drops, by kind: `make bench-checks`.

Thresholds are learnt on one half of the sentences (`--half dev`) and reported on the other.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from rich.console import Console
from rich.table import Table

from assistant.support import measure_support
from ingest.embedding import open_embedder
from ingest.pipeline import open_store
from tests.assistant.corrupting import (
    DEV,
    EACH,
    TEST,
    Checked,
    Good,
    all_goods,
    check_correct,
    check_corruptions,
)


def tabulate(checked: Sequence[Checked], title: str, share: str) -> Table:
    """A row a kind and form of sentence."""
    forms = list(dict.fromkeys(one.form for one in checked))
    table = Table("kind", *forms, "all", share, title=title)
    for kind in (*dict.fromkeys(one.kind for one in checked), "all"):
        own = [one for one in checked if kind in {one.kind, "all"}]
        cells = [count([one for one in own if one.form == form]) for form in forms]
        table.add_row(kind, *cells, count(own), f"{sum(bool(one.faults) for one in own) / len(own):.1%}")
    return table


def count(checked: Sequence[Checked]) -> str:
    return f"{sum(bool(one.faults) for one in checked)} of {len(checked)}" if checked else ""


def calibrate(goods: Sequence[Good], console: Console) -> None:
    """How well the passages carry the correct sentences that the thresholds are learnt on."""
    store = open_store(None, build=False)
    embedder = open_embedder()
    found = [measure_support(good.text, good.cited, store.corpus, embedder) for good in goods]
    places = (0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
    told = ", ".join(
        f"{place:.1%}: {value:.2f}" for place, value in zip(places, np.quantile(found, places), strict=True)
    )
    console.print(f"Support of {len(found)} correct paraphrases, at {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=[DEV, TEST], default=TEST)
    parser.add_argument("--each", type=int, default=EACH, help="corruptions of each kind and form")
    parser.add_argument("--correct", type=int, default=400, help="correct sentences of each form")
    parser.add_argument("--show", action="store_true", help="print what was missed and what was wrongly dropped")
    chosen = parser.parse_args()
    console = Console(width=120)
    store, embedder = open_store(None, build=False), open_embedder()
    goods = [good for good in all_goods(store.corpus) if good.half == chosen.half]
    if chosen.half == DEV:
        calibrate([good for good in goods if good.form == "paraphrase"], console)
    began = perf_counter()
    spoilt = check_corruptions(goods, store.corpus, embedder, chosen.each)
    console.print(tabulate(spoilt, f"Corruptions caught, half {chosen.half}", "caught"))
    correct = check_correct(goods, store.corpus, embedder, chosen.correct)
    console.print(tabulate(correct, f"Correct sentences dropped, half {chosen.half}", "dropped"))
    each = (perf_counter() - began) / (len(spoilt) + len(correct))
    console.print(f"{each * 1000:.0f} ms a sentence, passages read anew for most")
    if chosen.show:
        for one in spoilt:
            if not one.faults:
                console.print(f"missed, {one.kind}, {one.form}: {one.sentence.text}", markup=False)
        for one in correct:
            for fault in one.faults:
                console.print(f"dropped, {one.form}: {one.sentence.text}\n    {fault.kind}: {fault.text}", markup=False)


if __name__ == "__main__":
    main()
