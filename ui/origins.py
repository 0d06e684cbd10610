"""Where the server stands and who may frame it, as its administrator writes it: a path, and origins."""

import re

_PREFIX = re.compile(r"(?:/[A-Za-z0-9][A-Za-z0-9._~-]*)*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_ORIGIN = re.compile(rf"https?://(?:{_LABEL}\.)*{_LABEL}(?::\d{{1,5}})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


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
    origin = text.strip().rstrip("/").lower()
    if not _ORIGIN.fullmatch(origin):
        raise ValueError(f"{text!r} is no origin; write for example https://intranet.example, without a path.")
    return origin.removesuffix(_DEFAULT_PORTS[origin.partition(":")[0]])
