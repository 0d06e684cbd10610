"""Feedback: over the API, and in the page by hand and by keyboard, into the record."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, expect
from pydantic import SecretStr

from assistant.answer import Answer
from ingest.corpus import Corpus
from tests.ui.pages import Scheme, ask, await_chat, open_page
from tests.ui.records import ADA, opened, until
from tests.ui.servers import apart
from tests.ui.still import StillAssistant, StillDesk
from tests.ui.test_accessibility import find_grave
from ui.access import Access, Scope, TokenFile
from ui.feedback import take_feedback, take_tick
from ui.people import NOBODY, seat
from ui.record.recorder import Recorder, open_recorder
from ui.rest import create_rest
from ui.session import Session
from ui.settings import ServeSettings

TURN = "0123456789ab"
SAID = {"turn": TURN, "kind": "right", "citation": None, "comment": ""}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/record.sqlite"


@pytest.fixture
def recorder(url: str) -> Iterator[Recorder]:
    recorder = open_recorder(ServeSettings(record_url=SecretStr(url)))
    yield recorder
    recorder.close()


@pytest.fixture
def client(desk: StillDesk, recorder: Recorder) -> Iterator[TestClient]:
    """The API for Ada, who is signed in."""
    api = create_rest(desk, Access(), recorder)

    async def seated(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has it
        if scope["type"] == "http":
            seat(scope, ADA)
        await api(scope, receive, send)

    with TestClient(seated) as client:
        yield client


def told(url: str) -> list[dict[str, Any]]:
    with opened(url) as ledger:
        assert ledger.verify().fault is None
        return [one.told() for one in ledger.entries()]


# Over the API


def test_what_is_answered_and_said_over_the_api_is_recorded(client: TestClient, url: str) -> None:
    given = client.post("/ask", json={"question": "What of roses?"}).json()
    said = {"id": given["id"], "kind": "wrong_citation", "citation": 2, "comment": "  It is another. "}
    response = client.post("/feedback", json=said)
    assert response.status_code == 201
    answered, feedback = told(url)
    assert (answered["channel"], answered["personal"]["person"]["id"]) == ("api", "ada-7f3a")
    assert response.json() == {"id": feedback["id"]}
    assert feedback["refers"] == answered["id"]
    assert (feedback["citation"], feedback["personal"]["comment"]) == (2, "It is another.")


def test_an_answer_in_events_is_recorded_once(client: TestClient, url: str) -> None:
    headers = {"Accept": "text/event-stream"}
    assert "event: done" in client.post("/ask", json={"question": "What of roses?"}, headers=headers).text
    assert [one["whole"] for one in told(url)] == [True]


def test_the_answers_of_an_export_are_recorded(client: TestClient, url: str) -> None:
    body = {"format": "json", "questions": [{"question": "What of roses?"}, {"question": "And of tulips?"}]}
    assert client.post("/export", json=body).status_code == 200
    assert [one["channel"] for one in told(url)] == ["export", "export"]


@pytest.mark.parametrize(
    ("body", "status", "line"),
    [
        ({"id": "nothing", "kind": "right"}, 404, "no such answer that was given to you"),
        ({"id": "one", "kind": "wrong_citation", "citation": 99}, 422, "the answer has no citation 99; it has 6"),
        ({"id": "one", "kind": "right", "citation": 1}, 422, "a citation is named only where the kind is"),
        ({"id": "one", "kind": "good"}, 422, "kind: Input should be 'right', 'wrong_citation' or 'missing'"),
        ({"id": "one", "kind": "right", "comment": "x" * 2001}, 422, "comment: String should have at most 2000"),
        ({"id": "one", "kind": "right", "who": "me"}, 422, "who: Extra inputs are not permitted"),
        ({"kind": "right"}, 422, "id: Field required"),
        ({"id": "", "kind": "right"}, 422, "id: String should have at least 1"),
    ],
)
def test_feedback_that_cannot_be_taken_is_one_line(
    client: TestClient, url: str, body: dict[str, Any], status: int, line: str
) -> None:
    client.post("/ask", json={"question": "What of roses?"})
    response = client.post("/feedback", json=body)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert line in response.json()["detail"]
    assert len(told(url)) == 1


def test_feedback_needs_the_scope_ask(desk: StillDesk, recorder: Recorder, tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.json")
    _, secret = tokens.create("a reader of the law", [Scope.READ], None)
    with TestClient(create_rest(desk, Access(tokens), recorder)) as client:
        headers = {"Authorization": f"Bearer {secret}"}
        body = {"id": "one", "kind": "right"}
        assert client.post("/feedback", json=body, headers=headers).status_code == 403
        assert client.post("/feedback", json=body).status_code == 401


def test_without_a_record_feedback_is_refused_in_a_line(desk: StillDesk) -> None:
    with TestClient(create_rest(desk, Access())) as client:
        response = client.post("/feedback", json={"id": "one", "kind": "right"})
    assert response.status_code == 422 and "this server keeps no record" in response.json()["detail"]


# From the page


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        (SAID, None),
        (SAID | {"turn": "f" * 12}, "no longer holds that answer"),
        (SAID | {"kind": "wrong_citation", "citation": 99}, "the answer has no citation 99"),
        (SAID | {"kind": "good"}, "kind was not understood"),
        ({"turn": "<b>"}, "was not understood"),
        (None, "was not understood"),
    ],
)
def test_what_the_page_sends_is_entered_or_named(
    sent: object, line: str | None, answer: Answer, recorder: Recorder, url: str
) -> None:
    recorder.answered(ADA, "chat", answer, 1.0)  # type: ignore[arg-type]
    session = Session().after(TURN, answer)
    said = json.loads(take_feedback(recorder, sent, session, ADA))
    assert (said.get("line") is None) == (line is None)
    assert line is None or line in said["line"]
    assert len(told(url)) == (2 if line is None else 1)


def test_a_tick_that_no_page_sends_is_entered_nowhere(
    answer: Answer, recorder: Recorder, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.answered(NOBODY, "chat", answer, 1.0)  # type: ignore[arg-type]
    session = Session().after(TURN, answer)
    good = {"turn": TURN, "n": 1, "initials": "AL", "at": "2026-11-23T10:00:00Z"}
    for bad in ({"n": 99}, {"initials": "A L"}, {"at": "yesterday"}, {"turn": "x"}, {"turn": "f" * 12}):
        take_tick(recorder, good | bad, session, NOBODY)
    assert len(told(url)) == 1
    take_tick(recorder, good, session, NOBODY)
    assert told(url)[-1]["personal"]["initials"] == "AL"
    assert "AL" not in caplog.text


def test_the_buttons_stand_only_where_a_record_is_kept(corpus: Corpus, answer: Answer) -> None:
    from ui.turn import Underway, take_turn

    desk: Any = StillDesk(StillAssistant(corpus, replace(answer, id="one")))
    *_, last = take_turn(desk, {"id": TURN, "question": "What of roses?"}, Session(), Underway())
    assert "data-feedback" not in last.html


@pytest.fixture(scope="module")
def home_of_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recording")


@pytest.fixture(scope="module")
def garden(home_of_server: Path) -> Iterator[str]:
    """A chat that keeps a record."""
    with apart("recording_server", VISAVIS_RECORD_URL=f"sqlite:///{home_of_server}/record.sqlite") as address:
        yield address


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_reader_says_that_a_citation_is_wrong(
    browser: Browser, garden: str, home_of_server: Path, width: int, scheme: Scheme
) -> None:
    url = f"sqlite:///{home_of_server}/record.sqlite"
    before = len(told(url))
    opened_page = open_page(browser, width, scheme=scheme)
    page = opened_page.page
    page.goto(garden)
    await_chat(page)
    turn = ask(page, "Who waters the roses?")
    button = turn.get_by_role("button", name="Wrong citation")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Which citation")).to_be_focused()
    page.get_by_label("Which citation").select_option("2")
    page.keyboard.press("Tab")
    page.keyboard.type("It is another article.")
    assert find_grave(page) == []
    page.get_by_role("button", name="Send", exact=True).press("Enter")
    expect(turn.get_by_role("status")).to_have_text("Thank you. It is recorded.")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_be_focused()
    assert find_grave(page) == []
    turn.locator("[data-tick='1']").click()
    page.get_by_label("Your initials").fill("AL")
    page.keyboard.press("Enter")
    assert until(lambda: len(told(url)) == before + 3)
    answered, feedback, check = told(url)[before:]
    assert (feedback["feedback"], feedback["citation"]) == ("wrong_citation", 2)
    assert feedback["personal"]["comment"] == "It is another article."
    assert (check["citation"], check["personal"]["initials"]) == (1, "AL")
    assert feedback["refers"] == check["refers"] == answered["id"]
    assert answered["channel"] == "chat"
    assert {one["personal"]["person"]["id"] for one in (answered, feedback, check)} == {"ada-7f3a"}
    assert b"waters the roses" not in b"".join(one.read_bytes() for one in home_of_server.iterdir())
    page.reload()
    await_chat(page)
    expect(page.get_by_role("button", name="Wrong citation")).to_have_attribute("aria-pressed", "true")
    opened_page.close(garden)
