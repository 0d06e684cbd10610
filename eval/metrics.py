"""From scores to numbers: mean with standard error, Wilson interval, percentiles, paired bootstrap, overlap."""

import math
import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from eval.score import Score

Z95 = 1.959963984540054
RESAMPLES = 5000
SEED = 225


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The mean of n scores, its standard error (None for fewer than two), its 95 % interval."""

    n: int
    mean: float | None
    error: float | None
    interval: Interval | None


def summarise(scores: Iterable[Score], *, share: bool) -> Summary:
    """Summarise the scored ones among `scores`; `share` says that each is 0 or 1, so that Wilson's interval holds."""
    values = [score.value for score in scores if score.value is not None]
    if not values:
        return Summary(0, None, None, None)
    mean, error = statistics.fmean(values), standard_error(values)
    if share:
        return Summary(len(values), mean, error, wilson(sum(values), len(values)))
    around = Interval(mean - Z95 * error, mean + Z95 * error) if error is not None else None
    return Summary(len(values), mean, error, around)


def standard_error(values: Sequence[float]) -> float | None:
    """The sample's standard deviation over the root of its size; None for fewer than two values."""
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None


def wilson(successes: float, n: int) -> Interval:
    """Wilson's 95 % score interval of a share, n > 0."""
    share, square = successes / n, Z95**2 / n
    centre = share + square / 2
    spread = Z95 * math.sqrt(share * (1 - share) / n + square / (4 * n))
    return Interval(max(0.0, (centre - spread) / (1 + square)), min(1.0, (centre + spread) / (1 + square)))


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of the values lie, interpolated between neighbours; there is at least one."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def jaccard(one: Collection[object], other: Collection[object]) -> float:
    """What two collections share over what either has; at least one has something."""
    return len({*one} & {*other}) / len({*one} | {*other})


def cohen_kappa(pairs: Sequence[tuple[object, object]]) -> float | None:
    """Cohen's kappa of n > 0 pairs of labels: agreement beyond what chance gives; None where chance gives all of it."""
    n = len(pairs)
    observed = sum(one == other for one, other in pairs) / n
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    expected = sum(first[label] * second[label] for label in first) / n**2
    return (observed - expected) / (1 - expected) if expected < 1 else None


def paired_bootstrap(differences: Sequence[float], resamples: int = RESAMPLES) -> Interval | None:
    """The 95 % interval of the mean difference of paired scores, by resampling pairs; None for fewer than two."""
    if len(differences) < 2:
        return None
    import numpy as np

    drawn = np.random.default_rng(SEED).choice(np.asarray(differences), size=(resamples, len(differences)))
    low, high = np.percentile(drawn.mean(axis=1), [2.5, 97.5])
    return Interval(float(low), float(high))
