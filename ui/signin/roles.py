"""From the groups of an organisation to what somebody may do here."""

from collections.abc import Iterable
from dataclasses import dataclass

from ui.people import Role


@dataclass(frozen=True, slots=True)
class Roles:
    """The groups that make a reader, an editor, an administrator; without a list of readers, everybody is a reader."""

    readers: frozenset[str] = frozenset()
    editors: frozenset[str] = frozenset()
    administrators: frozenset[str] = frozenset()

    def role_of(self, groups: Iterable[str]) -> Role | None:
        """The highest role that groups give; None where they give none."""
        mine = frozenset(groups)
        if mine & self.administrators:
            return Role.ADMINISTRATOR
        if mine & self.editors:
            return Role.EDITOR
        return Role.READER if not self.readers or mine & self.readers else None
