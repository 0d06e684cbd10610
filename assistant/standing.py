"""How the instruments stand: in force or not, who has consented, from when; all from the dated tables."""

from collections.abc import Sequence
from datetime import date

from assistant.answer import Citation, Notice
from assistant.noted import is_noted, noted_application
from ingest.application import Later
from ingest.clock import today
from ingest.corpus import Corpus
from ingest.identifiers import InstrumentId
from ingest.instrument import Authority, Expression, Force
from ingest.status import TreatyStatus, load_status


def print_day(day: date) -> str:
    """A day as the law prints it: 2 December 2027."""
    return f"{day.day} {day:%B %Y}"


def status_sentences(treaty: TreatyStatus, day: date) -> tuple[str, ...]:
    """What the table says of a treaty on a day: force, consents, signatories, declarations."""
    consents = [one for one in treaty.consents if one.consented and one.consented <= day]
    members = [one for one in consents if one.member_state]
    names = ", ".join(f"{one.name} ({one.consent}, {print_day(one.consented)})" for one in consents if one.consented)
    opened = f"It was adopted on {print_day(treaty.adopted)} and opened for signature at {treaty.opened_at}"
    sentences = [
        _force_sentence(treaty, day),
        f"{opened} on {print_day(treaty.opened)}.",
        f"Consents to be bound: {len(consents)}{f', by {names}' if names else ''}; "
        f"{len(members) or 'no'} member State{'s' if len(members) > 1 else ''} of the Council of Europe "
        f"{'have' if len(members) > 1 else 'has'} ratified.",
    ]
    if day >= treaty.as_seen:
        signatories = ", ".join(one.name for one in treaty.participant)
        sentences.append(f"Signatories ({len(treaty.participant)}): {signatories}.")
        sentences += [f"Declaration of {one.name}: {one.declaration}." for one in treaty.participant if one.declaration]
    return tuple(sentences)


def _force_sentence(treaty: TreatyStatus, day: date) -> str:
    seen = f"as seen on {print_day(treaty.as_seen)}"
    if treaty.is_in_force(day) and treaty.entered_into_force:
        return f"In force since {print_day(treaty.entered_into_force)}, {seen}."
    needed = f"{treaty.consents_needed} consents are needed, {treaty.member_consents_needed} of them by member States"
    return f"Not in force, {seen}: {needed}."


def status_citation(treaty: TreatyStatus, expression: Expression | None, number: int) -> Citation:
    """The status table as a source of its own."""
    name = expression.short_title if expression else treaty.instrument
    return Citation(
        n=number,
        instrument=treaty.instrument,
        label=f"Status of {name}, as seen on {print_day(treaty.as_seen)}",
        authority=Authority.STATUS,
        url=treaty.source,
        as_seen=treaty.as_seen,
    )


def relationship_text(corpus: Corpus, sides: Sequence[InstrumentId], day: date) -> str:
    """How the instruments stand to each other on a day, in our own words."""
    return " ".join(_standing(corpus, instrument, day) for instrument in sides)


def _standing(corpus: Corpus, instrument: InstrumentId, day: date) -> str:
    treaty = load_status().get(instrument)
    wording = corpus.wording_on(instrument, day)
    if treaty is not None:
        bound = "a treaty that binds the States and organisations that become Parties to it"
        state = "it is in force" if treaty.is_in_force(day) else "it is not in force"
        return f"The Convention is {bound}; {state} (as seen on {print_day(treaty.as_seen)})."
    if wording is None:
        return ""
    if wording.column:
        return f"{wording.short_title[0].upper()}{wording.short_title[1:]} is a text added to this collection."
    amended = len(corpus.wordings(instrument)) > 1 and wording is not corpus.wordings(instrument)[0]
    changed = f"as amended with effect from {print_day(wording.id.effective)}" if amended else "as adopted"
    form = f"it is quoted {changed} ({wording.corrigenda_words})"
    if is_noted(wording):
        form = f"our notes are on its wording of {print_day(wording.id.effective)}"
    name = wording.short_title[0].upper() + wording.short_title[1:]
    return f"{name} is a regulation of the European Union, binding and directly applicable; {form}."


