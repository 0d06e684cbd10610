"""EUR-Lex's consolidated texts: a small page of our own, and the Dutch AI Act beside its Official Journal text."""

from datetime import date
from pathlib import Path

import pytest

from ingest.agreement import Agreement, compare_formats
from ingest.identifiers import AI_ACT, ExpressionId
from ingest.instrument import Provision
from ingest.readers.eurlex_html import account_eurlex_html, read_eurlex_html
from ingest.readers.reading import FurnitureKind, Reading
from ingest.structure import build_provisions

DUTCH = ExpressionId(AI_ACT, date(2024, 7, 12), "nl")


def grid(label: str, *texts: str) -> str:
    inner = "".join(text if text.startswith("<") else f'<p class="norm">{text}</p>' for text in texts)
    return (
        f'<div class="grid-container grid-list"><div class="list grid-list-column-1"><span>{label}\u00a0</span></div>'
        f'<div class="grid-list-column-2">{inner}</div></div>'
    )


def numbered(label: str, text: str) -> str:
    inner = text if not text.startswith("<") else f"\n{text}"
    return (
        f'<div class="norm"><span class="no-parag">{label}\u00a0\u00a0</span>'
        f'<div class="norm inline-element">{inner}</div></div>'
    )


def hanging(label: str, text: str) -> str:
    return (
        '<div style="margin-left: 36pt; text-indent: -36pt">'
        f'<p class="norm">{label}<span style="word-spacing: 18pt"> </span>{text}</p></div>'
    )


def first(text: str) -> str:
    return f'<p class="norm inline-element">{text}</p>'


def article(label: str, heading: str, *body: str) -> str:
    return (
        f'<div class="eli-subdivision" id="art_{label}"><p class="title-article-norm">Article {label}</p>'
        f'<div class="eli-title" id="art_{label}.tit_1"><p class="stitle-article-norm">{heading}</p></div>'
        f"{''.join(body)}</div>"
    )


ARROW = '<p class="modref"><a href="x" title="32031R0001: REPLACED">▼M1</a></p>'
INLINE = '<a href="x" title="32031R0001: REPLACED">►M1</a>'
NOTE = '(<a href="#E0001" id="src.E0001"><span class="superscript">1</span></a>)'
PAGE = f"""<html><body><p class="reference">02030R0001 — EN — 01.01.2031</p><p class="disclaimer">Not the law.</p>
<div class="eli-container"><div class="eli-main-title" id="tit_1"><p class="title-doc-first">REGULATION</p></div>
<div class="eli-subdivision" id="enc_1"><div id="cpt_I"><p class="title-division-1">CHAPTER I</p>
<p class="title-division-2"><span class="boldface">TEA</span></p>
{
    article(
        "1",
        "Leaves",
        numbered("1.", first("Tea is:") + grid("(a)", "hot;", grid("(i)", "very;")) + grid("(b)", "strong.")),
        numbered("2.", f"It has no milk{NOTE}."),
        '<p class="norm">It may have lemon where:</p>',
        grid("(c)", "it is summer;"),
        '<p class="norm">Never otherwise.</p>',
        ARROW,
        numbered("2a.", f"It holds 10<span class='superscript'>25</span> leaves and {INLINE} a few ◄ more."),
    )
}
{article("2", "Cups", '<p class="norm">Cups are small.</p>')}</div></div>
<div class="eli-subdivision" id="fnp_1"><p class="norm">This Regulation shall be binding.</p></div>
<div id="anx_I"><hr class="separator-annex"/><p class="title-annex-1">ANNEX I</p><p class="title-annex-2">Kettles</p>
<p class="title-gr-seq-level-1">Section A</p><p class="title-gr-seq-level-1">Copper</p>
{hanging("3.1.", "Each kettle has:")}{grid("(a)", "a spout;")}<p class="list">And a lid.</p>{
    hanging("3.2.", "No rust.")
}
{grid("—", "no dents.")}</div></div>
<p class="footnote">(<a href="#src.E0001" id="E0001"><span class="superscript">1</span></a>) A note.</p>
</body></html>"""


