"""Our concordance and notes as a way into the law: everyday words and issues, each leading to places in instruments."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest import classifier
from ingest.classifier import Features
from ingest.concordance import Concordance, Correspondence, load_concordance
from ingest.embedding import Embedder
from ingest.identifiers import InstrumentId
from ingest.keeping import keep_arrays, name_of
from ingest.lexical import LexicalIndex
from ingest.notes import Note, load_asked, load_notes
from ingest.pinpoint import Pinpoint

Vectors = NDArray[np.float32]
Progress = Callable[[str, int, int], None]
Places = Mapping[InstrumentId, tuple[Pinpoint, ...]]
Labels = dict[str, float]

ISSUES = "issues"
FOLDER, VECTORS, TERMS, RARITY = "guide", "vectors", "terms", "rarity"
LESS_MEANT = 0.6


class SignpostKind(StrEnum):
    """Which words of ours lead to the places."""

    NOTE = "note"
    ISSUE = "issue"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Signpost:
    """Words of ours that lead to places, the first place of an instrument being the one meant most."""

    text: str
    places: Places
    kind: SignpostKind = SignpostKind.NOTE
    correspondence: Correspondence | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """A correspondence, and the numbers of the signposts with its own words and with the questions asked on it."""

    correspondence: Correspondence
    own: list[int]
    asked: list[int]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What the signposts teach of questions: what is seen of one, and for each head its labels and their weights.

    The head of an instrument labels a question with its units, that of ISSUES with correspondences.
    """

    features: Features
    labels: Mapping[str, list[str]]
    weights: Mapping[str, Vectors]


class Guide:
    """All signposts, found by words and by meaning, and what is learnt from them."""

    def __init__(
        self,
        signposts: tuple[Signpost, ...],
        lexical: LexicalIndex | None,
        vectors: Vectors,
        learnt: Learnt | None = None,
    ) -> None:
        self.signposts = signposts
        self._lexical = lexical
        self._vectors = vectors
        self._given = learnt
        leading: dict[tuple[InstrumentId, SignpostKind], list[int]] = {}
        issues: dict[str, Issue] = {}
        for number, signpost in enumerate(signposts):
            for instrument in (one for one, places in signpost.places.items() if places):
                leading.setdefault((instrument, signpost.kind), []).append(number)
            if signpost.correspondence is not None:
                issue = issues.setdefault(signpost.correspondence.id, Issue(signpost.correspondence, [], []))
                (issue.own if signpost.kind is SignpostKind.ISSUE else issue.asked).append(number)
        self.issues = tuple(issues.values())
        self._leading = {way: np.array(numbers, dtype=np.intp) for way, numbers in leading.items()}

    def only(self, keep: Callable[[Signpost], bool]) -> "Guide":
        """The guide with some of its signposts alone."""
        numbers = [number for number, signpost in enumerate(self.signposts) if keep(signpost)]
        signposts = tuple(self.signposts[number] for number in numbers)
        lexical = LexicalIndex.build([one.text for one in signposts]) if signposts else None
        return Guide(signposts, lexical, self._vectors[numbers])

    def leading_to(self, instrument: InstrumentId, kind: SignpostKind) -> NDArray[np.intp]:
        """The numbers of the signposts of a kind to places of an instrument."""
        return self._leading.get((instrument, kind), np.zeros(0, dtype=np.intp))

    def score(self, words: str, vector: Vectors, words_weight: float) -> tuple[Vectors, float]:
        """How well each signpost fits a query, from 0 to 1, and the best cosine of any.

        A signpost fits by its cosine and by its BM25 as a share of the best, weighed.
        """
        meaning = np.maximum(self._vectors @ vector, 0.0)
        found = self._lexical.score(words) if self._lexical else np.zeros(len(meaning), dtype=np.float32)
        best = float(found.max(initial=0.0))
        fused: Vectors = (1 - words_weight) * meaning + words_weight * (found / best if best else found)
        return fused, float(meaning.max(initial=0.0))

    @cached_property
    def _learnt(self) -> Learnt:
        return self._given or learn_from(self.signposts, self._vectors)

    def classify(self, words: str, vector: Vectors) -> dict[str, Labels]:
        """The share of each label, by head, that a question's words and vector make likely."""
        if not self.signposts:
            return {}
        seen = self._learnt.features.read([words], vector[None, :])[0]
        return {
            head: dict(zip(names, classifier.classify(self._learnt.weights[head], seen).tolist(), strict=True))
            for head, names in self._learnt.labels.items()
        }


def label_signposts(signposts: Sequence[Signpost]) -> dict[str, dict[int, Labels]]:
    """By head, the shares of its labels in each signpost that has any: units, those meant less having less; issues."""
    heads: dict[str, dict[int, Labels]] = {}
    for number, signpost in enumerate(signposts):
        for instrument, places in signpost.places.items():
            shares: Labels = {}
            for rank, place in enumerate(places):
                shares[str(place.unit)] = shares.get(str(place.unit), 0.0) + LESS_MEANT**rank
            if shares:
                whole = sum(shares.values())
                heads.setdefault(instrument, {})[number] = {name: share / whole for name, share in shares.items()}
        if signpost.correspondence is not None:
            heads.setdefault(ISSUES, {})[number] = {signpost.correspondence.id: 1.0}
    return heads