def name_of(corpus: Corpus, instrument: InstrumentId) -> str:
    """The short name of an instrument in a sentence: "the AI Act", its id where no text of it is here."""
    wordings = corpus.wordings(instrument)
    return wordings[0].short_title if wordings else instrument


def notices(corpus: Corpus, sides: Sequence[InstrumentId], day: date, cited: Sequence[Citation]) -> list[Notice]:
    """What the reader must know beside the answer: force, amendments, dates of application, old tables."""
    found = [notice for instrument in sides if (notice := _treaty_notice(instrument, day))]
    absent = (instrument for instrument in sides if not corpus.wording_on(instrument, day))
    found += [notice for instrument in absent if (notice := _absent_notice(corpus, instrument, day))]
    found += _application_notices(corpus, day, cited)
    found += _amendment_notices(corpus, cited)
    return found


def _treaty_notice(instrument: InstrumentId, day: date) -> Notice | None:
    treaty = load_status().get(instrument)
    if treaty is None or treaty.is_in_force(day):
        return None
    stale = " The status table is older than 90 days: verify it." if treaty.is_stale(today()) else ""
    text = f"The Convention is not in force (as seen on {print_day(treaty.as_seen)})."
    return Notice("not_in_force", f"{text}{stale}")


def _absent_notice(corpus: Corpus, instrument: InstrumentId, day: date) -> Notice | None:
    known = corpus.wordings(instrument)
    if known and is_noted(known[0]):
        return None
    if known:
        return Notice("no_text", f"On {print_day(day)} there was no text of {known[0].short_title} yet.")
    return Notice("texts_missing", f"The text of {instrument} is not in the corpus; `visavis doctor` says what to do.")


def _application_notices(corpus: Corpus, day: date, cited: Sequence[Citation]) -> list[Notice]:
    """From when what is cited applies, where that is still to come: for all, or for the cases that wait longer."""
    groups: dict[tuple[date, date, str], list[Citation]] = {}
    for one in cited:
        later = _later(corpus, day, one)
        waits = one.force is Force.NOT_YET_APPLICABLE and one.applies_from is not None
        if later is not None or waits:
            first = one.applies_from if waits and one.applies_from else date.min
            days = (first, later.date if later else date.max, later.cases if later else "")
            groups.setdefault(days, []).append(one)
    return [
        Notice("applies_from", f"{_from_when(*days)}: {'; '.join(_widest(group))}.")
        for days, group in sorted(groups.items(), key=lambda one: one[0])
    ]


def _from_when(first: date, later: date, cases: str) -> str:
    if first == date.min:
        return f"Not yet applicable to {cases}, from {print_day(later)}"
    longer = f", and from {print_day(later)} for {cases}" if cases else ""
    return f"Not yet applicable, from {print_day(first)}{longer}"


def _later(corpus: Corpus, day: date, cited: Citation) -> Later | None:
    """The further day, still to come, from which what is cited applies to a part of the cases."""
    if cited.expression is None or cited.pinpoint is None or cited.applies_from is None:
        return None
    wording = corpus.expression(cited.expression)
    provision = wording.get(cited.pinpoint)
    if provision is None:
        return None
    noted = is_noted(wording)
    application = noted_application(wording, provision, day) if noted else corpus.application(provision, day)
    return application.later if application.later and application.later.date > day else None


def _widest(cited: Sequence[Citation]) -> dict[str, None]:
    """The labels of the places that lie in none of the others, each once."""
    places = {(one.instrument, one.pinpoint) for one in cited}

    def lies_in_another(one: Citation) -> bool:
        return any(
            instrument == one.instrument
            and place != one.pinpoint
            and place
            and one.pinpoint
            and place.contains(one.pinpoint)
            for instrument, place in places
        )

    return dict.fromkeys(one.label for one in cited if not lies_in_another(one))


def _amendment_notices(corpus: Corpus, cited: Sequence[Citation]) -> list[Notice]:
    changed = dict.fromkeys(one.label for one in cited if one.changed_by)
    if not changed:
        return []
    acts = dict.fromkeys(InstrumentId(one.changed_by.partition(":")[0]) for one in cited if one.changed_by)
    names = (corpus.wordings(act)[0].short_title if corpus.wordings(act) else act for act in acts)
    return [Notice("amended", f"Changed by {', '.join(names)}: {'; '.join(changed)}.")]
