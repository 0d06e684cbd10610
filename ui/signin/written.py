"""How the settings of sign-in are written, and what is no setting: each check raises ValueError with what to write."""

import ipaddress
from urllib.parse import urlsplit

from ingest.egress import is_this_machine
from ui.origins import check_prefix

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


def check_public_address(text: str) -> str:
    """The address that readers know the server by, without a last "/"; https, but on this machine."""
    address = text.strip().rstrip("/")
    if not address:
        return ""
    parts = urlsplit(address)
    if not is_safe(address) or parts.query or parts.fragment:
        raise ValueError("is no address of a server; write for example https://law.example/intranet/ai-law.")
    check_prefix(parts.path)
    return address


def check_issuer(text: str) -> str:
    """The issuer exactly as the provider writes it, a last "/" included."""
    if text and (not is_safe(text) or urlsplit(text).query):
        raise ValueError(
            "is no issuer; write what the provider's discovery calls issuer, "
            "for example https://login.example/realms/society."
        )
    return text


def check_way_out(text: str) -> str:
    """Where a proxy signs people out: a path on the same host, or an https address."""
    is_path = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    if text and not is_path and not is_safe(text):
        raise ValueError("leads nowhere; write for example /oauth2/sign_out.")
    return text


def check_algorithm(name: str) -> str:
    """A signature by a key pair: "none" and a shared secret are no proof of who signed."""
    if name not in ALGORITHMS:
        raise ValueError(f"{name!r} is not among the algorithms allowed: {', '.join(ALGORITHMS)}.")
    return name


def read_network(given: object) -> object:
    """An address or a network of addresses, but not every address there is."""
    try:
        network = ipaddress.ip_network(str(given), strict=False)
    except ValueError:
        network = None
    if network is None or network.prefixlen == 0:
        raise ValueError(f"{given!r} is no address or network; write for example 10.0.0.7 or 10.0.0.0/28.")
    return network


def split_groups(given: object) -> object:
    """Names of groups between commas, in which spaces may stand."""
    return [one.strip() for one in given.split(",") if one.strip()] if isinstance(given, str) else given


def is_safe(address: str) -> bool:
    """Whether it is an https address, or an http one of this machine, and nothing more."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username or parts.password or not address.isprintable() or " " in address:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host))
