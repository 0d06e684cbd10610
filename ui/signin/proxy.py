"""Sign-in by a reverse proxy: it says in headers who is asking, and is believed by its address alone."""

from dataclasses import dataclass
from http import HTTPStatus

from ui.access import Refused
from ui.people import Means, Person
from ui.signin.origins import Network, RawHeaders, canonical, is_within, values_of
from ui.signin.roles import Roles

LONGEST_ID = 200
LONGEST_NAME = 100
LONGEST_GROUPS = 16_384


@dataclass(frozen=True, slots=True)
class ProxyHeaders:
    """Which headers say who is asking, what they are called and to which groups they belong, and who may send them."""

    trusted: tuple[Network, ...]
    user: str = "X-Forwarded-User"
    name: str = ""
    groups: str = "X-Forwarded-Groups"
    separator: str = ","

    @property
    def names(self) -> frozenset[bytes]:
        """The headers that are taken out of every request, whoever sent them, however they are spelt."""
        return frozenset(canonical(one.encode()) for one in (self.user, self.name, self.groups) if one)

    def identify(self, headers: RawHeaders, peer: str, roles: Roles) -> Person | None:
        """Who is asking, as the proxy at `peer` says; None from elsewhere, or where it says nothing.

        Raises Refused where the headers are doubtful, and where the groups open nothing.
        """
        if not is_within(peer, self.trusted):
            return None
        identity = self._one(headers, self.user, LONGEST_ID)
        if not identity:
            return None
        name = self._one(headers, self.name, LONGEST_NAME) if self.name else ""
        groups = self._one(headers, self.groups, LONGEST_GROUPS) if self.groups else ""
        role = roles.role_of(one.strip() for one in groups.split(self.separator))
        if role is None:
            raise Refused(HTTPStatus.FORBIDDEN, "you are signed in, and none of your groups is let in here.")
        return Person(identity, name or identity[:LONGEST_NAME], role, Means.PROXY)

    def _one(self, headers: RawHeaders, name: str, longest: int) -> str:
        """The value of a header that may be there once, under exactly its name."""
        found = values_of(headers, name)
        spelt = [one for one, _ in headers if canonical(one) == canonical(name.encode())]
        if not spelt:
            return ""
        if len(found) != 1 or len(spelt) != 1 or len(found[0]) > longest or not found[0].isprintable():
            raise Refused(HTTPStatus.UNAUTHORIZED, f"the proxy's header {name} is there twice, or is none.")
        return found[0]
