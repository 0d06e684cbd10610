"""What the administrator of a server may set: variables VISAVIS_NAME, or keys of the table `[serve]` in the TOML file.

The file is the one that `assistant.settings` reads; the variable goes first. Secrets stand in files of their own.
"""

import re
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode, TomlConfigSettingsSource

from assistant.settings import SERVE_TABLE, LayeredSettings, load_of
from ui.origins import check_origin, check_prefix, split_list
from ui.places import AT_ONCE, GRACE, PATIENCE, WAITING
from ui.signin.written import (
    check_algorithm,
    check_issuer,
    check_public_address,
    check_way_out,
    read_network,
    split_groups,
)

OWN_VARIABLE = re.compile(
    r"VISAVIS_(?:API|SIGN_IN|PROXY|OIDC|ROLE|SESSION|EMBED|ROOT|RECORD|LOG|SERVE|TRACE)", re.IGNORECASE
)


Origins = Annotated[tuple[Annotated[str, AfterValidator(check_origin)], ...], NoDecode, BeforeValidator(split_list)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list)]
Networks = Annotated[
    tuple[Annotated[IPv4Network | IPv6Network, BeforeValidator(read_network)], ...],
    NoDecode,
    BeforeValidator(split_list),
]
Groups = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_groups)]
Algorithms = Annotated[
    tuple[Annotated[str, AfterValidator(check_algorithm)], ...],
    NoDecode,
    BeforeValidator(split_list),
    Field(min_length=1),
]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")]


class SignIn(StrEnum):
    """How the server learns who is asking."""

    NONE = "none"
    PROXY = "proxy"
    OIDC = "oidc"


class LogFormat(StrEnum):
    """How a line of the log is written."""

    PLAIN = "plain"
    JSON = "json"


class LogLevel(StrEnum):
    """From what weight on a line is written; requests are `info`."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Addresses(StrEnum):
    """How much of a client's address stands in the log's lines: nothing, its network (/24, /48), all of it."""

    NONE = "none"
    NETWORK = "network"
    FULL = "full"


def _check_endpoint(given: str) -> str:
    parts = urlsplit(given.rstrip("/"))
    if given and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query):
        raise ValueError("is no address of a collector; write it as http://127.0.0.1:4318")
    return given.rstrip("/")


class _Table(TomlConfigSettingsSource):
    """The table of the TOML file that is the server's."""

    def __call__(self) -> dict[str, Any]:
        """What the table sets."""
        table = super().__call__().get(SERVE_TABLE, {})
        if not isinstance(table, dict):
            raise ValueError(f"{SERVE_TABLE} is no table")
        return table


class ServeSettings(LayeredSettings):
    """The settings of a server; unknown keys are refused.

    `sign_in` says how the server learns who is asking: not at all, from a reverse proxy, or by OpenID Connect.
    """

    in_file = _Table

    sign_in: SignIn = SignIn.NONE

    # The path that it stands under, the sites that may frame its pages, the key that their tokens are signed with.
    root_path: Annotated[str, AfterValidator(check_prefix)] = ""
    embed_origins: Origins = ()
    embed_key_file: Path | None = None

    # Sites whose pages may call /api/v1 and /mcp from a browser.
    api_origins: Origins = ()

    # The record: whether one is kept, where (a file of this machine without a URL), for how many days, whether with the
    # questions' words, and whether an answer that cannot be entered is withheld. The URL may hold a password.
    record: bool = True
    record_url: SecretStr | None = None
    record_password_file: Path | None = None
    record_days: Annotated[int, Field(ge=1, le=36_500)] = 365
    record_questions: bool = False
    record_strict: bool = False

    # Sign-in: the address that readers know the server by, further names of its host, whom to ask who is not let in.
    sign_in_address: Annotated[str, AfterValidator(check_public_address)] = ""
    sign_in_hosts: Names = ()
    sign_in_contact: Annotated[str, Field(max_length=200)] = ""
    # A reverse proxy: where it is, the headers that it sets, and where it signs people out.
    proxy_trusted: Networks = ()
    proxy_user_header: HeaderName = "X-Forwarded-User"
    proxy_name_header: HeaderName | Literal[""] = ""
    proxy_groups_header: HeaderName = "X-Forwarded-Groups"
    proxy_groups_separator: Annotated[str, Field(min_length=1, max_length=3)] = ","
    proxy_sign_out: Annotated[str, AfterValidator(check_way_out)] = ""
    # OpenID Connect: the provider, what it knows this server as, and the claims that say a name and groups.
    oidc_issuer: Annotated[str, AfterValidator(check_issuer)] = ""
    oidc_client_id: str = ""
    oidc_client_secret_file: Path | None = None
    oidc_scopes: Names = ("openid", "profile")
    oidc_name_claim: str = "name"
    oidc_groups_claim: str = "groups"
    oidc_algorithms: Algorithms = ("RS256",)
    # The groups that make a reader, an editor, an administrator; without a list of readers, everybody signed in is one.
    role_readers: Groups = ()
    role_editors: Groups = ()
    role_administrators: Groups = ()
    # Sessions: the key that servers share, minutes after which one ends unused, hours after which it ends.
    session_key_file: Path | None = None
    session_idle: Annotated[float, Field(gt=0, le=1440)] = 60
    session_length: Annotated[float, Field(gt=0, le=168)] = 10

    # The log: plain lines or JSON, from which weight on, and how much of a client's address stands in a line.
    log_format: LogFormat = LogFormat.PLAIN
    log_level: LogLevel | None = None
    log_addresses: Addresses = Addresses.NETWORK
    # Questions answered at once, how many may wait for a place, for how many seconds; and seconds for those under way
    # when the server is told to stop.
    serve_at_once: Annotated[int, Field(ge=1, le=64)] = AT_ONCE
    serve_waiting: Annotated[int, Field(ge=0, le=1000)] = WAITING
    serve_patience: Annotated[float, Field(gt=0, le=300)] = PATIENCE
    serve_grace: Annotated[float, Field(ge=0, le=600)] = GRACE
    # Where traces go: the address of an OpenTelemetry collector, such as http://127.0.0.1:4318; nowhere without one.
    trace_endpoint: Annotated[str, AfterValidator(_check_endpoint)] = ""


def load_serve_settings(**given: object) -> ServeSettings:
    """The server's settings; raises SettingsError, in one line."""
    return load_of(ServeSettings, OWN_VARIABLE, **given)
