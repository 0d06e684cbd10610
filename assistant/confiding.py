"""What in a question may point to a person or a case, for a warning before it goes to a model elsewhere."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from assistant.egress import hosts_of_model
from assistant.settings import Settings, WriterName
from ingest.egress import is_this_machine

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){2,7}(?:\s?[A-Z0-9]{1,3})?\b")
_PHONE = re.compile(
    r"(?<![\w/.-])(?!\d{1,2}[./-]\d{1,2}[./-]\d{2,4})(?:\+\d{1,3}|\(?0\d{1,4}\)?)"
    r"(?:\s?[./-]?\s?\(?\d{2,4}\)?){2,5}(?![\w/])"
)
_CASE = re.compile(
    r"\b(?:[CTF]-\d{1,4}/\d{2}(?:\s?P)?\b|\d{1,3}\s?[A-Z][a-z]?\s?\d{1,5}/\d{2,4}\b|ECLI:[A-Z]{2}:[\w.:]+"
    r"|(?:case|file|docket|matter|dossier|application|client|our ref\w*)\s?(?:no\.?|number|nr\.?|:|#)\s?"
    r"[\w./-]*\d[\w./-]*)",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Frau|Madame|Monsieur|Mme|Mevrouw|Meneer)\.?\s(?:[A-Z][\w'’-]+\s?){1,3}"
    r"|\b(?:[Mm]y|[Oo]ur)\s(?:client|patient|employee|colleague|customer|boss|neighbour),?\s(?:[A-Z][\w'’-]+\s?){1,3}"
    r"|\b[A-Z][\w&'’-]+(?:\s[A-Z][\w&'’-]+){0,3}\s(?:GmbH|AG|Ltd\.?|LLP|Inc\.?|S\.?A\.?R\.?L\.?|B\.?V\.?|plc)(?!\w)"
)


class Confidence(StrEnum):
    """What kind of thing may be confidential."""

    EMAIL = "email"
    IBAN = "iban"
    PHONE = "phone"
    CASE = "case"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where questions go beyond this machine: the host, or the provider where only its package knows that."""

    host: str
    model: str
    guarded: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Something that may be confidential, at [start, end) of a text."""

    kind: Confidence
    start: int
    end: int


_PATTERNS = (
    (Confidence.EMAIL, _EMAIL),
    (Confidence.IBAN, _IBAN),
    (Confidence.CASE, _CASE),
    (Confidence.PHONE, _PHONE),
    (Confidence.NAME, _NAME),
)


def find_confidences(text: str) -> tuple[Found, ...]:
    """What may point to a person or a case, in the order of the text, none overlapping; it cannot find everything."""
    kept: list[Found] = []
    for one in _find_all(text):
        if not any(one.start < other.end and other.start < one.end for other in kept):
            kept.append(one)
    return tuple(sorted(kept, key=lambda one: one.start))


def find_destination(settings: Settings) -> Destination | None:
    """Where an installation sends its questions; None where no model writes, and where it writes on this machine."""
    if settings.writer is not WriterName.MODEL or settings.model is None:
        return None
    hosts = [one.name for one in hosts_of_model(settings)]
    if hosts and all(map(is_this_machine, hosts)):
        return None
    return Destination(hosts[0] if hosts else settings.provider, settings.model, settings.question_guard)


def find_withheld(text: str, cleared: Iterable[str] = ()) -> tuple[Confidence, ...]:
    """The kinds of what a question may give away, each once, but for words that its asker has cleared."""
    known = frozenset(cleared)
    return tuple(dict.fromkeys(one.kind for one in find_confidences(text) if text[one.start : one.end] not in known))


def _find_all(text: str) -> Iterator[Found]:
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            yield Found(kind, match.start(), match.start() + len(match[0].rstrip()))
