"""References inside the AI Act, resolved: a sample checked by hand, and the whole of it counted.

The rows of references.tsv were drawn with a fixed seed from the references found, and each was read beside the law: the
provision that holds the words, which of equal words there, the words, what they mean.
"""

import csv
import re
from datetime import date
from pathlib import Path

import pytest

from ingest.identifiers import AI_ACT, ExpressionId
from ingest.instrument import Authority, Expression, ProvisionKind
from ingest.pinpoint import Pinpoint
from ingest.readers.formex import read_formex
from ingest.references import Reference, locate, resolve_references
from ingest.structure import Draft, build_provisions

ADOPTED = ExpressionId(AI_ACT, date(2024, 7, 12), "en")
SAMPLE = Path(__file__).with_name("references.tsv")
NAMED = re.compile(
    r"\b(?:Articles?|[Pp]aragraphs?|[Pp]oints?|Annex(?:es)?|Chapters?|Sections?)\s\(?(?:\d|[IVX]+\b|[a-z]\))"
)


def expression(drafts: tuple[Draft, ...]) -> Expression:
    provisions = build_provisions(ADOPTED, drafts)
    return Expression(ADOPTED, "", "AI Act", Authority.LAW, "", date(2024, 7, 12), provisions)


def article(label: str, *children: Draft, text: str = "") -> Draft:
    return Draft(ProvisionKind.ARTICLE, label, text=text, children=children)


def paragraph(label: str, text: str, *children: Draft) -> Draft:
    return Draft(ProvisionKind.PARAGRAPH, label, f"{label}.", text=text, children=children)


def point(label: str, text: str, *children: Draft) -> Draft:
    return Draft(ProvisionKind.POINT, label, f"({label})", text=text, children=children)


def sub(text: str, *children: Draft) -> Draft:
    return Draft(ProvisionKind.SUBPARAGRAPH, text=text, children=children)


SMALL = (
    Draft(ProvisionKind.CHAPTER, "III", children=(
        Draft(ProvisionKind.SECTION, "2", children=(
            article("6",
                paragraph("1", "Both:",
                    point("a", "tea of Section 2;", sub("Mind this subparagraph.")),
                    point("b", "milk, as in point (a) or (z).")),
                paragraph("3", "By way of derogation from paragraph 1, none.",
                    sub("The first subparagraph holds where:", point("a", "hot;"), point("b", "as in point (a).")),
                    sub("See Article 6(3), second subparagraph, point (b), and this Article.")),
            ),
            article("7", sub("It applies later."), sub("Yet, as Article 7(2) says:", point("a", "now.")), text="Yes."),
        )),
    )),
    article("8",
        point("1", "in Article 4, this is added:"),
        text="Regulation (EU) 2018/1139 is amended as follows:"),
    Draft(ProvisionKind.ANNEX, "VIII", text="Article 6(1), point (b), for Article 6 of Directive 90/4/EC:", children=(
        Draft(ProvisionKind.ANNEX_SECTION, "A", children=(point("1", "name;"), point("2", "place."))),
        Draft(ProvisionKind.ANNEX_SECTION, "B", children=(point("1", "name, but Annex VIII, point 2, and point 9."),)),
    )),
)  # fmt: skip


def resolved(references: tuple[Reference, ...]) -> list[tuple[str, str]]:
    return [
        (
            one.text,
            " ".join([*map(str, one.targets), *one.unresolved, *([f"<{one.external}>"] if one.external else [])]),
        )
        for one in references
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("art_6/1/a", [("Section 2", "cpt_III/sec_2"), ("this subparagraph", "art_6/1/a")]),
        ("art_6/1/b", [("point (a) or (z)", "art_6/1/a point z")]),
        ("art_6/3/b", [("point (a)", "art_6/3/a")]),
        ("art_6/3/sub_2", [("first subparagraph", "art_6/3"), ("point (a)", "art_6/3/a")]),
        ("art_6/3/sub_3", [("Article 6(3), second subparagraph, point (b)", "art_6/3/b"), ("this Article", "art_6")]),
        ("art_7/sub_3", [("Article 7(2)", "art_7/sub_2")]),
        ("art_6/1/a/sub_2", [("this subparagraph", "art_6/1/a")]),
        ("art_8/1", [("Article 4", "<Regulation (EU) 2018/1139>")]),
        ("anx_VIII/B/1", [("Annex VIII, point 2", "anx_VIII/A/2"), ("point 9", "point 9")]),
    ],
)
def test_small(path: str, expected: list[tuple[str, str]]) -> None:
    wording = expression(SMALL)
    assert resolved(resolve_references(wording, wording.at(Pinpoint.parse(path)))) == expected


