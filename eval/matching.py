"""Whether a text says a fact: literal matching, blind to case, white space, typography and how numbers are set.

Nearness of meaning was measured and left out: `visavis eval judges` prints what an embedding would add, nothing at a
precision of 0.95. A sentence with another addressee or a "not" often lies nearer to a fact than its paraphrase does.
"""

import re
import unicodedata

ALTERNATIVES = " | "

_TYPOGRAPHY = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "\u00ad": None, "\u200b": None,
    }
)  # fmt: skip
_SPACE = re.compile(r"\s+")
_GROUPED = re.compile(r"(?<![\d.,/])\d{1,3}(?:[ ,.']\d{3})+(?![\d/]|[.,]\d)")
_NO_DIGIT = re.compile(r"\D")
_PERCENT = re.compile(r"(?<=\d) (?=%)|(?<=\d) ?per ?cent\b")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH = "|".join(_MONTHS)
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_MONTH_FIRST = re.compile(rf"\b({_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})\b")
_DAY_FIRST = re.compile(rf"\b0?(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH}),? (\d{{4}})\b")


def normalise(text: str) -> str:
    """Fold what does not change the meaning: "35,000,000" to "35000000", "December 2, 2027" to "2 december 2027"."""
    folded = unicodedata.normalize("NFKC", text).translate(_TYPOGRAPHY).casefold()
    folded = _SPACE.sub(" ", folded).strip()
    folded = _ISO.sub(_iso_date, folded)
    folded = _MONTH_FIRST.sub(r"\2 \1 \3", folded)
    folded = _DAY_FIRST.sub(r"\1 \2 \3", folded)
    folded = _GROUPED.sub(lambda match: _NO_DIGIT.sub("", match[0]), folded)
    return _PERCENT.sub(lambda match: "" if match[0] == " " else "%", folded)


def says(text: str, fact: str) -> bool:
    """Whether a normalised text has one of a fact's alternatives, as whole words, a plural allowed."""
    return any(_has(text, normalise(one)) for one in fact.split(ALTERNATIVES) if one.strip())


def _has(text: str, words: str) -> bool:
    before = r"(?<!\w)" if words[0].isalnum() else ""
    after = r"(?:e?s)?(?!\w)" if words[-1].isalpha() else r"(?!\d)" if words[-1].isdigit() else ""
    return re.search(f"{before}{re.escape(words)}{after}", text) is not None


def _iso_date(match: re.Match[str]) -> str:
    year, month, day = (int(part) for part in match.groups())
    return f"{day} {_MONTHS[month - 1]} {year}" if 1 <= month <= 12 else match[0]
