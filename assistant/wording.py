"""How a clause says it: what it commands or allows, whether it denies, and to whom it speaks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice

from ingest.lexical import analyse


class Mood(StrEnum):
    """What a clause does to its addressee."""

    DUTY = "duty"
    LEAVE = "leave"
    ADVICE = "advice"
    BAR = "bar"


# "May" before these says what can happen, not what is allowed.
_EVENTS = (
    "(?:also |significantly |adversely |well )*"
    "(?:pose|cause|harm|find|affect|arise|differ|vary|suffer|endanger|threaten|result|occur)"
)
_MOODS: tuple[tuple[Mood, str], ...] = (
    (
        Mood.BAR,
        r"(?:shall|must|may|should|can|is to|are to|need) (?:\w+ )?(?:not|never|neither|only|no longer)(?! only)|cannot"
        r"|(?:no|nobody|none|nothing|neither)\b[^.;]{0,60}?\b(?:shall|may|must|can)"
        r"|(?:may|can|shall|must)\b[^.;]{0,80}?\bonly|only\b[^.;]{0,60}?\b(?:shall|may|must|can)"
        r"|(?:is|are|be) (?:\w+ )?(?:prohibited|forbidden|banned|barred)"
        r"|(?:do|does|is|are) not",
    ),
    (
        Mood.DUTY,
        r"shall|must|ha(?:s|ve|ving) to|(?:is|are|be) (?:required|obliged|bound)",
    ),
    (Mood.LEAVE, rf"may(?! (?:{_EVENTS})\b)|(?:is|are|be) (?:allowed|permitted|free|empowered|entitled) to"),
    (Mood.ADVICE, r"should|ought to|(?:is|are) encouraged to"),
)
NEAR = 6
"""Among how many words after a verb of mood the first of matter is looked for."""

NEGATED = 3
"""How many words after a “not” tell what it denies."""

_PARTS = re.compile(r"[^;]+")
_WORD = re.compile(r"[A-Za-z][A-Za-z-]{2,}")
_ASKED = re.compile("|".join(rf"(?P<{mood.name}>\b(?:{words})\b)" for mood, words in _MOODS), re.IGNORECASE)

_GOVERNING = re.compile(f"{_ASKED.pattern}|(?P<LEAVE_>\\b(?:can|could|might)\\b)", re.IGNORECASE)

# What in the law answers to these words, where it does not use the same.
_LOOSE: dict[Mood, str] = {
    Mood.BAR: (
        r"without|except\w*|unless|nor|not|no|prevent\w*|exclu\w+|prohibit\w*|only|solely|limited to|refrain\w*"
        r"|other than|incompatib\w+|apart from|exempt\w*|irrespective|eliminat\w*|fail\w*|refus\w*|avoid\w*|absence"
        r"|lack\w*|outside|reduc\w+|minimi[sz]\w+|impartial\w*"
    ),
    Mood.DUTY: r"requir\w+|oblig\w+|dut(?:y|ies)|necessary|mandatory|subject to|responsib\w+|undertakes?|conditions?",
    Mood.LEAVE: (
        r"can|could|might|able|empower\w*|allow\w*|permi(?:t|ss)\w*|entitle\w*|possib\w+|option\w*|voluntar\w+"
        r"|powers? to|right to|subject to fines|choos\w+"
    ),
    Mood.ADVICE: (
        r"encourag\w+|recommend\w*|invite\w*|appropriate|adequate|necessary|important|aim\w*|endeavour|facilitat\w+"
    ),
}
_ANSWERING = {mood: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for mood, words in _LOOSE.items()}

_NOT = re.compile(r"\b(?:not|no|nor|neither|never|none|nobody|nothing|cannot|no longer)\b|n['’]t\b", re.IGNORECASE)
_MAIN_NOT = re.compile(
    r"\b(?:shall|must|may|should|can|do|does|is|are) not(?! (?:only|limited|prejudice))\b|\bcannot\b"
    r"|(?:^|[.;:] )(?:no|neither)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"\b(?:that|which|who|where|if|when|unless|provided that|whether|in so far as)\b[^,;:.]*", re.IGNORECASE
)
_DENIAL = re.compile(
    r"\b(?:without|unless|except\w*|exempt\w*|exclu(?!siv)\w+|outside|beyond|save|other than|apart from|rather than"
    r"|instead|prohibit\w*|forbid\w*|bans?|banned|barred|refus\w+|lack\w*|absen\w+|fail\w*|free (?:of|from)|spared?"
    r"|leav\w+|left|drop\w*|waiv\w*|reliev\w*|only|merely|solely|exclusively|alone|unaffected|untouched|prejudice"
    r"|derogat\w*|limit\w*|prevent\w*|avoid\w*|den(?:y|ies|ied|ial)|contrary|against|until|ceas\w+|loses?|reject\w*"
    r"|withdr\w+|delet\w+|little|few|despite|unchanged|remain\w*|keeps?|far from|out of|unlawful|unable|unnecessary"
    r"|un(?:law|rel|just|auth|acc|int)\w+|irrespective|regardless|dis(?:pens|reg|cont|app)\w+|non-?\w+|neutral"
    r"|continue\w*|otherwise|instead of|differ\w*|goes? on|at most|no more|restrict\w*|stay\w*|secret|confidential"
    r"|as long as|hard|difficult\w*|incompatib\w+|impossib\w+|impartial\w*|reduc\w+|minimi[sz]\w+|eliminat\w*)\b",
    re.IGNORECASE,
)

_ADDRESSEES: tuple[tuple[str, str], ...] = (
    ("downstream provider", r"downstream providers?"),
    ("prospective provider", r"prospective providers?"),
    ("provider", r"providers?"),
    ("deployer", r"deployers?"),
    ("importer", r"importers?"),
    ("distributor", r"distributors?"),
    ("authorised representative", r"(?:authori[sz]ed )?representatives?"),
    ("manufacturer", r"manufacturers?"),
    ("operator", r"operators?"),
    ("notified body", r"notified bod(?:y|ies)"),
    ("conformity assessment body", r"conformity assessment bod(?:y|ies)"),
    ("notifying authority", r"notifying authorit(?:y|ies)"),
    ("market surveillance authority", r"market surveillance(?: and control)? authorit(?:y|ies)"),
    ("national competent authority", r"national competent authorit(?:y|ies)"),
    ("law enforcement authority", r"law[- ]enforcement(?: authorit(?:y|ies))?"),
    ("Commission", r"(?<!European )(?:European )?Commission"),
    ("AI Office", r"AI Office"),
    ("Board", r"(?:AI )?Board"),
    ("scientific panel", r"scientific panel"),
    ("advisory forum", r"advisory forum"),
    ("European Data Protection Supervisor", r"European Data Protection Supervisor|EDPS"),
    ("European Parliament", r"European Parliament"),
    ("Member State", r"Member States?"),
    ("Party", r"Part(?:y|ies)(?! to (?:the|a) (?:contract|proceedings))|States? Part(?:y|ies)"),
    ("Conference of the Parties", r"Conference of the Parties"),
    ("Committee of Ministers", r"Committee of Ministers"),
    ("Secretary General", r"Secretary[- ]General"),
    ("employer", r"employers?"),
    ("worker", r"workers?|employees?"),
    ("court", r"courts?|judicial authorit(?:y|ies)"),
)
_ADDRESSEE = re.compile(
    "|".join(rf"(?P<a{n}>(?<![\w-])(?:{words})(?!\w))" for n, (_, words) in enumerate(_ADDRESSEES)), re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a clause says it: `governed` are its verbs' moods, each with the stems that stand under it.

    `verbs` are these moods again, each with the stem of the word of matter that follows it at once.

    `moods` are those that its verbs have, `answers` those that its other words can be said to have; `says_not`,
    `is_denied` and `denies` say whether there is a "not" in it, whether its main verb has one, and whether it denies
    anything in any way.
    """

    moods: frozenset[Mood]
    answers: frozenset[Mood]
    says_not: bool
    is_denied: bool
    denies: bool
    addressees: frozenset[str]
    subjects: frozenset[str]
    governed: tuple[tuple[Mood, frozenset[str]], ...]
    negated: tuple[frozenset[str], ...]
    verbs: tuple[tuple[Mood, str], ...]


