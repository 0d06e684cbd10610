"""What people ask that the texts do not say: judgments, office holders, forecasts, other law, and the weather."""

import tomllib
from datetime import date
from functools import lru_cache
from typing import Annotated

from pydantic import Field, ValidationError

from assistant import phrases
from assistant.analysis import ENGLISH, Inquiry
from assistant.likeness import Likeness
from assistant.matching import Words, holds_words
from assistant.question import Intent
from assistant.sorting import ANSWERED, Sorter
from ingest.concordance import Strict
from ingest.datafiles import data_file
from ingest.embedding import Embedder
from ingest.errors import ManifestError
from ingest.guide import Vectors

FILE = "outside.toml"
ADVICE = "advice"
# Learnt on the development half: how much nearer a question is to a matter outside than to anything said of the texts,
# and how much nearer where it speaks of artificial intelligence; then how likely it is to be on something else than the
# texts, how likely where it speaks of artificial intelligence, and where it is no sentence but a few words.
LEAD = 0.01
LEAD_ON_AI = 0.04
SURE = 0.8
SURE_ON_AI = 0.9
SURE_ON_FEW = 0.95
FEW_WORDS = 4


class Matter(Strict):
    """A matter outside the texts: what is said of it, and how a question on it is recognised.

    A question is on it where it holds a word of each group of one of `words`, is like one of `means`, or is sorted with
    these and the whole questions of `asked`. `aside` says that its words tell only where a question names no
    instrument.
    """

    id: str
    says: str
    words: tuple[tuple[Words, ...], ...] = ()
    without: tuple[str, ...] = ()
    aside: bool = False
    means: Annotated[tuple[str, ...], Field(min_length=1)]
    asked: tuple[str, ...] = ()


class Outside(Strict):
    """The matters, and questions that wish for advice on a case of the asker's own."""

    reviewed: date
    advice: tuple[str, ...]
    matter: tuple[Matter, ...]

    @property
    def declined(self) -> dict[str, tuple[str, ...]]:
        """What a sorter learns from: questions by the matter that they are on, and those for advice."""
        return {ADVICE: self.advice, **{one.id: (*one.means, *one.asked) for one in self.matter}}


@lru_cache(maxsize=1)
def load_outside() -> Outside:
    """Our table; raises ManifestError when it is not what its schema says."""
    try:
        return Outside.model_validate(tomllib.loads(data_file(FILE).read_text(encoding="utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ManifestError(f"data/{FILE} cannot be read: {' '.join(str(error).split())[:300]}; correct it.") from None


def find_matter(outside: Likeness, inquiry: Inquiry, vector: Vectors | None, nearest: float) -> Matter | None:
    """The matter outside that an inquiry is on, or None; `nearest` is its cosine with what is said of the texts."""
    matters = load_outside().matter
    said = next((one for one in matters if not (one.aside and inquiry.named) and _is_said(one, inquiry.text)), None)
    if said is not None or vector is None or not _is_told_by_meaning(inquiry):
        return said
    name, cosine = next(iter(outside.rank(vector).items()), ("", 0.0))
    lead = LEAD_ON_AI if _is_on_ai(inquiry) else LEAD
    return next((one for one in matters if one.id == name), None) if cosine > nearest + lead else None


def sort_inquiry(sorter: Sorter, inquiry: Inquiry, embedder: Embedder) -> str:
    """What an inquiry is on by what was learnt: the id of a matter, ADVICE, or ANSWERED, also where it is not sure."""
    if not _is_told_by_meaning(inquiry):
        return ANSWERED
    shares = sorter.sort(inquiry.text, embedder.embed_query(inquiry.text))
    if 1 - shares.get(ANSWERED, 1.0) < _sure_enough(inquiry):
        return ANSWERED
    return next(name for name in shares if name != ANSWERED)


def _sure_enough(inquiry: Inquiry) -> float:
    if len(inquiry.text.split()) <= FEW_WORDS:
        return SURE_ON_FEW
    return SURE_ON_AI if _is_on_ai(inquiry) else SURE


def _is_on_ai(inquiry: Inquiry) -> bool:
    return bool(inquiry.named) or phrases.ON_AI.search(inquiry.text) is not None


def _is_said(matter: Matter, text: str) -> bool:
    return any(holds_words(groups, text) for groups in matter.words) and not holds_words((matter.without,), text)


def _is_told_by_meaning(inquiry: Inquiry) -> bool:
    """Whether a question is on one thing, in words enough: the key words of a translation are not."""
    alone = not inquiry.topics and not inquiry.targets and inquiry.intent is not Intent.STATUS
    return alone and inquiry.language == ENGLISH and bool(inquiry.subject)
