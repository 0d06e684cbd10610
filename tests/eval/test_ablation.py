"""An ablation takes away what it says, and nothing else; what a part is worth is counted case by case."""

import pytest
from click.testing import CliRunner

from assistant.answering import Assistant
from assistant.question import Question
from eval.ablation import PARTS, build_ablations, choose_parts
from eval.cli import eval_
from eval.compare import Change, Difference
from eval.metrics import Interval
from eval.score import Measure
from eval.worth import Worth, _worth, weigh_fusion
from ingest.errors import UsageError
from ingest.guide import SignpostKind
from ingest.index import Store

QUESTION = "boss reads my mood on camera, allowed in the EU? and under the treaty?"
REFUSING = {"definitions", "presuppositions", "bounds"}
ASKED = {
    "conversation": Question("and the Act?", ("Does the Convention speak of remedies?",)),
    "counterparts": Question("How are children protected?"),
    "dates": Question("From when does the AI Act's ban on social scoring apply?"),
    "figures": Question("How high is the fine for using a prohibited AI system under the AI Act?"),
    "glossary": Question("Welche Strafen gibt es bei Verstößen gegen die KI-Verordnung?"),
    "guidance": Question("What counts as emotion recognition at work under the AI Act?"),
    "issues apart": Question("Compare remedies, transparency and oversight in the two instruments."),
    "places": Question("What does Article 86 of the AI Act say about explanations and who may ask for one?"),
}


@pytest.fixture(scope="module")
def assistant(official_store: Store, model_cache: object) -> Assistant:
    return Assistant.of(official_store)


def without(name: str, assistant: Assistant) -> Assistant:
    (entrant,) = build_ablations(assistant, choose_parts([name]))
    assert isinstance(entrant.respondent, Assistant)
    return entrant.respondent


@pytest.mark.parametrize("part", [part.name for part in PARTS if part.name not in REFUSING])
def test_taking_a_part_away_changes_what_is_found(part: str, assistant: Assistant) -> None:
    question = ASKED.get(part, Question(QUESTION))
    bare = without(part, assistant)
    assert bare.search(question).evidence != assistant.search(question).evidence


def test_the_part_that_checks_what_is_taken_for_granted_is_what_refuses(assistant: Assistant) -> None:
    question = Question("Which article of the Convention sets the fines for companies?")
    assert assistant.ask(question).refusal is not None
    assert without("presuppositions", assistant).ask(question).refusal is None


def test_the_part_that_tells_by_meaning_is_what_refuses_other_words(assistant: Assistant) -> None:
    question = Question("Into which risk tiers does the Convention sort AI systems?")
    assert assistant.ask(question).refusal is not None
    assert without("bounds", assistant).ask(question).refusal is None


def test_without_definitions_a_term_is_only_searched(assistant: Assistant) -> None:
    bare = without("definitions", assistant)
    terms = ("operator", "performance of an AI system", "input data", "non-personal data")
    asked = [Question(f"What is the meaning of {term} under the AI Act?") for term in terms]
    assert any(bare.search(one).evidence != assistant.search(one).evidence for one in asked)


def test_the_guide_lacks_the_signposts_of_its_part_alone(assistant: Assistant) -> None:
    kinds = {one.kind for one in assistant.guide.signposts}
    assert kinds == set(SignpostKind)
    assert {one.kind for one in without("notes", assistant).guide.signposts} == kinds - {SignpostKind.NOTE}
    assert {one.kind for one in without("asked", assistant).guide.signposts} == kinds - {SignpostKind.ASKED}
    assert {one.kind for one in without("concordance", assistant).guide.signposts} == {SignpostKind.NOTE}
    assert without("guide", assistant).guide.signposts == ()
    assert without("counterparts", assistant).guide is assistant.guide
    assert without("counterparts", assistant).concordance.correspondence == ()
    assert without("notes", assistant).concordance is assistant.concordance


def test_an_assistant_without_parts_leaves_the_whole_one_as_it_was(assistant: Assistant) -> None:
    before = assistant.search(Question(QUESTION)).evidence
    for entrant in build_ablations(assistant, PARTS):
        entrant.respondent.ask(Question(QUESTION))
    assert assistant.search(Question(QUESTION)).evidence == before


def test_words_alone_find_what_shares_a_word_and_meaning_alone_what_does_not(assistant: Assistant) -> None:
    question = Question("Which provision of the AI Act speaks of subliminal techniques?")
    by_words = without("meaning", assistant).search(question).evidence
    assert "art_5/1/a" in [str(one.pinpoint) for one in by_words[:3]]
    assert without("meaning", assistant).ask(question).refusal is None


def test_everyday_words_lead_to_the_point_through_the_guide(assistant: Assistant) -> None:
    places = [str(one.pinpoint) for one in assistant.search(Question(QUESTION)).evidence[:4]]
    assert "art_5/1/f" in places
    bare = without("guide", assistant).search(Question(QUESTION))
    assert "art_5/1/f" not in [str(one.pinpoint) for one in bare.evidence[:4]]


def test_the_worth_of_a_part_is_that_of_every_case_also_of_the_unchanged() -> None:
    gained, lost = (Change("a", 0.0, 1.0), Change("b", 0.5, 1.0)), (Change("c", 1.0, 0.5),)
    difference = Difference(Measure.MRR, 10, 0.4, 0.5, Interval(0.0, 0.2), gained, lost)
    worth = _worth(difference)
    assert (worth.n, worth.gain) == (10, pytest.approx(0.1))
    assert worth.error == pytest.approx(0.124722, abs=1e-6)
    assert not worth.is_beyond_chance


def test_where_less_is_better_a_part_that_lowers_a_measure_is_worth_something() -> None:
    lowered = (Change("a", 1.0, 0.0), Change("b", 1.0, 0.0))
    assert _worth(Difference(Measure.FALSE_REFUSAL, 2, 1.0, 0.0, None, lowered, ())).gain == 1.0


def test_fusion_is_worth_what_both_engines_add_to_the_better_one() -> None:
    words, meaning = {Measure.MRR: Worth(9, 0.08, 0.01)}, {Measure.MRR: Worth(9, 0.05, 0.02)}
    assert weigh_fusion([words, meaning]) == {Measure.MRR: Worth(9, 0.05, 0.02)}


def test_a_part_that_nobody_has_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"'wheels'.*words, meaning"):
        choose_parts(["words", "wheels"])


def test_the_help_shows_how_to_choose_parts() -> None:
    assert "visavis eval ablate --part words" in CliRunner().invoke(eval_, ["ablate", "--help"]).output