def read_manner(text: str) -> Manner:
    """Read how a clause says it."""
    moods = frozenset(Mood[match.lastgroup or ""] for match in _ASKED.finditer(text))
    says_not = bool(_NOT.search(text))
    return Manner(
        moods=moods,
        answers=frozenset(mood for mood, pattern in _ANSWERING.items() if pattern.search(text)),
        says_not=says_not,
        is_denied=bool(_MAIN_NOT.search(_ASIDE.sub(" ", text))),
        denies=says_not or bool(_DENIAL.search(text)),
        addressees=find_addressees(text),
        subjects=frozenset(_find_subjects(text)),
        governed=tuple(_govern(text)),
        negated=tuple(_find_negated(text)),
        verbs=tuple(_find_verbs(text)),
    )


def _find_subjects(text: str) -> Iterator[str]:
    """The first addressee of a clause, and those right before a verb of duty or leave."""
    yield from (name_addressee(one) for one in islice(_ADDRESSEE.finditer(text), 1))
    for mood in _ASKED.finditer(text):
        before = [one for one in _ADDRESSEE.finditer(text) if 0 <= mood.start() - one.end() <= 2]
        yield from map(name_addressee, before)


def _govern(text: str) -> Iterator[tuple[Mood, frozenset[str]]]:
    """The verbs of mood in a text, each with the words between it and the next; the first has those before it too."""
    for part in _PARTS.finditer(text):
        found = list(_GOVERNING.finditer(part[0]))
        for n, at in enumerate(found):
            end = found[n + 1].start() if n + 1 < len(found) else len(part[0])
            words = f"{part[0][: at.start()] if n == 0 else ''} {part[0][at.end() : end]}"
            yield Mood[(at.lastgroup or "").rstrip("_")], stems_in(words)


