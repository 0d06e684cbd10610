"""The command that serves the chat from several processes behind nginx."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assistant.errors import SettingsError
from ingest.console import CORPUS_OPTION
from ingest.errors import UsageError
from ui.cli import address_of, is_private, open_listener

if TYPE_CHECKING:
    from ui.settings import ServeSettings

MOST = 64


@click.command(
    epilog="""\b
Examples:
  visavis replicas                           three on http://127.0.0.1:7860
  visavis replicas --count 2 --port 8000
  visavis replicas --first-port 7861         on ports 7861, 7862, 7863, for whoever reads their metrics
  kill -HUP PROCESS                          start them anew, one after another
"""
)
@click.option("--count", type=click.IntRange(1, MOST), default=3, show_default=True, help="How many replicas.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address that nginx listens on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="Its port; 0 takes a free one."
)
@click.option(
    "--first-port", type=click.IntRange(0, 65535), default=0, help="The first replica's port. Default: free ones."
)
@CORPUS_OPTION
@click.option("--no-build", is_flag=True, help="Refuse to start when there is no index yet.")
@click.option("--require-token", is_flag=True, help="Need a token for /api/v1, as visavis serve does.")
@click.option("--open-to-all", is_flag=True, help="Let in whoever can connect, without sign-in, as visavis serve does.")
@click.option("--root-path", metavar="PATH", help="The path that a proxy serves it under, as visavis serve takes it.")
def replicas(
    count: int,
    host: str,
    port: int,
    first_port: int,
    corpus: Path | None,
    no_build: bool,
    require_token: bool,
    open_to_all: bool,
    root_path: str | None,
) -> None:
    """Serve the chat from several processes behind nginx; one that dies is started again."""
    from ui.operation.nginx import Site
    from ui.operation.replicas import Fleet, Replica, find_nginx, listening_to_signals

    nginx = find_nginx()
    with open_listener(host, port) as listener:
        address, is_open = address_of(listener), not is_private(listener)
        settings = _check_front(root_path, is_open=is_open, is_for_all=open_to_all)
        listen = _listen(*listener.getsockname()[:2])
    arguments = [
        *(["--corpus", str(corpus)] if corpus else []),
        *(["--require-token"] if require_token or is_open else []),
        *(["--root-path", root_path] if root_path else []),
    ]
    fleet_ports = _ports(count, first_port)
    started = [
        Replica(number, own, [*arguments, *(["--no-build"] if no_build or number > 1 else [])])
        for number, own in enumerate(fleet_ports, start=1)
    ]
    fleet = Fleet(started, Site(listen, [one.place for one in started]), nginx, grace=settings.serve_grace)
    heard = {signal.SIGTERM: fleet.stop, signal.SIGINT: fleet.stop, signal.SIGHUP: fleet.renew}
    with listening_to_signals(heard):
        fleet.run(f"Visavis answers on {address} from {count} replicas  (Ctrl-C ends it)")


def _check_front(root_path: str | None, *, is_open: bool, is_for_all: bool) -> "ServeSettings":
    """The replicas' settings; raises SettingsError where nginx would open to others what they take for closed."""
    from ui.settings import SignIn, load_serve_settings
    from ui.signin.admission import open_admission

    settings = load_serve_settings(root_path=root_path)
    open_admission(settings, is_private=not is_open, is_open=is_for_all)
    if is_open and settings.sign_in is SignIn.PROXY:
        raise SettingsError(
            "VISAVIS_SIGN_IN is proxy, and other machines could reach nginx past the proxy; listen on 127.0.0.1."
        )
    if is_open and not (settings.sign_in_hosts or settings.sign_in_address):
        raise SettingsError(
            "other machines may connect, and no name is set that they know this one by; set VISAVIS_SIGN_IN_HOSTS."
        )
    return settings


def _listen(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _ports(count: int, first: int) -> list[int]:
    """The replicas' ports: from the first on, or free ones."""
    if first + count > 65536:
        raise UsageError(f"--first-port {first}: {count} replicas need {count} ports, and 65535 is the last.")
    if first:
        return list(range(first, first + count))
    listeners = [open_listener("127.0.0.1", 0) for _ in range(count)]
    try:
        return [int(listener.getsockname()[1]) for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()
