"""An ablation takes away what it says, and nothing else."""

import pytest

from assistant.answering import Assistant
from assistant.question import Question
from eval.ablation import build_ablations
from ingest.index import Store

QUESTION = "boss reads my mood on camera, allowed in the EU? and under the treaty?"


@pytest.fixture(scope="module")
def assistant(official_store: Store, model_cache: object) -> Assistant:
    return Assistant.of(official_store)


def test_each_ablation_lacks_its_part(assistant: Assistant) -> None:
    whole = assistant.guide
    by_name = {entrant.name: entrant.respondent for entrant in build_ablations(assistant)}
    without_notes, without_concordance, without_both = by_name.values()
    assert isinstance(without_notes, Assistant) and isinstance(without_concordance, Assistant)
    assert isinstance(without_both, Assistant)
    issues = sum(signpost.correspondence is not None for signpost in whole.signposts)
    assert len(without_notes.guide.signposts) == issues
    assert len(without_concordance.guide.signposts) == len(whole.signposts) - issues
    assert without_both.guide.signposts == () and without_both.concordance.correspondence == ()
    assert without_notes.concordance == assistant.concordance


def test_everyday_words_lead_to_the_point_through_the_notes(assistant: Assistant) -> None:
    bare = next(one.respondent for one in build_ablations(assistant) if one.name == "without both")
    assert isinstance(bare, Assistant)
    places = [str(one.pinpoint) for one in assistant.search(Question(QUESTION)).evidence[:4]]
    assert "art_5/1/f" in places
    assert "art_5/1/f" not in [str(one.pinpoint) for one in bare.search(Question(QUESTION)).evidence[:4]]
