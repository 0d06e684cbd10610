"""What a reader is told of the days from which the cited provisions apply."""

from datetime import date

import pytest

from assistant.answer import Citation
from assistant.standing import notices
from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT
from ingest.instrument import Authority, Expression, ProvisionKind
from ingest.pinpoint import Pinpoint
from tests.ui.gardens import article, draft, expression

LATER = "AI systems that are high-risk under Article 6(1) and Annex I"


def sections() -> Expression:
    """An invented act whose third chapter has an article in each of three sections."""
    numbers = {"1": "7", "2": "9", "3": "26"}
    inside = (draft(ProvisionKind.SECTION, label, "", article(n, "", "x")) for label, n in numbers.items())
    chapter = draft(ProvisionKind.CHAPTER, "III", "", *inside)
    return expression("eu-ai-act@2026-07-27:en", "the AI Act", Authority.LAW, chapter, article("60", "", "y"))


def told(day: date, *places: str) -> list[str]:
    corpus = Corpus("a", "b", (sections(),))
    cited = []
    for number, place in enumerate(places, start=1):
        provision = sections().at(Pinpoint.parse(place))
        known = corpus.application(provision, day)
        cited.append(
            Citation(
                number,
                AI_ACT,
                corpus.cite(provision),
                Authority.LAW,
                provision.pinpoint,
                known.force,
                known.applies_from,
                provision.expression,
            )
        )
    return [one.text for one in notices(corpus, [AI_ACT], day, cited) if one.kind == "applies_from"]


@pytest.mark.parametrize("article", ["7", "9", "26"])
@pytest.mark.parametrize(
    ("day", "from_when"),
    [
        (date(2026, 11, 23), [f"Not yet applicable, from 2 December 2027, and from 2 August 2028 for {LATER}: "]),
        (date(2028, 8, 1), [f"Not yet applicable to {LATER}, from 2 August 2028: "]),
        (date(2028, 8, 2), []),
    ],
)
def test_the_day_for_all_and_the_day_for_some_are_both_named(article: str, day: date, from_when: list[str]) -> None:
    assert told(day, f"art_{article}") == [f"{one}Article {article} of the AI Act." for one in from_when]


def test_places_of_the_same_days_share_a_notice_and_what_applies_has_none() -> None:
    (notice,) = told(date(2026, 11, 23), "art_9", "art_60", "art_26")
    assert notice.endswith(f"{LATER}: Article 9 of the AI Act; Article 26 of the AI Act.")
