from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from ingest.errors import SourceMissing, SourceUnreadable
from ingest.identifiers import AI_ACT, ExpressionId, InstrumentId
from ingest.instrument import Provision, ProvisionKind
from ingest.readers.eurlex_html import LARGEST, read_eurlex_html
from ingest.readers.formex import read_formex
from ingest.structure import build_provisions

ADOPTED = ExpressionId(AI_ACT, date(2024, 7, 12), "en")
AMENDING = ExpressionId(InstrumentId("eu-2026-1744"), date(2026, 7, 27), "en")

PAGE = """

 <!DOCTYPE html><html><head><meta charset="{charset}"><script>var a = "Article 99";</script></head><body>
 <nav><p>Skip to main content</p></nav>
 <div class="eli-container">
  <div class="eli-main-title" id="tit_1"><p class="oj-doc-ti">REGULATION (EU) 2030/1</p></div>
  <div class="eli-subdivision" id="cit_1"><p class="oj-normal">Having regard to the opinion
    <a id="ntc1-L"> (<span class="oj-super oj-note-tag">1</span>)</a>,</p></div>
  <div class="eli-subdivision" id="rct_1">
    <table><tr><td><p>(1)</p></td><td><p>First.</p><p>Second.</p></td></tr></table></div>
  <div class="eli-subdivision" id="enc_1">{body}</div>
  <div class="eli-subdivision" id="fnp_1"><div class="oj-final"><p>Done at Brussels.</p></div></div>
  <hr class="oj-note"/><p class="oj-note">(1) A footnote.</p>
 </div>{annexes}
 <footer><p>Managed by the Publications Office</p></footer></body></html>"""


def article(label: str, heading: str, body: str) -> str:
    return (
        f'<div class="eli-subdivision" id="art_{label}"><p class="oj-ti-art">Article {label}</p>'
        f'<div class="eli-title" id="art_{label}.tit_1"><p class="oj-sti-art">{heading}</p></div>{body}</div>'
    )


def paragraph(identifier: str, *texts: str) -> str:
    first, *others = texts
    rest = "".join(text if text.startswith("<") else f'<p class="oj-normal">{text}</p>' for text in others)
    return f'<div id="{identifier}"><p class="oj-normal">{first}</p>{rest}</div>'


def point(label: str, *texts: str) -> str:
    inner = "".join(text if text.startswith("<") else f'<p class="oj-normal">{text}</p>' for text in texts)
    return (
        f'<table><col/><tbody><tr><td/><td><p class="oj-normal">{label}</p></td><td>{inner}</td></tr></tbody></table>'
    )


def write(folder: Path, body: str, annexes: str = "", charset: str = "utf-8") -> Path:
    page = folder / "page.html"
    page.write_text(PAGE.format(body=body, annexes=annexes, charset=charset), encoding=charset)
    return page


def read(folder: Path, body: str, annexes: str = "") -> dict[str, Provision]:
    drafts = read_eurlex_html(write(folder, body, annexes))
    return {str(one.pinpoint): one for one in build_provisions(ADOPTED, drafts)}


