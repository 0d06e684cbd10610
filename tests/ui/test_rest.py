"""The REST API: the same records as in the chat and on the command line, and a calm refusal of everything else."""

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from httpx2 import Response
from lxml import html
from starlette.types import Message

from assistant.answer import Answer
from assistant.desk import Desk
from assistant.errors import ModelError
from assistant.question import Question
from ingest.corpus import Corpus
from ingest.errors import StoreStale
from tests.small_corpus import SmallCorpus, run_visavis
from tests.ui.garden_server import garden_answer
from tests.ui.gardens import garden_corpus
from tests.ui.servers import threaded
from tests.ui.still import StillAssistant, StillDesk, WritingAssistant
from ui.access import Access, Limits, Scope, TokenFile
from ui.api import create_app
from ui.headers import SECURITY_HEADERS
from ui.rest import PUBLIC, create_rest
from ui.session import Session
from ui.turn import Underway, take_turn

EVENTS = {"Accept": "text/event-stream"}
QUESTION = "What is a very secret rose?"


@contextmanager
def calling(desk: object, access: Access | None = None) -> Iterator[TestClient]:
    with TestClient(create_rest(cast(Desk, desk), access or Access()), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def gardens() -> Corpus:
    return garden_corpus()


@pytest.fixture
def desk(gardens: Corpus) -> StillDesk:
    return StillDesk(StillAssistant(gardens, garden_answer(gardens)))


@pytest.fixture
def client(desk: StillDesk) -> Iterator[TestClient]:
    with calling(desk) as client:
        yield client


def events(text: str) -> list[tuple[str, Any]]:
    """Each event of a stream: its name and its JSON."""
    found = []
    for block in text.replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], json.loads(fields["data"])))
    return found


def lasting(record: dict[str, Any]) -> dict[str, Any]:
    """What of a record must be the same each time."""
    return {
        **record,
        "id": None,
        "timings_ms": None,
        "corpus": {"id": record["corpus"]["id"]},
    }


# Questions


def test_a_question_gives_the_record(client: TestClient, desk: StillDesk) -> None:
    asked = {"question": QUESTION, "history": ["Hello"], "as_of": "2025-01-01", "id": "mine"}
    response = client.post("/ask", json=asked)
    assert response.status_code == 200
    assert response.json()["schema"] == "visavis.answer/1"
    assert (response.json()["question"], response.json()["as_of"]) == (QUESTION, "2025-01-01")
    (question,) = desk.current.asked
    assert (question.history, question.id) == (("Hello",), "mine")


def test_the_day_is_today_unless_named(client: TestClient) -> None:
    assert client.post("/ask", json={"question": QUESTION}).json()["as_of"] == "2026-11-23"


def test_events_are_whole_records_and_the_last_says_that_it_is_done(gardens: Corpus) -> None:
    desk = StillDesk(WritingAssistant(gardens, garden_answer(gardens), sentences=2))
    with calling(desk) as client:
        response = client.post("/ask", json={"question": QUESTION}, headers=EVENTS)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-accel-buffering"] == "no"
    *answers, done = events(response.text)
    expected = [one.record() for one in desk.current.stream(Question(QUESTION))]
    assert answers == [("answer", json.loads(json.dumps(one))) for one in expected]
    assert done == ("done", {"events": 3})


def test_who_asks_for_json_gets_what_comes_last_of_the_events(client: TestClient) -> None:
    whole = client.post("/ask", json={"question": QUESTION}, headers={"Accept": "application/json"}).json()
    *_, (_, last), _ = events(client.post("/ask", json={"question": QUESTION}, headers=EVENTS).text)
    assert lasting(last) == lasting(whole)


def test_an_answer_that_breaks_off_says_so_in_its_last_event(gardens: Corpus) -> None:
    class Breaking(StillAssistant):
        def stream(self, question: Question, stop: object = None) -> Iterator[Answer]:
            yield from super().stream(question)
            raise ModelError("the model does not answer.")

    with calling(StillDesk(Breaking(gardens, garden_answer(gardens)))) as client:
        response = client.post("/ask", json={"question": QUESTION}, headers=EVENTS)
    assert [name for name, _ in events(response.text)] == ["answer", "problem"]