def label_names(labels: Mapping[int, Labels]) -> list[str]:
    """The labels of a head, in the order of their weights."""
    return sorted({name for shares in labels.values() for name in shares})


def learn_from(signposts: Sequence[Signpost], vectors: Vectors, progress: Progress | None = None) -> Learnt:
    """Learn from signposts with their vectors which labels a question is about."""
    texts = [signpost.text for signpost in signposts]
    features = Features.of(texts)
    seen = features.read(texts, vectors)
    heads = label_signposts(signposts)
    names = _names_of(heads)
    weights: dict[str, Vectors] = {}
    for done, (head, labels) in enumerate(heads.items(), start=1):
        places = {name: place for place, name in enumerate(names[head])}
        shares = np.zeros((len(labels), len(places)), dtype=np.float32)
        for row, labelled in zip(shares, labels.values(), strict=True):
            for name, share in labelled.items():
                row[places[name]] = share
        weights[head] = classifier.learn(seen[list(labels)], shares)
        if progress:
            progress("questions", done, len(heads))
    return Learnt(features, names, weights)


def _names_of(heads: Mapping[str, Mapping[int, Labels]]) -> dict[str, list[str]]:
    return {head: label_names(labels) for head, labels in heads.items()}


def open_guide(embedder: Embedder) -> Guide:
    """The signposts of the program's own concordance and notes; what is computed of them is kept in the cache."""
    signposts = tuple(list_signposts(load_concordance(), load_notes(), load_asked()))
    lexical = LexicalIndex.build([signpost.text for signpost in signposts]) if signposts else None
    return Guide(signposts, lexical, *_compute(signposts, embedder, None))


def prepare_guide(embedder: Embedder, progress: Progress) -> None:
    """Compute what `open_guide` takes from the cache, where it is not there yet."""
    _compute(tuple(list_signposts(load_concordance(), load_notes(), load_asked())), embedder, progress)


def list_signposts(
    concordance: Concordance,
    notes: Mapping[InstrumentId, Mapping[Pinpoint, Note]],
    asked: Mapping[InstrumentId, Mapping[Pinpoint, Sequence[str]]],
) -> Iterator[Signpost]:
    """A signpost for each correspondence, each note, each group of plain words, and each question asked."""
    for one in concordance.correspondence:
        text = f"{one.issue}\n{', '.join(one.words)}\n{' '.join(sentence.text for sentence in one.note)}"
        places = {InstrumentId(side): led for side, led in one.sides.items()}
        yield Signpost(text, places, SignpostKind.ISSUE, one)
        yield from (Signpost(asked, places, SignpostKind.ASKED, one) for asked in one.asked)
    for instrument, held in notes.items():
        for note in held.values():
            sentences = " ".join(sentence.text for sentence in note.sentences)
            yield Signpost(sentences, {instrument: (note.pinpoint,)})
            for plain in note.plain:
                yield from (Signpost(words, {instrument: (plain.at,)}) for words in plain.words)
    for instrument, questions in asked.items():
        for place, texts in questions.items():
            yield from (Signpost(text, {instrument: (place,)}, SignpostKind.ASKED) for text in texts)


def _compute(
    signposts: Sequence[Signpost], embedder: Embedder, progress: Progress | None
) -> tuple[Vectors, Learnt | None]:
    """The signposts' vectors and what is learnt from them, from the cache or computed and kept there.

    A cache that cannot be written is done without.
    """
    if not signposts:
        return np.zeros((0, 0), dtype=np.float32), None
    texts = [signpost.text for signpost in signposts]
    report = progress or (lambda *_: None)
    vectors = keep_arrays(
        FOLDER,
        name_of(embedder.fingerprint, texts),
        lambda: {VECTORS: embedder.embed(texts, progress=lambda done: report("notes", done, len(texts)))},
    )[VECTORS]
    heads = label_signposts(signposts)
    learnt = keep_arrays(
        FOLDER,
        name_of(embedder.fingerprint, texts, heads, classifier.fingerprint()),
        lambda: _pack(learn_from(signposts, vectors, progress)),
    )
    return vectors, _unpack(learnt, _names_of(heads))


def _pack(learnt: Learnt) -> dict[str, Any]:
    return {TERMS: list(learnt.features.terms), RARITY: learnt.features.rarity, **learnt.weights}


def _unpack(arrays: Mapping[str, Any], labels: Mapping[str, list[str]]) -> Learnt:
    terms = {str(term): place for place, term in enumerate(arrays[TERMS])}
    weights = {name: array for name, array in arrays.items() if name not in {TERMS, RARITY}}
    return Learnt(Features(terms, arrays[RARITY]), labels, weights)
