"""Why a sign-in came to nothing."""

from enum import StrEnum


class Trouble(StrEnum):
    """What the page says to whoever was not signed in."""

    UNREACHABLE = "unreachable"
    DECLINED = "declined"
    LOST = "lost"
    NOT_BELIEVED = "not_believed"
    NOT_ADMITTED = "not_admitted"


class NotSignedIn(Exception):
    """A sign-in that came to nothing: why, and for the log what exactly."""

    def __init__(self, trouble: Trouble, reason: str) -> None:
        super().__init__(reason)
        self.trouble = trouble
