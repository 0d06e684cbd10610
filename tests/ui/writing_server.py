"""The chat over the invented law with an assistant that writes slowly: `writing_server.py PORT PACE SENTENCES`.

Without a sentence to write, it has no model and takes PACE seconds to look things up.
"""

import socket
import sys

from tests.ui.garden_server import garden_answer
from tests.ui.gardens import garden_corpus
from tests.ui.still import PonderingAssistant, StillDesk, WritingAssistant
from ui.api import create_app, run_server
from ui.cli import address_of


def main(port: int, pace: float, sentences: int) -> None:
    """Serve until a signal ends it."""
    corpus = garden_corpus()
    answer = garden_answer(corpus)
    writing = (
        WritingAssistant(corpus, answer, sentences, pace) if sentences else PonderingAssistant(corpus, answer, pace)
    )
    desk = StillDesk(writing)
    with socket.create_server(("127.0.0.1", port)) as listener:
        run_server(create_app(desk), listener, f"The gardens are on {address_of(listener)}")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
