"""The application over the invented law behind a sign-in that the settings name, served until the process is ended."""

import socket

from tests.ui.garden_server import garden_answer
from tests.ui.gardens import garden_corpus
from tests.ui.still import StillAssistant, StillDesk
from ui.access import Access
from ui.api import create_app, run_server
from ui.cli import address_of
from ui.settings import load_serve_settings
from ui.signin.admission import open_admission


def main() -> None:
    """Serve until a signal ends it."""
    corpus = garden_corpus()
    desk = StillDesk(StillAssistant(corpus, garden_answer(corpus)))
    admission = open_admission(load_serve_settings(), is_private=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = create_app(desk, access=Access(require=True), admission=admission)
        run_server(app, listener, f"The gardens are on {address_of(listener)}")


if __name__ == "__main__":
    main()
