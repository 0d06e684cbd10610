"""The only door to gradio: layout and wiring of the page, and its place in the HTTP application."""

from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING, Any

import gradio as gr
from fastapi import FastAPI

from ui import views
from ui.language import page_words
from ui.saving import make_file
from ui.session import Session
from ui.turn import Underway, show_bug, show_state, take_turn

if TYPE_CHECKING:
    from assistant.desk import Desk

TITLE = "Visavis: the AI Convention and the AI Act, side by side"
ANSWERS_AT_ONCE = 2
WAITING_AT_MOST = 64
REMEMBERED_FOR = 24 * 3600
FONTS = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif")
SCRIPTS = ("tab.js", "room.js", "composer.js", "saving.js", "provision.js", "passage.js", "start.js")
QUIETLY: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


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
        head=f"<style>{_static('room.css')}{_static('composer.css')}{_panel_style()}</style>",
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
        standing = [_still("state", ""), _still("missing", "")]
        room = gr.HTML(
            "",
            # The template names no value, so that a new turn never re-renders the turns before it: room.js puts it in.
            html_template=views.render_room(desk.assistant().corpus, links=desk.settings.question_links),
            js_on_load="\n".join(map(_static, SCRIPTS)),
            wordings=page_words(),
            made="",
            elem_id="vv-conversation",
            apply_default_css=False,
        )
        _wire(desk, room, session, standing)
    return page


def _wire(desk: "Desk", room: gr.HTML, session: gr.State, standing: list[gr.HTML]) -> None:
    """What the room's scripts trigger: a question, its end, a look at another day, a file."""
    underway = Underway()

    def put(session: Session, event: gr.EventData) -> Iterator[tuple[str, Session]]:
        for shown in take_turn(desk, event.turn, session, underway):
            yield shown.html, shown.session

    def halt(event: gr.EventData) -> None:
        underway.stop(str(event.turn))

    def look(event: gr.EventData) -> tuple[str, str]:
        return show_state(desk, event.choices)

    def save(session: Session, event: gr.EventData) -> dict[str, Any]:
        update: dict[str, Any] = gr.update(made=make_file(desk, event.saving, session))
        return update

    asked = room.put(put, session, [room, session], trigger_mode="multiple", **QUIETLY)
    asked.failure(show_bug, None, room, **QUIETLY)
    room.halt(halt, queue=False, **QUIETLY)
    room.look(look, None, standing, trigger_mode="always_last", **QUIETLY)
    room.save(save, session, room, **QUIETLY)


def _still(name: str, html: str) -> gr.HTML:
    """HTML that nobody clicks."""
    return gr.HTML(html, elem_id=f"vv-{name}", js_on_load=None, apply_default_css=False)


def _panel_style() -> str:
    """The panel's style, with that of provisions set into it."""
    return _static("passage.css").replace("/* provision.css */", _static("provision.css"))


def _static(name: str) -> str:
    return resources.files("ui").joinpath("static", name).read_text(encoding="utf-8")
