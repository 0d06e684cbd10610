"""The day that a question asks for in words: "as of March 2025", "before the omnibus"."""

import re
from datetime import date, timedelta

from assistant import phrases
from assistant.errors import QuestionError
from ingest.clock import today

AMENDED = date(2026, 7, 27)

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sep sept", "october oct", "november nov", "december dec"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(
    rf"\b(?P<how>as (?:of|at|on|it stood (?:on|in))|back in|before|until|on|in|at|by)\s+(?:the\s+)?(?:"
    rf"(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})|(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m>{_MONTH})\.?,?\s+"
    rf"(?P<y>\d{{4}})|"
    rf"(?P<m2>{_MONTH})\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y2>\d{{4}})|"
    rf"(?:(?:early|mid|late|end of)[ -])?(?P<m3>{_MONTH})\.?,?\s+(?P<y3>\d{{4}})|"
    rf"(?:(?:early|mid|late|end of)[ -])?(?P<y4>20\d{{2}}))\b",
    re.IGNORECASE,
)
_BEFORE_AMENDMENT = re.compile(
    r"\b(?:before|prior to|until) (?:the )?(?:\w+ ){0,2}(?:omnibus|amend\w+|2026/1744)|\bas (?:originally )?adopted\b|"
    r"\boriginal(?:ly)? (?:text|version|wording|act|adopted)\b|\bpre-?(?:omnibus|amendment)\b|\bunamended\b|"
    r"\b(?:text|version|wording) of (?:2024|12 July 2024)\b",
    re.IGNORECASE,
)
# A day on which something was done, or by which it is due, is a fact of the case and not the day of the law.
_DONE = re.compile(
    r"\b(?:released?|plac(?:e|ed|ing)|put|putting|marketed|launch(?:ed|ing)?|sold|bought|purchased|acquired|trained|"
    r"developed|built|created|made|designed|deployed|installed|introduced|rolled|brought|used|using|running|"
    r"operat(?:ed|ing)|shipped|certified|registered|signed|joined|ratified|born|hired|died|dead|dating|available|"
    r"on the market|in (?:use|service)|live|compl(?:y|ies|iant|iance)|ready|finish(?:ed)?|adapt(?:ed)?|conform|in line)"
    r"\W+(?:[\w-]+\W+){0,5}$",
    re.IGNORECASE,
)
_OF_THE_LAW = re.compile(r"as |back in", re.IGNORECASE)


def find_day(text: str, as_of: date) -> tuple[date, str]:
    """The day that the words ask for, where the caller asked for today, and the text without that date."""
    if as_of != today():
        return as_of, text
    if _BEFORE_AMENDMENT.search(text) and not phrases.COMPARE.search(text):
        return AMENDED - timedelta(days=1), text
    for match in _DATE.finditer(text):
        if not _OF_THE_LAW.match(match["how"]) and _DONE.search(text[: match.start()]):
            continue
        day = _date_of(match)
        if day is not None:
            return day, text[: match.start()] + " " + text[match.end() :]
    return as_of, text


def _date_of(match: re.Match[str]) -> date | None:
    """A date as written; the last day of a month or a year where no day is given, the day before after "before"."""
    how = match["how"].lower()
    try:
        if match["iso"]:
            day = date.fromisoformat(match["iso"])
        elif match["d"] or match["d2"]:
            month = _MONTHS[(match["m"] or match["m2"]).lower()]
            day = date(int(match["y"] or match["y2"]), month, int(match["d"] or match["d2"]))
        elif match["m3"]:
            year, month = int(match["y3"]), _MONTHS[match["m3"].lower()]
            first_after = date(year + month // 12, month % 12 + 1, 1)
            day = date(year, month, 1) if how == "before" else first_after - timedelta(days=1)
        elif how in {"on", "in", "at", "by"}:
            return None
        else:
            day = date(int(match["y4"]), 1, 1) if how == "before" else date(int(match["y4"]), 12, 31)
    except ValueError as error:
        raise QuestionError(f"{match[0]!r} names no day of the calendar ({error}); write it as YYYY-MM-DD.") from None
    return day - timedelta(days=1) if how == "before" else day
