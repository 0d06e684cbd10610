"""The formats of an act held against each other, and every character of a file accounted for."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from ingest.agreement import Agreement, compare_formats, measure_coverage, split_words
from ingest.formats import FormatReport, compare_published, compare_texts
from ingest.identifiers import ExpressionId
from ingest.instrument import Provision, ProvisionKind, SourceSpan
from ingest.law_cli import law
from ingest.manifest import load_manifest
from ingest.pipeline import Options, find_texts
from ingest.readers.accounting import Run, account, find_left
from ingest.readers.eurlex_html import account_eurlex_html
from ingest.readers.formex import account_formex
from ingest.readers.reading import Furniture, FurnitureKind, Reading, count_characters
from ingest.structure import Draft, build_provisions

NAME = ExpressionId.parse("garden-act@2030-01-01:en")
TENS = " ".join(f"word{number}" for number in range(999))


def article(label: str, text: str, heading: str = "") -> Draft:
    return Draft(ProvisionKind.ARTICLE, label, heading=heading, text=text)


def build(*drafts: Draft) -> tuple[Provision, ...]:
    return build_provisions(NAME, drafts)


def compare(left: tuple[Provision, ...], right: tuple[Provision, ...]) -> Agreement:
    return compare_formats("one", left, "two", right)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10 000 roses", "10,000 roses", True),
        ("EUR 35 000 000.", "EUR 35.000.000;", True),
        ("1 000 and 20 000", "1000 and 20000", True),
        ("rose, or tulip", "rose or tulip", True),
        ("well-being", "wellbeing", False),
        ("Article 5 3 roses", "Article 53 roses", False),
        ("10²⁵", "1025", False),
    ],
)
def test_words_are_equal_punctuation_and_separators_aside(one: str, other: str, same: bool) -> None:
    assert (split_words(one) == split_words(other)) is same


class TestAgreement:
    def test_equal_texts_agree(self) -> None:
        text = build(article("1", "Roses are red."), article("2", "Violets are blue."))
        found = compare(text, text)
        assert (found.holds, found.share, found.least, found.same, found.places) == (True, 1.0, 1.0, 2, 2)
        assert found.differences == ()

    def test_a_unit_below_the_limit_fails_whatever_the_whole_is(self) -> None:
        left = build(article("1", TENS), article("2", "Roses are red"))
        right = build(article("1", TENS), article("2", "Roses are read"))
        found = compare(left, right)
        assert found.share > 0.999
        assert found.least == pytest.approx(2 / 3)
        assert not found.holds
        [difference] = found.differences
        assert (str(difference.place), difference.left, difference.right) == ("art_2", "red", "read")

    def test_one_word_in_a_thousand_is_within_the_limit(self) -> None:
        assert compare(build(article("1", f"{TENS} red")), build(article("1", f"{TENS} read"))).holds

    def test_the_order_of_words_counts(self) -> None:
        found = compare(build(article("1", "no man shall")), build(article("1", "man shall no")))
        assert found.least == pytest.approx(2 / 3)

    def test_points_of_one_label_under_two_subparagraphs_are_listed(self) -> None:
        point = Draft(ProvisionKind.POINT, "a", "(a)", text="red;")
        further = Draft(ProvisionKind.SUBPARAGRAPH, text="Roses may be:", children=(point,))
        first = Draft(ProvisionKind.PARAGRAPH, "1", "1.", text="Roses are:", children=(point, further))
        text = build(Draft(ProvisionKind.ARTICLE, "1", children=(first,)))
        assert [str(one) for one in compare(text, text).shared_labels] == ["art_1/1/sub_2/a"]

    def test_a_place_that_one_lacks_is_listed(self) -> None:
        both = article("1", "Roses.")
        found = compare(build(both, article("2", "Red.")), build(both, article("3", "Blue.")))
        assert [str(place) for place in (*found.only_left, *found.only_right)] == ["art_2", "art_3"]
        assert not found.holds

    def test_headings_are_compared_capitals_aside(self) -> None:
        left = build(article("1", "Red.", "ROSES"), article("2", "Blue.", "Violets"))
        right = build(article("1", "Red.", "Roses"), article("2", "Blue.", "Tulips"))
        [difference] = compare(left, right).differences
        assert (str(difference.place), difference.right, difference.in_heading) == ("art_2", "Tulips", True)


class TestAccounting:
    DRAFTS = (
        Draft(ProvisionKind.ARTICLE, "1", heading="Roses", text="Roses are red."),
        Draft(ProvisionKind.ARTICLE, "2", text="Raised to 10²⁵ and more."),
    )

    def read(self, *runs: Run) -> Reading:
        return account(self.DRAFTS, runs, "garden.html")

    def test_what_the_drafts_hold_is_followed_in_order(self) -> None:
        reading = self.read(Run("Roses ", "a"), Run("are red.", "a"), Run("Raised to 10", "b"), Run("25", "b"))
        assert (reading.left, reading.furniture) == ((), ())

    def test_what_they_lack_is_left(self) -> None:
        reading = self.read(Run("Roses are", "art_1"), Run("not", "art_1"), Run("red.", "art_1"))
        assert reading.left == ("art_1: not",)

    def test_what_comes_later_is_found_again(self) -> None:
        reading = self.read(Run("are red.Raised", "a"), Run("Raised to 10²⁵ and", "b"), Run("more.", "b"))
        assert reading.left == ("a: are red.Raised",)

    def test_a_heading_is_furniture_unless_it_is_quoted(self) -> None:
        runs = [Run(text, "a", None, FurnitureKind.HEADING) for text in ("Roses", "Roses are red.")]
        reading = self.read(*runs, Run("Raised to 10²⁵ and more.", "b"))
        assert [piece.text for piece in reading.furniture] == ["Roses"]
        assert reading.coverage == 1.0

    def test_named_furniture_is_never_looked_for_in_the_drafts(self) -> None:
        reading = self.read(Run("Roses are red.", "a", FurnitureKind.NAVIGATION))
        assert [piece.kind for piece in reading.furniture] == [FurnitureKind.NAVIGATION]

    def test_lines_that_stand_nowhere_are_found(self) -> None:
        furniture = (Furniture(FurnitureKind.TITLE, "Garden Act", SourceSpan("garden.pdf")),)
        lines = ["Garden Act", "Roses are", "red.", "A lost line", "Raised to 10²⁵ and more."]
        left = find_left(lines, self.DRAFTS, furniture, count_characters(*lines))
        assert left == ("A lost line",)

    def test_a_piece_told_twice_does_not_pass(self) -> None:
        reading = self.read(Run("Roses are red.", "a"))
        covered = measure_coverage("garden", "html", reading)
        assert covered.coverage > 1.0
        assert not covered.holds


def account_page(corpus: Path) -> Reading:
    return account_eurlex_html(corpus / "ai-act" / "32024R1689_EN_eurlex_page_2026-07-08.html")


def account_amending_page(corpus: Path) -> Reading:
    return account_eurlex_html(corpus / "ai-act-amendment" / "32026R1744_EN_L_202601744EN.000101.fmx.xml.html")


def account_dutch_page(corpus: Path) -> Reading:
    return account_eurlex_html(corpus / "other-languages" / "32024R1689_NL_L_202401689NL.html")


def account_xml(corpus: Path) -> Reading:
    files = (corpus / "ai-act" / "formex").glob("L_*.fmx.xml")
    return account_formex([path for path in files if path.name.split(".")[1].isdigit()])


@pytest.mark.parametrize("read", [account_page, account_amending_page, account_dutch_page, account_xml])
def test_every_character_of_an_official_file_is_accounted_for(
    read: Callable[[Path], Reading], corpus_dir: Path
) -> None:
    reading = read(corpus_dir)
    assert reading.left == ()
    assert reading.coverage == 1.0


def test_a_lost_line_of_an_official_file_is_noticed(corpus_dir: Path, tmp_path: Path) -> None:
    page = (corpus_dir / "ai-act" / "32024R1689_EN_eurlex_page_2026-07-08.html").read_text(encoding="utf-8")
    copy = tmp_path / "page.html"
    copy.write_text(
        page.replace('<div id="006.001">', '<div id="006.001"><header>A lost line.</header>', 1), encoding="utf-8"
    )
    reading = account_eurlex_html(copy)
    assert reading.left == ("006.001: A lost line.",)
    assert reading.coverage < 1.0


@pytest.fixture(scope="module")
def report(corpus_dir: Path) -> FormatReport:
    findings = find_texts(Options(corpus_dir), download=False)
    wanted = {"eu-ai-act", "eu-ai-act-oj-pdf", "eu-ai-act-eurlex-html"}
    kept = tuple(found for found in findings.found if found.source.id in wanted)
    return compare_texts(replace(findings, found=kept), lambda stage, done, whole: None)


def test_the_formats_of_the_act_agree(report: FormatReport) -> None:
    assert [one.right for one in report.agreements] == [
        "eu-ai-act-oj-pdf (oj-pdf)",
        "eu-ai-act-eurlex-html (eurlex-html)",
    ]
    for one in report.agreements:
        assert (one.places, one.only_left, one.only_right, one.least) == (1610, (), (), 1.0)
        assert one.differences == ()
        assert list(map(str, one.shared_labels)) == ["art_43/1/sub_2/a", "art_43/1/sub_2/b"]
    assert [one.coverage for one in report.coverages] == [1.0, 1.0, 1.0]
    assert report.holds


def test_our_consolidation_is_compared_with_a_published_one(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = load_manifest()
    base, amending, published = map(manifest.get, ("eu-ai-act", "eu-2026-1744", "eu-ai-act-consolidated-2026-07-27"))
    preamble = Draft(ProvisionKind.RECITAL, "1", "(1)", text="Roses are loved.")
    ours = (preamble, article("1", "Roses are red."), article("2", "Violets are blue."))
    monkeypatch.setattr("ingest.formats.amend_source", lambda base, drafts, amending, page: ours)
    readings = {
        base.id: Reading((), (), 0),
        amending.id: Reading((), (), 0),
        published.id: Reading((article("1", "Roses are red."), article("2", "Violets are bright.")), (), 0),
    }
    pages = {amending.id: Path("amending.html")}
    [found] = compare_published((base, amending, published), readings, pages)
    assert (found.left, found.places, found.only_left, found.only_right) == ("eu-ai-act as we amend it", 2, (), ())
    assert [(str(one.place), one.left, one.right) for one in found.differences] == [("art_2", "blue", "bright")]
    assert list(compare_published((base, amending), readings, pages)) == []


def test_the_command_lists_differences_and_fails(monkeypatch: pytest.MonkeyPatch, corpus_dir: Path) -> None:
    left, right = build(article("1", "Roses are red")), build(article("1", "Roses are read"))
    reading = account((article("1", "Roses."),), [Run("Roses.", "art_1"), Run("Lost.", "art_1")], "garden.html")
    report = FormatReport((compare(left, right),), (measure_coverage("garden-act", "html", reading),), ())
    monkeypatch.setattr("ingest.formats.compare_texts", lambda findings, progress: report)
    ran = CliRunner().invoke(law, ["agree", "--corpus", str(corpus_dir)])
    assert ran.exit_code == 1
    assert "art_1: 'red' against 'read'" in ran.output
    assert "left: art_1: Lost." in ran.output
    ran = CliRunner().invoke(law, ["agree", "--corpus", str(corpus_dir), "--json"])
    record = json.loads(ran.stdout)
    assert record["agreements"][0]["below"] == {"art_1": pytest.approx(2 / 3)}
    assert record["coverages"][0]["left"] == ["art_1: Lost."]
