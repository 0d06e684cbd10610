"""The interface's languages: the words of the page, and how a day and a number are said; the law stays as it is."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources

FEW = 2


class Language(StrEnum):
    """A language that the page can speak."""

    ENGLISH = "en"
    FRENCH = "fr"
    GERMAN = "de"


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of the page in one language: `page` those that the browser needs, `turn` those of a turn.

    A phrase that depends on a number has a form for one and a form for many.
    """

    language: Language
    page: Mapping[str, str]
    turn: Mapping[str, str]
    months: tuple[str, ...]
    day_form: str

    def say(self, key: str, **values: object) -> str:
        """The phrase of a turn, its places filled in; raises KeyError for one that no catalogue has."""
        return self.turn[key].format(**values)

    def count(self, key: str, number: int) -> str:
        """The phrase for a number of things: "1 issue", "3 issues"."""
        singular = number < FEW if self.language is Language.FRENCH else number == 1
        return self.say(f"{key}_{'one' if singular else 'many'}", n=number)

    def long_date(self, day: date) -> str:
        """The 23rd as "23 November 2026", with spaces that do not break."""
        words = self.day_form.format(day=day.day, month=self.months[day.month - 1], year=day.year)
        return words.replace(" ", "\u00a0")


@cache
def load_wording(language: Language) -> Wording:
    """The catalogue of a language."""
    text = resources.files("ui").joinpath("wording", f"{language}.toml").read_text(encoding="utf-8")
    read = tomllib.loads(text)
    return Wording(language, read["page"], read["turn"], tuple(read["days"]["months"]), read["days"]["form"])


def page_words() -> dict[str, dict[str, str]]:
    """What the browser says by itself, in every language."""
    return {language.value: dict(load_wording(language).page) for language in Language}
