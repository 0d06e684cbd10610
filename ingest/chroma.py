"""Where an index keeps its vectors (the only door to Chroma): in a folder of its own, or on a Chroma server.

VISAVIS_CHROMA_URL names the server. Only the vectors lie there, in collections whose names begin with one index's own
prefix; the texts, the words and the label that says which prefix it is stay in the index's folder. So one rename of a
file in the index folder switches both, and a folder that is swept away takes its collections with it.
"""

import logging
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from ingest.egress import CHROMA_VARIABLE
from ingest.errors import StoreAway, StoreError, StoreStale, StoreUnwritable, UsageError, VisavisError

if TYPE_CHECKING:
    import httpx
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection

TOKEN_VARIABLE = "VISAVIS_CHROMA_TOKEN_FILE"
TIMEOUT_VARIABLE = "VISAVIS_CHROMA_TIMEOUT"

SEARCH_WIDTH = 1000
BUILD_WIDTH = 200
LEAST_SYNC = 3  # passages; what Chroma allows
AT_ONCE = 5000  # passages in one request to a server: in more, its graph of neighbours would be another one
LISTED = 500  # collections in one list of a server's
CONNECTING = 3.0  # seconds
ANSWERING = 10.0  # seconds, unless VISAVIS_CHROMA_TIMEOUT says otherwise
LONGEST_ANSWERING = 600.0
PATIENT = 120.0  # seconds, at least, for what builds a graph of neighbours or fetches every vector
OTHERS_MODE = stat.S_IRWXG | stat.S_IRWXO

Vectors = NDArray[np.float32]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a collection says of a passage: its number in its shelf, the hash of its words, and whose it is."""

    number: int
    key: str
    instrument: str
    expression: str
    pinpoint: str

    def metadata(self) -> dict[str, str]:
        """What Chroma keeps beside the vector."""
        return {
            "key": self.key,
            "instrument": self.instrument,
            "expression": self.expression,
            "pinpoint": self.pinpoint,
        }


@dataclass(frozen=True, slots=True)
class Server:
    """A Chroma server: its address, the token that goes with each request, and how many seconds each read may take.

    An answer is several reads where it is long. The token is empty where none is needed.
    """

    url: str
    token: str = ""
    seconds: float = ANSWERING

    @property
    def place(self) -> tuple[str, int]:
        """Its host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def find_server() -> Server | None:
    """The server that the environment names, or None; raises UsageError for what is no address, or an open token."""
    url = os.environ.get(CHROMA_VARIABLE, "").strip().rstrip("/")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query or parts.username:
        raise UsageError(f"{CHROMA_VARIABLE} {url!r} is no address; write for example http://127.0.0.1:8000.")
    named = os.environ.get(TOKEN_VARIABLE, "").strip()
    return Server(url, _read_token(Path(named).expanduser()) if named else "", _read_seconds())


def _read_seconds() -> float:
    given = os.environ.get(TIMEOUT_VARIABLE, "").strip()
    try:
        seconds = float(given or ANSWERING)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= LONGEST_ANSWERING:
        raise UsageError(
            f"{TIMEOUT_VARIABLE} {given!r} is no number of seconds above 0 and up to {LONGEST_ANSWERING:g}; "
            f"leave it out for {ANSWERING:g}."
        )
    return seconds


