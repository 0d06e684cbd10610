"""German and French questions in English key words: the texts held are English, and so are the words searched."""

import re
from functools import lru_cache

from ingest.tables import read_own

FILE = "glossary.toml"

_NUMBER = r"\d[\w.]*"
_BREAK = r"[,;.?!](?=\s|$)"


@lru_cache(maxsize=1)
def load_glossary() -> dict[str, dict[str, str]]:
    """By language, the English words for a word, or for what begins with it; raises ManifestError."""
    return read_own(dict[str, dict[str, str]], FILE)


def to_english(text: str, language: str) -> str:
    """The English key words of a text in its order, its clauses kept apart; what the glossary has not is dropped."""
    pattern, meanings = _entries(language)
    found = pattern.finditer(_folded(text))
    words = " ".join(meanings[match.lastindex - 1] if match.lastindex else match[0] for match in found)
    return re.sub(rf"\s+({_BREAK})", r"\1", words).strip(" ,;.")


def count_known(text: str, language: str) -> int:
    """How many words of a text are the language's own: known to its glossary, and not the English for it as well."""
    pattern, meanings = _entries(language)
    found = ((match[0], meanings[match.lastindex - 1]) for match in pattern.finditer(_folded(text)) if match.lastindex)
    return sum(words not in meaning.casefold() for words, meaning in found)


@lru_cache(maxsize=4)
def _entries(language: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """One pattern with a group for each entry, phrases and longer entries first, and what each group means."""
    entries = sorted(load_glossary()[language].items(), key=lambda entry: (" " not in entry[0], -len(entry[0])))
    groups = "|".join(f"({_pattern(words)})" for words, _ in entries)
    return re.compile(rf"{_BREAK}|(?<!\w)(?:{groups}|{_NUMBER})(?!\w)"), tuple(meaning for _, meaning in entries)


def _pattern(words: str) -> str:
    return re.escape(_folded(words)).replace(r"\*", r"\w*").replace(r"\ ", r"\s+")


def _folded(text: str) -> str:
    return text.casefold().replace("’", "'")
