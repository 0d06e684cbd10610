"""What is kept of what happens."""

from dataclasses import dataclass

from ui.settings import ServeSettings


@dataclass(frozen=True, slots=True)
class Policy:
    """Whether the words of questions are kept, for how many days, and whether what cannot be entered is withheld."""

    questions: bool = False
    days: int = 365
    strict: bool = False


def policy_of(settings: ServeSettings) -> Policy:
    """The policy that the settings ask for."""
    return Policy(settings.record_questions, settings.record_days, settings.record_strict)