def test_the_chat_the_api_and_the_command_line_give_one_record(small_corpus: SmallCorpus, embedding: None) -> None:
    text = "How do the Convention and the AI Act define an AI system?"
    desk = Desk(small_corpus.folder)
    for day in ("2026-11-23", "1900-01-01"):
        told = run_visavis("ask", text, "--as-of", day, "--json", "--corpus", small_corpus.folder)
        assert told.code == 0, told.err
        asked = {"question": text, "as_of": day}
        with calling(desk) as client:
            whole = client.post("/ask", json=asked).json()
            *_, (_, streamed), _ = events(client.post("/ask", json=asked, headers=EVENTS).text)
        turn = {"id": "0123456789ab", "question": text, "choices": {"day": day}}
        *_, shown = take_turn(desk, turn, Session(), Underway())
        seen = shown.session.answer("0123456789ab")
        assert seen is not None and (seen.citations or seen.refusal)
        chat = json.loads(json.dumps(seen.record()))
        assert lasting(whole) == lasting(streamed) == lasting(chat) == lasting(json.loads(told.out))
    desk.close()


def test_a_reader_who_leaves_ends_the_model(gardens: Corpus) -> None:
    writing = WritingAssistant(gardens, garden_answer(gardens), sentences=500, pace=0.05)
    api = create_rest(cast(Desk, StillDesk(writing)), Access(limits=Limits(at_once=1)))
    with threaded(api, lifespan="off") as address:
        connection = HTTPConnection(address, timeout=20)
        body = json.dumps({"question": QUESTION}).encode()
        connection.request("POST", "/ask", body, EVENTS | {"Content-Type": "application/json"})
        assert connection.getresponse().read(5) == b"event"
        connection.close()
        deadline = time.monotonic() + 10
        while not writing.ended and time.monotonic() < deadline:
            time.sleep(0.05)
    assert writing.ended == 1


# The law


def test_a_provision_is_the_text_that_offsets_count_in(client: TestClient, gardens: Corpus) -> None:
    record = client.get("/provisions/eu-ai-act/art_5/1/a", params={"as_of": "2025-01-01"}).json()
    assert (record["expression"], record["label"]) == ("eu-ai-act@2024-07-12:en", "Article 5(1)(a) of the AI Act")
    assert record["text"] == "(a) cutting a rose;"
    today = client.get("/provisions/eu-ai-act/art_4").json()
    assert today["expression"] == "eu-ai-act@2026-07-27:en"


def test_two_wordings_and_two_provisions_are_held_against_each_other(client: TestClient) -> None:
    changes = client.get("/diff", params={"instrument": "eu-ai-act", "pinpoint": "art_4"}).json()
    old = "".join(one["text"] for one in changes if one["change"] != "inserted")
    new = "".join(one["text"] for one in changes if one["change"] != "deleted")
    assert (old, new) == ("Gardeners water every rose daily.", "1. Gardeners water every rose twice a day.")
    beside = client.get("/compare", params={"left": "coe-ai-convention:art_1", "right": "eu-ai-act:art_4a"}).json()
    assert [beside[side]["pinpoint"] for side in ("left", "right")] == ["art_1", "art_4a"]


def test_the_law_is_as_on_the_command_line(small_corpus: SmallCorpus, embedding: None) -> None:
    def told(*arguments: str) -> list[dict[str, Any]]:
        ran = run_visavis("law", *arguments, "--json", "--corpus", small_corpus.folder)
        assert ran.code == 0, ran.err
        record: list[dict[str, Any]] = json.loads(ran.out)
        return record

    listed = told("list")
    instruments = [one["instrument"] for one in listed if one["authority"] == "law"]
    treaty, act = instruments[:2]
    places = (f"{treaty}:art_3", f"{act}:art_3")
    desk = Desk(small_corpus.folder)
    with calling(desk) as client:
        assert client.get("/instruments").json() == listed
        assert client.get(f"/provisions/{treaty}/art_3").json() == told("show", treaty, "art_3")
        assert client.get("/diff", params={"instrument": act, "pinpoint": "art_3"}).json() == told("diff", act, "art_3")
        compared = client.get("/compare", params={"left": places[0], "right": places[1]}).json()
        assert compared == told("compare", *places)
    desk.close()


def test_the_concordance_is_as_on_the_command_line(client: TestClient) -> None:
    told = run_visavis("concordance", "--article", "eu-ai-act:art_14", "--json")
    found = client.get("/concordance", params={"article": "eu-ai-act:art_14"}).json()
    assert found == json.loads(told.out)
    alone = client.get("/concordance", params={"relation": "only"}).json()
    assert alone and {one["relation"] for one in alone} == {"only"}
    assert len(client.get("/concordance").json()) > len(alone)


# What is refused


