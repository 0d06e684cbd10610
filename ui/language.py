"""The interface's languages: the words of the page, and how a day and a number are said; the law stays as it is."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources

from ingest.clock import parse_date, today
from ingest.errors import UsageError
from ingest.identifiers import InstrumentId
from ingest.outline import Related, load_outlines

FEW = 2
UNBROKEN = "\u00a0"
_SPACED = re.compile(r"(?<=«) | (?=[:;?!»])")
_REGULATION = re.compile(r"(Regulation \((?:EU|EC)\)) ([\d/]+)")
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_SAID = re.compile(r"(\d{1,2})(?:er|\.)?\s+([^\W\d]+)\s+(\d{4})")


class NoDate(UsageError):
    """What was typed for a day is none, said in the reader's language."""


class Language(StrEnum):
    """A language that the page can speak."""

    ENGLISH = "en"
    FRENCH = "fr"
    GERMAN = "de"


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of the house in one language: `page` those that the browser needs, `turn` those of a turn.

    `law` are those of the library and of the panel, `meeting` those of the concordance, `file` those of an export,
    `entry` those of the sign-in, `works` what sentences call a work. A phrase that depends on a number has a form for
    one and a form for many.
    """

    language: Language
    page: Mapping[str, str]
    turn: Mapping[str, str]
    law: Mapping[str, str]
    meeting: Mapping[str, str]
    file: Mapping[str, str]
    entry: Mapping[str, str]
    works: Mapping[str, str]
    months: tuple[str, ...]
    day_form: str
    first_day: str

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

    def work(self, name: str) -> str:
        """What a sentence of the page calls a work; a label, as "Article 5 of the AI Act", stays as it is."""
        act = _REGULATION.fullmatch(name)
        if act:
            return f"{self.works[act[1]]} {act[2]}"
        return self.works.get(name, name)

    def _part(self, name: str) -> Mapping[str, str]:
        parts = {"page": self.page, "law": self.law, "meeting": self.meeting, "file": self.file}
        return parts.get(name, self.turn)

    def long_date(self, day: date) -> str:
        """The 23rd as "23 November 2026", with spaces that do not break."""
        number = self.first_day if day.day == 1 else day.day
        words = self.day_form.format(day=number, month=self.months[day.month - 1], year=day.year)
        return words.replace(" ", UNBROKEN)

    def joined(self, *parts: str) -> str:
        """The parts of a line, with the language's semicolon between them."""
        return f"{self.say('semicolon')} ".join(parts)


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
    parts = {
        name: {key: _set(phrase, language) for key, phrase in read[name].items()}
        for name in ("page", "turn", "law", "meeting", "file", "entry", "works")
    }
    days = read["days"]
    return Wording(
        language, **parts, months=tuple(days["months"]), day_form=days["form"], first_day=days.get("first", "1")
    )


def _set(phrase: str, language: Language) -> str:
    """A phrase as its language is set: French keeps its high signs and quotation marks beside their word."""
    return _SPACED.sub(UNBROKEN, phrase) if language is Language.FRENCH else phrase


def read_day(text: str, words: Wording) -> date | None:
    """The day that a reader typed, None for today: as the page asks for it, as it prints it, or as 1.7.2026.

    Raises NoDate for what is no day.
    """
    typed = " ".join(text.replace("'", "’").split())
    if not typed or typed.casefold() in _todays():
        return None
    dotted, said = _DOTTED.fullmatch(typed), _SAID.fullmatch(typed)
    try:
        if dotted:
            return date(int(dotted[3]), int(dotted[2]), int(dotted[1]))
        if said:
            return date(int(said[3]), _months()[said[2].casefold()], int(said[1]))
        return parse_date(typed)
    except (KeyError, ValueError, UsageError):
        example = today().isoformat()
        raise NoDate(words.say("no_date", text=text.strip(), example=example)) from None


@cache
def _todays() -> frozenset[str]:
    """What the pages call today."""
    return frozenset(load_wording(one).page["today"].casefold() for one in Language)


@cache
def _months() -> Mapping[str, int]:
    """The months by their names in all languages of the page."""
    return {
        name.casefold(): number for one in Language for number, name in enumerate(load_wording(one).months, start=1)
    }


def read_language(text: str) -> Language:
    """The language that an address names, English where it names none of ours."""
    return Language(text) if text in tuple(Language) else Language.ENGLISH


def page_words() -> dict[str, dict[str, str]]:
    """What the browser says by itself, in every language."""
    return {language.value: dict(load_wording(language).page) for language in Language}