def test_internal_external_and_unresolved_stay_apart() -> None:
    wording = expression(SMALL)
    internal, external, local, missing = resolve_references(wording, wording.at(Pinpoint.parse("anx_VIII")))
    assert (internal.is_internal, internal.instrument, internal.targets) == (
        True,
        AI_ACT,
        (Pinpoint.parse("art_6/1/b"),),
    )
    assert (external.is_internal, external.targets, external.external) == (False, (), "Directive 90/4/EC")
    assert (local.is_internal, local.unresolved) == (True, ())
    assert (missing.is_internal, missing.targets, missing.unresolved) == (True, (), ("point 9",))


@pytest.mark.parametrize(
    ("cited", "meant"),
    [
        ("art_6/1/a", "art_6/1/a"),
        ("art_6/3/sub_2/b", "art_6/3/b"),
        ("art_7/3/a", "art_7/a"),
        ("anx_VIII/2", "anx_VIII/A/2"),
        ("anx_VIII/1", None),
        ("art_6/9", None),
        ("art_99", None),
    ],
)
def test_locate(cited: str, meant: str | None) -> None:
    found = locate(expression(SMALL), Pinpoint.parse(cited))
    assert (str(found.pinpoint) if found else None) == meant


@pytest.fixture(scope="module")
def act(corpus_dir: Path) -> Expression:
    folder = corpus_dir / "ai-act" / "formex"
    return expression(read_formex([path for path in folder.glob("L_*.fmx.xml") if path.name.split(".")[1].isdigit()]))


@pytest.fixture(scope="module")
def found(act: Expression) -> dict[str, list[Reference]]:
    """The references of the whole Act by the smallest provision that holds them."""
    holders: dict[str, list[Reference]] = {}
    for unit in act.units():
        for one in resolve_references(act, unit):
            holder = act.smallest(unit.pinpoint, one.start, one.end)
            holders.setdefault(str(holder.pinpoint), []).append(one)
    return holders


def test_the_sample_checked_by_hand(found: dict[str, list[Reference]]) -> None:
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    wrong = []
    for row in rows:
        same = [one for one in found.get(row["source"], []) if one.text == row["words"]]
        place = int(row["nth"]) - 1
        targets = " ".join(map(str, same[place].targets)) if place < len(same) else "not found"
        if targets != row["targets"]:
            wrong.append(f"{row['source']}: {row['words']!r} gave {targets}")
    assert len(rows) == 200
    assert len(wrong) <= 4, wrong


def test_internal_references_resolve(found: dict[str, list[Reference]]) -> None:
    internal = [one for references in found.values() for one in references if one.is_internal]
    resolved_ones = [one for one in internal if not one.unresolved]
    assert len(internal) > 770
    assert len(resolved_ones) / len(internal) >= 0.98


def test_hardly_a_reference_is_overlooked(act: Expression) -> None:
    overlooked = []
    named = 0
    for unit in act.units():
        spans = [(one.start, one.end) for one in resolve_references(act, unit)]
        for match in NAMED.finditer(unit.text):
            named += 1
            if not any(start <= match.start() < end for start, end in spans):
                overlooked.append(f"{unit.pinpoint}: {match.group()}")
    assert named > 850
    assert overlooked == []


def test_what_an_amendment_quotes_is_not_the_acts_own(act: Expression) -> None:
    references = resolve_references(act, act.at(Pinpoint.parse("art_108/2")))
    assert all(one.external for one in references)
    assert references[0].external == "Regulation (EU) 2018/1139"
