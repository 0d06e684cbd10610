"""The hosts that the server's settings name: where a server may connect beside the model's host."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from ingest.egress import Host, is_this_machine
from ui.record.place import URL_SETTING, ServerPlace, place_of
from ui.settings import ServeSettings, SignIn, load_serve_settings


def configured_hosts() -> tuple[Host, ...]:
    """Every host beyond this machine that a setting of the server names; raises SettingsError as they are read."""
    settings = load_serve_settings()
    return tuple(sorted({host for host in _named(settings) if not is_this_machine(host.name)}))


def _named(settings: ServeSettings) -> tuple[Host, ...]:
    """The hosts that a setting names, each with what for and by which setting."""
    return (*_record_host(settings), *_trace_host(settings), *_issuer_host(settings))


def _issuer_host(settings: ServeSettings) -> Iterator[Host]:
    name = urlsplit(settings.oidc_issuer).hostname
    if settings.sign_in is SignIn.OIDC and name:
        yield Host(name, "sign-in", "VISAVIS_OIDC_ISSUER")


def _record_host(settings: ServeSettings) -> Iterator[Host]:
    place = place_of(settings) if settings.record else None
    if isinstance(place, ServerPlace):
        yield Host(place.host, "the record of answers and feedback", URL_SETTING)


def _trace_host(settings: ServeSettings) -> Iterator[Host]:
    named = urlsplit(settings.trace_endpoint).hostname
    if named:
        yield Host(named, "traces: how long requests took, and no question", "VISAVIS_TRACE_ENDPOINT")
