"""With a model elsewhere the page says where questions go, and what may point to a person waits for a word."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Browser, Page, expect

from assistant.answer import Answer
from assistant.question import Question
from assistant.settings import Settings
from ingest.corpus import Corpus
from tests.ui.pages import Opened, ask, await_chat, open_page
from tests.ui.servers import writing
from tests.ui.still import StillDesk, WritingAssistant
from ui.language import Language, load_wording
from ui.session import Session
from ui.turn import Shown, Underway, take_turn

HOST = "models.example"
REMOTE = {"VISAVIS_MODEL": "openai:gpt-5", "VISAVIS_MODEL_BASE_URL": f"https://{HOST}/v1", "VISAVIS_MODEL_KEY": "none"}
NAMED = "Is Mr John Smith (j.smith@firm.example) a gardener?"
ID = "0123456789abcdef"

pytestmark = pytest.mark.timeout(400)


class Leaning(WritingAssistant):
    """Takes the turn before into each question, and counts how often its model was asked."""

    asked_model = 0

    def stream(self, question: Question, stop: Event | None = None) -> Iterator[Answer]:
        growing = super().stream(question, stop)
        quoted = next(growing)
        standalone = " ".join((question.text, *(f"[{one}]" for one in question.history[-1:])))
        yield replace(quoted, standalone_question=standalone)
        self.asked_model += 1
        yield from growing


def settings_of(**changes: object) -> Settings:
    given = {name.removeprefix("VISAVIS_").lower(): value for name, value in REMOTE.items()} | changes
    return Settings(**given)  # type: ignore[arg-type]


@pytest.fixture
def leaning(corpus: Corpus, answer: Answer) -> StillDesk:
    desk = StillDesk(Leaning(corpus, replace(answer, summary=()), sentences=1))
    desk.settings = settings_of()
    return desk


def take(
    desk: StillDesk, text: str, session: Session, history: Sequence[str] = (), sending: str = "guarded"
) -> list[Shown]:
    sent = {"id": ID, "question": text, "history": history, "sending": sending}
    return list(take_turn(desk, sent, session, Underway()))


def test_a_question_that_points_to_a_person_is_quoted_and_the_model_not_asked(leaning: StillDesk) -> None:
    (shown,) = take(leaning, NAMED, Session())
    assert leaning.current.asked_model == 0  # type: ignore[attr-defined]
    assert 'data-part="withheld"' in shown.html and 'data-state="answered"' in shown.html and "vv-table" in shown.html
    assert "a name and an e-mail address" in shown.html and HOST in shown.html
    assert "is written." not in shown.html
    assert shown.session.answer(ID) is not None


def test_once_its_asker_says_so_it_goes_and_follow_ups_on_the_same_words_go_too(leaning: StillDesk) -> None:
    *_, sent = take(leaning, NAMED, Session(), sending="cleared")
    assert "is written." in sent.html and 'data-part="withheld"' not in sent.html
    *_, follow_up = take(leaning, "And why?", sent.session, (NAMED,))
    assert "is written." in follow_up.html
    (other,) = take(leaning, "And Mrs Jane Doe?", sent.session, (NAMED,))
    assert 'data-part="withheld"' in other.html


def test_what_a_follow_up_takes_over_from_the_conversation_is_looked_at(leaning: StillDesk) -> None:
    (shown,) = take(leaning, "And why?", Session(), (NAMED,))
    assert "takes over from the conversation" in shown.html
    assert leaning.current.asked_model == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "changes",
    [
        {"question_guard": False},
        {"model_base_url": "http://127.0.0.1:9/v1"},
        {"model_base_url": "http://localhost:9/v1"},
        {"writer": "quoting"},
    ],
)
def test_unguarded_or_on_this_machine_nothing_waits(leaning: StillDesk, changes: dict[str, object]) -> None:
    leaning.settings = settings_of(**changes)
    *_, shown = take(leaning, NAMED, Session())
    assert "is written." in shown.html and 'data-part="withheld"' not in shown.html


@pytest.mark.parametrize("language", Language)
def test_each_language_has_the_line(leaning: StillDesk, language: Language) -> None:
    sent = {"id": ID, "question": NAMED, "choices": {"language": language}}
    (shown,) = take_turn(leaning, sent, Session(), Underway())
    words = load_wording(language)
    assert words.say("confidence_email") in shown.html and words.say("send") in shown.html


# In the browser


@pytest.fixture(scope="module")
def remote() -> Iterator[str]:
    with writing(0.0, 1, **REMOTE) as address:
        yield address


@pytest.fixture
def room(browser: Browser, remote: str) -> Iterator[Page]:
    opened = visit(browser, remote)
    yield opened.page
    opened.close(remote)


def visit(browser: Browser, address: str, width: int = 1280) -> Opened:
    opened = open_page(browser, width)
    opened.page.goto(address)
    await_chat(opened.page)
    return opened


def test_the_page_says_beside_the_box_where_questions_go(room: Page) -> None:
    line = room.locator("#vv-composer .vv-sent")
    expect(line).to_contain_text(f"are sent to {HOST}, where openai:gpt-5 writes")
    room.get_by_role("button", name="Choices").click()
    for language, words in (("Français", f"envoyés à {HOST}"), ("Deutsch", f"gehen an {HOST}")):
        room.get_by_role("radio", name=language).check()
        expect(line).to_contain_text(words)


def test_by_keyboard_a_withheld_question_is_sent_or_changed(room: Page) -> None:
    turn = ask(room, NAMED)
    held = turn.get_by_role("group", name="Before anything is sent")
    expect(held).to_contain_text("Nothing was sent")
    expect(turn.locator(".vv-table")).to_be_visible()
    expect(turn.locator(".vv-summary")).to_have_count(0)
    expect(room.locator(".vv-spoken[role=status]")).to_contain_text("a name and an e-mail address")
    hint = room.locator("#vv-composer > .vv-hint[role=status]")
    expect(hint).to_contain_text("Nothing was sent")
    box = room.get_by_label("Your question")
    expect(box).to_be_focused()
    room.keyboard.press("Shift+Tab")
    expect(hint.get_by_role("button", name="Change the question")).to_be_focused()
    room.keyboard.press("Enter")
    expect(box).to_have_value(NAMED)
    room.get_by_role("button", name="Leave it as it was").click()
    held.get_by_role("button", name="Send it all the same").focus()
    room.keyboard.press("Enter")
    expect(room.locator(".vv-turn .vv-summary")).to_contain_text("Sentence 1 is written.")
    expect(room.locator(".vv-turn")).to_have_count(1)
    expect(room.locator(".vv-withheld")).to_have_count(0)
    expect(box).to_have_value("")


def test_a_question_that_is_held_back_stays_so_in_another_language(room: Page) -> None:
    ask(room, NAMED)
    room.get_by_role("button", name="Choices").click()
    room.get_by_role("radio", name="Français").check()
    expect(room.locator(".vv-turn")).to_have_attribute("lang", "fr")
    room.keyboard.press("Escape")
    french = load_wording(Language.FRENCH)
    expect(room.locator(".vv-withheld")).to_have_attribute("aria-label", french.say("withheld_label"))
    hint = room.locator("#vv-composer > .vv-hint")
    expect(hint).to_contain_text(french.page["withheld_hint"])
    room.locator(".vv-withheld").get_by_role("button", name=french.say("send")).click()
    expect(room.locator(".vv-turn .vv-summary")).to_contain_text("Sentence 1 is written.")


def test_a_harmless_question_is_written_at_once(room: Page) -> None:
    expect(ask(room, "What is a rose?").locator(".vv-summary")).to_contain_text("is written.")


def test_with_a_model_on_this_machine_nothing_of_this_appears(browser: Browser) -> None:
    with writing(0.0, 1, **REMOTE | {"VISAVIS_MODEL_BASE_URL": "http://127.0.0.1:9/v1"}) as address:
        opened = visit(browser, address)
        expect(ask(opened.page, NAMED).locator(".vv-summary")).to_contain_text("is written.")
        assert opened.page.locator(".vv-sent, .vv-withheld").count() == 0
        opened.close(address)


def test_what_was_held_back_is_saved_without_the_model_after_a_restart(browser: Browser, tmp_path: Path) -> None:
    sent = "Is Mrs Jane Doe (j.doe@firm.example) a gardener?"
    with writing(0.0, 1, **REMOTE) as address:
        opened = visit(browser, address)
        page = opened.page
        ask(page, NAMED)
        expect(page.locator(".vv-withheld")).to_have_count(1)
        ask(page, sent).get_by_role("button", name="Send it all the same").click()
        expect(page.locator(".vv-turn .vv-summary")).to_contain_text("Sentence 1 is written.")
    with writing(0.0, 1, int(address.rpartition(":")[2]), **REMOTE):
        page.reload()
        await_chat(page)
        page.get_by_role("button", name="Save", exact=True).first.click()
        page.get_by_label("JSON").check()
        with page.expect_download() as download:
            page.locator("#vv-save").get_by_role("button", name="Save").click()
        download.value.save_as(tmp_path / "saved.json")
        page.close()
    held, cleared = (one["answer"] for one in json.loads((tmp_path / "saved.json").read_text("utf-8"))["answers"])
    assert (held["question"], held["summary"]) == (NAMED, [])
    assert [one["kind"] for one in held["notices"]][-1:] == ["confidential"]
    assert NAMED not in json.dumps(held["notices"])
    assert cleared["question"] == sent
    assert [one["text"] for one in cleared["summary"]] == ["Sentence 1 is written."]
