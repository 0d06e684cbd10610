"""Where the server stands and who may frame it: a path and origins as its administrator writes them, or browsers."""

import re
from urllib.parse import urlsplit

_PREFIX = re.compile(r"(?:/[A-Za-z0-9][A-Za-z0-9._~-]*)*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_ORIGIN = re.compile(rf"https?://(?:{_LABEL}\.)*{_LABEL}(?::\d{{1,5}})?")

PORTS = {"http": 80, "https": 443}


def check_prefix(text: str) -> str:
    """A path to stand under as it is kept, "" or `/intranet/ai-law`; raises ValueError where it is none."""
    prefix = text.strip().rstrip("/")
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("is no path to stand under; write for example /intranet/ai-law.")
    return prefix


def split_list(given: object) -> object:
    """What stands between commas or spaces; anything but text as it is."""
    return given.replace(",", " ").split() if isinstance(given, str) else given


def check_origin(text: str) -> str:
    """An origin as browsers write it, `https://intranet.example`; raises ValueError where it is none."""
    written = text.strip().rstrip("/").lower()
    origin = origin_of(written) if _ORIGIN.fullmatch(written) else ""
    if not origin:
        raise ValueError(f"{text!r} is no origin; write for example https://intranet.example, without a path.")
    return origin


def origin_of(address: str) -> str:
    """The origin of a web address with its default port left out, "" where there is none."""
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in PORTS or not parts.hostname:
        return ""
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{name}" + (f":{port}" if port not in (None, PORTS[parts.scheme]) else "")
