"""The concordance as a page: where the two instruments meet and where one is silent, as a picture, table and notes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ingest.clock import today
from ingest.concordance import Concordance, Correspondence, load_concordance
from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT, CONVENTION, InstrumentId
from ingest.instrument import Authority, Relation
from ingest.manifest import Source, SourceFormat, Use, load_manifest
from ingest.outline import RELATIONS, Outline, load_outlines
from ingest.pinpoint import Pinpoint, StepKind
from ingest.status import load_status
from ui.language import Language, Wording, load_wording, say_relation

ENGLISH = load_wording(Language.ENGLISH)
SIGNS = {
    Relation.EQUIVALENT: "=",
    Relation.SIMILAR: "≈",
    Relation.DIFFERENT: "≠",
    Relation.BROADER: "⊃",
    Relation.NARROWER: "⊂",
    Relation.ONLY: "∅",
}
LEGEND = (*RELATIONS, Relation.ONLY)
SILENT = "silent"
PREAMBLE = "pre"
BESIDE_CHAPTERS = {StepKind.ANNEX: "anx", StepKind.RECITAL: "rct", StepKind.CITATION: "rct"}

Address = Callable[[InstrumentId, Pinpoint], str]


@dataclass(frozen=True, slots=True)
class Lane:
    """A row or a column of the picture: its key, what is printed at its head, and the chapter that it belongs to."""

    key: str
    label: str
    heading: str
    chapter: str = ""
    chapter_heading: str = ""
    place: Pinpoint | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a row and a column cross: the correspondences that meet here, and whether further places of others do."""

    marks: tuple[Correspondence, ...]
    touched: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows of the Convention against columns of the AI Act; the last of each is where the other side is silent."""

    rows: tuple[Lane, ...]
    columns: tuple[Lane, ...]
    cells: Mapping[tuple[str, str], Cell]

    def cell(self, row: Lane, column: Lane) -> Cell:
        """What stands where two lanes cross."""
        return self.cells.get((row.key, column.key), Cell((), False))


def build_picture(
    concordance: Concordance, outlines: Mapping[InstrumentId, Outline], words: Wording = ENGLISH
) -> Picture:
    """Put each correspondence once, where the first place of each side is, and mark where its further places are."""
    treaty, act = outlines[CONVENTION], outlines[AI_ACT]
    marks: dict[tuple[str, str], list[Correspondence]] = {}
    touched: set[tuple[str, str]] = set()
    for one in concordance.correspondence:
        rows = [_row_key(place) for place in one.side(CONVENTION)] or [SILENT]
        columns = [_column_key(place, act) for place in one.side(AI_ACT)] or [SILENT]
        marks.setdefault((rows[0], columns[0]), []).append(one)
        touched |= {(row, column) for row in rows for column in columns}
    cells = {
        key: Cell(tuple(marks.get(key, ())), key in touched and key not in marks) for key in marks.keys() | touched
    }
    return Picture(tuple(_rows(treaty, act, words)), tuple(_columns(act, treaty, words)), cells)


def _row_key(place: Pinpoint) -> str:
    return str(place.unit) if place.root.kind is StepKind.ARTICLE else PREAMBLE


def _column_key(place: Pinpoint, act: Outline) -> str:
    chapter = act.chapter_of(place)
    return str(chapter.pinpoint) if chapter else BESIDE_CHAPTERS[place.root.kind]


def _rows(treaty: Outline, act: Outline, words: Wording) -> Iterator[Lane]:
    preamble = words.say("meeting.preamble")
    yield Lane(PREAMBLE, words.say("meeting.pre"), preamble, "", preamble, Pinpoint.parse("pre_1"))
    for chapter in treaty.chapter:
        for number in chapter.articles:
            place = Pinpoint.parse(f"art_{number}")
            yield Lane(str(place), number, chapter.headings.get(number, ""), chapter.label, chapter.heading, place)
    silent = words.say("meeting.is_silent", name=words.name(treaty.name))
    yield Lane(SILENT, "", _only(act, treaty, words), "∅", silent)


def _only(speaking: Outline, other: Outline, words: Wording) -> str:
    return words.say("meeting.only", name=words.name(speaking.name), other=words.name(other.name))


def _columns(act: Outline, treaty: Outline, words: Wording) -> Iterator[Lane]:
    for chapter in act.chapter:
        yield Lane(str(chapter.pinpoint), chapter.label, chapter.heading)
    yield Lane("anx", words.say("meeting.anx"), words.say("meeting.annexes"))
    yield Lane("rct", words.say("meeting.rct"), words.say("meeting.recitals"))
    yield Lane(SILENT, "∅", _only(treaty, act, words))


def render_concordance(
    concordance: Concordance,
    outlines: Mapping[InstrumentId, Outline],
    address: Address,
    standing: str = "",
    language: Language = Language.ENGLISH,
) -> str:
    """The whole page, which needs no script and nothing from outside.

    `address` gives a place's official address, `standing` says in a sentence what binds today.
    """
    words = load_wording(language)
    legend = {one: words.say("meeting.one_speaks" if one is Relation.ONLY else f"relation_{one}") for one in LEGEND}
    counts = {relation: 0 for relation in LEGEND}
    for one in concordance.correspondence:
        counts[one.relation] += 1
    return (
        _environment()
        .get_template("concordance.html")
        .render(
            style=resources.files("ui").joinpath("static", "concordance.css").read_text(encoding="utf-8"),
            concordance=concordance.correspondence,
            picture=build_picture(concordance, outlines, words),
            names={name: words.name(outlines[name].name) for name in (CONVENTION, AI_ACT)},
            full_names={name: outlines[name].name for name in (CONVENTION, AI_ACT)},
            wordings={name: outlines[name].wording for name in (CONVENTION, AI_ACT)},
            counts=counts,
            standing=standing,
            alone={name: sum(one.only == name for one in concordance.correspondence) for name in (CONVENTION, AI_ACT)},
            address=address,
            legend=legend,
            relation_of=lambda one: say_relation(one, words),
            language=language,
            query="" if language is Language.ENGLISH else f"?lang={language}",
            english=Markup("" if language is Language.ENGLISH else ' lang="en"'),  # nosec B704 # a constant
            say=words.say,
            day_of=words.long_date,
        )
    )


def question_on(one: Correspondence) -> str:
    """What to ask in the chat to see an issue answered from the texts."""
    return f"What do the Convention and the AI Act say on “{one.issue}”?"


def describe_standing(day: date, words: Wording = ENGLISH) -> str:
    """In a sentence, whether the Convention binds on a day, from the status table."""
    treaty = load_status().get(CONVENTION)
    if treaty is None:
        return ""
    state = words.say("force_in_force" if treaty.is_in_force(day) else "force_not_in_force")
    seen = words.long_date(treaty.as_seen)
    return words.say("meeting.standing", state=state, day=words.long_date(day), seen=seen)


def official_address(corpus: Corpus, concordance: Concordance) -> Address:
    """The official address of a place as the texts give it, or as the manifest does where they are not at hand."""
    wordings = {one.id: one for one in corpus.expressions}

    def address(instrument: InstrumentId, place: Pinpoint) -> str:
        wording = wordings.get(concordance.wordings[instrument])
        provision = wording.get(place) if wording else None
        return corpus.official_url(provision) if provision else _listed_address(instrument, place)

    return address


def _listed_address(instrument: InstrumentId, place: Pinpoint) -> str:
    """The address of a place in the latest wording that the manifest lists; a recital stands in the first alone."""
    listed = _law_sources().get(instrument, ())
    if not listed:
        return ""
    source = listed[0] if place.root.kind in {StepKind.RECITAL, StepKind.CITATION} else listed[-1]
    if source.format is SourceFormat.CETS_PDF and source.addresses:
        return source.addresses[0].url
    return f"{source.url}#{place.unit}"


@cache
def _law_sources() -> dict[InstrumentId, tuple[Source, ...]]:
    """The English texts of law that the manifest lists, by instrument, oldest first."""
    found: dict[InstrumentId, tuple[Source, ...]] = {}
    law = (one for one in load_manifest().sources if one.authority is Authority.LAW and one.language == "en")
    for source in sorted((one for one in law if one.use is Use.CORPUS), key=lambda one: one.version):
        found[source.instrument] = (*found.get(source.instrument, ()), source)
    return found


def concordance_page(corpus: Corpus, language: Language = Language.ENGLISH) -> str:
    """The page of our own concordance, its links as the texts at hand give them."""
    concordance = load_concordance()
    address = official_address(corpus, concordance)
    standing = describe_standing(today(), load_wording(language))
    return render_concordance(concordance, load_outlines(), address, standing, language)


def _by_chapter(lanes: Iterable[Lane]) -> list[tuple[str, list[Lane]]]:
    return [(chapter, list(rows)) for chapter, rows in groupby(lanes, key=lambda lane: lane.chapter)]


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ui"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {
        "signs": SIGNS,
        "question_on": question_on,
        "languages": {one.value: load_wording(one).page["language"] for one in Language},
    }
    environment.filters |= {"by_chapter": _by_chapter, "capitalize_first": _capitalised}
    return environment
