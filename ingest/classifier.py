"""A text classifier: multinomial logistic regression from a text's words and its vector to labels.

It is learnt from texts whose labels are known, in seconds, and always in the same order: the same texts give the same
classifier.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ingest import lexical
from ingest.lexical import analyse

Floats = NDArray[np.float32]

RAREST = 2
EPOCHS = 6
BATCH = 256
RATE = 0.05
DECAY = 1e-4
MOMENTUM, SPREAD = 0.9, 0.99
SEED = 225


@dataclass(frozen=True, slots=True)
class Features:
    """What is seen of a text: its vector, and beside it its terms by tf-idf, of length 1 each."""

    terms: Mapping[str, int]
    rarity: Floats

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """The terms that more than one of the texts has."""
        having = Counter(term for text in texts for term in set(analyse(text)))
        kept = sorted(term for term, n in having.items() if n >= RAREST)
        rarity = np.log(len(texts) / np.array([having[term] for term in kept], dtype=np.float32))
        return cls({term: place for place, term in enumerate(kept)}, rarity.astype(np.float32))

    def read(self, texts: Sequence[str], vectors: Floats) -> Floats:
        """The features of texts with their vectors, a row for each."""
        words = np.zeros((len(texts), len(self.terms)), dtype=np.float32)
        for row, text in zip(words, texts, strict=True):
            for term, n in Counter(filter(self.terms.__contains__, analyse(text))).items():
                row[self.terms[term]] = (1 + np.log(n)) * self.rarity[self.terms[term]]
        words /= np.maximum(np.linalg.norm(words, axis=1, keepdims=True), np.float32(1e-9))
        return np.hstack([vectors, words])


def learn(features: Floats, shares: Floats) -> Floats:
    """The weights, one row for each feature and one for a constant, that give each text its shares of the labels.

    `shares` has a row for each of `features`, which adds up to 1. Adam, in batches, by cross-entropy.
    """
    inputs = np.hstack([features, np.ones((len(features), 1), dtype=np.float32)])
    weights = np.zeros((inputs.shape[1], shares.shape[1]), dtype=np.float32)
    momentum, spread = np.zeros_like(weights), np.zeros_like(weights)
    generator = np.random.default_rng(SEED)
    orders = (generator.permutation(len(inputs)) for _ in range(EPOCHS))
    batches = (order[start : start + BATCH] for order in orders for start in range(0, len(inputs), BATCH))
    for step, batch in enumerate(batches, start=1):
        rows = inputs[batch]
        slope = rows.T @ (_soften(rows @ weights) - shares[batch]) / np.float32(len(rows)) + DECAY * weights
        momentum += (1 - MOMENTUM) * (slope - momentum)
        spread += (1 - SPREAD) * (slope**2 - spread)
        size = np.sqrt(spread / (1 - SPREAD**step)) + 1e-8
        weights -= RATE * (momentum / (1 - MOMENTUM**step)) / size
    return weights


def fingerprint() -> str:
    """Name all that weights depend on besides the texts."""
    return f"{lexical.fingerprint()}/{RAREST}/{EPOCHS}/{BATCH}/{RATE}/{DECAY}/{MOMENTUM}/{SPREAD}/{SEED}"


def classify(weights: Floats, features: Floats) -> Floats:
    """The share of each label in one text, of which the features are given."""
    seen = np.flatnonzero(features)
    shares: Floats = _soften((features[seen] @ weights[seen] + weights[-1])[None, :])[0]
    return shares


def _soften(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares
