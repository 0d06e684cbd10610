"""The wordings that sources make: as each is printed, as corrigenda correct it, and as amending acts change it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.corpus import Lack
from ingest.errors import AmendmentError, SourceError
from ingest.identifiers import ExpressionId
from ingest.instrument import RECITALS, Corrigendum, Expression
from ingest.isolation import run_isolated
from ingest.manifest import Source, SourceFormat
from ingest.operations import Operation
from ingest.sources import Absent, Found
from ingest.structure import Draft, build_provisions

CONSOLIDATED = "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:{}-{:%Y%m%d}"


@dataclass(frozen=True, slots=True)
class Corrected:
    """A corrigendum that was applied, and what it ordered."""

    name: str
    operations: tuple[Operation, ...]

    @property
    def corrigendum(self) -> Corrigendum:
        """The same for a wording."""
        return Corrigendum(self.name, tuple(dict.fromkeys(one.target for one in self.operations)))


def name_of(found: Found) -> str:
    """What an error calls a text: its short title and its file."""
    return f"{found.source.short_title} ({found.paths[0].name})"


def express(
    source: Source,
    drafts: tuple[Draft, ...],
    corrected: Mapping[str, tuple[Corrected, ...]],
    identity: ExpressionId | None = None,
    url: str = "",
) -> Expression:
    """The wording that a source's drafts make, under another id and address where an amending act made it."""
    identity = identity or source.expression
    pdf = source.format in {SourceFormat.CETS_PDF, SourceFormat.GUIDELINES_PDF, SourceFormat.PDF}
    return Expression(
        id=identity,
        title=source.title,
        short_title=source.short_title,
        authority=source.authority,
        url=url or (source.addresses[0].url if pdf and source.addresses else source.url),
        published=source.published,
        provisions=build_provisions(identity, drafts),
        column=source.column,
        corrigenda=(
            *(Corrigendum(str(celex)) for celex in source.corrigenda),
            *(one.corrigendum for one in corrected.get(source.id, ())),
        ),
    )


def correct_texts(
    texts: Mapping[str, Found], drafts: dict[str, tuple[Draft, ...]], broken: list[Absent]
) -> dict[str, tuple[Corrected, ...]]:
    """Apply the corrigenda among the texts, oldest first, to what they correct; gives by source which it has in it.

    A corrigendum that does not fit is broken, and taken out of what was read.
    """
    from ingest.corrigendum import correct

    corrected: dict[str, tuple[Corrected, ...]] = {}
    held = (found.source for found in texts.values() if found.source.corrects and found.source.id in drafts)
    for source in sorted(held, key=lambda one: (one.published, one.id)):
        try:
            base = _corrected_base(source, texts, drafts)
            drafts[base], operations = correct(drafts[base], drafts[source.id], source.short_title)
        except AmendmentError as error:
            del drafts[source.id]
            broken.append(Absent(source, str(error), Lack.UNREADABLE))
        else:
            corrected[base] = (*corrected.get(base, ()), Corrected(source.short_title, operations))
    return corrected


def _corrected_base(source: Source, texts: Mapping[str, Found], drafts: Mapping[str, object]) -> str:
    """The source that a corrigendum corrects; raises AmendmentError where that was not read or is none of its kind."""
    base = texts[source.corrects].source if source.corrects in drafts else None
    if base is None:
        raise AmendmentError(f"{source.short_title}: {source.corrects!r}, which it corrects, is not among the texts.")
    if base.language != source.language:
        raise AmendmentError(f"{source.short_title} is in {source.language!r}, {base.id!r} in {base.language!r}.")
    return base.id


def amended_by(texts: Mapping[str, Source]) -> Iterator[tuple[Source, Source, ExpressionId]]:
    """Each amending act among sources, the act among them that it amends, and the wording that this makes."""
    for amending in texts.values():
        base = texts.get(amending.amends)
        if base is not None and base.celex is not None:
            effective = amending.in_force or amending.version
            yield amending, base, replace(base.expression, effective=effective)


def amend_source(
    base: Source,
    drafts: tuple[Draft, ...],
    amending: Source,
    page: Path,
    corrections: tuple[Operation, ...] = (),
) -> tuple[Draft, ...]:
    """An act as an amending act's page changes it, read in a process of its own; raises AmendmentError, SourceError."""
    from ingest.amendment import amend

    assert base.celex is not None
    name = f"{amending.short_title} ({page.name})"
    amended, _ = run_isolated(name, amend, drafts, page, amending.instrument, base.celex.citation, corrections)
    return amended


def amend_texts(
    texts: Mapping[str, Found],
    drafts: dict[str, tuple[Draft, ...]],
    corrected: Mapping[str, tuple[Corrected, ...]],
    broken: list[Absent],
) -> Iterator[Expression]:
    """The wordings that amending acts make of the acts that they amend.

    An amending act that does not fit the text that it amends is broken, and taken out of what was read.
    """
    for amending, base, identity in amended_by({name: texts[name].source for name in drafts}):
        try:
            corrections = tuple(order for one in corrected.get(amending.id, ()) for order in one.operations)
            amended = amend_source(base, drafts[base.id], amending, texts[amending.id].paths[0], corrections)
        except (AmendmentError, SourceError) as error:
            del drafts[amending.id]
            broken.append(Absent(amending, str(error), Lack.UNREADABLE))
        else:
            consolidated = CONSOLIDATED.format(f"0{str(base.celex)[1:]}", identity.effective)
            yield express(base, amended, corrected, identity, consolidated)


def take_published(ours: Expression, published: Expression) -> Expression:
    """A published consolidated wording in place of ours, with what it leaves out: preamble, and who changed what."""
    changed = {provision.pinpoint: provision.changed_by for provision in ours.provisions}
    preamble = (provision for provision in ours.provisions if provision.kind in RECITALS)
    rest = (replace(one, changed_by=changed.get(one.pinpoint, "")) for one in published.provisions)
    return replace(ours, url=published.url, provisions=(*preamble, *rest), corrigenda=published.corrigenda)
