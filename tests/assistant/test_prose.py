"""A model's prose beside the quotations: what is said, mended, dropped, and what is left where the model fails."""

import json
from threading import Event
from time import monotonic

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from assistant.answer import Answer, ClaimKind
from assistant.prose import Prose
from assistant.settings import Settings
from assistant.writers.model import ModelWriter
from ingest.corpus import Corpus
from ingest.embedding import Embedder, open_embedder
from tests.assistant.gardens import make_corpus, make_quoted
from tests.assistant.scripted import Play, claims, serve

WATER = ([1], "shall water its public gardens", "Under the Convention each Party shall water its public gardens.")
HEDGE = (
    [3],
    "No person shall plant a hedge",
    "Under the AI Act no person shall plant a hedge of more than three metres.",
)
MAY = ([1], "water its public gardens", "Under the Convention each Party may water its public gardens.")
INVENTED = ([2], "every two years", "Article 77 of the Convention binds each Party to report every two years.")
BEYOND = ([99], "every two years", "Under the Convention each Party shall report every two years.")


@pytest.fixture(scope="module")
def embedder(model_cache: object) -> Embedder:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(model_cache))
        return open_embedder()


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return make_corpus()


@pytest.fixture
def quoted(corpus: Corpus) -> Answer:
    return make_quoted(corpus)


def follow(quoted: Answer, corpus: Corpus, embedder: Embedder, *plays: Play, seconds: float = 20.0) -> list[Answer]:
    with serve(*plays) as script:
        settings = Settings(model="openai:scripted", model_base_url=script.address, model_timeout=seconds)
        return list(Prose(ModelWriter.of(settings), corpus, embedder).follow(quoted, Event()))


def said(answer: Answer) -> list[str]:
    return [claim.text for claim in answer.summary if claim.kind is ClaimKind.MODEL]


def kinds(answer: Answer) -> list[str]:
    return [notice.kind for notice in answer.notices]


def test_sentences_come_one_by_one_after_the_quotations(quoted: Answer, corpus: Corpus, embedder: Embedder) -> None:
    grown = follow(quoted, corpus, embedder, Play(claims(WATER, HEDGE)))
    assert [said(one) for one in grown] == [[WATER[2]], [WATER[2], HEDGE[2]], [WATER[2], HEDGE[2]]]
    for one in grown:
        assert (one.rows, one.citations, one.summary[:1]) == (quoted.rows, quoted.citations, quoted.summary)
        assert (one.writer.name, one.writer.model) == ("model", "openai:scripted")
    assert [claim.citations for claim in grown[-1].summary[1:]] == [(1,), (3,)]
    assert grown[-1].record()["dropped"] == [] and grown[-1].notices == ()
    assert grown[-1].timings.write > quoted.timings.write


def test_what_fails_is_dropped_with_the_reason(quoted: Answer, corpus: Corpus, embedder: Embedder) -> None:
    plays = Play(claims(WATER, MAY, INVENTED, BEYOND)), Play('{"claims": []}')
    answer = follow(quoted, corpus, embedder, *plays)[-1]
    assert said(answer) == [WATER[2]]
    assert [one.text for one in answer.dropped] == [MAY[2], INVENTED[2], BEYOND[2]]
    assert [one.reason.partition(":")[0] for one in answer.dropped] == ["modal", "provision", "passage"]
    assert all(one.mended is None for one in answer.dropped)
    assert json.loads(json.dumps(answer.record()))["dropped"][0]["text"] == MAY[2]


def test_what_fails_is_mended_once(quoted: Answer, corpus: Corpus, embedder: Embedder) -> None:
    answer = follow(quoted, corpus, embedder, Play(claims(HEDGE, MAY)), Play(claims(WATER)))[-1]
    assert said(answer) == [HEDGE[2], WATER[2]]
    assert [(one.text, one.mended) for one in answer.dropped] == [(MAY[2], WATER[2])]