class TestWhatThePageHolds:
    def test_paragraphs_points_and_subparagraphs(self, tmp_path: Path) -> None:
        body = article(
            "6",
            "Rules",
            paragraph(
                "006.001",
                "1.\u00a0\u00a0\u00a0One:",
                point("(a)", "alpha:", point("(i)", "deep")),
                "After.",
                point("(b)", "beta"),
            ),
        )
        provisions = read(tmp_path, body)
        assert {place: one.text for place, one in provisions.items() if place.startswith("art_6/")} == {
            "art_6/1": "1. One:\n(a) alpha:\n(i) deep\nAfter.\n(b) beta",
            "art_6/1/a": "(a) alpha:\n(i) deep",
            "art_6/1/a/i": "(i) deep",
            "art_6/1/sub_2": "After.\n(b) beta",
            "art_6/1/b": "(b) beta",
        }
        assert provisions["art_6"].heading == "Rules"
        assert provisions["art_6/1/a/i"].source.anchor == "006.001"

    def test_footnotes_scripts_and_navigation_are_left_out(self, tmp_path: Path) -> None:
        provisions = read(tmp_path, article("1", "Subject matter`", "<p>Text.</p><p class='oj-note'>(2) Note.</p>"))
        assert provisions["cit_1"].text == "Having regard to the opinion,"
        assert provisions["rct_1"].text == "(1) First.\nSecond."
        assert provisions["art_1"].heading == "Subject matter"
        assert [place for place in provisions] == ["cit_1", "rct_1", "rct_1/sub_2", "art_1"]
        assert provisions["art_1"].text == "Text."

    def test_a_recital_without_a_table(self, tmp_path: Path) -> None:
        body = '<div class="eli-subdivision" id="rct_2"><p>(2) Whereas.</p></div>' + article("1", "H", "<p>T</p>")
        recital = read(tmp_path, body)["rct_2"]
        assert recital.text == "(2) Whereas."

    def test_a_superscript_keeps_its_height(self, tmp_path: Path) -> None:
        body = article("51", "Threshold", "<p>more than 10<span class='oj-super'>25</span> operations</p>")
        assert read(tmp_path, body)["art_51"].text == "more than 10²⁵ operations"

    def test_a_paragraph_printed_with_the_wrong_number_keeps_its_place(self, tmp_path: Path) -> None:
        body = article("73", "H", paragraph("073.010", "11. Ten") + paragraph("073.011", "11. Eleven"))
        provisions = read(tmp_path, body)
        assert provisions["art_73/10"].text == "11. Ten"
        assert provisions["art_73/11"].text == "11. Eleven"

    def test_what_an_amendment_quotes_is_text(self, tmp_path: Path) -> None:
        quoted = paragraph("004.001", "‘1. New:", point("(a)", "inner’"))
        body = article(
            "2", "Amendments", "<p>Act X is amended as follows:</p>" + point("(1)", "inserted:", quoted, ";")
        )
        provisions = read(tmp_path, body)
        assert provisions["art_2/1"].text == "(1) inserted:\n‘1. New:\n(a) inner’;"
        assert "art_2/1/1" not in provisions

    def test_chapters_hold_sections_hold_articles(self, tmp_path: Path) -> None:
        section = (
            f'<div id="cpt_III.sct_2"><div class="eli-title"><p>Of parts</p></div>{article("8", "H", "<p>T</p>")}</div>'
        )
        provisions = read(tmp_path, f'<div id="cpt_III"><div class="eli-title"><p>Of all</p></div>{section}</div>')
        assert str(provisions["art_8"].parent) == "cpt_III/sec_2"
        assert provisions["cpt_III"].heading == "Of all"

    def test_an_annex_with_sections_points_and_rows(self, tmp_path: Path) -> None:
        rows = "<table class='oj-table'><tr><td><p>AA 1</p></td><td><p>First kind</p></td></tr></table>"
        annex = (
            '<div class="eli-container" id="anx_IV"><p class="oj-doc-ti">ANNEX IV</p><p class="oj-doc-ti">Lists</p>'
            '<p class="oj-ti-grseq-1">Section 1</p><p class="oj-ti-grseq-1">Of codes</p>'
            f'<p class="oj-ti-grseq-1">1. Codes</p><p class="oj-ti-grseq-1">a. Kinds</p>{rows}'
            f'<p class="oj-ti-grseq-1">Section 2</p>{point("—", "dashed")}</div>'
        )
        provisions = read(tmp_path, article("1", "H", "<p>T</p>"), annex)
        held = {place: (one.heading, one.text) for place, one in provisions.items() if place.startswith("anx_IV/")}
        assert held == {
            "anx_IV/1": ("Of codes", "AA 1 First kind"),
            "anx_IV/1/1": ("Codes", "AA 1 First kind"),
            "anx_IV/1/1/a": ("Kinds", "AA 1 First kind"),
            "anx_IV/2": ("", "— dashed"),
            "anx_IV/2/ind_1": ("", "— dashed"),
        }

    @pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252"])
    def test_the_encoding_is_the_declared_one(self, tmp_path: Path, charset: str) -> None:
        page = write(tmp_path, article("1", "Matière", "<p>Déjà vu</p>"), charset=charset)
        assert [(one.heading, one.text) for one in read_eurlex_html(page)][-1] == ("Matière", "Déjà vu")


