"""An optional judge: a language model says of each claim in words of its own whether the cited law carries it.

What it gives is an opinion, kept apart from what is computed: the measure `judged_support` has tables of its own, and a
record that holds it names the model and the hash of the prompt. `visavis eval judges` says how far to trust it.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib import resources
from string import Template
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from assistant.answer import Answer, Citation, Claim, ClaimKind
from assistant.drafting import Passage
from assistant.errors import ModelError
from eval.labelled import LEVELS, Support
from eval.score import Score
from ingest.corpus import Corpus
from ingest.errors import PinpointError

if TYPE_CHECKING:
    from assistant.settings import Settings
    from assistant.writers.briefing import Prompt

JUDGE_VARIABLE = "VISAVIS_JUDGE"
ADDRESS_VARIABLE = "VISAVIS_JUDGE_BASE_URL"
PROMPT = "judge.md"
OWN_WORDS = frozenset({ClaimKind.MODEL, ClaimKind.NOTE})
"""The claims to judge: a quotation is checked letter by letter, silence and status cite no provision."""

LONGEST = 6000
"""How many characters of a provision the judge reads, around the quotation."""

SCHEMA: dict[str, Any] = {
    "title": "Verdict",
    "description": "Whether the passages carry the sentence.",
    "type": "object",
    "properties": {"why": {"type": "string"}, "level": {"type": "string", "enum": [str(level) for level in Support]}},
    "required": ["why", "level"],
    "additionalProperties": False,
}

_OBJECT = re.compile(r"\{[^{}]*\}", re.DOTALL)


class Model(Protocol):
    """Whatever gives the text that a prompt brings, as `assistant.writers.model` does."""

    @property
    def name(self) -> str:
        """The model, as provider:name."""

    def answer(self, prompt: "Prompt", schema: dict[str, Any], deadline: float) -> str:
        """The whole text for a prompt, by a schema where the model takes one; raises ModelError.

        `deadline` is on the clock of `time.monotonic`.
        """


@dataclass(frozen=True)
class ModelJudge:
    """A model with the prompt that makes it a judge; `seconds` is what one verdict may take."""

    model: Model
    seconds: float

    @property
    def name(self) -> str:
        """The model, as provider:name."""
        return self.model.name

    @cached_property
    def prompt(self) -> str:
        """What the model is told."""
        return resources.files("eval").joinpath("prompts", PROMPT).read_text(encoding="utf-8")

    @property
    def prompt_hash(self) -> str:
        """A hash of the prompt, for the record."""
        return sha256(self.prompt.encode()).hexdigest()[:16]

    def judge(self, text: str, passages: Sequence[Passage], corpus: Corpus) -> Score:
        """How far passages carry a text: 1, 0.5 or 0; unscored, with the reason, without a verdict or a passage."""
        if not passages:
            return Score(None, text, "no passage is cited")
        try:
            said = self.model.answer(self._ask(text, passages, corpus), SCHEMA, monotonic() + self.seconds)
            level, why = read_verdict(said)
        except ModelError as error:
            return Score(None, text, str(error), failed=True)
        return Score(LEVELS[level], text, f"{level}: {why}")

    def score(self, answer: Answer, corpus: Corpus) -> Score:
        """The mean level of an answer's claims in words of its own; unscored where none could be judged."""
        claims = [claim for claim in answer.claims() if claim.kind in OWN_WORDS and claim.citations]
        if not claims:
            return Score(None, explanation="no claim in words of its own")
        verdicts = [self.judge(claim.text, tuple(find_cited(claim, answer, corpus)), corpus) for claim in claims]
        values = [one.value for one in verdicts if one.value is not None]
        less = "; ".join(f"{one.answer} ({one.explanation})" for one in verdicts if one.value != 1)
        counted = f"{len(values)} of {len(claims)} claims judged"
        failed = any(one.failed for one in verdicts)
        return Score(sum(values) / len(values) if values else None, counted, less, failed=failed)

    def _ask(self, text: str, passages: Sequence[Passage], corpus: Corpus) -> "Prompt":
        from assistant.writers.briefing import Prompt

        law = "\n\n".join(print_passage(one, corpus) for one in passages)
        fence = f"=== {sha256((text + law).encode()).hexdigest()[:12]}"
        material = f"{fence} sentence\n{text}\n{fence} passages\n{law}\n{fence} end"
        return Prompt(Template(self.prompt).substitute(fence=fence), material)


def open_judge(name: str | None = None) -> ModelJudge | None:
    """The judge of that name, else the one that VISAVIS_JUDGE names; None for neither, and for the name "".

    The writer's address and key are the judge's too where both have one provider and one address; another provider, or
    another address, is shown neither. Raises SettingsError or ModelError.
    """
    chosen = os.environ.get(JUDGE_VARIABLE) if name is None else name
    if not chosen:
        return None
    from assistant.writers.model import ModelWriter

    settings = judge_settings(chosen)
    return ModelJudge(ModelWriter.of(settings), settings.model_timeout)


def judge_settings(name: str) -> "Settings":
    """The settings of a judge; raises SettingsError."""
    from assistant.settings import load_settings

    own, address = load_settings(), os.environ.get(ADDRESS_VARIABLE)
    settings = load_settings(model=name, model_base_url=address)
    shared = settings.provider == own.provider and settings.model_base_url == own.model_base_url
    if shared:
        return settings
    return settings.model_copy(update={"model_base_url": address, "model_key": None, "model_key_file": None})


def read_verdict(said: str) -> tuple[Support, str]:
    """The level and the reason that a model gave; raises ModelError for anything but one verdict."""
    verdicts = [verdict for found in _OBJECT.finditer(said) if (verdict := _read_object(found[0])) is not None]
    if len(verdicts) != 1:
        raise ModelError(f"the judge gave {len(verdicts) or 'no'} verdicts where one was asked for: {said[:80]!r}")
    return verdicts[0]


def _read_object(text: str) -> tuple[Support, str] | None:
    try:
        found = json.loads(text)
        return Support(found["level"]), str(found.get("why", ""))
    except (ValueError, KeyError):
        return None


def print_passage(passage: Passage, corpus: Corpus) -> str:
    """A passage with its label, its headings, and the opening words of what it hangs from."""
    wording = corpus.expression(passage.provision.expression)
    lines = [f"[{passage.n}] {passage.label}", wording.heading_path(passage.provision)]
    for above in wording.ancestors(passage.provision):
        if not above.is_container:
            below = wording.children(above.pinpoint)
            lines.append(above.text[: below[0].offset - above.offset].strip())
    return "\n".join(line for line in (*lines, passage.text) if line)


def find_cited(claim: Claim, answer: Answer, corpus: Corpus) -> Iterator[Passage]:
    """The provisions that a claim cites, long ones cut to LONGEST characters around the quotation."""
    for number in claim.citations:
        citation = answer.citation(number)
        passage = _read(citation, answer, corpus)
        if passage is not None:
            yield passage


def _read(citation: Citation, answer: Answer, corpus: Corpus) -> Passage | None:
    wording = corpus.wording_on(citation.instrument, answer.as_of)
    expression = citation.expression or (wording.id if wording else None)
    if expression is None or citation.pinpoint is None:
        return None
    try:
        provision = corpus.provision(expression, citation.pinpoint)
    except PinpointError:
        return None
    start = max(0, min(citation.start or 0, len(provision.text) - LONGEST))
    return Passage.of(corpus, citation.n, provision, start, min(len(provision.text), start + LONGEST))