def _find_verbs(text: str) -> Iterator[tuple[Mood, str]]:
    """Each verb of mood with the first word of matter among the few after it: "may, at any time, *denounce*".

    One that another follows at once, as in "may have to", says nothing by itself.
    """
    found = list(_GOVERNING.finditer(text))
    for n, at in enumerate(found):
        if n + 1 < len(found) and found[n + 1].start() <= at.end() + 1:
            continue
        after = re.split(r"[.;:]", text[at.end() :], maxsplit=1)[0].split()[:NEAR]
        words = (_WORD.search(word) for word in after)
        stems = (stem for word in words if word and not word[0].endswith("ly") for stem in stems_of(word[0].lower()))
        yield from ((Mood[(at.lastgroup or "").rstrip("_")], stem) for stem in islice(stems, 1))


def _find_negated(text: str) -> Iterator[frozenset[str]]:
    """The first few words after each "not" of a verb."""
    for at in _MAIN_NOT.finditer(text):
        words = [stem for word in _WORD.findall(text[at.end() :]) for stem in stems_of(word.lower())]
        yield frozenset(words[:NEGATED])


def stems_in(text: str) -> frozenset[str]:
    """The stems of the words of a text that say something."""
    return frozenset(stem for word in _WORD.findall(text) for stem in stems_of(word.lower()))


def count_nots(text: str) -> int:
    """How many words of a text say "not"."""
    return len(_NOT.findall(text))


def affirms(text: str, stems: frozenset[str]) -> bool:
    """Whether a text has words with these stems, and no denial before the first of them."""
    places = [word.start() for word in _WORD.finditer(text) if not stems_of(word[0].lower()).isdisjoint(stems)]
    found = stems_in(text) & stems
    before = text[: places[0]] if places else ""
    return len(found) >= min(2, len(stems)) and bool(found) and not (_NOT.search(before) or _DENIAL.search(before))


@lru_cache(maxsize=16384)
def stems_of(word: str) -> frozenset[str]:
    """The stems of a word, none for one that says nothing."""
    return frozenset(analyse(word))


def name_addressee(match: re.Match[str]) -> str:
    """The addressee that a match of the table names."""
    return _ADDRESSEES[int((match.lastgroup or "a0")[1:])][0]


def find_addressees(text: str) -> frozenset[str]:
    """The addressees that a text names."""
    return frozenset(name_addressee(match) for match in _ADDRESSEE.finditer(text))
