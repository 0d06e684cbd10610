"""Search by words (the only door to bm25s and PyStemmer): BM25 over documents known by their number.

The same analysis reads documents and questions: letters folded (case, accents, typographic marks), stop words dropped,
words stemmed; labels and numbers are left whole and findable: "14a", "(ba)", "2024/1689", "35 000 000".
"""

import json
import logging
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from ingest.errors import StoreError, StoreMissing, StoreStale, UsageError

if TYPE_CHECKING:
    from bm25s import BM25

SNOWBALL = {"en": "english", "fr": "french", "nl": "dutch", "de": "german"}
STOP_LISTS = {"en": "STOPWORDS_EN_PLUS", "fr": "STOPWORDS_FRENCH", "nl": "STOPWORDS_DUTCH", "de": "STOPWORDS_GERMAN"}
ANALYSIS = 1
"""The version of the rules below: a change of them makes the indexes built before it stale."""

_LABEL_FILE = "lexical.json"
_MARKS = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "æ": "ae", "œ": "oe", "ø": "o", "\u00ad": None})
_ACCENT = re.compile(r"[\u0300-\u036f]")
_CLITIC = re.compile(r"\b[^\W\d_]'|'[^\W\d_]\b")
_GROUPED = re.compile(r"(?<![\d.,/])\d{1,3}(?:[ .,]\d{3})+(?![\d./]|,\d)")
_WORD = re.compile(r"\d+(?:[./]\d+)+|[^\W_]+")


def fold(text: str) -> str:
    """Fold case, accents, ligatures and typographic apostrophes; write "35 000 000" as "35000000"."""
    letters = text.casefold()
    if not letters.isascii():
        letters = _ACCENT.sub("", unicodedata.normalize("NFKD", letters).translate(_MARKS))
    return _GROUPED.sub(lambda match: re.sub(r"\D", "", match[0]), letters)


def analyse(text: str, language: str = "en") -> list[str]:
    """List the search terms of `text` in order; raises UsageError for a language without a stemmer."""
    return _analyser(language)(text)


def fingerprint(language: str = "en") -> str:
    """Name all that a term depends on besides the texts; a part of the corpus id."""
    return f"bm25s-{version('bm25s')}/snowball-{version('PyStemmer')}/{language}/{ANALYSIS}"


def _words(text: str) -> Iterable[str]:
    """List the words of `text`, a compound number ("2024/1689") both whole and in its parts."""
    for word in _WORD.findall(_CLITIC.sub(" ", fold(text))):
        yield word
        if "/" in word or "." in word:
            yield from re.split(r"[./]", word)


@lru_cache(maxsize=len(SNOWBALL))
def stop_words(language: str) -> frozenset[str]:
    """The words of a language that every text has."""
    import bm25s.stopwords

    return frozenset(part for word in getattr(bm25s.stopwords, STOP_LISTS[language]) for part in fold(word).split("'"))


def _analyser(language: str) -> Callable[[str], list[str]]:
    """Make the analysis of one language; its stemmer is not safe to share between threads, so each call makes one."""
    if language not in SNOWBALL:
        allowed = ", ".join(sorted(SNOWBALL))
        raise UsageError(f"no word search in the language {language!r}; allowed are {allowed}.")
    import Stemmer

    stem = Stemmer.Stemmer(SNOWBALL[language]).stemWord
    known = dict.fromkeys(stop_words(language), "")

    def term(word: str) -> str:
        if word not in known:
            known[word] = stem(word)
        return known[word]

    return lambda text: [found for found in map(term, _words(text)) if found]


def _engine() -> "type[BM25]":
    """Import bm25s, whose logger would else pass its debugging lines on to ours."""
    from bm25s import BM25

    logging.getLogger("bm25s").setLevel(logging.WARNING)
    engine: type[BM25] = BM25
    return engine


@dataclass(frozen=True, slots=True)
class LexicalIndex:
    """The words of n documents, numbered from 0 in the order given."""

    language: str
    size: int
    _bm25: "BM25"

    @classmethod
    def build(cls, texts: Sequence[str], language: str = "en") -> Self:
        """Index `texts`; raises StoreError when there are none, or none with a word in it."""
        terms = _analyser(language)
        vocabulary: dict[str, int] = {}
        documents = [[vocabulary.setdefault(term, len(vocabulary)) for term in terms(text)] for text in texts]
        if not vocabulary:
            raise StoreError(f"no words to index in {len(texts)} texts; check that the sources were read.")
        bm25 = _engine()(csc_backend="numpy", backend="numpy")
        bm25.index((documents, vocabulary), show_progress=False)
        return cls(language, len(documents), bm25)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a saved index, its arrays mapped from the disk; raises StoreMissing, StoreStale or StoreError."""
        label = _read_label(folder)
        try:
            bm25 = _engine().load(folder, mmap=True, show_progress=False)
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"the word index in {folder} is damaged ({error}); build it again.") from error
        return cls(label.language, label.size, bm25)

    def save(self, folder: Path) -> None:
        """Write the index into `folder`, its label last, so that a half-written one is never opened."""
        (folder / _LABEL_FILE).unlink(missing_ok=True)
        self._bm25.save(folder, show_progress=False)
        label = {"fingerprint": fingerprint(self.language), "language": self.language, "size": self.size}
        (folder / _LABEL_FILE).write_text(json.dumps(label), encoding="utf-8")

    def score(self, query: str) -> NDArray[np.float32]:
        """BM25's score of every document, of shape (n,), 0 where it shares no word with `query`."""
        vocabulary = self._bm25.vocab_dict
        known = [vocabulary[term] for term in dict.fromkeys(analyse(query, self.language)) if term in vocabulary]
        if not known:
            return np.zeros(self.size, dtype=np.float32)
        scores: NDArray[np.float32] = self._bm25.get_scores_from_ids(known)
        return scores

    def search(self, query: str, k: int, mask: NDArray[np.bool_] | None = None) -> list[tuple[int, float]]:
        """Rank at most `k` documents that share a word with `query`, best first, equals by their number.

        `mask`, of shape (n,), is True for the documents that may be found. Scores are BM25's, above zero.
        """
        if k < 1:
            return []
        scores = self.score(query)
        found = np.flatnonzero(scores > 0 if mask is None else (scores > 0) & mask)
        return [(int(number), float(scores[number])) for number in _best(found, scores, k)]


def _best(found: NDArray[np.intp], scores: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Sort the `k` best of the document numbers `found`, without sorting the rest."""
    if len(found) > k:
        threshold = np.partition(scores[found], len(found) - k)[len(found) - k]
        found = found[scores[found] >= threshold]
    order: NDArray[np.intp] = found[np.lexsort((found, -scores[found]))][:k]
    return order


@dataclass(frozen=True, slots=True)
class _Label:
    """What a saved index says of itself."""

    language: str
    size: int


def _read_label(folder: Path) -> _Label:
    """Read what the index in `folder` says of itself, and refuse one that other rules made."""
    try:
        label = json.loads((folder / _LABEL_FILE).read_text(encoding="utf-8"))
        language, size, made_by = label["language"], label["size"], label["fingerprint"]
    except FileNotFoundError as error:
        raise StoreMissing(f"there is no word index in {folder}; build it first.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"the word index in {folder} is damaged ({error}); build it again.") from error
    if made_by != fingerprint(language):
        raise StoreStale(f"the word index in {folder} was built by {made_by}, not {fingerprint(language)}; rebuild it.")
    return _Label(language, size)
