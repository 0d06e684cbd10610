"""Citations ticked as checked by a person: who, when, and which are still to do."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from assistant.answer import Answer
from ingest.errors import UsageError

_INITIALS = re.compile(r"[^\W_](?:[^\W_]|[.\-]){0,7}")


@dataclass(frozen=True, slots=True)
class Check:
    """Citation `n` of an answer, held against its source by whoever has these initials, at a moment in UTC."""

    n: int
    initials: str
    at: datetime

    def record(self) -> dict[str, Any]:
        """Its JSON form."""
        return {"n": self.n, "initials": self.initials, "at": f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}


Checks = tuple[Check, ...]


def tick(checks: Checks, n: int, initials: str, at: datetime) -> Checks:
    """The checks with citation `n` ticked, in the order of numbers; a second tick takes the place of the first.

    Raises UsageError for initials that are none, and for a moment without a time zone.
    """
    initials = initials.strip()
    if not _INITIALS.fullmatch(initials):
        raise UsageError(
            f"the initials {initials[:20]!r} cannot be kept; write one to eight letters or digits, for example AB."
        )
    if at.tzinfo is None:
        raise UsageError(f"the moment {at.isoformat()!r} names no time zone; write it as 2026-11-23T10:00:00Z.")
    ticked = Check(n, initials, at.astimezone(UTC).replace(microsecond=0))
    return tuple(sorted((*untick(checks, n), ticked), key=lambda check: check.n))


def untick(checks: Checks, n: int) -> Checks:
    """The checks without the one of citation `n`."""
    return tuple(check for check in checks if check.n != n)


def unchecked(answer: Answer, checks: Checks) -> tuple[int, ...]:
    """The numbers of the citations that nobody has ticked."""
    ticked = {check.n for check in checks}
    return tuple(citation.n for citation in answer.citations if citation.n not in ticked)


def confirm_checks(answer: Answer, checks: Checks) -> Checks:
    """The checks, each of a citation that the answer has; raises UsageError for any other number."""
    numbers = {citation.n for citation in answer.citations}
    for check in checks:
        if check.n not in numbers:
            raise UsageError(
                f"citation {check.n} is ticked, but the answer has {len(numbers)}; ask again and tick what it cites."
            )
    return checks
