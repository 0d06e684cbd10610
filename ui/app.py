"""The only door to gradio: layout and wiring of the page, and its place in the HTTP application."""

import time
from collections.abc import AsyncIterator, Sequence
from copy import copy
from datetime import datetime, timedelta
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any

import gradio as gr
from fastapi import FastAPI
from gradio.routes import App
from gradio.state_holder import StateHolder
from starlette.routing import Mount

from assistant.confiding import find_destination
from ui import views
from ui.feedback import take_feedback, take_tick
from ui.language import page_words
from ui.people import NOBODY, Person, person_of
from ui.places import Places, any_place, show_in_place
from ui.record.recorder import Recorder
from ui.retelling import retell
from ui.saving import make_file
from ui.session import Session
from ui.turn import Underway, halt_turn, show_bug, show_full, show_state, take_turn

if TYPE_CHECKING:
    from assistant.desk import Desk

TITLE = "Visavis: the AI Convention and the AI Act, side by side"
FILES_AT_ONCE = 2
WAITING_AT_MOST = 64
REMEMBERED_FOR = 24 * 3600
KEPT_CLOSED = timedelta(hours=1)
SWEEP_EVERY = 5.0
FONTS = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif")
SCRIPTS = tuple(
    f"{name}.js"
    for name in (
        "tab",
        "room",
        "composer",
        "retelling",
        "saving",
        "feedback",
        "provision",
        "passage",
        "embedded",
        "person",
        "start",
    )
)
STYLES = ("room.css", "composer.css", "feedback.css")
QUIETLY: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def mount_page(
    app: FastAPI,
    desk: "Desk",
    embedders: Sequence[str] = (),
    recorder: Recorder | None = None,
    places: Places | None = None,
) -> None:
    """Put the page at "/" of the application.

    A `root_path` that differs from the mount path makes Gradio answer 404 to everything: see `ui.subpath`. The
    `embedders` are the origins that the page in a frame tells its height to. What happens goes to the `recorder`.
    """
    page = build_page(desk, embedders, recorder, places)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=gr.themes.Base(font=FONTS, font_mono=("ui-monospace", "monospace")),
        # `css=` would be rewritten with a prefix that breaks rules for body and print.
        head=f"<style>{''.join(map(_static, STYLES))}{_panel_style()}{_static('embedded.css')}</style>",
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
        max_file_size=1,
    )
    tabs = Tabs()
    tabs.set_blocks(page)
    _mounted(app).state_holder = tabs


def _mounted(app: FastAPI) -> App:
    """Gradio's own application, which was mounted last."""
    mounted = next(route.app for route in reversed(app.routes) if isinstance(route, Mount))
    assert isinstance(mounted, App)
    return mounted


