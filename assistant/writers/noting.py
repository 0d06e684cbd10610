"""What is said where no text is at hand: the sentences of our notes, each with the places that carry it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from assistant.answer import Claim, ClaimKind, Notice
from assistant.citing import CitationBook
from assistant.noted import is_noted, official_page, say
from assistant.standing import print_day
from ingest.corpus import Corpus
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.instrument import Provision
from ingest.notes import changed_places
from ingest.pinpoint import Pinpoint

Place = tuple[InstrumentId, Pinpoint]

FEW = 3


def is_held_as_note(provision: Provision, book: CitationBook) -> bool:
    """Whether only our notes on a provision are held, and none of its words."""
    return is_noted(book.corpus.expression(provision.expression))


def note_claims(provision: Provision, book: CitationBook, most: int = FEW) -> Iterator[Claim]:
    """Our first sentences on a provision, each citing the places that carry it."""
    wording = book.corpus.expression(provision.expression)
    for one in say(wording.instrument, provision.pinpoint)[:most]:
        yield Claim(one.text, ClaimKind.NOTE, tuple(book.quote(wording.at(place)) for place in one.places))


def find_age(
    places: Iterable[Place], written: Mapping[InstrumentId, ExpressionId], corpus: Corpus, day: date
) -> str | None:
    """What has to be said with a sentence of ours on the law of a day: nothing, or on which wording it was written.

    None where the sentence is on words that came later, or that the day's wording does not have at all.
    """
    flags: dict[str, None] = {}
    for instrument, place in places:
        wording, origin = corpus.wording_on(instrument, day), written[instrument]
        if wording is None or place not in wording:
            return None
        if wording.id == origin:
            continue
        held = next((one for one in corpus.wordings(instrument) if one.id == origin), None)
        if held is not None and not changed_places([place], held, wording):
            continue
        if held is not None and origin.effective > wording.id.effective:
            return None
        flags[f" (written on the wording of {print_day(origin.effective)})"] = None
    return "".join(flags)


def note_notices(corpus: Corpus, sides: Sequence[InstrumentId], day: date) -> list[Notice]:
    """That what is said of an instrument is our notes, in which wording, and where its text can be had."""
    found = []
    for instrument in sides:
        wording = corpus.wordings(instrument)[-1] if corpus.wordings(instrument) else None
        if wording is None or not is_noted(wording):
            continue
        name, written = wording.short_title, print_day(wording.id.effective)
        scope = "Notes" if wording.id.effective <= day else f"On {print_day(day)} there is nothing here: notes"
        found.append(
            Notice(
                "notes_only",
                f"The text of {name} is not here. {scope} in our own words, on its wording of {written}, "
                f"stand in for it; they are not the law. The official text: {official_page(instrument)}; "
                "`visavis doctor` says how to have it quoted.",
            )
        )
    return found
