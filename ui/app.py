"""The only door to gradio: layout and wiring of the page, and its place in the HTTP application."""

from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING, Any

import gradio as gr
from fastapi import FastAPI

from ui import views
from ui.session import Session
from ui.turn import show_bug, show_state, take_turn

if TYPE_CHECKING:
    from assistant.desk import Desk

TITLE = "Visavis: the AI Convention and the AI Act, side by side"
ANSWERS_AT_ONCE = 2
WAITING_AT_MOST = 64
REMEMBERED_FOR = 24 * 3600
FONTS = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif")
QUIETLY: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

# What a turn gives to: the conversation, the session, the question's box.
Outputs = tuple[str, Session, Any]


def mount_page(app: FastAPI, desk: "Desk") -> None:
    """Put the page at "/" of the application.

    A `root_path` that differs from the mount path makes Gradio answer 404 to everything: behind a proxy that strips a
    prefix, uvicorn's own --root-path is the way.
    """
    gr.mount_gradio_app(
        app,
        build_page(desk),
        path="/",
        theme=gr.themes.Base(font=FONTS, font_mono=("ui-monospace", "monospace")),
        # `css=` would be rewritten with a prefix that breaks rules for body and print.
        head=f"<style>{_static('room.css')}</style>",
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
        max_file_size=1,
    )


def build_page(desk: "Desk") -> gr.Blocks:
    """The page: the state of the law above, the conversation with the cited passage beside it, the question below."""
    page = gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True)
    with page:
        page.queue(default_concurrency_limit=ANSWERS_AT_ONCE, max_size=WAITING_AT_MOST, api_open=False)
        session = gr.State(Session(), time_to_live=REMEMBERED_FOR)
        _still("masthead", views.render_masthead())
        state = _still("state", show_state(desk, ""))
        missing = _still("missing", views.render_missing(desk.assistant().corpus))
        conversation = gr.HTML(
            "",
            # The template names no value, so that a new turn never re-renders the turns before it: room.js appends.
            html_template=views.render_room(),
            js_on_load=_static("room.js"),
            welcome=views.render_welcome(),
            elem_id="vv-conversation",
            apply_default_css=False,
        )
        with gr.Row(elem_id="vv-composer"):
            question, as_of = _question_box(), _date_box()
        _wire(desk, conversation, session, question, as_of)
        for moment in (page.load, as_of.blur, as_of.submit):
            moment(lambda day: show_state(desk, day), as_of, state, **QUIETLY)
        page.load(lambda: views.render_missing(desk.assistant().corpus), None, missing, **QUIETLY)
        page.load(None, question, question, js=_static("linked.js"), **QUIETLY)
    return page


def _wire(desk: "Desk", conversation: gr.HTML, session: gr.State, question: gr.Textbox, as_of: gr.Textbox) -> None:
    """Typing asks and empties the box once answered; an example or a suggestion asks and leaves the box alone."""

    def ask_typed(text: str, day: str, session: Session) -> Iterator[Outputs]:
        for shown in take_turn(desk, text, day, session):
            yield shown.html, shown.session, "" if shown.answered else gr.skip()

    def ask_offered(day: str, session: Session, event: gr.EventData) -> Iterator[Outputs]:
        for shown in take_turn(desk, event.question, day, session):
            yield shown.html, shown.session, gr.skip()

    outputs = [conversation, session, question]
    typed = question.submit(ask_typed, [question, as_of, session], outputs, **QUIETLY)
    offered = conversation.ask(ask_offered, [as_of, session], outputs, **QUIETLY)
    for asked in (typed, offered):
        asked.failure(show_bug, None, conversation, **QUIETLY)


def _still(name: str, html: str) -> gr.HTML:
    """HTML that nobody clicks."""
    return gr.HTML(html, elem_id=f"vv-{name}", js_on_load=None, apply_default_css=False)


def _question_box() -> gr.Textbox:
    return gr.Textbox(
        label="Your question",
        placeholder="Ask about the Convention, the AI Act or both",
        lines=1,
        max_lines=6,
        submit_btn="Ask",
        scale=4,
        elem_id="vv-question",
    )


def _date_box() -> gr.Textbox:
    """A plain box: a picker would keep a date such as 31 February from being answered with its line.

    It is empty for today: a value that Gradio sets when the page loads can overwrite what was typed meanwhile.
    """
    return gr.Textbox(
        label="Law as at",
        placeholder="today",
        lines=1,
        max_lines=1,
        scale=0,
        min_width=150,
        elem_id="vv-as-of",
    )


def _static(name: str) -> str:
    return resources.files("ui").joinpath("static", name).read_text(encoding="utf-8")
