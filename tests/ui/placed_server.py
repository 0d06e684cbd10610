"""The chat over the invented law as the server's settings place and open it: `placed_server.py PORT PACE SENTENCES`."""

import socket
import sys

from tests.ui.garden_server import garden_answer
from tests.ui.gardens import garden_corpus
from tests.ui.still import StillDesk, WritingAssistant
from ui.api import create_app, run_server
from ui.cli import address_of
from ui.embedding.frames import open_embedding
from ui.settings import load_serve_settings
from ui.signin.admission import open_admission


def main(port: int, pace: float, sentences: int) -> None:
    """Serve until a signal ends it."""
    corpus = garden_corpus()
    desk = StillDesk(WritingAssistant(corpus, garden_answer(corpus), sentences, pace))
    settings = load_serve_settings()
    with socket.create_server(("127.0.0.1", port)) as listener:
        admission = open_admission(settings, is_private=True)
        app = create_app(desk, embedding=open_embedding(settings), admission=admission)
        run_server(app, listener, f"The gardens are on {address_of(listener)}")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
