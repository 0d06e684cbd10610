"""One act from several formats: are its provisions the same, and the same in words; what each file has beside them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from ingest.instrument import Provision
from ingest.pinpoint import Pinpoint, StepKind
from ingest.readers.reading import Reading, count_characters

LEAST_WORDS = 0.999  # of a unit's words, equal in two formats
LEAST_COVERAGE = 0.995  # of a file's characters, in a provision or named as furniture

_WORD = re.compile(r"\w+")
_SEPARATOR = re.compile(r"(?<=\d)[\s.,](?=\d{3}(?!\d))")


@dataclass(frozen=True, slots=True)
class Difference:
    """Words that one format has at a place and the other has not, or has otherwise; a heading is told apart."""

    place: Pinpoint
    left: str
    right: str
    in_heading: bool = False


@dataclass(frozen=True, slots=True)
class UnitAgreement:
    """How many words of an article, recital or annex two formats share, of the longer one's."""

    place: Pinpoint
    equal: int
    words: int

    @property
    def share(self) -> float:
        """The share of equal words, 1.0 for a unit without words."""
        return self.equal / self.words if self.words else 1.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two formats of one act held against each other; `same` counts the units that are equal to the letter.

    `shared_labels` are the points whose label a point under an earlier subparagraph of the same paragraph has already,
    so that they alone keep a step for their subparagraph: Article 43(1), second subparagraph, point (a).
    """

    left: str
    right: str
    places: int
    only_left: tuple[Pinpoint, ...]
    only_right: tuple[Pinpoint, ...]
    units: tuple[UnitAgreement, ...]
    same: int
    differences: tuple[Difference, ...]
    shared_labels: tuple[Pinpoint, ...] = ()

    @property
    def share(self) -> float:
        """The share of equal words in all units together."""
        words = sum(unit.words for unit in self.units)
        return sum(unit.equal for unit in self.units) / words if words else 1.0

    @property
    def least(self) -> float:
        """The share of equal words in the unit that agrees least."""
        return min((unit.share for unit in self.units), default=1.0)

    @property
    def holds(self) -> bool:
        """Whether the places are the same and every unit has enough equal words."""
        return not self.only_left and not self.only_right and self.least >= LEAST_WORDS


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a file is accounted for, its furniture in characters by kind, and what is left over."""

    name: str
    format: str
    printed: int
    coverage: float
    furniture: Mapping[str, int]
    left: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether enough is accounted for, and nothing told twice to make up for it."""
        return LEAST_COVERAGE <= self.coverage <= 2 - LEAST_COVERAGE


def split_words(text: str) -> list[str]:
    """The words of a text, the separators inside its numerals taken out."""
    return _WORD.findall(_SEPARATOR.sub("", text))


def compare_formats(left: str, one: Iterable[Provision], right: str, other: Iterable[Provision]) -> Agreement:
    """Hold two formats of one act against each other; `left` and `right` name them."""
    ours = {provision.pinpoint: provision for provision in one}
    theirs = {provision.pinpoint: provision for provision in other}
    shared = [place for place in ours if place in theirs]
    differences: list[Difference] = []
    units: list[UnitAgreement] = []
    for place in shared:
        differences += _compare_headings(place, ours[place], theirs[place])
        if ours[place].is_unit:
            unit, found = _compare_texts(place, ours[place].text, theirs[place].text)
            units.append(unit)
            differences += found
    return Agreement(
        left,
        right,
        len(shared),
        tuple(place for place in ours if place not in theirs),
        tuple(place for place in theirs if place not in ours),
        tuple(units),
        sum(ours[place].is_unit and ours[place].text == theirs[place].text for place in shared),
        tuple(differences),
        tuple(filter(_keeps_subparagraph, ours)),
    )


def _keeps_subparagraph(place: Pinpoint) -> bool:
    """Whether a labelled point has a step for the subparagraph that it stands under."""
    *_, above, last = (None, *place.steps)
    return above is not None and above.kind is StepKind.SUBPARAGRAPH and last is not None and not last.kind


def _compare_headings(place: Pinpoint, one: Provision, other: Provision) -> list[Difference]:
    """The headings where their words differ, capitals aside: a format may set them all in capitals."""
    words = [split_words(provision.heading.casefold()) for provision in (one, other)]
    return [] if words[0] == words[1] else [Difference(place, one.heading, other.heading, in_heading=True)]


def _compare_texts(place: Pinpoint, one: str, other: str) -> tuple[UnitAgreement, list[Difference]]:
    ours, theirs = split_words(one), split_words(other)
    most = max(len(ours), len(theirs))
    if ours == theirs:
        return UnitAgreement(place, most, most), []
    codes = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    equal = sum(end - start for tag, start, end, _, _ in codes if tag == "equal")
    differences = [
        Difference(place, " ".join(ours[a:b]), " ".join(theirs[c:d])) for tag, a, b, c, d in codes if tag != "equal"
    ]
    return UnitAgreement(place, equal, most), differences


def measure_coverage(name: str, layout: str, reading: Reading) -> Coverage:
    """How much of a file its reading accounts for."""
    furniture: Counter[str] = Counter()
    for piece in reading.furniture:
        furniture[piece.kind.value] += count_characters(piece.text)
    return Coverage(name, layout, reading.printed, reading.coverage, dict(furniture), reading.left)


def all_hold(agreements: Sequence[Agreement], coverages: Sequence[Coverage]) -> bool:
    """Whether every format agrees and every file is accounted for."""
    return all(one.holds for one in agreements) and all(one.holds for one in coverages)
