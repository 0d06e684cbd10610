"""A sentence stands only if what it cites carries it: tables of sentences on two small invented texts."""

from datetime import date
from pathlib import Path

import pytest

from assistant.checking import check_sentence, find_quote, settle_quotes
from assistant.drafting import DraftSentence, FaultKind, Passage
from assistant.wording import Mood, find_addressees, read_manner
from ingest.corpus import Corpus
from ingest.embedding import Embedder, open_embedder
from ingest.identifiers import AI_ACT, CONVENTION, ExpressionId, InstrumentId
from ingest.instrument import Authority, Expression, ProvisionKind
from ingest.pinpoint import Pinpoint
from ingest.structure import Draft, build_provisions

DAY = date(2026, 11, 23)
ACT = {
    "9": (
        "Keeping of logs",
        "Providers of signal lamps shall keep the logs of each lamp for a period of 10 years after sale.",
        "Deployers may delete the logs of a lamp where the market surveillance authority does not object.",
        "This Article shall not apply to lamps that are lit for less than 30 days, see Article 12(1).",
    ),
    "12": (
        "Fines",
        "Breaches of this Regulation shall be subject to fines of up to EUR 5 000 from 2 August 2027.",
        "Importers shall verify that the colour of the lamp agrees with the harbour register.",
    ),
}
TREATY = {
    "4": (
        "Light for all",
        "Each Party shall adopt measures so that persons at sea can see the coast at night.",
        "No Party shall extinguish a lighthouse without public consultation.",
    ),
}


def make_wording(instrument: InstrumentId, name: str, articles: dict[str, tuple[str, ...]]) -> Expression:
    identity = ExpressionId(instrument, date(2024, 9, 5), "en")
    drafts = tuple(
        Draft(
            ProvisionKind.ARTICLE,
            label,
            heading=heading,
            children=tuple(
                Draft(ProvisionKind.PARAGRAPH, str(n), f"{n}.", text=text) for n, text in enumerate(paragraphs, start=1)
            ),
        )
        for label, (heading, *paragraphs) in articles.items()
    )
    return Expression(
        identity,
        name,
        name,
        Authority.LAW,
        "https://law.example",
        identity.effective,
        build_provisions(identity, drafts),
    )


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    act, treaty = make_wording(AI_ACT, "the AI Act", ACT), make_wording(CONVENTION, "the Convention", TREATY)
    return Corpus("0" * 16, "2026-11-23T00:00:00Z", (treaty, act))


@pytest.fixture(scope="module")
def passages(corpus: Corpus) -> tuple[Passage, ...]:
    """1 to 3 are the paragraphs of Article 9, 4 and 5 those of Article 12, 6 and 7 those of the treaty's Article 4."""
    treaty, act = corpus.expressions
    places = [act.at(Pinpoint.parse(place)) for place in ("art_9/1", "art_9/2", "art_9/3", "art_12/1", "art_12/2")]
    places += [treaty.at(Pinpoint.parse(place)) for place in ("art_4/1", "art_4/2")]
    return tuple(Passage.of(corpus, n, one) for n, one in enumerate(places, start=1))


@pytest.fixture(scope="module")
def embedder(model_cache: Path) -> Embedder:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(model_cache))
        return open_embedder()


STANDING = [
    ("Providers of signal lamps must keep the logs for 10 years after the sale.", [1]),
    ("Under Article 9(1) of the AI Act, providers shall keep the logs of each lamp for ten years.", [1]),
    ("The AI Act says that providers “shall keep the logs of each lamp”.", [1]),
    ("Deployers may delete a lamp's logs if the market surveillance authority does not object.", [2]),
    ("Article 9 does not apply to lamps lit for less than 30 days.", [3]),
    ("Breaches can be fined with up to EUR 5 000 from 2 August 2027.", [4]),
    ("Lamps lit for less than 30 days are left out, as Article 12(1) is referred to.", [3]),
    ("Under the Convention each Party shall adopt measures so that persons at sea see the coast at night.", [6]),
    ("No Party may extinguish a lighthouse without public consultation.", [7]),
    ("The Convention binds each Party, which shall adopt measures so that persons at sea see the coast at night, while "
     "under the AI Act providers shall keep the logs of each lamp.", [6, 1]),
]  # fmt: skip
FALLING = [
    ("Providers shall keep the logs for 10 years.", [99], FaultKind.PASSAGE),
    ("Providers shall keep the logs for 10 years.", [], FaultKind.PASSAGE),
    ("Providers shall keep the logs for 10 years [5].", [1], FaultKind.PASSAGE),
    ("Providers shall keep the logs for 10 years.", [5], FaultKind.SUPPORT),
    ("Providers “shall always keep the logs”.", [1], FaultKind.QUOTATION),
    ("Providers “shall keep the log”.", [1], FaultKind.QUOTATION),
    ("Under Article 9(7) of the AI Act, providers shall keep the logs for 10 years.", [1], FaultKind.PROVISION),
    ("Under Article 900, providers shall keep the logs for 10 years.", [1], FaultKind.PROVISION),
    ("Under Article 12(2) of the AI Act, providers shall keep the logs for 10 years.", [1], FaultKind.PROVISION),
    ("Under Article 5 of Directive 2001/1/EC, providers shall keep the logs for 10 years.", [1], FaultKind.PROVISION),
    ("Under the Convention, providers shall keep the logs of each lamp for 10 years.", [1], FaultKind.INSTRUMENT),
    ("Providers shall keep the logs of each lamp for 15 years after sale.", [1], FaultKind.FIGURE),
    ("Breaches can be fined with up to EUR 5 000 from 2 August 2028.", [4], FaultKind.FIGURE),
    ("Article 9 applies to lamps that are lit for less than 30 days.", [3], FaultKind.NEGATION),
    ("Under that rule deployers shall delete what a lamp recorded.", [2], FaultKind.MODAL),
    ("Importers may verify whether a lamp has its right colour.", [5], FaultKind.MODAL),
    ("Providers of signal lamps shall not keep the logs of each lamp.", [1], FaultKind.NEGATION),
    ("Providers of signal lamps may keep the logs of each lamp for a period of 10 years.", [1], FaultKind.MODAL),
    ("Deployers shall delete the logs of a lamp where the authority does not object.", [2], FaultKind.MODAL),
    ("Importers of signal lamps shall keep the logs of each lamp for a period of 10 years.", [1], FaultKind.ADDRESSEE),
    ("Teachers read poems to children in the evening.", [1], FaultKind.SUPPORT),
    ("Providers shall keep the logs of each lamp; poems are read to children every evening.", [1], FaultKind.SUPPORT),
    ("Providers shall keep the logs, see [the text](https://evil.example).", [1], FaultKind.MARKUP),
    ("Providers shall <b>keep</b> the logs of each lamp for 10 years.", [1], FaultKind.MARKUP),
    ("Providers shall\u200b keep the logs of each lamp for 10 years.", [1], FaultKind.MARKUP),
    ("Providers shаll keep the logs of each lamp for 10 years.", [1], FaultKind.MARKUP),
    ("Providers shall keep the logs, as www.evil.example says.", [1], FaultKind.MARKUP),
    ("—", [1], FaultKind.EMPTY),
    ("As you asked, providers shall keep the logs of each lamp for 10 years.", [1], FaultKind.VOICE),
    ("I find that providers shall keep the logs of each lamp for 10 years.", [1], FaultKind.VOICE),
    ("Every sentence cites the passages that carry it, by their numbers.", [1], FaultKind.VOICE),
]  # fmt: skip


