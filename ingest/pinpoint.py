"""The place inside an instrument: `art_6/1/a`, printed "Article 6(1)(a)".

Labels are text, never numbers: "6a", "ba" and "IX" are as good as "6". A coarser pinpoint is a prefix of a finer one.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, Self

from ingest.errors import PinpointError


class StepKind(StrEnum):
    """What a step names; a plain label (paragraph, point) has the empty kind."""

    ARTICLE = "art"
    RECITAL = "rct"
    PREAMBLE = "pre"
    CITATION = "cit"
    ANNEX = "anx"
    CHAPTER = "cpt"
    NUMBERED = "para"
    PAGE = "page"
    SECTION = "sec"
    SUBPARAGRAPH = "sub"
    INDENT = "ind"
    LABEL = ""


ROOTS = frozenset(
    {
        StepKind.ARTICLE,
        StepKind.RECITAL,
        StepKind.PREAMBLE,
        StepKind.CITATION,
        StepKind.ANNEX,
        StepKind.CHAPTER,
        StepKind.NUMBERED,
        StepKind.PAGE,
    }
)
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")

_STEP = re.compile(r"(?:(?P<kind>[a-z]{3,4})_)?(?P<label>[0-9A-Za-zÀ-ÿ]+(?:[.-][0-9A-Za-z]+)*)")
_NAMES = {
    StepKind.ARTICLE: "Article",
    StepKind.RECITAL: "recital",
    StepKind.PREAMBLE: "preamble, paragraph",
    StepKind.CITATION: "preamble, citation",
    StepKind.ANNEX: "Annex",
    StepKind.CHAPTER: "Chapter",
    StepKind.NUMBERED: "para",
    StepKind.PAGE: "page",
}


def ordinal(number: int) -> str:
    """The English word for a small ordinal, "11th" and so on above ten."""
    return ORDINALS[number - 1] if number <= len(ORDINALS) else f"{number}th"


class Step(NamedTuple):
    """One step down: its kind and its label."""

    kind: StepKind
    label: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `art_6`, `sub_2`, `1`, `ba`; raises PinpointError."""
        match = _STEP.fullmatch(text)
        try:
            if match is None:
                raise ValueError(text)
            return cls(StepKind(match["kind"] or ""), match["label"])
        except ValueError:
            raise PinpointError(
                f"step {text!r} of a pinpoint cannot be read; steps look like art_6, 1, a, sub_2."
            ) from None

    def __str__(self) -> str:
        return f"{self.kind}_{self.label}" if self.kind else self.label


@dataclass(frozen=True, slots=True, order=True)
class Pinpoint:
    """A path of steps from the instrument down, such as Article 6a(1), point (c)."""

    steps: tuple[Step, ...]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.steps))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type["Pinpoint"], tuple[tuple[Step, ...]]]:
        """Another process hashes anew: the hash of a text is not the same there."""
        return Pinpoint, (self.steps,)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `art_6a/1/c`; raises PinpointError."""
        steps = tuple(Step.parse(part) for part in text.strip().split("/"))
        if steps[0].kind not in ROOTS:
            allowed = ", ".join(sorted(f"{kind}_" for kind in ROOTS))
            raise PinpointError(f"pinpoint {text!r} cannot be read; it begins with one of {allowed}.")
        return cls(steps)

    @property
    def root(self) -> Step:
        """The first step."""
        return self.steps[0]

    @property
    def unit(self) -> "Pinpoint":
        """The whole article, recital or annex (numbered paragraph, page paragraph) that this place lies in."""
        return _unit(self)

    @property
    def parent(self) -> "Pinpoint | None":
        """One step up, or None at the top."""
        return self.lineage[1] if len(self.steps) > 1 else None

    @property
    def lineage(self) -> tuple["Pinpoint", ...]:
        """This place, then all that it lies in, innermost first."""
        return _lineage(self)

    def child(self, kind: StepKind, label: str) -> "Pinpoint":
        """One step down."""
        return Pinpoint((*self.steps, Step(kind, label)))

    def contains(self, other: "Pinpoint") -> bool:
        """Whether `other` is this place or lies in it."""
        return other.steps[: len(self.steps)] == self.steps

    def house(self, *, sections: int = 0) -> str:
        """The printed form; `sections` says how many steps after an annex are sections of it."""
        if self.root.kind is StepKind.ANNEX:
            return _annex_form(self.steps, sections or _guess_sections(self.steps))
        if self.root.kind is StepKind.CHAPTER:
            return ", ".join(
                f"{'Section' if step.kind is StepKind.SECTION else 'Chapter'} {step.label}" for step in self.steps
            )
        if self.root.kind is StepKind.PAGE:
            return ", ".join(f"{_NAMES.get(step.kind, '')} {step.label}".strip() for step in self.steps)
        return f"{_NAMES[self.root.kind]} {self.root.label}" + _tail(self.steps[1:])

    def __str__(self) -> str:
        return "/".join(map(str, self.steps))


@lru_cache(maxsize=1 << 16)
def _lineage(place: Pinpoint) -> tuple[Pinpoint, ...]:
    return (place, *(Pinpoint(place.steps[:depth]) for depth in range(len(place.steps) - 1, 0, -1)))


@lru_cache(maxsize=1 << 16)
def _unit(place: Pinpoint) -> Pinpoint:
    depth = 2 if place.root.kind is StepKind.PAGE and len(place.steps) > 1 else 1
    return place.lineage[-depth]


def _guess_sections(steps: tuple[Step, ...]) -> int:
    """Without the tree at hand: a capital letter after an annex is a section."""
    return int(len(steps) > 1 and steps[1].kind is StepKind.LABEL and steps[1].label.isupper())


def _annex_form(steps: tuple[Step, ...], sections: int) -> str:
    parts = [f"Annex {steps[0].label}"]
    parts += [f"Section {step.label}" for step in steps[1 : 1 + sections]]
    rest = steps[1 + sections :]
    if rest and rest[0].kind is StepKind.LABEL:
        if len(rest) > 1 and rest[1].label.startswith(f"{rest[0].label}."):
            rest = rest[1:]
        first = rest[0].label
        parts.append(f"point {first if first[0].isdigit() else f'({first})'}" + _tail(rest[1:]))
    elif rest:
        parts.append(_tail(rest).removeprefix(", "))
    return ", ".join(parts)


def _tail(steps: tuple[Step, ...]) -> str:
    out = ""
    for before, step in zip((None, *steps), steps, strict=False):
        if step.kind is StepKind.SUBPARAGRAPH:
            out += f", {ordinal(int(step.label))} subparagraph"
        elif step.kind is StepKind.INDENT:
            out += f", {ordinal(int(step.label))} indent"
        elif before is not None and before.kind is not StepKind.LABEL:
            out += f", point ({step.label})"
        else:
            out += f"({step.label})"
    return out
