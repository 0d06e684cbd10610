"""The chat for Ada over the invented law, with the record that the settings ask for, on a free port."""

import socket

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.ui.garden_server import garden_answer
from tests.ui.gardens import garden_corpus
from tests.ui.records import ADA
from tests.ui.still import StillAssistant, StillDesk
from ui.api import create_app, run_server
from ui.cli import address_of
from ui.people import seat
from ui.record.recorder import open_recorder
from ui.settings import load_serve_settings


class Seating:
    """Says of every request that Ada sends it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seat(scope, ADA)
        await self.app(scope, receive, send)


def main() -> None:
    """Serve until a signal ends it."""
    corpus = garden_corpus()
    desk = StillDesk(StillAssistant(corpus, garden_answer(corpus)))
    recorder = open_recorder(load_serve_settings())
    app = create_app(desk, recorder=recorder)
    app.user_middleware.append(Middleware(Seating))  # behind the guard, in place of whom it seats
    with socket.create_server(("127.0.0.1", 0)) as listener:
        run_server(app, listener, f"The gardens are on {address_of(listener)}")


if __name__ == "__main__":
    main()
