"""Everything read: the wordings of all instruments, where a provision is looked up by its citation and its date."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from ingest.application import Application, application_of
from ingest.definitions import Definition, load_glossary
from ingest.errors import IdentifierError, PinpointError, StoreStale
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.instrument import RECITALS, Authority, Corrigendum, Expression, Provision, ProvisionKind, SourceSpan
from ingest.pinpoint import Pinpoint

DEFAULT_LANGUAGE = "en"


class Lack(StrEnum):
    """Why a text could not be had."""

    MISSING = "missing"
    CHANGED = "changed"
    UNREADABLE = "unreadable"


_LACKS = {Lack.MISSING: "is missing", Lack.CHANGED: "has changed", Lack.UNREADABLE: "cannot be read"}


@dataclass(frozen=True, slots=True)
class Missing:
    """A text that could not be had: which, its (first) file, its official address or "", and why.

    `text` is the line for whoever keeps the texts, which names paths and says what to do; `headline` names none.
    """

    source: str
    name: str
    file: str
    url: str
    reason: Lack
    text: str

    @property
    def headline(self) -> str:
        """What the matter is, without a path: "the Explanatory Report (coe-report) is missing"."""
        return f"{self.name} ({self.source}) {_LACKS[self.reason]}"

    def __str__(self) -> str:
        return self.text

    def record(self) -> dict[str, str]:
        """Its JSON form, which `read` reads back."""
        return asdict(self)

    @classmethod
    def read(cls, record: Mapping[str, str]) -> Self:
        """Read what `record` gave; raises TypeError, KeyError or ValueError for anything else."""
        words = {key: value for key, value in record.items() if key != "reason"}
        return cls(**words, reason=Lack(record["reason"]))


@dataclass(frozen=True)
class Corpus:
    """All expressions that were read; `missing` says which texts could not be had, why, and what to do."""

    id: str
    built: str
    expressions: tuple[Expression, ...]
    missing: tuple[Missing, ...] = ()
    _by_id: dict[ExpressionId, Expression] = field(default_factory=dict, init=False, compare=False, repr=False)
    _definitions: dict[ExpressionId, tuple[Definition, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        self._by_id.update({expression.id: expression for expression in self.expressions})

    @cached_property
    def instruments(self) -> tuple[InstrumentId, ...]:
        """The works, in the manifest's order."""
        return tuple(dict.fromkeys(expression.instrument for expression in self.expressions))

    def expression(self, expression: ExpressionId) -> Expression:
        """The wording with an id; raises PinpointError when the corpus has none."""
        found = self._by_id.get(expression)
        if found is None:
            known = ", ".join(str(one) for one in self._by_id)
            raise PinpointError(f"wording {expression} is not in this corpus; it has {known}.")
        return found

    def wordings(self, instrument: InstrumentId, language: str = DEFAULT_LANGUAGE) -> tuple[Expression, ...]:
        """The wordings of a work in one language, oldest first."""
        own = (one for one in self.expressions if one.instrument == instrument and one.id.language == language)
        return tuple(sorted(own, key=lambda one: one.id.effective))

    def definitions(self, expression: ExpressionId) -> tuple[Definition, ...]:
        """The terms that a wording defines, found once."""
        if expression not in self._definitions:
            self._definitions[expression] = load_glossary(self.expression(expression)).definitions
        return self._definitions[expression]

    def wording_on(self, instrument: InstrumentId, day: date, language: str = DEFAULT_LANGUAGE) -> Expression | None:
        """The wording of a work on a day, or None before its first."""
        valid = [one for one in self.wordings(instrument, language) if one.id.effective <= day]
        return valid[-1] if valid else None

    def provision(self, expression: ExpressionId, pinpoint: Pinpoint) -> Provision:
        """The provision at a place of a wording; raises PinpointError."""
        return self.expression(expression).at(pinpoint)

    def is_inserted(self, provision: Provision) -> bool:
        """Whether an amending act brought the provision, so that the wording before has nothing at its place."""
        earlier = [
            one
            for one in self.wordings(provision.expression.instrument, provision.expression.language)
            if one.id.effective < provision.expression.effective
        ]
        return bool(earlier) and provision.pinpoint not in earlier[-1]

    def application(self, provision: Provision, as_of: date) -> Application:
        """Whether a provision binds on a day, and from when."""
        expression = self.expression(provision.expression)
        return application_of(expression, provision, as_of, inserted=self.is_inserted(provision))

    def official_url(self, provision: Provision) -> str:
        """The official address of a provision, with its anchor or page where the official text has one.

        A consolidated text leaves out the recitals and has anchors for whole units; a user's own document may have no
        address, which gives "".
        """
        expression = self.expression(provision.expression)
        if not expression.url:
            return ""
        first = self.wordings(expression.instrument, expression.id.language)[0]
        if expression is not first and provision.kind not in RECITALS:
            return f"{expression.url}#{provision.pinpoint.unit}"
        if provision.source.page and not provision.source.anchor:
            return f"{first.url}#page={provision.source.page}"
        return f"{first.url}#{provision.source.anchor}" if provision.source.anchor else first.url

    def authority(self, provision: Provision) -> Authority:
        """What a provision weighs: a recital of a law is no operative text."""
        authority = self.expression(provision.expression).authority
        preamble = provision.kind in RECITALS
        return Authority.RECITAL if authority is Authority.LAW and preamble else authority

    def cite(self, provision: Provision) -> str:
        """The printed citation with its instrument: "Article 3(1)(a) of the Convention"."""
        expression = self.expression(provision.expression)
        if expression.authority is Authority.LAW:
            label = provision.label[0].upper() + provision.label[1:]
            return f"{label} of {expression.short_title}"
        return f"{expression.short_title}, {provision.label}"


