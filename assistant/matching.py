"""Words and phrases of our tables, looked for in a question."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated

from pydantic import Field

_GAP = r"\s(?:[^.?!;]{0,60}?\s)?"

Words = Annotated[tuple[str, ...], Field(min_length=1)]


def holds_words(groups: Iterable[tuple[str, ...]], text: str) -> bool:
    """Whether a text has a word or phrase of each group.

    An asterisk stands for the rest of a word, an ellipsis for some words of the same sentence.
    """
    return all(group and _pattern(group).search(text) for group in groups)


@lru_cache(maxsize=512)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    forms = (re.escape(word).replace(r"\*", r"\w*").replace(r"\ …\ ", _GAP).replace(r"\ ", r"\s+") for word in words)
    return re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)", re.IGNORECASE)