@pytest.mark.parametrize(("text", "cited"), STANDING)
def test_what_the_passages_carry_stands(
    corpus: Corpus, passages: tuple[Passage, ...], embedder: Embedder, text: str, cited: list[int]
) -> None:
    assert check_sentence(DraftSentence(text, tuple(cited)), passages, corpus, embedder, DAY) == ()


@pytest.mark.parametrize(("text", "cited", "kind"), FALLING)
def test_what_they_do_not_carry_falls(
    corpus: Corpus, passages: tuple[Passage, ...], embedder: Embedder, text: str, cited: list[int], kind: FaultKind
) -> None:
    faults = check_sentence(DraftSentence(text, tuple(cited)), passages, corpus, embedder, DAY)
    assert kind in {fault.kind for fault in faults}, faults
    assert all(fault.text and "\n" not in fault.text for fault in faults)


@pytest.mark.parametrize(
    ("quotes", "stands"),
    [
        (("shall keep the logs of each lamp",), True),
        (("shall keep  the\nlogs",), True),
        (("Providers of signal lamps […] of each lamp",), True),
        (("shall keep the logs,",), True),
        (("shall keep logs",), False),
        (("harbour register",), False),
    ],
)
def test_words_given_as_quoted_are_held_against_the_cited_passages_alone(
    corpus: Corpus, passages: tuple[Passage, ...], embedder: Embedder, quotes: tuple[str, ...], stands: bool
) -> None:
    text = "Providers of signal lamps shall keep the logs of each lamp for 10 years."
    faults = check_sentence(DraftSentence(text, (1,), quotes), passages, corpus, embedder, DAY)
    assert (faults == ()) is stands


def test_a_quotation_is_found_at_its_offsets(passages: tuple[Passage, ...]) -> None:
    found = find_quote("keep the  logs", passages)
    assert found is not None and found.passage == 1
    assert passages[0].provision.text[found.start : found.end] == "keep the logs"
    assert find_quote("eep the logs", passages) is None
    assert find_quote("", passages) is None


def test_quotations_are_shown_in_the_signs_of_the_law(passages: tuple[Passage, ...]) -> None:
    assert settle_quotes('It says: "keep the  logs".', passages) == "It says: “keep the logs”."
    assert settle_quotes('It says: "keep no logs".', passages) == 'It says: "keep no logs".'


@pytest.mark.parametrize(
    ("text", "moods"),
    [
        ("Providers shall keep logs.", {Mood.DUTY}),
        ("Providers shall not keep logs.", {Mood.BAR}),
        ("A Party may make a reservation.", {Mood.LEAVE}),
        ("A Party may not make a reservation.", {Mood.BAR}),
        ("It may be lit only at dusk.", {Mood.BAR}),
        ("No reservation may be made.", {Mood.BAR}),
        ("The risk should be low.", {Mood.ADVICE}),
        ("Lamps have to be lit and may be sold.", {Mood.DUTY, Mood.LEAVE}),
        ("A lamp is a source of light.", set()),
    ],
)
def test_moods(text: str, moods: set[Mood]) -> None:
    assert read_manner(text).moods == moods


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Downstream providers and the European Commission", {"downstream provider", "Commission"}),
        ("Each Party and the Conference of the Parties", {"Party", "Conference of the Parties"}),
        ("market surveillance authorities of the Member States", {"market surveillance authority", "Member State"}),
        ("a party-like mood", set()),
    ],
)
def test_addressees(text: str, named: set[str]) -> None:
    assert named <= find_addressees(text)
