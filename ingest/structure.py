"""From what readers found to a tree of provisions: pinpoints given, texts joined, gaps named instead of guessed."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest.errors import SourceIncomplete
from ingest.identifiers import ExpressionId
from ingest.instrument import CONTAINERS, Provision, ProvisionKind, SourceSpan
from ingest.pinpoint import Pinpoint, Step, StepKind

_ROOT_STEP = {
    ProvisionKind.ARTICLE: StepKind.ARTICLE,
    ProvisionKind.RECITAL: StepKind.RECITAL,
    ProvisionKind.PREAMBLE_PARAGRAPH: StepKind.PREAMBLE,
    ProvisionKind.PREAMBLE_CITATION: StepKind.CITATION,
    ProvisionKind.ANNEX: StepKind.ANNEX,
    ProvisionKind.CHAPTER: StepKind.CHAPTER,
    ProvisionKind.NUMBERED_PARAGRAPH: StepKind.NUMBERED,
}
_COUNTED = {
    "preamble_paragraphs": ProvisionKind.PREAMBLE_PARAGRAPH,
    "recitals": ProvisionKind.RECITAL,
    "chapters": ProvisionKind.CHAPTER,
    "sections": ProvisionKind.SECTION,
    "articles": ProvisionKind.ARTICLE,
    "annexes": ProvisionKind.ANNEX,
    "numbered_paragraphs": ProvisionKind.NUMBERED_PARAGRAPH,
}
_SUBPARAGRAPH = Step(StepKind.SUBPARAGRAPH, "")
_INDENT = Step(StepKind.INDENT, "")
_AMENDING = Pinpoint.parse("art_1")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Draft:
    """A piece of an instrument as a reader found it, before it has a pinpoint.

    `label` is the bare label ("5", "a", "14a", "III"; empty for an unlabelled subparagraph), `printed` the label as it
    stands before the text ("1.", "(a)"; empty where the label is part of the heading, as for an article). The first
    unlabelled text of a provision is its own `text`; each later one is a child of kind SUBPARAGRAPH, and points that
    follow it are its children. `quoted` holds the lines that an amendment quotes: text, not structure.
    """

    kind: ProvisionKind
    label: str = ""
    printed: str = ""
    heading: str = ""
    text: str = ""
    children: tuple["Draft", ...] = ()
    source: SourceSpan = SourceSpan("")
    changed_by: str = ""
    quoted: tuple[str, ...] = ()

    def own(self) -> str:
        """Its printed label, its own text and what that quotes, normalised, without its children."""
        lines = (f"{self.printed} {self.text}", *self.quoted)
        return "\n".join(line for line in map(normalise, lines) if line)

    def whole(self) -> str:
        """The text of its whole subtree, subdivisions joined by a line feed."""
        parts = (self.own(), *(child.whole() for child in self.children))
        return "\n".join(part for part in parts if part)


def normalise(text: str) -> str:
    """NFC, runs of white space one space, none at the ends."""
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip()


def bare_label(printed: str) -> str:
    """The label inside its punctuation: "(a)" gives "a", "1." gives "1", "‘14a." gives "14a"."""
    return printed.strip().strip("‘’“”'\"()[].,;:–— \u00a0")


def counted_label(printed: str) -> str:
    """The label of an article, which in French may be spelt out: "premier" and "1er" give "1"."""
    return "1" if printed.casefold() in {"premier", "1er"} else printed


def build_provisions(expression: ExpressionId, drafts: Iterable[Draft]) -> tuple[Provision, ...]:
    """Give each draft its pinpoint and text, in the order of print.

    Raises SourceIncomplete when two provisions would have one pinpoint.
    """
    provisions = tuple(_grow_all(expression, tuple(drafts), None, None))
    twice = [str(pinpoint) for pinpoint, n in Counter(p.pinpoint for p in provisions).items() if n > 1]
    if twice:
        places = ", ".join(twice[:5])
        raise SourceIncomplete(f"{expression}: more than one provision at {places}; the text was misread.")
    return provisions


def _grow_all(
    expression: ExpressionId, drafts: tuple[Draft, ...], above: Pinpoint | None, parent: Pinpoint | None
) -> Iterator[Provision]:
    """The provisions of sibling drafts that are, or hold, whole units."""
    for draft in drafts:
        if draft.kind in CONTAINERS:
            pinpoint = _container_pinpoint(draft, above)
            yield _provision(expression, draft, pinpoint, parent, 0, 0)
            yield from _grow_all(expression, draft.children, pinpoint, pinpoint)
        else:
            yield from _grow(expression, draft, _root_pinpoint(draft), parent, 0, 0)


def _container_pinpoint(draft: Draft, above: Pinpoint | None) -> Pinpoint:
    if draft.kind is ProvisionKind.SECTION and above is not None:
        return above.child(StepKind.SECTION, draft.label)
    return Pinpoint((Step(_ROOT_STEP[draft.kind], draft.label),))


def _root_pinpoint(draft: Draft) -> Pinpoint:
    if draft.kind is ProvisionKind.PAGE_PARAGRAPH:
        page = Step(StepKind.PAGE, str(draft.source.page))
        return Pinpoint((page, Step(StepKind.NUMBERED, draft.label)))
    return Pinpoint((Step(_ROOT_STEP[draft.kind], draft.label),))


def _grow(
    expression: ExpressionId, draft: Draft, pinpoint: Pinpoint, parent: Pinpoint | None, offset: int, sections: int
) -> Iterator[Provision]:
    """A draft and all below it; `offset` is where its text begins in its unit's."""
    sections += draft.kind is ProvisionKind.ANNEX_SECTION
    yield _provision(expression, draft, pinpoint, parent, offset, sections)
    yield from _grow_children(expression, draft, pinpoint, pinpoint, offset, sections, Counter())


