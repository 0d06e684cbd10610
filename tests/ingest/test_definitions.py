"""The terms that the instruments define, all of them by name, and a sample of their uses checked by hand.

The rows of definition_uses.tsv were drawn with a fixed seed from the uses found, and each was read beside the law: the
smallest provision that holds the words, the words, which of equal words there, the term, where that is defined.
"""

import csv
import json
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ingest.amendment import amend
from ingest.corpus import Corpus
from ingest.definitions import DefinitionKind, Glossary, load_glossary
from ingest.errors import UsageError
from ingest.identifiers import ExpressionId
from ingest.instrument import Authority, Expression, ProvisionKind
from ingest.law_cli import law
from ingest.pinpoint import Pinpoint
from ingest.readers.formex import read_formex
from ingest.readers.treaty_pdf import read_treaty
from ingest.structure import Draft, build_provisions

SAMPLE = Path(__file__).with_name("definition_uses.tsv")
ADOPTED, AMENDED, TREATY = "eu-ai-act@2024-07-12:en", "eu-ai-act@2026-07-27:en", "coe-ai-convention@2024-09-05:en"

ARTICLE_3 = (
    "AI system", "risk", "provider", "deployer", "authorised representative", "importer", "distributor", "operator",
    "placing on the market", "making available on the market", "putting into service", "intended purpose",
    "reasonably foreseeable misuse", "safety component", "instructions for use", "recall of an AI system",
    "withdrawal of an AI system", "performance of an AI system", "notifying authority", "conformity assessment",
    "conformity assessment body", "notified body", "substantial modification", "CE marking",
    "post-market monitoring system", "market surveillance authority", "harmonised standard", "common specification",
    "training data", "validation data", "validation data set", "testing data", "input data", "biometric data",
    "biometric identification", "biometric verification", "special categories of personal data",
    "sensitive operational data", "emotion recognition system", "biometric categorisation system",
    "remote biometric identification system", "real-time remote biometric identification system",
    "post-remote biometric identification system", "publicly accessible space", "law enforcement authority",
    "law enforcement", "AI Office", "national competent authority", "serious incident", "personal data",
    "non-personal data", "profiling", "real-world testing plan", "sandbox plan", "AI regulatory sandbox",
    "AI literacy", "testing in real-world conditions", "subject", "informed consent", "deep fake",
    "widespread infringement", "critical infrastructure", "general-purpose AI model", "high-impact capabilities",
    "systemic risk", "general-purpose AI system", "floating-point operation", "downstream provider",
)  # fmt: skip
INSERTED = [
    ("art_3/14a", ("micro, small and medium-sized enterprise", "SME")),
    ("art_3/14b", ("small mid-cap enterprise", "SMC")),
]
ELSEWHERE = [
    ("rct_1", ("Charter",)),
    ("art_65/1", ("Board",)),
    ("art_9/2", ("risk management system",)),
    ("art_68/1", ("scientific panel",)),
    ("art_79/1", ("AI systems presenting a risk",)),
]
# a provision, and all the terms that it uses, in the order of their first use, read by hand
READ_BY_HAND = [
    (TREATY, "art_16/1", ["artificial intelligence system"]),
    (ADOPTED, "art_4", ["provider", "deployer", "AI system", "AI literacy"]),
    (ADOPTED, "art_50/3",
     ["deployer", "emotion recognition system", "biometric categorisation system", "personal data", "AI system"]),
    (ADOPTED, "art_61/1",
     ["testing in real-world conditions", "informed consent", "subject", "AI system", "provider"]),
    (AMENDED, "art_5/1/ba", ["placing on the market", "putting into service", "AI system"]),
    (AMENDED, "art_20/1",
     ["provider", "AI system", "placing on the market", "putting into service", "distributor", "deployer",
      "authorised representative", "importer"]),
    (AMENDED, "art_25/1/b", ["substantial modification", "AI system", "placing on the market", "putting into service"]),
    (AMENDED, "art_50/4", ["deployer", "AI system", "deep fake"]),
    (AMENDED, "art_73/1",
     ["provider", "AI system", "placing on the market", "serious incident", "market surveillance authority"]),
]  # fmt: skip

