"""Any two provisions beside each other: their words, what our concordance says of both, the terms that each uses."""

from dataclasses import dataclass

from ingest.concordance import Correspondence, load_concordance
from ingest.corpus import Corpus
from ingest.definitions import Definition, load_glossary
from ingest.instrument import Provision
from ingest.redline import Segment, redline


@dataclass(frozen=True, slots=True)
class Term:
    """A defined term that a provision uses or defines, with the provision that gives it its meaning."""

    definition: Definition
    provision: Provision
    own: bool = False


@dataclass(frozen=True, slots=True)
class Beside:
    """Two provisions, the right one as words struck from and put into the left one.

    `correspondences` are those that touch both; `left_terms` and `right_terms` the defined terms of each side, those
    that the provision itself defines first.
    """

    left: Provision
    right: Provision
    redline: tuple[Segment, ...]
    correspondences: tuple[Correspondence, ...]
    left_terms: tuple[Term, ...]
    right_terms: tuple[Term, ...]


def lay_beside(corpus: Corpus, left: Provision, right: Provision) -> Beside:
    """Two provisions beside each other, with all that belongs to both and to each."""
    return Beside(
        left,
        right,
        redline(left.text, right.text),
        _correspondences(left, right),
        _terms(corpus, left),
        _terms(corpus, right),
    )


def _correspondences(left: Provision, right: Provision) -> tuple[Correspondence, ...]:
    table = load_concordance()
    one, other = (table.touching(side.expression.instrument, side.pinpoint) for side in (left, right))
    return tuple(each for each in one if each in other)


def _terms(corpus: Corpus, provision: Provision) -> tuple[Term, ...]:
    """The terms that a provision defines, then those that it uses."""
    wording = corpus.expression(provision.expression)
    glossary = load_glossary(wording)
    own = tuple(one for one in glossary.definitions if provision.pinpoint.contains(one.place))
    used = (one for one in glossary.find_terms(provision) if one not in own)
    return (
        *(Term(one, wording.at(one.place), own=True) for one in own),
        *(Term(one, wording.at(one.place)) for one in used),
    )
