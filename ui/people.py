"""Who is asking, and what they may do: a value that the door of the server puts into each request."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

KEY = "visavis.person"


class Role(StrEnum):
    """What somebody may do; each contains those before it."""

    READER = "reader"
    EDITOR = "editor"
    ADMINISTRATOR = "administrator"

    def covers(self, other: "Role") -> bool:
        """Whether what the other may do may be done too."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class Means(StrEnum):
    """How it is known who is asking."""

    NOBODY = "nobody"
    TOKEN = "token"
    EMBED = "embed"
    PROXY = "proxy"
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody: `id` is stable and opaque (a subject, a token's id), `name` is what they are called on the page.

    An `id` says who it is among those known by the same means alone: whoever tells people apart goes by `subject`.
    """

    id: str = ""
    name: str = ""
    role: Role = Role.READER
    means: Means = Means.NOBODY

    @property
    def subject(self) -> str:
        """Who it is among all people, "" for nobody."""
        return subject_of(self.means, self.id)

    @property
    def is_signed_in(self) -> bool:
        """Whether somebody is known who needs no token: neither a program nor nobody."""
        return self.means in {Means.PROXY, Means.OIDC, Means.EMBED}


def subject_of(means: str, identity: str) -> str:
    """Whom one of the means calls so: another person than whom another means calls alike."""
    return f"{means}:{identity}" if identity else ""


NOBODY = Person()
"""Whoever reaches a server without sign-in."""


def seat(scope: MutableMapping[str, Any], person: Person) -> None:
    """Put the person into an ASGI request."""
    scope[KEY] = person


def person_of(scope: MutableMapping[str, Any]) -> Person:
    """Who sends an ASGI request; NOBODY where no sign-in is set up."""
    found = scope.get(KEY, NOBODY)
    assert isinstance(found, Person)
    return found