def _read_token(file: Path) -> str:
    try:
        mode = file.stat().st_mode
        words = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise UsageError(f"{TOKEN_VARIABLE} {file} cannot be read: {reason}; put the token alone in it.") from None
    if mode & OTHERS_MODE:
        raise UsageError(
            f"{TOKEN_VARIABLE} {file} can be read or changed by others (mode {stat.S_IMODE(mode):04o}); "
            f"0600 is allowed: chmod 600 {file}."
        )
    if len(words) != 1:
        raise UsageError(f"{TOKEN_VARIABLE} {file} holds {len(words)} words; put the token alone in it.")
    return words[0]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the vectors of one index lie: in `chroma/` of its folder, or on a server under a prefix."""

    folder: Path
    prefix: str = ""

    @contextmanager
    def open(self, *, to_write: bool = False, in_bulk: bool = False) -> Iterator["Shelving"]:
        """Connect; raises StoreAway where the server does not answer, StoreError for what is damaged or not named.

        Whoever writes, or reads `in_bulk`, waits longer than a question may.
        """
        patiently = to_write or in_bulk
        with ExitStack() as opened:
            with self.writing() if to_write else self.reading():
                near = not self.prefix
                client = _open_folder(self.folder / "chroma", opened) if near else _connect(self, opened, patiently)
            opened.enter_context(client)
            yield Shelving(client, self)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn a connection that fails into StoreAway, and what Chroma raises on damage into StoreError."""
        try:
            yield
        except VisavisError:
            raise
        except Exception as error:  # Chroma raises nothing narrower than its server's own words
            if self._is_away(error):
                raise _away(error) from None
            raise StoreError(
                f"the index in {self.folder} is damaged ({_reason(error)}); run `visavis ingest --rebuild`."
            ) from None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn a connection that fails into StoreAway, and a disk that is full into an OSError or StoreUnwritable."""
        try:
            yield
        except VisavisError:
            raise
        except Exception as error:  # as above
            if self._is_away(error):
                raise _away(error) from None
            if not self.prefix:
                raise OSError(_reason(error)) from None
            server = os.environ.get(CHROMA_VARIABLE, "")
            raise StoreUnwritable(f"the Chroma server {server} refuses to write ({_reason(error)}); free it.") from None

    def _is_away(self, error: Exception) -> bool:
        if not self.prefix:
            return False
        import httpx

        return isinstance(error, httpx.HTTPError | OSError)


class Part:
    """One collection: passages under numbers, with their vectors."""

    def __init__(self, collection: "Collection", place: Place) -> None:
        self._collection = collection
        self._place = place

    def count(self) -> int:
        """How many passages it has; raises StoreAway or StoreError."""
        with self._place.reading():
            return self._collection.count()

    def search(self, vector: Vectors, k: int, instruments: Iterable[str] | None) -> list[tuple[int, float]]:
        """At most `k` passages nearest to a unit vector, of these instruments or of all: number and cosine."""
        where: Any = None if instruments is None else {"instrument": {"$in": sorted(instruments)}}
        with self._place.reading():
            found = self._collection.query(
                query_embeddings=[vector.tolist()], n_results=k, where=where, include=["distances"]
            )
        distances = found["distances"]
        assert distances is not None
        # A server writes distances as decimals: as 32 bits they are what a folder gives.
        cosines = (1.0 - float(np.float32(distance)) for distance in distances[0])
        return [(int(name), cosine) for name, cosine in zip(found["ids"][0], cosines, strict=True)]

    def vectors(self) -> dict[str, Vectors]:
        """The vector of each passage by the hash of its words; raises StoreAway or StoreError."""
        with self._place.reading():
            held = self._collection.get(include=["embeddings", "metadatas"])
        keys = (str(entry["key"]) for entry in held["metadatas"] or ())
        return dict(zip(keys, np.asarray(held["embeddings"], dtype=np.float32), strict=True))


class Shelving:
    """An open place."""

    def __init__(self, client: "Client", place: Place) -> None:
        self._client = client
        self._place = place

    def part(self, name: str) -> Part:
        """The collection of a name; raises StoreAway or StoreError."""
        return self._part(self._place.prefix + name)

    def parts(self) -> Iterator[Part]:
        """Every collection of this index; raises StoreAway or StoreError."""
        return map(self._part, self._names())

    def fill(self, name: str, entries: Sequence[Entry], vectors: Vectors) -> None:
        """Write a collection, laid on the disk once, when it is full; raises StoreAway, StoreUnwritable or OSError."""
        step = AT_ONCE if self._place.prefix else len(entries)
        with self._place.writing():
            collection = self._client.create_collection(
                self._place.prefix + name,
                embedding_function=None,
                configuration={
                    "hnsw": {
                        "space": "ip",
                        "ef_search": SEARCH_WIDTH,
                        "ef_construction": BUILD_WIDTH,
                        "num_threads": 1,  # more would build another graph each time
                        "sync_threshold": max(len(entries), LEAST_SYNC),
                    }
                },
            )
            for first in range(0, len(entries), step):
                some = entries[first : first + step]
                collection.add(
                    ids=[str(one.number) for one in some],
                    embeddings=vectors[first : first + step],
                    metadatas=[one.metadata() for one in some],
                )

    def drop(self) -> None:
        """Remove every collection of this index; raises StoreAway or StoreError."""
        for name in self._names():
            with self._place.reading():
                self._client.delete_collection(name)

    def check(self) -> None:
        """Raise StoreAway where a server does not answer."""
        if self._place.prefix:
            with self._place.reading():
                self._client.heartbeat()

    def _part(self, name: str) -> Part:
        with self._place.reading():
            return Part(self._client.get_collection(name, embedding_function=None), self._place)

    def _names(self) -> list[str]:
        names: list[str] = []
        some = [""]
        while some:
            with self._place.reading():
                some = [one.name for one in self._client.list_collections(limit=LISTED, offset=len(names))]
            names += some
        return [name for name in names if name.startswith(self._place.prefix)]


def _open_folder(folder: Path, opened: ExitStack) -> "Client":
    """A client on a folder, which Chroma writes to: where it cannot be written on a copy, which goes with `opened`."""
    import chromadb
    from chromadb.config import Settings

    if folder.is_dir() and not os.access(folder, os.W_OK):
        copy = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="visavis-index-"))) / folder.name
        folder = Path(shutil.copytree(folder, copy, copy_function=shutil.copyfile))
        for below in (folder, *folder.glob("*/")):
            below.chmod(stat.S_IRWXU)
    return cast("Client", chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False)))


def _connect(place: Place, opened: ExitStack, patiently: bool) -> "Client":
    """A client none of whose reads takes longer than its server is given, its connections closed with `opened`."""
    import httpx
    from chromadb.config import Settings

    server = find_server()
    if server is None:
        raise StoreStale(
            f"the vectors of the index in {place.folder} lie on a Chroma server; name it in {CHROMA_VARIABLE}, "
            "or run `visavis ingest` to have them in the folder."
        )
    host, port = server.place
    seconds = max(server.seconds, PATIENT) if patiently else server.seconds
    settings = Settings(
        anonymized_telemetry=False,
        chroma_api_impl="chromadb.api.fastapi.FastAPI",
        chroma_server_host=host,
        chroma_server_http_port=port,
        chroma_server_ssl_enabled=server.url.startswith("https:"),
        chroma_server_headers={"Authorization": f"Bearer {server.token}"} if server.token else {},
    )
    try:
        socket.create_connection((host, port), CONNECTING).close()
        return _patient(httpx.Timeout(seconds, connect=CONNECTING), opened)(settings=settings)
    except Exception as error:  # as above: a server that does not let us in is away too
        raise _away(error) from None


def _patient(patience: "httpx.Timeout", opened: ExitStack) -> type["Client"]:
    """Chroma's client with an end to its patience: its sessions have none, and it uses them while it is being made."""
    from chromadb.api.client import Client
    from chromadb.auth import UserIdentity

    def limit(server: Any) -> None:  # noqa: ANN401 - Chroma does not say that its servers have sessions
        session: httpx.Client = server._session  # which Chroma never closes
        session.timeout = patience
        opened.callback(session.close)

    class Patient(Client):
        def get_user_identity(self) -> UserIdentity:
            limit(self._server)
            self._server.heartbeat()  # what goes wrong with the next ones Chroma takes for somebody's missing rights
            return super().get_user_identity()

        def _validate_tenant_database(self, tenant: str, database: str) -> None:
            limit(self._admin_client._server)  # type: ignore[attr-defined] # an AdminClient is what it is
            super()._validate_tenant_database(tenant, database)

    return Patient


def _away(error: Exception) -> StoreAway:
    reason = "nothing came in time" if _is_timeout(error) else _reason(error)
    log.warning("the Chroma server %s does not answer: %s", os.environ.get(CHROMA_VARIABLE, ""), reason)
    return StoreAway("the index cannot be searched now, for its server does not answer; ask again in a moment.")


def _is_timeout(error: Exception) -> bool:
    import httpx

    return isinstance(error, httpx.TimeoutException | TimeoutError)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
