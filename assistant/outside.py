"""What people ask that the texts do not say: judgments, office holders, forecasts, other law, and the weather."""

from datetime import date
from functools import lru_cache
from typing import Annotated

from pydantic import Field

from assistant import phrases
from assistant.analysis import ENGLISH, Inquiry
from assistant.likeness import Likeness
from assistant.matching import Words, holds_words
from assistant.question import Intent
from ingest.guide import Vectors
from ingest.tables import Strict, read_own

FILE = "outside.toml"
# Learnt on the development half: how much nearer a question is to a matter outside than to anything said of the texts,
# and how much nearer where it speaks of artificial intelligence.
LEAD = 0.01
LEAD_ON_AI = 0.04


class Matter(Strict):
    """A matter outside the texts: what is said of it, and how a question on it is recognised.

    A question is on it where it holds a word of each group of one of `words`, or is like one of `means`. `aside` says
    that its words tell only where a question names no instrument.
    """

    id: str
    says: str
    words: tuple[tuple[Words, ...], ...] = ()
    without: tuple[str, ...] = ()
    aside: bool = False
    means: Annotated[tuple[str, ...], Field(min_length=1)]


class _Table(Strict):
    reviewed: date
    matter: tuple[Matter, ...]


@lru_cache(maxsize=1)
def load_matters() -> tuple[Matter, ...]:
    """Our table; raises ManifestError when it is not what its schema says."""
    return read_own(_Table, FILE).matter


def find_matter(outside: Likeness, inquiry: Inquiry, vector: Vectors | None, nearest: float) -> Matter | None:
    """The matter outside that an inquiry is on, or None; `nearest` is its cosine with what is said of the texts."""
    matters = load_matters()
    said = next((one for one in matters if not (one.aside and inquiry.named) and _is_said(one, inquiry.text)), None)
    if said is not None or vector is None or not _is_told_by_meaning(inquiry):
        return said
    name, cosine = next(iter(outside.rank(vector).items()), ("", 0.0))
    lead = LEAD_ON_AI if _is_on_ai(inquiry) else LEAD
    return next((one for one in matters if one.id == name), None) if cosine > nearest + lead else None


def _is_on_ai(inquiry: Inquiry) -> bool:
    return bool(inquiry.named) or phrases.ON_AI.search(inquiry.text) is not None


def _is_said(matter: Matter, text: str) -> bool:
    return any(holds_words(groups, text) for groups in matter.words) and not holds_words((matter.without,), text)


def _is_told_by_meaning(inquiry: Inquiry) -> bool:
    """Whether a question is on one thing, in words enough: the key words of a translation are not."""
    alone = not inquiry.topics and not inquiry.targets and inquiry.intent is not Intent.STATUS
    return alone and inquiry.language == ENGLISH and bool(inquiry.subject)
