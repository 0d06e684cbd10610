"""Statements of ours held against a question by meaning: each speaks for one thing that a question may be about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ingest.embedding import Embedder
from ingest.guide import Vectors
from ingest.keeping import keep_arrays, name_of


@dataclass(frozen=True)
class Likeness:
    """Statements, by the thing that each speaks for, with their vectors, a row each."""

    speaks_for: tuple[str, ...]
    vectors: Vectors

    @classmethod
    def of(cls, statements: Mapping[str, Sequence[str]], embedder: Embedder) -> Self:
        """The statements by the things that they speak for; their vectors are kept in the user's cache."""
        texts = [text for one in statements.values() for text in one]
        names = tuple(name for name, held in statements.items() for _ in held)
        name = name_of(embedder.fingerprint, texts)
        return cls(names, keep_arrays("likeness", name, lambda: {"vectors": embedder.embed(texts)})["vectors"])

    @classmethod
    def none(cls) -> Self:
        """No statement."""
        return cls((), np.zeros((0, 0), np.float32))

    def rank(self, vector: Vectors) -> dict[str, float]:
        """The things spoken for by their nearest statement's cosine with a unit vector, nearest first."""
        best: dict[str, float] = {}
        if self.speaks_for:
            for name, cosine in zip(self.speaks_for, self.vectors @ vector, strict=True):
                best[name] = max(best.get(name, -1.0), float(cosine))
        return dict(sorted(best.items(), key=lambda one: -one[1]))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where answers end: what is falsely taken for granted, and what the texts do not speak of."""

    premises: Likeness = field(default_factory=Likeness.none)
    outside: Likeness = field(default_factory=Likeness.none)


@dataclass(frozen=True)
class Remembering:
    """An embedder that computes the vector of a question once."""

    within: Embedder
    _known: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The name of the one within."""
        return self.within.name

    @property
    def dimension(self) -> int:
        """The length of its vectors."""
        return self.within.dimension

    @property
    def fingerprint(self) -> str:
        """The hash of all that a vector depends on besides its text."""
        return self.within.fingerprint

    def embed(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Embed passages; these are not remembered."""
        return self.within.embed(texts, progress)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a question, computed now or remembered."""
        if text not in self._known:
            self._known[text] = self.within.embed_query(text)
        return self._known[text]
