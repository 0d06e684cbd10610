"""The dates and numbers of a text, in one form whether printed in digits or in words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MONTHS = tuple(
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
"""Their English names, in order."""

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_WORDS = {word: str(number) for number, word in enumerate(_SMALL.split())} | {"twentieth": "20"}
_MONTH = "|".join(MONTHS)
_DATE = re.compile(rf"\b(?:(?P<day>\d{{1,2}}) )?(?P<month>{_MONTH})(?: (?P<year>\d{{4}}))?\b")
_NUMBER = re.compile(
    r"(?<![\w.,^])(?P<figure>\d+\^\d+|\d{1,3}(?: \d{3})+|\d+(?:[.,]\d+)?)(?: (?P<scale>million|billion))?(?![\w^])"
)
# "One" is mostly a pronoun: before a period of time it is a number.
_WORD = re.compile(
    rf"\b(?:(?P<word>{'|'.join(word for word in _WORDS if word != 'one')})"
    r"|(?P<one>one)(?=[ -](?:hour|day|week|month|year)s?\b))\b",
    re.IGNORECASE,
)
_POWER = re.compile(r"(?<=\d)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_SPACES = re.compile(r"\s+")
_SCALES = {"": "", "million": "000000", "billion": "000000000"}


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """A date as printed: without its day ("August 2026") or without its year ("2 August") too."""

    day: int | None
    month: int
    year: int | None

    def fits(self, other: "Day") -> bool:
        """Whether `other` says all that this says."""
        pairs = ((self.day, other.day), (self.month, other.month), (self.year, other.year))
        return all(own is None or own == its for own, its in pairs)

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.day, MONTHS[self.month - 1], self.year) if part is not None)


@dataclass(frozen=True, slots=True)
class Figures:
    """The dates and the other numbers of a text; a number is its digits: "35000000", "1.5", "10^25"."""

    days: frozenset[Day] = frozenset()
    numbers: frozenset[str] = frozenset()

    def __or__(self, other: "Figures") -> "Figures":
        return Figures(self.days | other.days, self.numbers | other.numbers)

    def missing_from(self, other: "Figures") -> tuple[str, ...]:
        """The figures that `other` does not have, dates first."""
        days = sorted(str(day) for day in self.days if not any(day.fits(its) for its in other.days))
        years = {str(day.year) for day in other.days}
        return (*days, *sorted(self.numbers - other.numbers - years))


def read_figures(text: str) -> Figures:
    """The dates and numbers of a text; labels with a letter ("6a") are none, and "one" is one before a period only."""
    plain = _POWER.sub(lambda match: "^" + match[1].translate(_SUPERSCRIPTS), _SPACES.sub(" ", text))
    days = frozenset(_days(plain))
    rest = _DATE.sub(lambda match: " " if match["day"] or match["year"] else match[0], plain)
    return Figures(days, frozenset((*_digits(rest), *_words(rest))))


def _days(text: str) -> Iterator[Day]:
    for match in _DATE.finditer(text):
        if match["day"] or match["year"]:
            day, year = (int(match[name]) if match[name] else None for name in ("day", "year"))
            yield Day(day, MONTHS.index(match["month"]) + 1, year)


def _digits(text: str) -> Iterator[str]:
    for match in _NUMBER.finditer(text):
        whole, comma, fraction = match["figure"].replace(" ", "").replace(",", ".").partition(".")
        scale = _SCALES[match["scale"] or ""]
        yield whole + fraction + scale[len(fraction) :] if scale else whole + comma + fraction


def _words(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text):
        yield _WORDS[match[0].lower()]
