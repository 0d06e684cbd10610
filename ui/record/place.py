"""Where the record is kept: a file of this machine, or a PostgreSQL database that a URL names."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import platformdirs

from assistant.settings import read_secret
from ui.record.errors import RecordError
from ui.settings import ServeSettings

FILE = "record.sqlite"
DRIVER = "postgresql+pg8000"
FORMS = ("postgresql", DRIVER)
PORT = 5432
URL_SETTING = "VISAVIS_RECORD_URL"
EXAMPLE = "write it as postgresql://user@host:5432/database, or sqlite:////folder/record.sqlite"
QUERY = frozenset({"sslmode", "sslrootcert"})


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A file of SQLite."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


class Tls(StrEnum):
    """How the connection is encrypted: where the server can, not at all, or with its certificate verified."""

    PREFERRED = "prefer"
    NONE = "disable"
    VERIFIED = "verify-full"


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """A database of a PostgreSQL server; the password is in no printed form of it.

    Where `tls` is VERIFIED the server's certificate is held against `authority`, the system's own where none is given.
    """

    host: str
    port: int
    database: str
    user: str
    password: str = ""
    tls: Tls = Tls.PREFERRED
    authority: Path | None = None

    def __str__(self) -> str:
        return f"postgresql://{quote(self.user)}@{self.host}:{self.port}/{quote(self.database)}"

    def __repr__(self) -> str:
        return f"ServerPlace({self})"


Place = FilePlace | ServerPlace


def place_of(settings: ServeSettings) -> Place:
    """The place that the settings name; raises RecordError or SettingsError, in one line without the password."""
    if settings.record_url is None:
        return FilePlace(platformdirs.user_data_path("visavis") / FILE)
    url = settings.record_url.get_secret_value()
    if url.startswith("sqlite:///"):
        return _file(unquote(url.removeprefix("sqlite:///")))
    place = _server(url)
    if settings.record_password_file is None:
        return place
    password = read_secret(settings.record_password_file, "record_password_file").get_secret_value()
    return replace(place, password=password)


def _file(path: str) -> FilePlace:
    if not path or path == ":memory:":
        raise RecordError(f"{URL_SETTING} names no file; {EXAMPLE}.")
    return FilePlace(Path(path).expanduser().absolute())


def _server(url: str) -> ServerPlace:
    try:
        parts = urlsplit(url)
        port = parts.port or PORT
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise RecordError(f"{URL_SETTING} is no address; {EXAMPLE}.") from None
    database = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in FORMS or not (parts.hostname and parts.username and database):
        raise RecordError(f"{URL_SETTING} does not name a user, a host and a database; {EXAMPLE}.")
    tls, authority = _encryption(query)
    password = unquote(parts.password or "")
    return ServerPlace(parts.hostname, port, database, unquote(parts.username), password, tls, authority)


def _encryption(query: dict[str, str]) -> tuple[Tls, Path | None]:
    for name in query.keys() - QUERY:
        raise RecordError(f"{URL_SETTING} has the parameter {name!r}; allowed: {', '.join(sorted(QUERY))}.")
    authority = Path(query["sslrootcert"]) if "sslrootcert" in query else None
    try:
        return Tls(query.get("sslmode", Tls.VERIFIED if authority else Tls.PREFERRED)), authority
    except ValueError:
        raise RecordError(f"{URL_SETTING} has sslmode {query['sslmode']!r}; allowed: {', '.join(Tls)}.") from None
