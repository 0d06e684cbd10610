"""The assistant without a part of itself: what the notes, the concordance and both are worth."""

from collections.abc import Iterator
from dataclasses import replace

from assistant.answering import Assistant
from eval.run import Entrant


def build_ablations(assistant: Assistant) -> Iterator[Entrant]:
    """The assistant without the notes' words, without the concordance, and without either."""
    no_issues = assistant.concordance.model_copy(update={"correspondence": ()})
    notes = assistant.guide.only(lambda signpost: signpost.correspondence is None)
    issues = assistant.guide.only(lambda signpost: signpost.correspondence is not None)
    nothing = assistant.guide.only(lambda signpost: False)
    yield Entrant("without notes", replace(assistant, guide=issues))
    yield Entrant("without concordance", replace(assistant, guide=notes, concordance=no_issues))
    yield Entrant("without both", replace(assistant, guide=nothing, concordance=no_issues))