def test_what_is_mended_badly_stays_out(quoted: Answer, corpus: Corpus, embedder: Embedder) -> None:
    answer = follow(quoted, corpus, embedder, Play(claims(HEDGE, MAY)), Play(claims(INVENTED)))[-1]
    assert said(answer) == [HEDGE[2]] and len(answer.dropped) == 1


def test_a_model_of_which_nothing_stands_says_so(quoted: Answer, corpus: Corpus, embedder: Embedder) -> None:
    answer = follow(quoted, corpus, embedder, Play(claims(MAY)), Play('{"claims": []}'))[-1]
    assert answer.summary == quoted.summary and kinds(answer) == ["model_dropped"]
    assert answer.writer.name == "model"


@pytest.mark.parametrize(
    "play",
    [
        Play(status=500),
        Play(status=429),
        Play(status=401),
        Play("{"),
        Play('{"answer": 1}'),
        Play("la " * 2000),
        Play("I am sorry, I cannot help with that."),
        Play(""),
        Play('{"claims": []}'),
        Play('{"claims": [', cut=True),
    ],
    ids=["failing", "busy", "wrong key", "broken", "other", "running on", "refusing", "silent", "empty", "cut off"],
)
def test_a_model_that_fails_leaves_the_quotations(
    play: Play, quoted: Answer, corpus: Corpus, embedder: Embedder
) -> None:
    (answer,) = follow(quoted, corpus, embedder, play)
    assert kinds(answer) == ["model_unavailable"] and answer.writer.name == "quoting"
    assert (answer.rows, answer.summary, answer.citations) == (quoted.rows, quoted.summary, quoted.citations)


def test_a_model_that_hangs_leaves_what_it_had_said(quoted: Answer, corpus: Corpus, embedder: Embedder) -> None:
    began = monotonic()
    grown = follow(quoted, corpus, embedder, Play(claims(WATER)[:-2] + ", ", hang=True), seconds=5)
    assert monotonic() - began < 9
    assert said(grown[-1]) == [WATER[2]] and kinds(grown[-1]) == ["model_unavailable"]
    assert "was not done after 5 seconds" in grown[-1].notices[0].text and grown[-1].writer.name == "model"


def test_a_model_that_repeats_itself_is_stopped(quoted: Answer, corpus: Corpus, embedder: Embedder) -> None:
    grown = follow(quoted, corpus, embedder, Play(claims(*[WATER] * 9)))
    assert said(grown[-1]) == [WATER[2]] and "repeated itself" in grown[-1].notices[0].text


def test_any_chat_model_will_do(quoted: Answer, corpus: Corpus, embedder: Embedder) -> None:
    line = f"[1] {WATER[2]} «{WATER[1]}»\n[2] {INVENTED[2]}"
    fake = GenericFakeChatModel(messages=iter([AIMessage(line), AIMessage("")]))
    writer = ModelWriter.with_model(fake, Settings(model="fake:generic"))
    answer = list(Prose(writer, corpus, embedder).follow(quoted, Event()))[-1]
    assert said(answer) == [WATER[2]] and len(answer.dropped) == 1
    assert answer.writer.model == "fake:generic"


def test_somebody_stops_it(quoted: Answer, corpus: Corpus, embedder: Embedder) -> None:
    with serve(Play(claims(WATER)[:-2] + ", ", hang=True)) as script:
        stop = Event()
        settings = Settings(model="openai:scripted", model_base_url=script.address)
        growing = Prose(ModelWriter.of(settings), corpus, embedder).follow(quoted, stop)
        assert said(next(growing)) == [WATER[2]]
        stop.set()
        (last,) = growing
        assert said(last) == [WATER[2]] and "was stopped" in last.notices[0].text
        assert script.ended.wait(5), "the call goes on"


def test_an_answer_without_quotations_is_left_alone(quoted: Answer, corpus: Corpus, embedder: Embedder) -> None:
    from dataclasses import replace

    bare = replace(quoted, citations=(), rows=(), summary=())
    with serve(Play(claims(WATER))) as script:
        settings = Settings(model="openai:scripted", model_base_url=script.address)
        assert list(Prose(ModelWriter.of(settings), corpus, embedder).follow(bare, Event())) == []
        assert script.asked == []
