"""What the load and the soak test ask: places by number, comparisons, dates, and what is to be refused."""

import random
from collections.abc import Iterator

SUBJECTS = (
    "definitions of an AI system",
    "national security and defence",
    "prohibited practices",
    "remedies and complaints",
    "supervision and oversight",
    "transparency towards persons",
    "risk and impact management",
    "entry into force",
    "research and development",
    "accuracy, robustness and cybersecurity",
    "equality and non-discrimination",
    "data protection and privacy",
    "children and persons with disabilities",
    "digital literacy and skills",
    "human oversight",
    "penalties and fines",
    "sandboxes",
    "general-purpose AI models",
    "public consultation",
    "accountability and responsibility",
)
FORMS = (
    "How do the Convention and the AI Act compare on {}?",
    "What do both say about {}, in a table?",
    "Which of the two goes further on {}?",
    "What does the AI Act require on {}?",
    "Does the Convention say anything about {}?",
)
REFUSED = (
    "How do I bake a rye bread?",
    "What does Article 400 of the AI Act say?",
    "Will my company win in court next week?",
)
DAYS = (None, "2025-03-01", "2026-02-02", "2026-11-23", "2027-09-01")


def all_questions() -> tuple[str, ...]:
    """Every question, the same ones each time."""
    places = [f"What does Article {number} of the AI Act say?" for number in range(1, 114)]
    places += [f"What does Article {number} of the Convention provide?" for number in range(1, 37)]
    return (*(form.format(subject) for form in FORMS for subject in SUBJECTS), *places, *REFUSED)


def asked(seed: int) -> Iterator[tuple[str, str | None]]:
    """Questions with the day of the law, endlessly, in an order that the seed gives."""
    order, questions = random.Random(seed), all_questions()
    while True:
        yield order.choice(questions), order.choice(DAYS)
