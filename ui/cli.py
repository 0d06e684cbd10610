"""The command that serves the chat."""

import ipaddress
import socket
from pathlib import Path

import click

from ingest.console import CORPUS_OPTION, ProgressBars
from ingest.errors import VisavisError

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@click.command(
    epilog="""\b
Examples:
  visavis serve                              on http://127.0.0.1:7860
  visavis serve --port 8000
  visavis serve --host 0.0.0.0               for other machines too; see to who may reach the port
  visavis serve --corpus ~/law/texts         from the texts of one folder alone
  visavis serve --require-token              behind a proxy; see visavis tokens
""",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="The port; 0 takes a free one."
)
@CORPUS_OPTION
@click.option("--no-build", is_flag=True, help="Refuse to start when there is no index yet.")
@click.option(
    "--require-token",
    is_flag=True,
    help="Need a token for /api/v1. So it is anyway once one was made, and where other machines can connect.",
)
def serve(host: str, port: int, corpus: Path | None, no_build: bool, require_token: bool) -> None:
    """Serve the chat, building a missing index first."""
    with open_listener(host, port) as listener:
        from assistant.desk import Desk
        from ingest.egress import permitting
        from ingest.pipeline import load_manifest_of
        from ingest.sources import hosts_of_texts, search_path
        from ui.access import Access
        from ui.api import create_app, run_server

        hosts = hosts_of_texts(load_manifest_of(search_path(corpus)))
        with permitting(hosts), ProgressBars() as progress:
            desk = Desk(corpus, build=not no_build, progress=progress)
        access = Access(require=require_token or not is_private(listener))
        run_server(
            create_app(desk, corpus=corpus, access=access),
            listener,
            f"Visavis answers on {address_of(listener)}  (Ctrl-C ends it)",
        )


def open_listener(host: str, port: int) -> socket.socket:
    """A listening socket; raises VisavisError when the address is unknown, taken, or not allowed."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        raise VisavisError(
            f"cannot listen on {host} port {port}: {reason}; stop what uses it, or choose another: "
            "visavis serve --port 7861."
        ) from None


def is_private(listener: socket.socket) -> bool:
    """Whether only this machine can connect."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def address_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds a listener: `http://127.0.0.1:7860`."""
    host, port = listener.getsockname()[:2]
    host = EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
