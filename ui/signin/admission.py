"""How people are admitted to a server: what its settings say of sign-in, made ready once when it starts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import platformdirs

from assistant.errors import SettingsError
from assistant.settings import read_secret
from ui.origins import origin_of
from ui.people import Person
from ui.settings import ServeSettings, SignIn
from ui.signin.origins import LOOPBACK, Network
from ui.signin.proxy import ProxyHeaders
from ui.signin.roles import Roles
from ui.signin.sessions import FOLDER, Lifetime, Sessions, load_key

if TYPE_CHECKING:
    from ui.signin.oidc import Provider

KEY_FILE = "session.key"
MINUTE = 60.0
HOUR = 3600.0

Identifier = Callable[[Mapping[str, Any]], Person | None]
"""A further way to know somebody, by the ASGI scope of a request; raises Refused where what was sent is wrong."""


@dataclass(frozen=True, slots=True)
class Admission:
    """How people are admitted.

    `hosts` are the names that the server answers to beside its addresses and names without a dot, None for any;
    `trusted` the proxies whose word on the way here counts; `origins` are ours too, by the address that is set; pages
    of the origins `callers` may call the API and the tools; `address` is what readers know the server by.
    """

    kind: SignIn = SignIn.NONE
    hosts: frozenset[str] | None = frozenset()
    trusted: tuple[Network, ...] = LOOPBACK
    origins: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    address: str = ""
    contact: str = ""
    roles: Roles = field(default_factory=Roles)
    headers: ProxyHeaders = field(default_factory=lambda: ProxyHeaders(()))
    way_out: str = ""
    sessions: Sessions | None = None
    provider: "Provider | None" = None
    identifiers: tuple[Identifier, ...] = ()

    @property
    def is_needed(self) -> bool:
        """Whether somebody must say who they are."""
        return self.kind is not SignIn.NONE

    def beside(self, identifiers: Sequence[Identifier], callers: Sequence[str] = ()) -> "Admission":
        """The same with further ways to know somebody, and further origins whose pages may call the API."""
        return replace(self, identifiers=(*self.identifiers, *identifiers), callers=(*self.callers, *map(str, callers)))


def open_admission(settings: ServeSettings, *, is_private: bool, is_open: bool = False) -> Admission:
    """What the settings say; raises SettingsError where they do not fit together, or leave the server open unasked.

    `is_private` says that only this machine can connect, `is_open` that everybody who can shall be let in.
    """
    _check_address(settings)
    host = urlsplit(settings.sign_in_address).hostname or ""
    named = frozenset(one.casefold() for one in (*settings.sign_in_hosts, host) if one)
    plain = Admission(
        settings.sign_in,
        hosts=named if named or is_private or settings.sign_in is SignIn.OIDC else None,
        trusted=settings.proxy_trusted or LOOPBACK,
        origins=(origin_of(settings.sign_in_address),) if settings.sign_in_address else (),
        address=settings.sign_in_address,
        contact=settings.sign_in_contact,
        roles=Roles(
            frozenset(settings.role_readers),
            frozenset(settings.role_editors),
            frozenset(settings.role_administrators),
        ),
    )
    if settings.sign_in is SignIn.PROXY:
        return _by_proxy(plain, settings)
    if settings.sign_in is SignIn.OIDC:
        return _by_oidc(plain, settings, is_private=is_private)
    if not is_private and not is_open:
        raise SettingsError(
            "other machines could connect, and nobody would have to sign in; set VISAVIS_SIGN_IN to proxy or oidc, "
            "listen on 127.0.0.1 behind a proxy, or let everybody in who can connect: --open-to-all."
        )
    return plain


def _check_address(settings: ServeSettings) -> None:
    path = urlsplit(settings.sign_in_address).path
    if settings.sign_in_address and path != settings.root_path:
        raise SettingsError(
            f"VISAVIS_SIGN_IN_ADDRESS ends in {path or '/'!r} and VISAVIS_ROOT_PATH is {settings.root_path or '/'!r}; "
            "give both the same path."
        )


def _by_proxy(plain: Admission, settings: ServeSettings) -> Admission:
    if not settings.proxy_trusted:
        raise SettingsError(
            "VISAVIS_SIGN_IN is proxy and VISAVIS_PROXY_TRUSTED is not set; name the proxy's address, such as 10.0.0.7."
        )
    headers = ProxyHeaders(
        settings.proxy_trusted,
        settings.proxy_user_header,
        settings.proxy_name_header,
        settings.proxy_groups_header,
        settings.proxy_groups_separator,
    )
    return replace(plain, headers=headers, way_out=settings.proxy_sign_out)


def _by_oidc(plain: Admission, settings: ServeSettings, *, is_private: bool) -> Admission:
    from ui.signin.oidc import Client, Provider

    for name in ("oidc_issuer", "oidc_client_id"):
        if not getattr(settings, name):
            raise SettingsError(f"VISAVIS_SIGN_IN is oidc and VISAVIS_{name.upper()} is not set; see docs/running.md.")
    if not settings.sign_in_address and (settings.sign_in_hosts or not is_private):
        raise SettingsError(
            "VISAVIS_SIGN_IN is oidc and VISAVIS_SIGN_IN_ADDRESS is not set; write the https address that readers "
            "know the server by, such as https://law.example."
        )
    file = settings.oidc_client_secret_file
    client = Client(
        settings.oidc_issuer,
        settings.oidc_client_id,
        read_secret(file, "oidc_client_secret_file").get_secret_value() if file else None,
        tuple(dict.fromkeys(("openid", *settings.oidc_scopes))),
        settings.oidc_groups_claim,
        settings.oidc_name_claim,
        settings.oidc_algorithms,
    )
    key = settings.session_key_file or platformdirs.user_data_path("visavis") / KEY_FILE
    lifetime = Lifetime(settings.session_idle * MINUTE, settings.session_length * HOUR)
    secure = settings.sign_in_address.startswith("https:")
    ended = platformdirs.user_data_path("visavis") / FOLDER
    sessions = Sessions(load_key(Path(key)), lifetime, secure=secure, folder=ended)
    return replace(plain, sessions=sessions, provider=Provider(client, plain.roles))
