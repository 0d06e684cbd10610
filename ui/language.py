"""The interface's languages: the words of the page, and how a day and a number are said; the law stays as it is."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources

from ingest.identifiers import InstrumentId
from ingest.outline import Related, load_outlines

FEW = 2


class Language(StrEnum):
    """A language that the page can speak."""

    ENGLISH = "en"
    FRENCH = "fr"
    GERMAN = "de"


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of the house in one language: `page` those that the browser needs, `turn` those of a turn.

    `law` are those of the library and of the panel, `meeting` those of the concordance, `file` those of an export,
    `entry` those of the sign-in. A phrase that depends on a number has a form for one and a form for many.
    """

    language: Language
    page: Mapping[str, str]
    turn: Mapping[str, str]
    law: Mapping[str, str]
    meeting: Mapping[str, str]
    file: Mapping[str, str]
    entry: Mapping[str, str]
    months: tuple[str, ...]
    day_form: str

    def say(self, key: str, **values: object) -> str:
        """The phrase of a turn, or as "law.search" that of another part, its places filled in.

        Raises KeyError for a phrase that no catalogue has.
        """
        part, _, name = key.rpartition(".")
        return self._part(part)[name].format(**values)

    def count(self, key: str, number: int, **values: object) -> str:
        """The phrase for a number of things: "1 issue", "3 issues"."""
        singular = number < FEW if self.language is Language.FRENCH else number == 1
        return self.say(f"{key}_{'one' if singular else 'many'}", n=number, **values)

    def name(self, short_title: str) -> str:
        """What an instrument is called in a phrase: "the AI Act", elsewhere without the English article."""
        return short_title if self.language is Language.ENGLISH else short_title.removeprefix("the ")

    def _part(self, name: str) -> Mapping[str, str]:
        parts = {"page": self.page, "law": self.law, "meeting": self.meeting, "file": self.file}
        return parts.get(name, self.turn)

    def long_date(self, day: date) -> str:
        """The 23rd as "23 November 2026", with spaces that do not break."""
        words = self.day_form.format(day=day.day, month=self.months[day.month - 1], year=day.year)
        return words.replace(" ", "\u00a0")


def say_relation(one: Related, words: Wording) -> str:
    """How the instruments stand to each other on an issue, in a language; "" where nobody said."""
    if one.only is None:
        return words.say(f"relation_{one.relation}") if one.relation else ""
    outline = load_outlines().get(InstrumentId(one.only))
    return words.say("relation_only", name=(outline.name if outline else one.only).removeprefix("the "))


@cache
def load_wording(language: Language) -> Wording:
    """The catalogue of a language."""
    text = resources.files("ui").joinpath("wording", f"{language}.toml").read_text(encoding="utf-8")
    read = tomllib.loads(text)
    parts = {name: read[name] for name in ("page", "turn", "law", "meeting", "file", "entry")}
    return Wording(language, **parts, months=tuple(read["days"]["months"]), day_form=read["days"]["form"])


def read_language(text: str) -> Language:
    """The language that an address names, English where it names none of ours."""
    return Language(text) if text in tuple(Language) else Language.ENGLISH


def page_words() -> dict[str, dict[str, str]]:
    """What the browser says by itself, in every language."""
    return {language.value: dict(load_wording(language).page) for language in Language}
