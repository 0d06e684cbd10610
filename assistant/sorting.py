"""What a question is on, the texts or something that they do not answer, as learnt from questions of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from ingest import classifier
from ingest.classifier import Features
from ingest.embedding import Embedder
from ingest.guide import Guide, Vectors
from ingest.keeping import keep_arrays, name_of

ANSWERED = "answered"


@dataclass(frozen=True)
class Sorter:
    """Tells by its words and its vector what a question is on: ANSWERED, or the name of what is declined."""

    names: tuple[str, ...] = ()
    features: Features = field(default_factory=lambda: Features({}, np.zeros(0, np.float32)))
    weights: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @classmethod
    def of(cls, guide: Guide, declined: Mapping[str, Sequence[str]], embedder: Embedder) -> Self:
        """Learn it from the questions that the guide leads on, and from those declined; kept in the user's cache."""
        answered, vectors = guide.questions()
        names = (ANSWERED, *declined)
        texts = [text for one in declined.values() for text in one]
        numbers = [0] * len(answered) + [n for n, one in enumerate(declined.values(), start=1) for _ in one]
        name = name_of(embedder.fingerprint, answered, texts, numbers, classifier.fingerprint())

        def learn() -> dict[str, object]:
            seen = np.vstack([vectors, embedder.embed(texts)])
            features = Features.of([*answered, *texts])
            shares = np.eye(len(names), dtype=np.float32)[numbers]
            weights = classifier.learn(features.read([*answered, *texts], seen), shares)
            return {"terms": list(features.terms), "rarity": features.rarity, "weights": weights}

        learnt = keep_arrays("sorting", name, learn)
        terms = {str(term): place for place, term in enumerate(learnt["terms"])}
        return cls(names, Features(terms, learnt["rarity"]), learnt["weights"])

    def sort(self, text: str, vector: Vectors) -> dict[str, float]:
        """The share of each name, likeliest first; of none where nothing was learnt."""
        if not self.names:
            return {}
        shares = classifier.classify(self.weights, self.features.read([text], vector[None, :])[0])
        return dict(sorted(zip(self.names, shares.tolist(), strict=True), key=lambda one: -one[1]))
