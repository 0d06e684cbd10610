"""An entry of the record: what happened as a body, and apart from it what is personal and may be erased one day.

An entry's hash covers its place, its body, the hash of the entry before it, and a commitment to what is personal:
SHA-256 of a random nonce and the text. To erase is to delete text and nonce; the commitment stays, tells nothing that
could be guessed, and the chain holds as before.
"""

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import uuid4

from ui.people import subject_of

SCHEMA = "visavis.record/1"
GENESIS = "0" * 64
"""What stands in place of a hash before the first entry."""

Record = dict[str, Any]


class EntryKind(StrEnum):
    """What an entry tells."""

    ANSWER = "answer"
    CHECK = "check"
    FEEDBACK = "feedback"
    ERASURE = "erasure"
    PURGE = "purge"
    LOSS = "loss"


class Channel(StrEnum):
    """Which way an answer was asked for."""

    CHAT = "chat"
    API = "api"
    EXPORT = "export"
    MCP = "mcp"


class FeedbackKind(StrEnum):
    """What a reader says of an answer."""

    RIGHT = "right"
    WRONG_CITATION = "wrong_citation"
    MISSING = "missing"


def say_moment(moment: datetime) -> str:
    """A moment as the record writes it, in UTC to the millisecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def now() -> datetime:
    """The moment it is, in UTC."""
    return datetime.now(UTC)


def dump(value: Record) -> str:
    """JSON in one fixed form, in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be entered, before it has its place in the chain.

    `subject` is the id of whom it is about, `answer` the id of the answer; both are in `personal` too, and go with it.
    """

    kind: EntryKind
    body: Record
    personal: Record | None = None
    refers: str | None = None
    subject: str | None = None
    answer: str | None = None
    id: str = field(default_factory=lambda: uuid4().hex)
    at: datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it stands in the chain, `seq` counting from 1; `personal` and `nonce` are None once erased.

    `commitment` is "" where nothing personal was ever in it.
    """

    seq: int
    id: str
    kind: str
    at: str
    refers: str | None
    body: str
    commitment: str
    previous: str
    hash: str
    personal: str | None = None
    nonce: str | None = None

    @property
    def is_erased(self) -> bool:
        """Whether something personal was in it, and is there no more."""
        return bool(self.commitment) and self.personal is None

    def sealed(self) -> str:
        """The hash that its content asks for."""
        fields = [SCHEMA, self.seq, self.id, self.kind, self.at, self.refers, self.body, self.commitment, self.previous]
        return sha256(json.dumps(fields, separators=(",", ":")).encode("ascii")).hexdigest()

    def committed(self) -> str:
        """The commitment that what is personal asks for."""
        return "" if self.personal is None else commit(self.nonce or "", self.personal)

    def record(self) -> Record:
        """Its JSON form, from which `read_entry` makes it again."""
        return {name: getattr(self, name) for name in self.__slots__}

    def told(self) -> Record:
        """Its JSON form for a reader: body and personal part opened, without what only the chain needs."""
        personal = None if self.personal is None else json.loads(self.personal)
        person = (personal or {}).get("person", {})
        return {
            "seq": self.seq,
            "id": self.id,
            "kind": self.kind,
            "at": self.at,
            "refers": self.refers,
            **json.loads(self.body),
            "subject": subject_of(person["means"], person["id"]) or None if person else None,
            "personal": personal,
            "is_erased": self.is_erased,
        }


def read_entry(record: Record) -> Entry:
    """An entry from its JSON form; raises ValueError where it is none."""
    if set(record) != set(Entry.__slots__):
        raise ValueError("its fields are not those of an entry")
    optional = {"refers", "personal", "nonce"}
    for name, value in record.items():
        wanted = int if name == "seq" else str
        if type(value) is not wanted and not (value is None and name in optional):
            raise ValueError(f"{name} is not what an entry has")
    return Entry(**record)


def commit(nonce: str, personal: str) -> str:
    """The commitment to what is personal."""
    return sha256(f"{nonce}\n{personal}".encode("ascii")).hexdigest()


def seal(draft: Draft, seq: int, previous: str) -> Entry:
    """A draft in its place."""
    personal = None if draft.personal is None else dump(draft.personal)
    nonce = None if personal is None else secrets.token_hex(16)
    open_entry = Entry(
        seq=seq,
        id=draft.id,
        kind=draft.kind.value,
        at=say_moment(draft.at),
        refers=draft.refers,
        body=dump(draft.body),
        commitment="" if personal is None else commit(nonce or "", personal),
        previous=previous,
        hash="",
        personal=personal,
        nonce=nonce,
    )
    return _with_hash(open_entry)


def _with_hash(entry: Entry) -> Entry:
    return Entry(**{**entry.record(), "hash": entry.sealed()})