class Tabs(StateHolder):
    """Gradio's sessions, without what it would keep of closed tabs until there are ten thousand of them.

    What the page showed last, a megabyte, goes when the tab is closed; its answers, which are packed, an hour later.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._swept = 0.0

    def update(self, session_id: str) -> None:
        """Note that a session is used, and sweep the others now and then."""
        super().update(session_id)
        if time.monotonic() - self._swept < SWEEP_EVERY:
            return
        self._swept = time.monotonic()
        with self.lock:
            for name in [one for one, held in self.session_data.items() if held.is_closed and one != session_id]:
                self._sweep(name)

    def _sweep(self, name: str) -> None:
        if datetime.now() - self.time_last_used.get(name, datetime.min) > KEPT_CLOSED:
            del self.session_data[name]
            self.time_last_used.pop(name, None)
        else:
            self.session_data[name].config_values = {}
            self.session_data[name].blocks_config = copy(self.blocks.default_config)


def build_page(
    desk: "Desk", embedders: Sequence[str] = (), recorder: Recorder | None = None, places: Places | None = None
) -> gr.Blocks:
    """The page: the state of the law above, the conversation with the cited passage beside it, the question below."""
    recorder = recorder or Recorder(None)
    page = gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True)
    with page:
        page.queue(default_concurrency_limit=FILES_AT_ONCE, max_size=WAITING_AT_MOST, api_open=False)
        session = gr.State(Session(), time_to_live=REMEMBERED_FOR)
        _still("masthead", views.render_masthead())
        standing = [_still("state", ""), _still("missing", "")]
        room = gr.HTML(
            "",
            # The template names no value, so that a new turn never re-renders the turns before it: room.js puts it in.
            html_template=views.render_room(
                desk.assistant().corpus,
                links=desk.settings.question_links,
                destination=find_destination(desk.settings),
                recorded=recorder.policy if recorder.is_on else None,
            ),
            js_on_load="\n".join(map(_static, SCRIPTS)),
            wordings=page_words(),
            embedders=list(embedders),
            made="",
            thanked="",
            retold="",
            elem_id="vv-conversation",
            apply_default_css=False,
        )
        _wire(desk, room, session, standing, recorder, places or any_place())
        _wire_record(room, session, recorder)
    return page


def _wire_record(room: gr.HTML, session: gr.State, recorder: Recorder) -> None:
    """What goes to the record beside answers: ticks, and what readers say of an answer."""

    def comment(session: Session, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        update: dict[str, Any] = gr.update(thanked=take_feedback(recorder, event.said, session, _person(request)))
        return update

    def tick(session: Session, event: gr.EventData, request: gr.Request) -> None:
        take_tick(recorder, event.tick, session, _person(request))

    room.comment(comment, session, room, trigger_mode="multiple", **QUIETLY)
    room.tick(tick, session, None, trigger_mode="multiple", **QUIETLY)


def _person(request: gr.Request) -> Person:
    """Who sends an event of the page."""
    return NOBODY if request.request is None else person_of(request.request.scope)


def _wire(
    desk: "Desk", room: gr.HTML, session: gr.State, standing: list[gr.HTML], recorder: Recorder, places: Places
) -> None:
    """What the room's scripts trigger: a question, its end, a look at another day, a file."""
    underway = Underway()

    async def put(session: Session, event: gr.EventData, request: gr.Request) -> AsyncIterator[tuple[str, Session]]:
        begin = partial(take_turn, desk, event.turn, session, underway, recorder, _person(request))
        async for shown in show_in_place(places, begin, partial(show_full, event.turn, session)):
            yield shown.html, shown.session

    def halt(event: gr.EventData) -> None:
        halt_turn(underway, event.turn)

    def look(event: gr.EventData) -> tuple[str, str]:
        return show_state(desk, event.choices)

    def save(session: Session, event: gr.EventData) -> dict[str, Any]:
        update: dict[str, Any] = gr.update(made=make_file(desk, event.saving, session))
        return update

    def tell(session: Session, event: gr.EventData) -> dict[str, Any]:
        told = retell(desk, event.standing, session, is_recorded=recorder.is_on)
        update: dict[str, Any] = gr.update(retold=told)
        return update

    asked = room.put(put, session, [room, session], trigger_mode="multiple", concurrency_limit=None, **QUIETLY)
    asked.failure(show_bug, None, room, **QUIETLY)
    room.halt(halt, queue=False, **QUIETLY)
    room.look(look, None, standing, trigger_mode="multiple", **QUIETLY)
    room.save(save, session, room, **QUIETLY)
    room.retell(tell, session, room, trigger_mode="multiple", **QUIETLY)


def _still(name: str, html: str) -> gr.HTML:
    """HTML that nobody clicks."""
    return gr.HTML(html, elem_id=f"vv-{name}", js_on_load=None, apply_default_css=False)


def _panel_style() -> str:
    """The panel's style, with that of provisions set into it."""
    return _static("passage.css").replace("/* provision.css */", _static("provision.css"))


def _static(name: str) -> str:
    return resources.files("ui").joinpath("static", name).read_text(encoding="utf-8")
