"""What one browser tab remembers: a frozen value that each turn replaces."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from assistant.question import Question


@dataclass(frozen=True, slots=True)
class Session:
    """The user's turns so far, oldest first; nothing of it outlives the tab."""

    turns: tuple[str, ...] = ()

    def question(self, text: str, as_of: date) -> Question:
        """What is asked next, with the conversation before it."""
        return Question(text=text, history=self.turns, as_of=as_of)

    def after(self, question: Question) -> Self:
        """The session once a question has been answered."""
        return replace(self, turns=(*self.turns, question.text))