def expect_problem(response: Response, status: int, said: str = "") -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert set(problem) - {"request"} == {"type", "title", "status", "detail"}
    assert problem["status"] == status
    assert said in problem["detail"]
    assert "\n" not in problem["detail"]
    return problem


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ({"question": " "}, "the question is empty; ask in a sentence."),
        ({}, "question: Field required."),
        ({"question": "Why?", "as_of": "2026-02-31"}, "as_of: is no date; write it as YYYY-MM-DD"),
        ({"question": "Why?", "as_of": 0}, "as_of: Input should be a valid date."),
        ({"question": "Why?", "when": "now"}, "when: Extra inputs are not permitted."),
        ({"question": "Why?", "history": "once"}, "history: "),
        ({"question": "Why?", "history": ["a"] * 501}, "history: "),
        ({"question": "Why?", "id": "x" * 201}, "id: "),
        ({"question": 7}, "question: Input should be a valid string."),
        ([], "the body: "),
    ],
)
@pytest.mark.parametrize("headers", [{}, EVENTS])
def test_what_cannot_be_answered_is_a_problem_in_one_line(
    client: TestClient, asked: object, detail: str, headers: dict[str, str]
) -> None:
    problem = expect_problem(client.post("/ask", json=asked, headers=headers), 422, detail)
    assert problem["detail"].startswith(detail)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"", 422),
        (b"\xff\xfe\x00", 400),
        (b"[" * 50_000, 400),
        (b'{"question": "\\ud800 rose"}', 422),
        (b'{"question": "' + b"x" * (10 * 1024 * 1024) + b'"}', 413),
    ],
)
def test_a_body_that_is_none_is_a_problem(client: TestClient, desk: StillDesk, body: bytes, status: int) -> None:
    expect_problem(client.post("/ask", content=body, headers={"Content-Type": "application/json"}), status)
    assert desk.current.asked == []


def test_a_body_without_a_length_is_read_no_further_than_allowed(client: TestClient) -> None:
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b" " * 64 * 1024

    expect_problem(client.post("/ask", content=pieces(), headers={"Content-Type": "application/json"}), 413)


def test_a_body_that_comes_too_slowly_is_waited_for_no_longer(desk: StillDesk) -> None:
    api = create_rest(desk, Access(limits=Limits(body_seconds=0.05)))
    sent: list[Message] = []

    async def never() -> Message:
        await asyncio.sleep(60)
        raise AssertionError

    async def keep(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/ask",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    asyncio.run(api(scope, never, keep))
    assert sent[0]["status"] == 408


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/nowhere", 404, "there is nothing at this address"),
        ("/provisions/eu-ai-act/art_99", 404, "eu-ai-act has no Article 99 (art_99) on 2026-11-23."),
        ("/provisions/eu-ai-act/art_5?as_of=1900-01-01", 404, "eu-ai-act has no Article 5 (art_5) on 1900-01-01."),
        ("/provisions/eu-ai-act/..%2f..%2fetc%2fpasswd", 422, "cannot be read"),
        ("/provisions/eu-ai-act/zzz", 422, "it begins with one of"),
        ("/provisions/no-act/art_1", 404, "is not in the corpus; it has coe-ai-convention"),
        ("/provisions/eu-ai-act/art_5?as-of=2025-01-01", 422, "as-of: Extra inputs are not permitted."),
        ("/provisions/eu-ai-act/art_5?as_of=yesterday", 422, "as_of: is no date"),
        ("/instruments?access_token=abc", 422, "access_token: Extra inputs are not permitted."),
        ("/diff?instrument=eu-ai-act", 422, "pinpoint: Field required."),
        ("/diff?instrument=un-guide&pinpoint=para_1", 404, "un-guide has no para 1"),
        ("/compare?left=eu-ai-act&right=eu-ai-act:art_4", 422, "'eu-ai-act' is not instrument:pinpoint"),
        ("/compare?left=eu-ai-act:art_4&right=eu-ai-act:art_99", 404, "eu-ai-act has no Article 99"),
        ("/concordance?article=x", 422, "article 'x' names no instrument"),
        ("/concordance?relation=none", 422, "relation: Input should be"),
        ("/docs?x=1", 422, "x: Extra inputs are not permitted."),
    ],
)
def test_what_is_not_there_is_a_problem(client: TestClient, path: str, status: int, said: str) -> None:
    expect_problem(client.get(path), status, said)


@pytest.mark.parametrize(("method", "path"), [("GET", "/ask"), ("DELETE", "/export"), ("POST", "/instruments")])
def test_a_method_that_is_not_taken_is_a_problem_that_names_those_that_are(
    client: TestClient, method: str, path: str
) -> None:
    response = client.request(method, path)
    expect_problem(response, 405)
    assert response.headers["allow"] in {"POST", "GET"}