@pytest.fixture
def page(tmp_path: Path) -> Reading:
    file = tmp_path / "page.html"
    file.write_text(PAGE, encoding="utf-8")
    return account_eurlex_html(file)


@pytest.fixture
def tea(page: Reading) -> dict[str, Provision]:
    return {str(one.pinpoint): one for one in build_provisions(DUTCH, page.drafts)}


def test_places_and_texts(tea: dict[str, Provision]) -> None:
    assert {place: one.text for place, one in tea.items() if one.text and place not in {"art_1", "anx_I"}} == {
        "art_1/1": "1. Tea is:\n(a) hot;\n(i) very;\n(b) strong.",
        "art_1/1/a": "(a) hot;\n(i) very;",
        "art_1/1/a/i": "(i) very;",
        "art_1/1/b": "(b) strong.",
        "art_1/2": "2. It has no milk.\nIt may have lemon where:\n(c) it is summer;\nNever otherwise.",
        "art_1/2/sub_2": "It may have lemon where:\n(c) it is summer;",
        "art_1/2/c": "(c) it is summer;",
        "art_1/2/sub_3": "Never otherwise.",
        "art_1/2a": "2a. It holds 10²⁵ leaves and a few more.",
        "art_2": "Cups are small.",
        "anx_I/A": "3.1. Each kettle has:\n(a) a spout;\nAnd a lid.\n3.2. No rust.\n— no dents.",
        "anx_I/A/3.1": "3.1. Each kettle has:\n(a) a spout;\nAnd a lid.",
        "anx_I/A/3.1/a": "(a) a spout;",
        "anx_I/A/3.1/sub_2": "And a lid.",
        "anx_I/A/3.2": "3.2. No rust.\n— no dents.",
        "anx_I/A/3.2/ind_1": "— no dents.",
    }


def test_headings(tea: dict[str, Provision]) -> None:
    headings = {place: one.heading for place, one in tea.items() if one.heading}
    assert headings == {"cpt_I": "TEA", "art_1": "Leaves", "art_2": "Cups", "anx_I": "Kettles", "anx_I/A": "Copper"}


def test_every_character_is_accounted_for(page: Reading) -> None:
    assert page.left == ()
    assert page.coverage == 1.0
    markers = [piece.text.strip() for piece in page.furniture if piece.kind is FurnitureKind.MARKER]
    assert markers == ["▼M1"]


@pytest.fixture(scope="module")
def dutch(corpus_dir: Path) -> Agreement:
    folder = corpus_dir / "other-languages"
    journal = read_eurlex_html(folder / "32024R1689_NL_L_202401689NL.html")
    consolidated = read_eurlex_html(folder / "02024R1689-20240712_NL_consolidated.html")
    return compare_formats(
        "journal", build_provisions(DUTCH, journal), "consolidated", build_provisions(DUTCH, consolidated)
    )


def test_the_dutch_act_has_the_same_places_save_its_preamble(dutch: Agreement) -> None:
    assert dutch.only_right == ()
    assert {place.root.kind.value for place in dutch.only_left} == {"cit", "rct"}
    assert (len(dutch.only_left), dutch.places) == (187, 1423)


def test_the_dutch_act_has_the_same_words_save_its_corrigendum(dutch: Agreement) -> None:
    """The corrigendum of May 2026 gives the second paragraph 11 of Article 73 its own number."""
    assert [(str(one.place), one.left, one.right) for one in dutch.differences] == [("art_73", "11", "10")]
    assert (dutch.same, len(dutch.units)) == (125, 126)


def test_every_character_of_the_dutch_text_is_accounted_for(corpus_dir: Path) -> None:
    reading = account_eurlex_html(corpus_dir / "other-languages" / "02024R1689-20240712_NL_consolidated.html")
    assert (reading.left, reading.coverage) == ((), 1.0)
