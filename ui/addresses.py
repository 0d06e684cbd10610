"""Where things are in this house: addresses from its root, so that pages that go up to it hold under any path."""

from datetime import date
from hashlib import sha256
from urllib.parse import quote, urlencode

from ingest.identifiers import ExpressionId, InstrumentId
from ingest.pinpoint import Pinpoint

LAW = "law"


def law_address(
    instrument: InstrumentId | str = "",
    place: Pinpoint | None = None,
    as_of: date | None = None,
    compare: date | None = None,
    lang: str | None = None,
) -> str:
    """A page of the library: `law/eu-ai-act/art_5/1/f?as_of=2025-03-01`; `lang` is a language other than English."""
    parts = (LAW, instrument, "" if place is None else str(place))
    path = "/".join(quote(part) for part in parts if part)
    return _with_query(path, as_of=as_of, compare=compare, lang=lang)


def passage_address(
    wording: ExpressionId,
    place: Pinpoint,
    as_of: date,
    span: tuple[int, int] | None = None,
    check: str = "",
) -> str:
    """A provision for the panel beside the conversation; `span` marks words of it, `check` says which they were."""
    start, end = span or (None, None)
    return _with_query("passage", wording=wording, place=place, start=start, end=end, check=check or None, as_of=as_of)


def status_address(instrument: InstrumentId, as_of: date) -> str:
    """Where a treaty stands, for the panel."""
    return _with_query("passage/status", instrument=instrument, as_of=as_of)


def page_address(wording: ExpressionId, place: Pinpoint, page: int, span: tuple[int, int] | None = None) -> str:
    """The image of a page of the file that a wording was read from, with words of a provision marked."""
    start, end = span or (None, None)
    path = f"source/{quote(wording.instrument)}/{page}.png"
    return _with_query(path, wording=wording, place=place, start=start, end=end)


def fingerprint(words: str) -> str:
    """A few signs that tell whether words are still the ones that were quoted."""
    return sha256(words.encode()).hexdigest()[:10]


def _with_query(path: str, **values: object) -> str:
    given = {name: str(value) for name, value in values.items() if value is not None}
    return f"{path}?{urlencode(given, safe='/@:')}" if given else path
