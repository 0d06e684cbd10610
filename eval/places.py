"""Places as people type them into a cell: "AI Act Art. 5(1)(f); CETS 225 art 14" or "eu-ai-act:art_5/1/f"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ingest.citation import Citation, find_citations, find_instruments
from ingest.corpus import Corpus
from ingest.errors import PinpointError, UsageError
from ingest.identifiers import InstrumentId
from ingest.instrument import Expression
from ingest.pinpoint import Pinpoint
from ingest.references import locate

EXAMPLE = "AI Act Art. 5(1)(f)"

_PARTS = re.compile(r"[;\n]")
_SLUG = re.compile(r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)+)\s*[:\s]\s*(?P<rest>\S.*)")
_PINPOINT = re.compile(r"(?:art|rct|pre|cit|anx|cpt|para|page)_\S+")
_OF = re.compile(r",? of ")
_BARE = re.compile(r"\d{1,3}[a-z]{0,2}(?:[.(]\S*)?")
_JOINING = re.compile(r"\b(?:and|or|also|of|the|see|cf|under|in|both|as|well)\b", re.IGNORECASE)
_WORD = re.compile(r"\w+(?:[^\w;]*\w+)*\)*")


@dataclass(frozen=True, slots=True)
class Named:
    """A place that a cell names, checked to exist, with the words that name it."""

    instrument: InstrumentId
    pinpoint: Pinpoint


def read_places(cell: str, corpus: Corpus, day: date) -> tuple[Named, ...]:
    """The places that a cell names, each of which exists in the wording of a day; raises UsageError.

    A part that names no instrument takes that of the part before it.
    """
    found: list[Named] = []
    carried: InstrumentId | None = None
    for part in (part.strip(" ,.") for part in _PARTS.split(cell)):
        if part:
            for instrument, place, words in _read_part(part, carried, corpus):
                carried = instrument
                found.append(Named(instrument, _locate(corpus, instrument, place, day, words)))
    return tuple(dict.fromkeys(found))


_Read = tuple[InstrumentId, Pinpoint, str]


def _read_part(part: str, carried: InstrumentId | None, corpus: Corpus) -> Iterator[_Read]:
    slug = _SLUG.fullmatch(part)
    if slug and slug["name"] in corpus.instruments:
        carried, part = InstrumentId(slug["name"]), slug["rest"]
    if _PINPOINT.fullmatch(part):
        yield _needed(carried, part), _parse(part), part
        return
    citations = find_citations(part) or _bare(part)
    if not citations:
        raise UsageError(f"{part!r} names no provision; write it like {EXAMPLE!r} or 'eu-ai-act:art_5/1/f'")
    _refuse_rest(part, citations)
    for citation in citations:
        carried = _instrument_of(citation, part) or carried
        words = part[citation.start : citation.end] or part
        if citation.relative:
            raise UsageError(f"{words!r} does not say in which article it stands; write it like {EXAMPLE!r}")
        for place in citation.pinpoints:
            yield _needed(carried, words), place, words


def _bare(part: str) -> tuple[Citation, ...]:
    """An article given by its number alone: "AIA 5(1)(f)"."""
    mentions = find_instruments(part)
    rest = part[mentions[0].end :].strip(" ,:") if len(mentions) == 1 else ""
    if not _BARE.fullmatch(rest):
        return ()
    before = part[: len(part) - len(rest)]
    shift = len("Article ")
    found = find_citations(f"{before}Article {rest}")
    whole = len(found) == 1 and found[0].end == len(part) + shift
    return (Citation(0, len(part), found[0].places, found[0].instrument, found[0].external),) if whole else ()


def _instrument_of(citation: Citation, part: str) -> InstrumentId | None:
    """The instrument that a citation is bound to, or the one that is named beside it; raises UsageError."""
    if citation.external:
        raise UsageError(f"{citation.external!r} is not among the texts; name provisions of those that are")
    if citation.instrument is not None:
        return citation.instrument
    mentions = [one for one in find_instruments(part) if one.instrument]
    beside = [one for one in mentions if one.by_body or _OF.fullmatch(part, citation.end, max(one.start, citation.end))]
    return beside[0].instrument if len(beside) == 1 else None


def _needed(instrument: InstrumentId | None, words: str) -> InstrumentId:
    if instrument is None:
        raise UsageError(f"{words!r} names no instrument; write it like {EXAMPLE!r}")
    return instrument


def _parse(text: str) -> Pinpoint:
    try:
        return Pinpoint.parse(text)
    except PinpointError as error:
        raise UsageError(str(error).removesuffix(".")) from None


def _refuse_rest(part: str, citations: tuple[Citation, ...]) -> None:
    """Refuse words that are no part of a citation: half a place read would be a wrong place."""
    spans = [(one.start, one.end) for one in citations]
    spans += [(one.start, one.end) for one in find_instruments(part)]
    rest = part
    for start, end in spans:
        rest = rest[:start] + ";" * (end - start) + rest[end:]
    left = _WORD.search(_JOINING.sub(" ", rest))
    if left:
        raise UsageError(f"{left[0]!r} in {part!r} cannot be read; write each place like {EXAMPLE!r}, parted by ';'")


def _locate(corpus: Corpus, instrument: InstrumentId, place: Pinpoint, day: date, words: str) -> Pinpoint:
    """The place as the wording of a day has it; raises UsageError where there is none, or only a heading."""
    wording = _wording(corpus, instrument, day)
    provision = locate(wording, place)
    if provision is None:
        raise UsageError(
            f"{words!r}: {wording.short_title} has no {place.house()} ({place}) in the wording {wording.id}"
        )
    if provision.is_container:
        raise UsageError(f"{words!r} only holds articles; name the ones that the answer rests on")
    return provision.pinpoint


def _wording(corpus: Corpus, instrument: InstrumentId, day: date) -> Expression:
    if instrument not in corpus.instruments:
        raise UsageError(f"instrument {instrument!r} is not among the texts; they are {', '.join(corpus.instruments)}")
    wording = corpus.wording_on(instrument, day)
    if wording is None:
        raise UsageError(f"{instrument} has no wording on {day}; correct 'as of'")
    return wording
