"""A small corpus with known text, and answers written by hand."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from assistant.answer import Answer, Citation, Evidence, Writer
from assistant.question import SIDES, Intent
from eval.case import Case
from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT, CONVENTION, ExpressionId
from ingest.instrument import Authority, Expression, ProvisionKind
from ingest.pinpoint import Pinpoint
from ingest.structure import Draft, build_provisions

DAY = date(2026, 11, 23)


def draft_article(label: str, *points: str, opening: str = "Opening words:") -> Draft:
    children = tuple(
        Draft(ProvisionKind.POINT, label=chr(ord("a") + place), printed=f"({chr(ord('a') + place)})", text=text)
        for place, text in enumerate(points)
    )
    return Draft(ProvisionKind.ARTICLE, label=label, heading=f"Heading {label}", text=opening, children=children)


def express(identity: str, title: str, *articles: Draft) -> Expression:
    expression = ExpressionId.parse(identity)
    return Expression(
        id=expression,
        title=title,
        short_title=title,
        authority=Authority.LAW,
        url="https://example.org/law",
        published=expression.effective,
        provisions=build_provisions(expression, articles),
    )


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """The Convention once, the Act before and after its amendment, which brings Article 4a."""
    nine = [draft_article(str(number), "first", "second") for number in range(1, 13)]
    return Corpus(
        "small",
        "2026-11-23T00:00:00Z",
        (
            express("coe-ai-convention@2024-09-05:en", "the Convention", *nine),
            express("eu-ai-act@2024-07-12:en", "the Act", *nine),
            express("eu-ai-act@2026-07-27:en", "the Act", *nine, draft_article("4a", "new")),
        ),
    )


@pytest.fixture
def case() -> Callable[..., Case]:
    """A case with what a test changes of it."""

    def make(**changes: object) -> Case:
        plain: dict[str, Any] = {
            "id": "case-1",
            "kind": "comparison",
            "question": "Who is bound?",
            "gold": {CONVENTION: ["art_3/a"], AI_ACT: ["art_2/b"]},
            "author": "tests",
        }
        return Case.model_validate({**plain, **changes})

    return make


def cite(n: int, place: str, quote: str = "", *, start: int = 0, on: str = "", **changes: object) -> Citation:
    """A citation of "instrument:pinpoint"; `on` names the wording, by default the one of DAY."""
    instrument, _, pinpoint = place.partition(":")
    wordings = {CONVENTION: "coe-ai-convention@2024-09-05:en", AI_ACT: "eu-ai-act@2026-07-27:en"}
    plain: dict[str, Any] = {
        "n": n,
        "instrument": instrument,
        "label": place,
        "authority": Authority.LAW,
        "pinpoint": Pinpoint.parse(pinpoint),
        "expression": ExpressionId.parse(on or wordings[instrument]),
        "quote": quote or None,
        "start": start if quote else None,
        "end": start + len(quote) if quote else None,
    }
    return Citation(**{**plain, **changes})


def find(*places: str) -> tuple[Evidence, ...]:
    """Evidence in the order of rank."""
    split = [place.split(":") for place in places]
    return tuple(Evidence(rank, one, Pinpoint.parse(two), 1 / rank) for rank, (one, two) in enumerate(split, 1))


def reply(**changes: object) -> Answer:
    """An answer with what a test changes of it."""
    plain: dict[str, Any] = {
        "id": "case-1",
        "question": "Who is bound?",
        "standalone_question": "Who is bound?",
        "intent": Intent.COMPARISON,
        "as_of": DAY,
        "scope": SIDES,
        "writer": Writer("scripted"),
        "corpus_id": "small",
        "corpus_built": "2026-11-23T00:00:00Z",
    }
    return Answer(**{**plain, **changes})


@pytest.fixture(name="cite")
def cite_fixture() -> Callable[..., Citation]:
    return cite


@pytest.fixture(name="find")
def find_fixture() -> Callable[..., tuple[Evidence, ...]]:
    return find


@pytest.fixture(name="reply")
def reply_fixture() -> Callable[..., Answer]:
    return reply