def test_a_day_before_all_law_is_answered_like_any_other(client: TestClient) -> None:
    assert client.post("/ask", json={"question": QUESTION, "as_of": "1900-01-01"}).json()["as_of"] == "1900-01-01"
    listed = client.get("/instruments", params={"as_of": "1900-01-01"}).json()
    assert {one["expression"] for one in listed} == {None}


def test_an_index_that_cannot_be_read_is_a_503_that_names_no_path(caplog: pytest.LogCaptureFixture) -> None:
    class Building:
        def assistant(self) -> None:
            raise StoreStale("the index in /var/lib/secret is of another version; run `visavis ingest`.")

    with calling(Building()) as client:
        response = client.post("/ask", json={"question": QUESTION})
        assert "/var" not in expect_problem(response, 503)["detail"]
        assert response.headers["retry-after"] == "5"
        expect_problem(client.post("/ask", json={"question": QUESTION}, headers=EVENTS), 503)
    assert "/var/lib/secret" in caplog.text


def test_a_bug_is_a_500_without_what_went_wrong() -> None:
    class Broken:
        def assistant(self) -> None:
            raise KeyError("inner")

    with calling(Broken()) as client:
        assert "inner" not in expect_problem(client.get("/instruments"), 500)["detail"]


def test_where_all_places_are_taken_the_next_is_asked_to_come_again(desk: StillDesk) -> None:
    with calling(desk, Access(limits=Limits(at_once=0, patience=0.05))) as client:
        response = client.post("/ask", json={"question": QUESTION})
        expect_problem(response, 429, "too many questions")
        assert response.headers["retry-after"] == "1"
        assert client.get("/instruments").status_code == 200


def test_a_place_is_given_back_after_each_answer_and_each_failure(desk: StillDesk) -> None:
    with calling(desk, Access(limits=Limits(at_once=1, patience=0.5))) as client:
        for text in ("", QUESTION, QUESTION):
            for headers in ({}, EVENTS):
                client.post("/ask", json={"question": text}, headers=headers)
        assert client.post("/ask", json={"question": QUESTION}).status_code == 200


# Tokens


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json")


def authorized(tokens: TokenFile, *scopes: Scope) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.create('a client', scopes, None)[1]}"}


def routes(api: FastAPI) -> list[tuple[str, str]]:
    return [(method, one.path) for one in api.routes for method in sorted(getattr(one, "methods", None) or ())]


CALLS = {
    ("POST", "/ask"): Scope.ASK,
    ("POST", "/feedback"): Scope.ASK,
    ("GET", "/instruments"): Scope.READ,
    ("GET", "/provisions/{instrument}/{pinpoint:path}"): Scope.READ,
    ("GET", "/diff"): Scope.READ,
    ("GET", "/compare"): Scope.READ,
    ("GET", "/concordance"): Scope.READ,
    ("POST", "/export"): Scope.EXPORT,
}


def test_every_route_has_a_rule_and_refuses_every_other_scope(desk: StillDesk, tokens: TokenFile) -> None:
    holders = {scope: authorized(tokens, scope) for scope in Scope}
    api = create_rest(desk, Access(tokens))
    with TestClient(api) as client:
        for method, path in routes(api):
            if path in PUBLIC:
                continue
            for accept in ("application/json", "text/event-stream"):
                response = client.request(method, path, headers={"Accept": accept})
                expect_problem(response, 401)
                assert response.headers["www-authenticate"] == 'Bearer realm="visavis"'
                for scope, header in holders.items():
                    response = client.request(method, path, headers=header | {"Accept": accept})
                    let_in = response.status_code not in {401, 403}
                    assert let_in == (CALLS[method, path] is scope), (method, path, scope, response.text)


def test_every_route_but_the_description_is_a_call_with_a_scope(desk: StillDesk) -> None:
    api = create_rest(desk, Access())
    assert {one for one in routes(api) if one[1] not in PUBLIC} == set(CALLS)
    assert all(isinstance(one, APIRoute) for one in api.routes if getattr(one, "path", "") not in PUBLIC)


def test_a_caller_without_a_token_learns_nothing_of_what_it_sent(desk: StillDesk, tokens: TokenFile) -> None:
    authorized(tokens, Scope.ASK)
    with calling(desk, Access(tokens)) as client:
        expect_problem(client.post("/ask", json={"nonsense": 1}), 401)
        expect_problem(client.get("/provisions/no-act/zzz?x=1"), 401)
        assert desk.current.asked == []