def save_corpus(corpus: Corpus, path: Path) -> None:
    """Write a corpus as JSON, each unit's text once; what is missing is not part of it."""
    record = {
        "id": corpus.id,
        "built": corpus.built,
        "expressions": [expression_record(expression) for expression in corpus.expressions],
    }
    path.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")


def load_corpus(path: Path) -> Corpus:
    """Read what `save_corpus` wrote; raises StoreStale when it is not that."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        expressions = tuple(read_expression(one) for one in record["expressions"])
        return Corpus(record["id"], record["built"], expressions)
    except (OSError, ValueError, LookupError, TypeError, IdentifierError, PinpointError) as error:
        raise StoreStale(f"the index file {path} cannot be read ({error}); run `visavis ingest --rebuild`.") from None


def expression_record(expression: Expression) -> dict[str, Any]:
    """The JSON form of a wording, which `read_expression` reads back."""
    return {
        "id": str(expression.id),
        "title": expression.title,
        "short_title": expression.short_title,
        "authority": expression.authority,
        "url": expression.url,
        "published": expression.published.isoformat(),
        "column": expression.column,
        "corrigenda": [[one.name, *map(str, one.places)] for one in expression.corrigenda],
        "provisions": [_provision_record(provision) for provision in expression.provisions],
    }


def _provision_record(provision: Provision) -> list[Any]:
    source = provision.source
    return [
        str(provision.pinpoint),
        provision.kind,
        provision.label,
        provision.heading,
        provision.text if provision.is_unit else len(provision.text),
        provision.offset,
        None if provision.parent is None else str(provision.parent),
        [source.file, source.page, source.anchor, source.start, source.end],
        provision.changed_by,
    ]


def read_expression(record: dict[str, Any]) -> Expression:
    """The wording that a record holds; raises an error of what it is not."""
    identity = ExpressionId.parse(record["id"])
    return Expression(
        id=identity,
        title=record["title"],
        short_title=record["short_title"],
        authority=Authority(record["authority"]),
        url=record["url"],
        published=date.fromisoformat(record["published"]),
        provisions=tuple(_read_provisions(identity, record["provisions"])),
        column=record["column"],
        corrigenda=tuple(
            Corrigendum(name, tuple(map(Pinpoint.parse, places))) for name, *places in record["corrigenda"]
        ),
    )


def _read_provisions(expression: ExpressionId, records: Iterable[Sequence[Any]]) -> Iterator[Provision]:
    unit_text = ""
    places: dict[str, Pinpoint] = {}
    for path, kind, label, heading, text, offset, parent, source, changed_by in records:
        if isinstance(text, str):
            unit_text = text
        else:
            text = unit_text[offset : offset + text]
        places[path] = Pinpoint.parse(path)
        yield Provision(
            expression=expression,
            pinpoint=places[path],
            kind=ProvisionKind(kind),
            label=label,
            heading=heading,
            text=text,
            offset=offset,
            parent=None if parent is None else places[parent],
            source=SourceSpan(*source),
            changed_by=changed_by,
        )
