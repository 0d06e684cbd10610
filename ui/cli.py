"""The command that serves the chat."""

import ipaddress
import socket
from pathlib import Path

import click

from ingest.console import CORPUS_OPTION, ProgressBars, print_table
from ingest.errors import VisavisError

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # nosec B104 # a name for display, nothing listens


@click.command(
    epilog="""\b
Examples:
  visavis serve                              on http://127.0.0.1:7860
  visavis serve --port 8000
  visavis serve --host 0.0.0.0               for other machines too, once VISAVIS_SIGN_IN says who may come in
  visavis serve --host 0.0.0.0 --open-to-all for whoever can connect, with nobody signed in
  visavis serve --routes                     who may pass where, with this installation's settings
  visavis serve --corpus ~/law/texts         from the texts of one folder alone
  visavis serve --require-token              behind a proxy; see visavis tokens
  visavis serve --root-path /intranet/ai-law under a path of another site; see docs/embedding.md
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
@click.option(
    "--root-path",
    metavar="PATH",
    help="The path that a proxy serves it under, such as /intranet/ai-law; also VISAVIS_ROOT_PATH.",
)
@click.option(
    "--open-to-all",
    is_flag=True,
    help="Let in whoever can connect from other machines, without sign-in: the chat and the library, not /api/v1.",
)
@click.option("--routes", is_flag=True, help="Print every route with who may pass it, and serve nothing.")
def serve(
    host: str,
    port: int,
    corpus: Path | None,
    no_build: bool,
    require_token: bool,
    root_path: str | None,
    open_to_all: bool,
    routes: bool,
) -> None:
    """Serve the chat, building a missing index first."""
    with open_listener(host, 0 if routes else port) as listener:
        from assistant.desk import Desk
        from ingest.egress import permitting
        from ingest.pipeline import load_manifest_of
        from ingest.sources import hosts_of_texts, search_path
        from ui.access import Access, Limits
        from ui.api import create_app, run_server
        from ui.embedding.frames import open_embedding
        from ui.operation.memory import limit_arenas
        from ui.operation.watch import open_operation
        from ui.record.recorder import open_recorder
        from ui.settings import load_serve_settings
        from ui.signin.admission import open_admission
        from ui.signin.rules import table_of_routes

        settings = load_serve_settings(root_path=root_path)
        admission = open_admission(settings, is_private=is_private(listener), is_open=open_to_all)
        operation = open_operation(settings)
        limit_arenas()
        embedding = open_embedding(settings)
        recorder = open_recorder(settings)
        hosts = hosts_of_texts(load_manifest_of(search_path(corpus)))
        with permitting(hosts), ProgressBars() as progress:
            desk = Desk(corpus, build=not no_build, progress=progress)
        limits = Limits(
            at_once=settings.serve_at_once, waiting=settings.serve_waiting, patience=settings.serve_patience
        )
        required = require_token or not is_private(listener)
        access = Access(require=required, limits=limits, hosts=sorted(admission.hosts or ()))
        app = create_app(
            desk,
            allowed_origins=settings.api_origins,
            corpus=corpus,
            access=access,
            embedding=embedding,
            recorder=recorder,
            admission=admission,
            operation=operation,
        )
        if routes:
            print_table(("method", "route", "who may pass", "or a token with"), table_of_routes(app.routes))
            desk.close()
            return
        greeting = f"Visavis answers on {address_of(listener)}  (Ctrl-C ends it)"
        run_server(app, listener, greeting, settings.serve_grace)


def open_listener(host: str, port: int) -> socket.socket:
    """A socket at an address; raises VisavisError when that is unknown, taken, or not allowed.

    The server listens on it when it is ready: until then whoever connects is refused, and a proxy asks another server.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((host, port))
        except BaseException:
            listener.close()
            raise
        return listener
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