SMALL = (
    Draft(ProvisionKind.RECITAL, "1", "(1)", text="The Garden Council (the ‘Council’) met. A ‘rose’ means love."),
    Draft(ProvisionKind.ARTICLE, "1", text="For the purposes of this Regulation:", children=(
        Draft(ProvisionKind.POINT, "1", "(1)", text="‘rose bush’ means a bush that bears roses;"),
        Draft(ProvisionKind.POINT, "2", "(2)", text="‘rose’ or ‘bloom’ means the flower of a rose bush;"),
        Draft(ProvisionKind.POINT, "3", "(3)", text="‘placing on the market’ means a first sale;"),
        Draft(ProvisionKind.POINT, "4", "(4)", text="‘garden data’ means what a gauge tells;"),
        Draft(ProvisionKind.POINT, "5", "(5)", text="‘weather data’ means what a vane tells;"),
        Draft(ProvisionKind.POINT, "6", "(6)", text="‘subject’, for the purpose of tasting, means a taster;"),
    )),
    Draft(ProvisionKind.ARTICLE, "2", children=(
        Draft(ProvisionKind.PARAGRAPH, "1", "1.",
              text="For the purposes of this Article, ‘hedge’ means a row. A Garden Council (the ‘Council’) is "
                   "hereby established."),
        Draft(ProvisionKind.PARAGRAPH, "2", "2.", text="A hedge of rose bushes is no bloom. The council may meet."),
    )),
    Draft(ProvisionKind.ARTICLE, "3", text="A hedge, a Rose-bush or a rose-like tree placed on the Union market."),
    Draft(ProvisionKind.ARTICLE, "4", text="Subject to Article 1, garden and weather data stay; the Council rules."),
    Draft(ProvisionKind.ARTICLE, "5", text="Each subject of a tasting is subject to Article 1, and signs."),
    Draft(ProvisionKind.ARTICLE, "6", text="A fence shall be understood as a line of planks. It is no subject.",
          quoted=("‘A ‘fence’ means a wall.’",)),
)  # fmt: skip


def express(identity: str, drafts: tuple[Draft, ...]) -> Expression:
    name = ExpressionId.parse(identity)
    return Expression(name, "", "", Authority.LAW, "", date(2024, 7, 12), build_provisions(name, drafts))


@pytest.fixture(scope="module")
def small() -> Glossary:
    return load_glossary(express("garden-act@2030-01-01:en", SMALL))


def used(glossary: Glossary, place: str) -> list[tuple[str, str]]:
    provision = glossary.expression.at(Pinpoint.parse(place))
    return [(use.text, use.definition.term) for use in glossary.find_uses(provision)]


def test_what_is_defined_and_where(small: Glossary) -> None:
    assert [(str(one.place), one.names, one.kind, str(one.scope or "")) for one in small.definitions] == [
        ("art_2/1", ("Council",), DefinitionKind.NAMED, ""),
        ("art_1/1", ("rose bush",), DefinitionKind.MEANS, ""),
        ("art_1/2", ("rose", "bloom"), DefinitionKind.MEANS, ""),
        ("art_1/3", ("placing on the market",), DefinitionKind.MEANS, ""),
        ("art_1/4", ("garden data",), DefinitionKind.MEANS, ""),
        ("art_1/5", ("weather data",), DefinitionKind.MEANS, ""),
        ("art_1/6", ("subject",), DefinitionKind.MEANS, ""),
        ("art_2/1", ("hedge",), DefinitionKind.MEANS, "art_2"),
        ("art_6", ("fence",), DefinitionKind.UNDERSTOOD, ""),
    ]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("art_1/1", [("roses", "rose")]),
        ("art_1/2", [("rose bush", "rose bush")]),
        ("art_2/2", [("hedge", "hedge"), ("rose bushes", "rose bush"), ("bloom", "rose")]),
        ("art_3", [("Rose-bush", "rose bush"), ("placed on the Union market", "placing on the market")]),
        ("art_4", [("garden", "garden data"), ("weather data", "weather data"), ("Council", "Council")]),
        ("art_5", [("subject", "subject")]),
        ("art_6", []),
    ],
)
def test_what_a_provision_uses(small: Glossary, place: str, expected: list[tuple[str, str]]) -> None:
    assert used(small, place) == expected


def test_uses_stand_at_their_offsets(small: Glossary) -> None:
    provision = small.expression.at(Pinpoint.parse("art_3"))
    assert [provision.text[use.start : use.end] for use in small.find_uses(provision)] == [
        "Rose-bush",
        "placed on the Union market",
    ]


def test_a_term_is_found_by_any_of_its_names(small: Glossary) -> None:
    found = [small.get(name) for name in ("BLOOM", "hedge", "tulip")]
    assert [one.term if one else None for one in found] == ["rose", "hedge", None]


@pytest.fixture(scope="module")
def glossaries(corpus_dir: Path) -> dict[str, Glossary]:
    files = (corpus_dir / "ai-act" / "formex").glob("L_*.fmx.xml")
    act = read_formex([file for file in files if file.name.split(".")[1].isdigit()])
    (amending,) = (corpus_dir / "ai-act-amendment").glob("32026R1744*.html")
    amended, _ = amend(act, amending)
    treaty = read_treaty(corpus_dir / "convention" / "CETS_225_EN.pdf").drafts
    read = {ADOPTED: act, AMENDED: amended, TREATY: treaty}
    return {identity: load_glossary(express(identity, drafts)) for identity, drafts in read.items()}