def test_a_token_made_and_revoked_while_the_server_runs_is_taken_up(desk: StillDesk, tokens: TokenFile) -> None:
    with calling(desk, Access(tokens)) as client:
        assert client.get("/instruments").status_code == 200
        header = authorized(TokenFile(tokens.path), Scope.READ)
        expect_problem(client.get("/instruments"), 401)
        assert client.get("/instruments", headers=header).status_code == 200
        TokenFile(tokens.path).revoke(tokens.tokens()[0].id)
        response = client.get("/instruments", headers=header)
        expect_problem(response, 401, "was revoked on 2026-11-23")
        assert 'error="invalid_token"' in response.headers["www-authenticate"]


def test_too_many_calls_are_asked_to_come_again(desk: StillDesk) -> None:
    with calling(desk, Access(limits=Limits(calls=3))) as client:
        statuses = [client.get("/instruments").status_code for _ in range(4)]
        response = client.get("/instruments")
    assert statuses == [200, 200, 200, 429]
    expect_problem(response, 429, "3 a minute")
    assert 1 <= int(response.headers["retry-after"]) <= 60


def test_tokens_that_cannot_be_read_let_nobody_in(desk: StillDesk, tokens: TokenFile) -> None:
    header = authorized(tokens, Scope.READ)
    tokens.path.chmod(0o644)
    with calling(desk, Access(tokens)) as client:
        assert str(tokens.path) not in expect_problem(client.get("/instruments", headers=header), 503)["detail"]


def test_each_refusal_is_one_line_in_the_log_without_the_question_or_the_token(
    desk: StillDesk, tokens: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "visavis.api")
    good = authorized(tokens, Scope.ASK)
    wrong = {"Authorization": "Bearer vv_00000000_" + "S" * 43}
    refused: list[tuple[dict[str, Any], dict[str, str]]] = [
        ({"question": QUESTION}, {}),
        ({"question": QUESTION}, wrong),
        ({"question": QUESTION, "secret rose": 1}, good),
        ({"question": QUESTION, "as_of": "secret rose"}, good),
        ({"question": "secret rose " * 100_000}, good),
    ]
    with calling(desk, Access(tokens)) as client:
        for number, (asked, headers) in enumerate(refused, start=1):
            assert client.post("/ask", json=asked, headers=headers).status_code >= 400
            assert len([one for one in caplog.records if one.name == "visavis.api"]) == number
    said = "\n".join(one.getMessage() for one in caplog.records if one.name == "visavis.api")
    assert "secret" not in said and "SSSS" not in said and good["Authorization"][10:] not in said


# The description


def test_the_description_needs_nothing_from_outside(client: TestClient) -> None:
    response = client.get("/docs")
    assert response.status_code == 200
    page = html.document_fromstring(response.text)
    assert page.xpath("//@src | //script | //link/@href | //img") == []
    assert page.xpath("//a/@href") == ["../../", "openapi.json"]
    assert "default-src 'none'; style-src 'sha256-" in response.headers["content-security-policy"]
    heads = [" ".join(one.text_content().split()) for one in page.xpath("//h2")]
    assert heads[0] == "POST /api/v1/ask" and len(heads) == len(CALLS)


def test_the_description_names_every_call_and_its_scope(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    scopes = {
        (method.upper(), path): call["security"][0]["HTTPBearer"]
        for path, methods in described["paths"].items()
        for method, call in methods.items()
    }
    assert scopes == {(method, path.replace(":path", "")): [scope] for (method, path), scope in CALLS.items()}


# In the house


async def create_in_a_loop(desk: StillDesk, access: Access) -> FastAPI:
    """The application made where a loop runs: elsewhere Gradio opens loops of its own and never closes them."""
    return create_app(desk, access=access)


def test_in_the_house_the_api_has_its_errors_and_the_houses_headers(desk: StillDesk, tokens: TokenFile) -> None:
    header = authorized(tokens, Scope.READ)
    with TestClient(asyncio.run(create_in_a_loop(desk, Access(tokens)))) as client:
        for path in ("/api/v1/nowhere", "/api/v1/instruments"):
            response = client.get(path)
            expect_problem(response, 404 if path.endswith("nowhere") else 401)
            assert {name: response.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert client.get("/api/v1/instruments", headers=header).status_code == 200
        assert client.get("/api/v1/openapi.json").json()["servers"] == [{"url": "/api/v1"}]
        assert "sha256-" in client.get("/api/v1/docs").headers["content-security-policy"]
        assert client.get("/healthz").status_code == 200  # needs no token
        saved = {"format": "json", "questions": [{"question": QUESTION}]}
        assert client.post("/save", json=saved).status_code == 200  # the page's own
        assert client.post("/save", content=b"x" * 3_000_000).status_code == 413
