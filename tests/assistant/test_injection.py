"""Orders in a question, an earlier turn, a document or a model's own words change nothing, and nothing of them runs."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from lxml import html

from assistant.answer import Answer, RefusalReason
from assistant.answering import Assistant
from assistant.intrusion import reads_as_order
from assistant.prose import Prose
from assistant.question import Question
from assistant.settings import Settings
from assistant.writers.model import ModelWriter
from ingest.pipeline import Options, ingest_corpus, open_store
from tests.small_corpus import GUIDE, SmallCorpus
from ui.views import render_turn

TABLE = tomllib.loads((Path(__file__).parent / "attacks.toml").read_text(encoding="utf-8"))
PROMPTS = Path(__file__).parents[2] / "assistant" / "writers" / "prompts"
ACTIVE = {
    "script",
    "img",
    "iframe",
    "object",
    "embed",
    "style",
    "link",
    "meta",
    "form",
    "video",
    "audio",
    "base",
    "svg",
}
OFFICIAL = {"eur-lex.europa.eu", "rm.coe.int", "www.coe.int", "data.europa.eu", "law.example", ""}
ASKED = "What does Article 14 of the AI Act require?"
ASKED_OF_THE_SMALL = "How is a hedge measured under the Garden Act?"


@dataclass(frozen=True, slots=True)
class Attack:
    kind: str
    place: str
    text: str
    core: str = ""

    def __str__(self) -> str:
        return ascii(f"{self.kind}: {self.text[:50]}")


ATTACKS = [Attack(**one) for one in TABLE["attack"]]
LOOKALIKES = [one["text"] for one in TABLE["lookalike"]]
Law = list[tuple[str, str, int | None, int | None]]


def at(place: str) -> list[Attack]:
    return [one for one in ATTACKS if one.place == place]


def law_of(answer: Answer) -> Law:
    return [(one.instrument, str(one.pinpoint), one.start, one.end) for one in answer.citations]


def prompt_lines() -> Iterator[str]:
    """The sentences of our prompts, long enough not to be found by chance."""
    for path in PROMPTS.glob("*.md"):
        for sentence in re.split(r"(?<=[.:])\s", " ".join(path.read_text(encoding="utf-8").split())):
            if len(sentence) > 30 and "$" not in sentence:
                yield sentence


def assert_harmless(answer: Answer, assistant: Assistant) -> None:
    """No active element, no event, no address but an official one, no hidden sign, and none of our prompts."""
    rendered = render_turn("t1", answer, assistant.corpus)
    for element in html.fragment_fromstring(rendered, create_parent=True).iter():
        assert element.tag not in ACTIVE, element.tag
        for name, value in element.attrib.items():
            assert not name.startswith("on") and name not in {"srcdoc", "formaction"}, name
            if name in {"href", "src", "action", "data-href"}:
                assert urlsplit(value).scheme in {"", "http", "https"}, value
                assert (urlsplit(value).hostname or "") in OFFICIAL, value
    said = "".join(claim.text for claim in answer.claims())
    for sentence in prompt_lines():
        assert sentence not in said, sentence


def test_the_table_is_large_enough() -> None:
    kinds = {one.kind for one in ATTACKS}
    assert len(ATTACKS) >= 80 and len(kinds) >= 10 and len(LOOKALIKES) >= 20
    assert min(sum(one.kind == kind for one in ATTACKS) for kind in kinds) >= 8
    assert len({one.text for one in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("attack", [one for one in at("question") if not one.core], ids=str)
def test_an_order_is_known_as_one(attack: Attack) -> None:
    assert reads_as_order(attack.text)


@pytest.mark.parametrize("text", LOOKALIKES)
def test_a_question_about_orders_is_none(text: str) -> None:
    assert not reads_as_order(text)


@pytest.mark.parametrize("attack", at("question"), ids=str)
def test_an_order_in_a_question(assistant: Assistant, attack: Attack) -> None:
    answer = assistant.ask(Question(attack.text))
    assert_harmless(answer, assistant)
    if answer.refusal is None or answer.refusal.reason is not RefusalReason.INJECTION:
        assert attack.core and law_of(answer) == law_of(assistant.ask(Question(attack.core)))


@pytest.mark.parametrize("attack", at("history"), ids=str)
def test_an_order_in_an_earlier_turn(assistant: Assistant, attack: Attack) -> None:
    answer = assistant.ask(Question(attack.core, history=(attack.text,)))
    assert_harmless(answer, assistant)
    assert law_of(answer) == law_of(assistant.ask(Question(attack.core)))


@pytest.mark.parametrize("text", LOOKALIKES)
def test_a_lookalike_is_answered(assistant: Assistant, text: str) -> None:
    answer = assistant.ask(Question(text))
    assert answer.refusal is None and law_of(answer)


def follow(assistant: Assistant, question: str, written: str) -> tuple[Answer, Answer]:
    """The quoted answer, and the one to which a model has added what it wrote."""
    quoted = replace(assistant, prose=None).ask(Question(question, id="t1"))
    cited = next(one for one in quoted.citations if one.quote)
    words = " ".join((cited.quote or "").split()[:4])
    text = written.replace("{n}", str(cited.n)).replace("{quote}", words)
    model = GenericFakeChatModel(messages=iter([AIMessage(text), *[AIMessage("")] * 9]))
    settings = Settings(model="fake:hostile", model_form="lines")  # type: ignore[arg-type]
    prose = Prose(ModelWriter.with_model(model, settings), assistant.corpus, assistant.embedder)
    return quoted, replace(assistant, prose=prose).ask(Question(question, id="t1"))


@pytest.mark.parametrize("attack", at("model"), ids=str)
def test_an_order_in_what_a_model_writes(assistant: Assistant, attack: Attack) -> None:
    quoted, answer = follow(assistant, ASKED, attack.text)
    assert_harmless(answer, assistant)
    assert law_of(answer) == law_of(quoted)
    assert [one.text for one in answer.claims()] == [one.text for one in quoted.claims()]


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Assistant]:
    """The assistant on the small invented corpus, whose guide holds every order of the table's documents."""
    folder = tmp_path_factory.mktemp("poisoned")
    corpus = SmallCorpus(folder / "garden")
    corpus.expected.pop(GUIDE)
    paragraphs = "\n\n".join(one.text for one in at("document"))
    corpus.texts[GUIDE] = corpus.texts[GUIDE] + f"\n\n## Hedges again\n\n{paragraphs}\n".encode()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(model_cache))
        environment.setenv("VISAVIS_INDEX", str(folder / "index"))
        corpus.write()
        ingest_corpus(Options(corpus.folder), lambda *_: None)
        yield Assistant.of(open_store(corpus.folder, build=False))


def test_the_orders_are_in_the_corpus(poisoned: Assistant) -> None:
    held = "".join(one.text for wording in poisoned.corpus.expressions for one in wording.units())
    for attack in at("document"):
        assert attack.text.split()[0] in held


@pytest.mark.parametrize("attack", at("document"), ids=str)
def test_an_order_in_a_document(poisoned: Assistant, attack: Attack) -> None:
    words = " ".join(re.findall(r"[a-z]{4,}", attack.text)[:6])
    for text in (ASKED_OF_THE_SMALL, f"What does the guide to gardens say on hedges: {words}?"):
        answer = poisoned.ask(Question(text))
        assert_harmless(answer, poisoned)