def defined(glossary: Glossary) -> set[tuple[str, tuple[str, ...]]]:
    return {(str(one.place), one.names) for one in glossary.definitions}


def numbered() -> Iterable[tuple[str, tuple[str, ...]]]:
    return ((f"art_3/{number}", (name,)) for number, name in enumerate(ARTICLE_3, start=1))


def test_every_term_of_the_act_as_adopted(glossaries: dict[str, Glossary]) -> None:
    assert defined(glossaries[ADOPTED]) == {*numbered(), *ELSEWHERE}
    assert len(ARTICLE_3) == 68


def test_every_term_of_the_act_as_amended(glossaries: dict[str, Glossary]) -> None:
    assert defined(glossaries[AMENDED]) == {*numbered(), *INSERTED, *ELSEWHERE}
    in_article_3 = [one for one in glossaries[AMENDED].definitions if str(one.place).startswith("art_3/")]
    assert len(in_article_3) == 70


def test_the_term_of_the_convention(glossaries: dict[str, Glossary]) -> None:
    assert defined(glossaries[TREATY]) == {("art_2", ("artificial intelligence system",))}


def test_the_sample_checked_by_hand(glossaries: dict[str, Glossary]) -> None:
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 40
    wrong = []
    for row in rows:
        glossary = glossaries[row["expression"]]
        expression, holder = glossary.expression, Pinpoint.parse(row["holder"])
        unit = expression.at(holder.unit)
        same = [
            use
            for use in glossary.find_uses(unit)
            if use.text == row["words"] and expression.smallest(unit.pinpoint, use.start, use.end).pinpoint == holder
        ]
        place = int(row["nth"]) - 1
        found = (same[place].definition.term, str(same[place].definition.place)) if place < len(same) else None
        if found != (row["term"], row["defined"]):
            wrong.append((row["holder"], row["words"], found))
    assert wrong == []


@pytest.mark.parametrize(("expression", "place", "terms"), READ_BY_HAND)
def test_all_terms_of_a_provision(
    glossaries: dict[str, Glossary], expression: str, place: str, terms: list[str]
) -> None:
    glossary = glossaries[expression]
    found = glossary.find_terms(glossary.expression.at(Pinpoint.parse(place)))
    assert [one.term for one in found] == terms


def test_subject_to_is_no_participant(glossaries: dict[str, Glossary]) -> None:
    glossary = glossaries[AMENDED]
    articles = {
        str(unit.pinpoint)
        for unit in glossary.expression.units()
        for use in glossary.find_uses(unit)
        if use.definition.term == "subject"
    }
    assert articles == {"rct_141", "art_3", "art_60", "art_61"}


@pytest.fixture
def command(glossaries: dict[str, Glossary], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command on the official texts, read and not indexed."""
    texts = Corpus("", "", tuple(glossaries[identity].expression for identity in (TREATY, ADOPTED, AMENDED)))
    monkeypatch.setattr("ingest.terms_cli.open_corpus", lambda folder: texts)
    return lambda *arguments: CliRunner().invoke(law, ["terms", *arguments])


class TestCommand:
    def test_the_terms_of_all_laws(self, command: Callable[..., Result]) -> None:
        terms = json.loads(command("--json").stdout)
        assert len(terms) == 1 + 75
        assert [one["pinpoint"] for one in terms if "SME" in one["names"]] == ["art_3/14a"]

    def test_the_terms_on_a_day(self, command: Callable[..., Result]) -> None:
        assert len(json.loads(command("eu-ai-act", "--as-of", "2025-01-01", "--json").stdout)) == 73

    def test_the_terms_of_a_provision(self, command: Callable[..., Result]) -> None:
        ran = command("eu-ai-act", "--provision", "art_50/4")
        assert ran.exit_code == 0
        assert ran.stdout.splitlines() == [
            "deployer: Article 3(4) of eu-ai-act (2 times)",
            "AI system: Article 3(1) of eu-ai-act (2 times)",
            "deep fake: Article 3(60) of eu-ai-act",
        ]

    def test_a_provision_that_is_none(self, command: Callable[..., Result]) -> None:
        ran = command("eu-ai-act", "--provision", "art_4a", "--as-of", "2025-01-01")
        assert (ran.exit_code, ran.stderr) == (1, "eu-ai-act has no Article 4a (art_4a) on 2025-01-01.\n")

    def test_an_instrument_that_is_none(self, command: Callable[..., Result]) -> None:
        assert isinstance(command("eu-tulip-act").exception, UsageError)

    def test_a_provision_of_nothing(self, command: Callable[..., Result]) -> None:
        assert isinstance(command("--provision", "art_4").exception, UsageError)
