"""From when a provision applies, apart from when its wording is in force: our table of the instruments' own clauses."""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, ValidationError

from ingest.datafiles import data_file
from ingest.errors import ManifestError
from ingest.instrument import RECITALS, Authority, Expression, Force, Provision
from ingest.pinpoint import Pinpoint
from ingest.status import load_status

EVERYTHING = "*"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Later(_Strict):
    """A further date for a part of the cases, and the clause that says so."""

    date: date
    cases: str
    says: str


class Rule(_Strict):
    """Places, the day from which they apply, and the clause that says so."""

    pinpoints: tuple[str, ...]
    applies_from: date
    says: str
    later: Later | None = None


class Wording(_Strict):
    """The rules of one expression, first match first."""

    expression: str
    in_force: date
    in_force_says: str
    reviewed: date
    rule: tuple[Rule, ...]


class _Table(_Strict):
    wording: tuple[Wording, ...]


@dataclass(frozen=True, slots=True)
class Application:
    """Whether a provision binds on the day asked, from when it applies, and the clause that says so."""

    force: Force | None
    applies_from: date | None = None
    says: Pinpoint | None = None
    later: Later | None = None


@lru_cache(maxsize=1)
def load_wordings() -> dict[str, Wording]:
    """The table by expression; raises ManifestError when it is not what its schema says."""
    try:
        table = _Table.model_validate(tomllib.loads(data_file("application.toml").read_text(encoding="utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ManifestError(f"data/application.toml cannot be read: {reason}; correct it.") from None
    return {wording.expression: wording for wording in table.wording}


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
        return Application(Force.NOT_IN_FORCE, wording.in_force, Pinpoint.parse(wording.in_force_says))
    if provision.kind in RECITALS:
        return Application(Force.IN_FORCE)
    rule = _first_match(wording, expression, provision)
    day = max(rule.applies_from, expression.id.effective) if inserted else rule.applies_from
    force = Force.IN_FORCE if day <= as_of else Force.NOT_YET_APPLICABLE
    return Application(force, day, Pinpoint.parse(rule.says), rule.later)


def _first_match(wording: Wording, expression: Expression, provision: Provision) -> Rule:
    containers = {str(above.pinpoint) for above in expression.ancestors(provision) if above.is_container}
    for rule in wording.rule:
        for place in rule.pinpoints:
            if place == EVERYTHING or place in containers:
                return rule
            if not place.startswith("cpt_") and Pinpoint.parse(place).contains(provision.pinpoint):
                return rule
    raise ManifestError(
        f'data/application.toml has no rule for {provision.pinpoint} of {wording.expression}; add one for "*".'
    )
