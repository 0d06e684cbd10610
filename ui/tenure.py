"""How long the words of a provision stand: from when they apply, until when, and what takes their place."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from assistant.noted import is_noted
from ingest.instrument import Authority, Expression, Provision
from ui.language import Wording
from ui.reading import Reading
from ui.surroundings import find_changer
from ui.views import amending_acts


class End(StrEnum):
    """What a later wording does with words: others stand for them, others stand in a part of them, or none."""

    REPLACED = "replaced"
    CHANGED = "changed_in_part"
    STRUCK_OUT = "struck_out"


@dataclass(frozen=True, slots=True)
class Tenure:
    """The days of a provision's words, as far as the wordings at hand tell.

    They apply from `applied`, None where no table says. `since` is the day of the wording that brought them, None where
    the first has them; `replaced` that of the wording that has not, which is an `end` of the kind, by the act `by`.
    """

    since: date | None
    applied: date | None
    replaced: date | None
    by: str = ""
    end: End | None = None


def find_tenure(reading: Reading, wording: Expression, provision: Provision) -> Tenure | None:
    """The days of a provision's words; None where they bind nobody, or are not held themselves."""
    if wording.authority is not Authority.LAW or is_noted(wording) or provision.is_container:
        return None
    own = reading.wordings(wording.instrument)
    here = next(number for number, one in enumerate(own) if one.id == wording.id)
    first = last = here
    while first > 0 and _has_words(own[first - 1], provision):
        first -= 1
    while last + 1 < len(own) and _has_words(own[last + 1], provision):
        last += 1
    since = own[first].id.effective if first else None
    applies = reading.corpus.application(own[last].at(provision.pinpoint), date.max).applies_from
    applied = max(applies, since) if applies and since else applies
    if last + 1 == len(own):
        return Tenure(since, applied, None)
    after = own[last + 1]
    by = _replaced_by(reading, after, provision)
    return Tenure(since, applied, after.id.effective, by, _end(after.get(provision.pinpoint)))


def _end(held: Provision | None) -> End:
    if held is None:
        return End.STRUCK_OUT
    return End.REPLACED if held.changed_by else End.CHANGED


def _has_words(wording: Expression, provision: Provision) -> bool:
    other = wording.get(provision.pinpoint)
    return other is not None and _words(other) == _words(provision)


def _words(provision: Provision) -> list[str]:
    return f"{provision.heading} {provision.text}".split()


def _replaced_by(reading: Reading, after: Expression, provision: Provision) -> str:
    """Which place of an amending act changed it, or which acts took effect with the wording; "" where none is known."""
    held = after.get(provision.pinpoint)
    if held is not None:
        changed = (one.changed_by for one in (*after.subtree(held.pinpoint), *after.ancestors(held)) if one.changed_by)
        places = tuple(dict.fromkeys(changed))
        if len(places) == 1:
            return find_changer(reading, places[0])[1]
    return ", ".join(amending_acts(reading.corpus, after))


def say_tenure(tenure: Tenure, words: Wording) -> Iterator[str]:
    """What a reader must know of these days, one phrase each."""
    if tenure.replaced is None:
        if tenure.since is not None:
            yield words.say("law.worded_since", day=words.long_date(tenure.since))
        return
    last = tenure.replaced - timedelta(days=1)
    if tenure.applied is not None and tenure.applied <= last:
        yield words.say("law.applied", first=words.long_date(tenure.applied), last=words.long_date(last))
    elif tenure.applied is not None:
        yield words.say("law.never_applied", day=words.long_date(tenure.applied))
    by = words.say("law.by_act", act=words.work(tenure.by)) if tenure.by else ""
    yield words.say(f"law.{tenure.end}", day=words.long_date(tenure.replaced), by=by)
