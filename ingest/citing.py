"""What a provision cites, and what cites it, over all wordings of one day."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ingest.identifiers import InstrumentId
from ingest.instrument import Expression, Provision
from ingest.pinpoint import Pinpoint
from ingest.references import Reference, locate, resolve_references


@dataclass(frozen=True, slots=True)
class Mention:
    """A reference to places of one of our instruments, and the smallest provision that holds its words."""

    provision: Provision
    text: str
    instrument: InstrumentId
    targets: tuple[Pinpoint, ...]


@dataclass(frozen=True, slots=True)
class CitedBy:
    """A reference to a place: the smallest provision that holds its words, the words, and the place they name.

    `target` is the place asked for, one inside it, or the larger one that it is a part of.
    """

    provision: Provision
    text: str
    target: Pinpoint

    def is_to_whole(self, place: Pinpoint) -> bool:
        """Whether the reference names a larger place, of which the one asked for is a part."""
        return not place.contains(self.target)


def find_cited(expression: Expression, provision: Provision) -> tuple[Reference, ...]:
    """The references in a provision that lead out of it: "this Article" and its own paragraphs are none."""
    around = _around(expression, provision)
    return tuple(
        reference
        for reference in resolve_references(expression, provision)
        if not _stays_inside(expression, provision.pinpoint, around, reference)
    )


def list_mentions(text: Expression) -> tuple[Mention, ...]:
    """The references of a whole wording to places of our instruments, in order; a second for a long act."""
    return tuple(
        Mention(
            text.smallest(unit.pinpoint, reference.start, reference.end),
            reference.text,
            reference.instrument,
            reference.targets,
        )
        for unit in text.units()
        for reference in resolve_references(text, unit)
        if reference.instrument is not None
    )


def find_citing(
    expression: Expression,
    provision: Provision,
    others: Iterable[Expression],
    mentions_of: Callable[[Expression], tuple[Mention, ...]] = list_mentions,
) -> tuple[CitedBy, ...]:
    """The references to a provision, to a part of it or to what it is part of, in its own wording and in others.

    Who asks often gives a `mentions_of` that keeps what it has found.
    """
    around = _around(expression, provision)
    texts = (expression, *(one for one in others if one.instrument != expression.instrument))
    return tuple(
        found
        for text in texts
        for found in _citing_in(mentions_of(text), text is expression, expression, provision.pinpoint, around)
    )


def _around(expression: Expression, provision: Provision) -> frozenset[Pinpoint]:
    """What a provision lies in: paragraph, article, section, chapter."""
    return frozenset(above.pinpoint for above in expression.ancestors(provision))


def _stays_inside(expression: Expression, place: Pinpoint, around: frozenset[Pinpoint], reference: Reference) -> bool:
    if reference.instrument != expression.instrument or not reference.targets or reference.unresolved:
        return False
    return all(place.contains(target) or target in around for target in reference.targets)


def _citing_in(
    mentions: Iterable[Mention], is_own: bool, cited: Expression, place: Pinpoint, around: frozenset[Pinpoint]
) -> Iterator[CitedBy]:
    for mention in mentions:
        holder = mention.provision
        if mention.instrument != cited.instrument or (is_own and place.contains(holder.pinpoint)):
            continue
        target = _nearest(cited, mention.targets, place, around)
        if target is not None and not (is_own and target.contains(holder.pinpoint)):
            yield CitedBy(holder, mention.text, target)


def _nearest(
    cited: Expression, targets: Iterable[Pinpoint], place: Pinpoint, around: frozenset[Pinpoint]
) -> Pinpoint | None:
    """The target that is the place, lies in it, or holds it; the closest of several, None of none."""
    located = [found.pinpoint for target in targets if (found := locate(cited, target)) is not None]
    near = [target for target in located if place.contains(target) or target in around]
    return min(near, key=lambda target: (not place.contains(target), -len(target.steps)), default=None)