def _grow_children(
    expression: ExpressionId,
    draft: Draft,
    pinpoint: Pinpoint,
    carrier: Pinpoint,
    offset: int,
    sections: int,
    seen: Counter[Step],
) -> Iterator[Provision]:
    """What lies under a draft; `carrier` is the place whose steps its labelled children continue.

    A point under a second subparagraph has no step for that, unless an earlier subparagraph has a point of its label:
    Article 43(1) has a point (a) and a second subparagraph, point (a), which is `art_43/1/sub_2/a`.
    """
    cursor = offset + len(draft.own()) + bool(draft.own())
    for child in draft.children:
        if child.kind is ProvisionKind.SUBPARAGRAPH:
            seen[_SUBPARAGRAPH] += 1
            place = carrier.child(StepKind.SUBPARAGRAPH, str(seen[_SUBPARAGRAPH] + 1))
            yield _provision(expression, child, place, pinpoint, cursor, sections)
            yield from _grow_children(expression, child, place, carrier, cursor, sections, seen)
        elif child.kind is ProvisionKind.INDENT:
            seen[_INDENT] += 1
            place = carrier.child(StepKind.INDENT, str(seen[_INDENT]))
            yield from _grow(expression, child, place, pinpoint, cursor, sections)
        else:
            step = Step(StepKind.LABEL, child.label)
            place = Pinpoint((*(pinpoint if seen[step] else carrier).steps, step))
            seen[step] += 1
            yield from _grow(expression, child, place, pinpoint, cursor, sections)
        cursor += len(child.whole()) + bool(child.whole())


def _provision(
    expression: ExpressionId, draft: Draft, pinpoint: Pinpoint, parent: Pinpoint | None, offset: int, sections: int
) -> Provision:
    return Provision(
        expression=expression,
        pinpoint=pinpoint,
        kind=draft.kind,
        label=pinpoint.house(sections=sections),
        heading=normalise(draft.heading),
        text="" if draft.kind in CONTAINERS else draft.whole(),
        offset=offset,
        parent=parent,
        source=draft.source,
        changed_by=draft.changed_by,
    )


def count_provisions(provisions: Iterable[Provision]) -> dict[str, int]:
    """How many of each kind that a manifest can expect, by the manifest's names."""
    every = tuple(provisions)
    kinds = Counter(provision.kind for provision in every)
    amending = sum(provision.kind is ProvisionKind.POINT and provision.parent == _AMENDING for provision in every)
    return {**{name: kinds[kind] for name, kind in _COUNTED.items()}, "amending_points": amending}


def find_gaps(provisions: Iterable[Provision]) -> tuple[str, ...]:
    """Places where a run of numbers skips: "Article 7 follows Article 5"."""
    gaps: list[str] = []
    last: dict[ProvisionKind, Provision] = {}
    for provision in provisions:
        if not provision.is_unit or not provision.pinpoint.root.label.isdigit():
            continue
        before = last.get(provision.kind)
        expected = int(before.pinpoint.root.label) + 1 if before else 1
        if int(provision.pinpoint.root.label) != expected and provision.kind is not ProvisionKind.PAGE_PARAGRAPH:
            gaps.append(f"{provision.label} follows {before.label if before else 'nothing'}")
        last[provision.kind] = provision
    return tuple(gaps)


def check_counts(name: str, provisions: tuple[Provision, ...], expected: dict[str, int]) -> None:
    """Hold the counts against the manifest's; raises SourceIncomplete naming each that falls short and the gaps."""
    found = count_provisions(provisions)
    wrong = [f"{found[key]} {key.replace('_', ' ')} instead of {n}" for key, n in expected.items() if found[key] != n]
    if wrong:
        gaps = "; ".join(find_gaps(provisions)[:5])
        raise SourceIncomplete(
            f"{name}: found {', '.join(wrong)}{f' ({gaps})' if gaps else ''}; "
            "replace the file, or correct `expected` in the manifest."
        )