class TestBadInput:
    def refused(self, path: Path, reason: str) -> None:
        with pytest.raises(SourceUnreadable, match=reason) as caught:
            read_eurlex_html(path)
        assert "\n" not in str(caught.value)
        assert path.name in str(caught.value)

    def test_no_such_file(self, tmp_path: Path) -> None:
        with pytest.raises(SourceMissing, match=r"nowhere\.html"):
            read_eurlex_html(tmp_path / "nowhere.html")

    @pytest.mark.parametrize("content", [b"", b"  \n ", b"\x00\x01\x02", b"<html><body>\x00 binary</body></html>"])
    def test_not_html(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "act.html"
        path.write_bytes(content)
        self.refused(path, "not HTML")

    def test_a_page_without_articles(self, tmp_path: Path) -> None:
        path = tmp_path / "error.html"
        path.write_text("<html><body><p>Article 1</p><p>403 Forbidden</p></body></html>", encoding="utf-8")
        self.refused(path, "no element id like art_1")

    def test_an_encoding_that_is_none(self, tmp_path: Path) -> None:
        path = tmp_path / "act.html"
        path.write_bytes(b"<html><head><meta charset=klingon></head></html>")
        self.refused(path, "klingon")

    def test_bytes_that_are_not_in_the_declared_encoding(self, tmp_path: Path) -> None:
        path = tmp_path / "act.html"
        path.write_bytes(b"<html><head><meta charset=utf-8></head><body>\xe9</body></html>")
        self.refused(path, "is not utf-8")

    def test_a_page_of_a_hundred_megabytes(self, tmp_path: Path) -> None:
        path = tmp_path / "huge.html"
        with path.open("wb") as file:
            file.truncate(LARGEST * 4)
        self.refused(path, "bytes")

    def test_an_annex_in_which_nothing_is_printed(self, tmp_path: Path) -> None:
        annex = '<div class="eli-container" id="anx_I"></div>'
        self.refused(write(tmp_path, article("1", "H", "<p>T</p>"), annex), "nothing is printed in 'anx_I'")

    def test_elements_nested_without_end(self, tmp_path: Path) -> None:
        path = tmp_path / "deep.html"
        path.write_text("<div>" * 50_000, encoding="utf-8")
        self.refused(path, "deeply|no element id")


@pytest.fixture(scope="module")
def saved_page(corpus_dir: Path) -> tuple[Provision, ...]:
    page = corpus_dir / "ai-act" / "32024R1689_EN_eurlex_page_2026-07-08.html"
    return build_provisions(ADOPTED, read_eurlex_html(page))


@pytest.fixture(scope="module")
def formex(corpus_dir: Path) -> tuple[Provision, ...]:
    files = (corpus_dir / "ai-act" / "formex").glob("*.fmx.xml")
    return build_provisions(ADOPTED, read_formex([file for file in files if file.name.split(".")[1].isdigit()]))


@pytest.fixture(scope="module")
def amending(corpus_dir: Path) -> dict[str, Provision]:
    (page,) = (corpus_dir / "ai-act-amendment").glob("32026R1744*.html")
    return {str(one.pinpoint): one for one in build_provisions(AMENDING, read_eurlex_html(page))}


class TestOfficialTexts:
    def test_the_saved_page_is_the_same_law_as_formex(
        self, saved_page: tuple[Provision, ...], formex: tuple[Provision, ...]
    ) -> None:
        assert [one.pinpoint for one in saved_page] == [one.pinpoint for one in formex]
        for html, xml in zip(saved_page, formex, strict=True):
            assert (html.kind, html.heading, html.text, html.parent) == (xml.kind, xml.heading, xml.text, xml.parent)

    def test_the_counts_of_the_act(self, saved_page: tuple[Provision, ...]) -> None:
        kinds = Counter(one.kind for one in saved_page)
        assert kinds[ProvisionKind.RECITAL] == 180
        assert kinds[ProvisionKind.ARTICLE] == 113
        assert kinds[ProvisionKind.ANNEX] == 13
        assert kinds[ProvisionKind.CHAPTER] == 13
        assert kinds[ProvisionKind.SECTION] == 16
        assert kinds[ProvisionKind.PARAGRAPH] == 500

    def test_the_counts_of_the_amending_act(self, amending: dict[str, Provision]) -> None:
        kinds = Counter(one.kind for one in amending.values())
        assert kinds[ProvisionKind.RECITAL] == 47
        assert kinds[ProvisionKind.ARTICLE] == 4
        assert kinds[ProvisionKind.ANNEX] == 0
        assert [place for place in amending if place.startswith("art_1/") and place.count("/") == 1] == [
            f"art_1/{number}" for number in range(1, 44)
        ]

    def test_what_the_amending_act_quotes_is_no_structure(self, amending: dict[str, Provision]) -> None:
        assert max(place.count("/") for place in amending if place.startswith("art_")) == 2
        assert not [place for place in amending if place.startswith("art_") and "sub_" in place]
        assert amending["art_1/5"].text.startswith(
            "(5) Article 4 is replaced by the following:\n‘Article 4\nAI literacy\n1. "
        )
        assert amending["art_1/40/b"].text.endswith(
            "\n(ii) 2 August 2028 as regards AI systems classified as high-risk pursuant to Article 6(1) and Annex I;’;"
        )

    def test_the_dutch_page_has_the_same_pinpoints(self, corpus_dir: Path, saved_page: tuple[Provision, ...]) -> None:
        drafts = read_eurlex_html(corpus_dir / "other-languages" / "32024R1689_NL_L_202401689NL.html")
        dutch = build_provisions(ExpressionId(AI_ACT, date(2024, 7, 12), "nl"), drafts)
        assert [one.pinpoint for one in dutch] == [one.pinpoint for one in saved_page]
