"""From when a provision applies, apart from when its wording is in force: our table of the instruments' own clauses."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import TypeVar

from ingest.errors import ManifestError
from ingest.instrument import RECITALS, Authority, Expression, Force, Provision
from ingest.pinpoint import Pinpoint
from ingest.status import load_status
from ingest.tables import Strict, read_own

FILE = "application.toml"
EVERYTHING = "*"


class Later(Strict):
    """A further date for a part of the cases, and the clause that says so."""

    date: date
    cases: str
    says: str


class Rule(Strict):
    """Places, the day from which they apply, and the clause that says so."""

    pinpoints: tuple[str, ...]
    applies_from: date
    says: str
    later: Later | None = None


class Earlier(Strict):
    """Places, and the clause on what was on the market or in use before they apply."""

    pinpoints: tuple[str, ...]
    says: str


Placed = TypeVar("Placed", Rule, Earlier)


class Wording(Strict):
    """The rules of one expression, first match first."""

    expression: str
    in_force: date
    in_force_says: str
    reviewed: date
    rule: tuple[Rule, ...]
    earlier: tuple[Earlier, ...] = ()


class _Table(Strict):
    wording: tuple[Wording, ...]


@dataclass(frozen=True, slots=True)
class Application:
    """Whether a provision binds on the day asked, from when it applies, and the clause that says so.

    `earlier` is the clause on what was on the market or in use before, where there is one.
    """

    force: Force | None
    applies_from: date | None = None
    says: Pinpoint | None = None
    later: Later | None = None
    earlier: Pinpoint | None = None


@lru_cache(maxsize=1)
def load_wordings() -> dict[str, Wording]:
    """The table by expression; raises ManifestError when it is not what its schema says."""
    return {wording.expression: wording for wording in read_own(_Table, FILE).wording}


def application_of(expression: Expression, provision: Provision, as_of: date, *, inserted: bool = False) -> Application:
    """Whether and from when a provision binds on a day; `inserted` says that an amending act brought it.

    Texts that do not bind (guidance, commentary) have no force; recitals have their instrument's, and no date.
    """
    if expression.authority is not Authority.LAW:
        return Application(None)
    treaty = load_status().get(expression.instrument)
    if treaty is not None:
        return Application(Force.IN_FORCE if treaty.is_in_force(as_of) else Force.NOT_IN_FORCE)
    wording = load_wordings().get(str(expression.id))
    if wording is None:
        return Application(None)
    if as_of < wording.in_force:
        return Application(Force.NOT_IN_FORCE, wording.in_force, _parsed(wording.in_force_says))
    if provision.kind in RECITALS:
        return Application(Force.IN_FORCE)
    containers = {str(above.pinpoint) for above in expression.ancestors(provision) if above.is_container}
    rule = next(_fitting(wording.rule, provision, containers), None)
    if rule is None:
        place = f"{provision.pinpoint} of {wording.expression}"
        raise ManifestError(f'data/{FILE} has no rule for {place}; add one for "*".')
    earlier = next(_fitting(wording.earlier, provision, containers), None)
    day = max(rule.applies_from, expression.id.effective) if inserted else rule.applies_from
    force = Force.IN_FORCE if day <= as_of else Force.NOT_YET_APPLICABLE
    before = _parsed(earlier.says) if earlier else None
    return Application(force, day, _parsed(rule.says), rule.later, before)


def _fitting(rules: Iterable[Placed], provision: Provision, containers: Set[str]) -> Iterator[Placed]:
    """The rules that a provision within these containers falls under, in their order."""
    for rule in rules:
        if any(_is_under(place, provision, containers) for place in rule.pinpoints):
            yield rule


def _is_under(place: str, provision: Provision, containers: Set[str]) -> bool:
    if place == EVERYTHING or place in containers:
        return True
    return not place.startswith("cpt_") and _parsed(place).contains(provision.pinpoint)


_parsed = cache(Pinpoint.parse)
