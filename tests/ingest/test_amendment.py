import re
from collections import Counter
from datetime import date
from pathlib import Path

import pypdf
import pytest

from ingest.amendment import Operation, OperationKind, Part, amend, apply_operations, find_draft, read_operations
from ingest.errors import AmendmentError
from ingest.identifiers import AI_ACT, ExpressionId, InstrumentId
from ingest.instrument import Authority, Expression, Provision, ProvisionKind
from ingest.pinpoint import Pinpoint
from ingest.readers.eurlex_html import read_eurlex_html
from ingest.readers.formex import read_formex
from ingest.redline import Change, redline
from ingest.structure import Draft, build_provisions

AMENDING = InstrumentId("eu-2026-1744")
REPLACE, INSERT, DELETE = OperationKind.REPLACE, OperationKind.INSERT, OperationKind.DELETE
AMENDED = ExpressionId(AI_ACT, date(2026, 7, 27), "en")

ARTICLE, PARAGRAPH, POINT = ProvisionKind.ARTICLE, ProvisionKind.PARAGRAPH, ProvisionKind.POINT
SUBPARAGRAPH, ANNEX = ProvisionKind.SUBPARAGRAPH, ProvisionKind.ANNEX


def article(label: str, *children: Draft, heading: str = "", text: str = "") -> Draft:
    return Draft(ARTICLE, label, heading=heading, text=text, children=children)


def paragraph(label: str, text: str, *children: Draft) -> Draft:
    return Draft(PARAGRAPH, label, f"{label}.", text=text, children=children)


def point(label: str, text: str, *children: Draft) -> Draft:
    return Draft(POINT, label, f"({label})", text=text, children=children)


def further(text: str, *children: Draft) -> Draft:
    return Draft(SUBPARAGRAPH, text=text, children=children)


BASE = (
    Draft(ProvisionKind.RECITAL, "1", "(1)", text="Whereas providers shall."),
    Draft(
        ProvisionKind.CHAPTER,
        "I",
        children=(
            article(
                "1",
                paragraph(
                    "1", "One:", point("a", "alpha;"), point("b", "beta."), further("Moreover.", point("c", "gamma"))
                ),
                paragraph("2", "Providers shall keep the log for providers."),
                heading="Subject",
            ),
            article(
                "2",
                paragraph("1", "First:", point("a", "one;"), further("Second:", point("a", "two;"))),
                heading="Scope",
            ),
            article("3", further("Second text."), further("However:", point("a", "late.")), text="First text."),
        ),
    ),
    Draft(ANNEX, "I", heading="List", children=(Draft(POINT, "1", "1.", text="item"),)),
)

PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><div class="eli-container">
<div class="eli-main-title"><p class="oj-doc-ti">REGULATION (EU) 2030/7 amending</p></div>
<div class="eli-subdivision" id="art_1"><p class="oj-ti-art">Article 1</p>
<p class="oj-normal">Regulation (EU) 2024/1689 is amended as follows:</p>{points}</div></div></body></html>"""


def row(label: str, *contents: str) -> str:
    inner = "".join(text if text.startswith("<") else f'<p class="oj-normal">{text}</p>' for text in contents)
    return f'<table><tbody><tr><td><p class="oj-normal">{label}</p></td><td>{inner}</td></tr></tbody></table>'


def page(folder: Path, *instructions: str | tuple[str, ...]) -> Path:
    rows = (
        row(f"({number})", *((one,) if isinstance(one, str) else one))
        for number, one in enumerate(instructions, start=1)
    )
    path = folder / "amending.html"
    path.write_text(PAGE.format(points="".join(rows)), encoding="utf-8")
    return path


def amended(folder: Path, *instructions: str | tuple[str, ...]) -> dict[str, Provision]:
    drafts, _ = amend(BASE, page(folder, *instructions), InstrumentId("eu-2030-7"))
    return by_pinpoint(drafts)


def by_pinpoint(drafts: tuple[Draft, ...]) -> dict[str, Provision]:
    return {str(one.pinpoint): one for one in build_provisions(AMENDED, drafts)}


class TestInstructions:
    """Each kind of instruction, and what the act then says."""

    @pytest.mark.parametrize(
        ("instruction", "place", "text"),
        [
            (
                ("in Article 1(1), point (b) is replaced by the following:", row("‘(b)", "new.’")),
                "art_1/1/b",
                "(b) new.",
            ),
            (
                (
                    "in Article 1, paragraph 2 is replaced by the following:",
                    '<div id="001.002"><p>‘2. X</p><p>Y’</p></div>',
                ),
                "art_1/2",
                "2. X\nY",
            ),
            (("in Article 1(1), the following point is inserted:", row("‘(aa)", "x;’")), "art_1/1/aa", "(aa) x;"),
            (
                ("in Article 1(1), first subparagraph, the following point is inserted:", row("‘(ba)", "x.’")),
                "art_1/1/ba",
                "(ba) x.",
            ),
            (("in Article 1(2), the following subparagraph is added:", "‘More.’", ";"), "art_1/2/sub_2", "More."),
            (
                ("in Article 1(1), the second subparagraph is replaced by the following:", "‘So.’"),
                "art_1/1/sub_2",
                "So.",
            ),
            (
                ("in Article 1(1), the first subparagraph is replaced by the following:", "‘Uno.’"),
                "art_1/1",
                "1. Uno.\nMoreover.\n(c) gamma",
            ),
            (
                ("in Article 1(1), the introductory part is replaced by the following:", "‘Uno:’"),
                "art_1/1",
                "1. Uno:\n(a) alpha;\n(b) beta.\nMoreover.\n(c) gamma",
            ),
            (
                ("in Article 2(1), second subparagraph, point (a) is replaced by the following:", row("‘(a)", "x’")),
                "art_2/1/sub_2/a",
                "(a) x",
            ),
            (
                ("in Article 3, third paragraph, point (a) is replaced by the following:", row("‘(a)", "soon.’")),
                "art_3/a",
                "(a) soon.",
            ),
            (("point (a) of Article 2(1) is replaced by the following:", row("‘(a)", "x;’")), "art_2/1/a", "(a) x;"),
            (
                "in Article 1(2), the words ‘the log’ are replaced by the words ‘logs’;",
                "art_1/2",
                "2. Providers shall keep logs for providers.",
            ),
            ("in Article 1(2), the words ‘for providers’ are deleted;", "art_1/2", "2. Providers shall keep the log."),
            (
                "in Article 1(2), after the words ‘the log’, the words ‘, whole,’ are inserted;",
                "art_1/2",
                "2. Providers shall keep the log, whole, for providers.",
            ),
            (
                "in Article 1(2), the words ‘of use’ are inserted after the words ‘the log’;",
                "art_1/2",
                "2. Providers shall keep the log of use for providers.",
            ),
            ("in Article 1(1), point (b) becomes point (d);", "art_1/1/d", "(d) beta."),
            (
                "in Article 1, paragraphs 1 and 2 are renumbered as paragraphs 2 and 3;",
                "art_1/3",
                "3. Providers shall keep the log for providers.",
            ),
        ],
    )
    def test_the_new_text(self, tmp_path: Path, instruction: str | tuple[str, ...], place: str, text: str) -> None:
        provision = amended(tmp_path, instruction)[place]
        assert provision.text == text
        assert provision.changed_by == "eu-2030-7:art_1/1"

    @pytest.mark.parametrize(
        ("instruction", "gone", "kept"),
        [
            ("in Article 1(1), points (a) and (b) are deleted;", ["art_1/1/a", "art_1/1/b"], "art_1/1/c"),
            ("in Article 1(1), points (a) to (b) are deleted;", ["art_1/1/a", "art_1/1/b"], "art_1/1/c"),
            ("Article 2 is deleted;", ["art_2", "art_2/1"], "art_3"),
            ("in Annex I, point 1 is deleted;", ["anx_I/1"], "anx_I"),
            ("in Article 2(1), second subparagraph, point (a) is deleted;", ["art_2/1/sub_2/a"], "art_2/1/a"),
        ],
    )
    def test_what_is_deleted(self, tmp_path: Path, instruction: str, gone: list[str], kept: str) -> None:
        after = amended(tmp_path, instruction)
        assert not set(gone) & set(after)
        assert set(gone) <= set(by_pinpoint(BASE))
        assert kept in after

    def test_a_new_article_and_a_new_annex_stand_in_their_order(self, tmp_path: Path) -> None:
        new_article = (
            '<p class="oj-ti-art">‘Article 1a</p><p class="oj-sti-art">New</p><p class="oj-normal">Text “x”.’</p>'
        )
        new_annex = '<p class="oj-doc-ti">‘ANNEX II</p><p class="oj-doc-ti">More</p><p class="oj-normal">Body.’</p>'
        after = amended(
            tmp_path,
            ("the following Article is inserted:", new_article, ";"),
            ("the following Annex is added:", new_annex),
        )
        assert [place for place, one in after.items() if one.is_unit] == [
            "rct_1", "art_1", "art_1a", "art_2", "art_3", "anx_I", "anx_II",
        ]  # fmt: skip
        assert (after["art_1a"].heading, after["art_1a"].text) == ("New", "Text ‘x’.")
        assert str(after["art_1a"].parent) == "cpt_I"
        assert (after["anx_II"].heading, after["anx_II"].text) == ("More", "Body.")
        assert after["anx_II"].changed_by == "eu-2030-7:art_1/2"

    def test_a_heading(self, tmp_path: Path) -> None:
        heading = '<p class="oj-sti-art">‘Purpose’</p>'
        points = row("(a)", "the heading is replaced by the following:", heading, ";")
        after = amended(tmp_path, ("Article 1 is amended as follows:", points))
        assert (after["art_1"].heading, after["art_1"].changed_by) == ("Purpose", "eu-2030-7:art_1/1/a")
        assert {one.changed_by for place, one in after.items() if place.startswith("art_1/")} == {""}

    def test_the_base_stays_as_it_is(self, tmp_path: Path) -> None:
        before = by_pinpoint(BASE)
        amended(tmp_path, "Article 2 is deleted;")
        assert by_pinpoint(BASE) == before


class TestWhatDoesNotFit:
    @pytest.mark.parametrize(
        ("instruction", "reason"),
        [
            ("Article 9 is deleted;", "there is no such provision"),
            ("in Article 1(1), point (z) is deleted;", "there is no such provision"),
            ("in Article 3, second paragraph, point (a) is deleted;", "there is no such provision"),
            ("in Article 1(2), the words ‘no such words’ are deleted;", "0 times instead of once"),
            ("in Article 1(2), the words ‘roviders’ are deleted;", "0 times instead of once"),
            ("in Article 2(1), the words ‘first’ are deleted;", "0 times instead of once"),
            ("in Article 3, the word ‘text’ is replaced by ‘words’;", "2 times instead of once"),
            ("the following points are inserted in Article 1(1);", "no known order"),
            (
                ("in Article 1(1), the following point is inserted:", row("‘(b)", "x;’")),
                "there is such a provision already",
            ),
            (
                ("in Article 1(1), the following point is added:", row("‘(g)", "x.’")),
                "no art_1/1/f that it could stand after",
            ),
            (
                ("in Article 1(1), point (b) is replaced by the following:", row("‘(c)", "x.’")),
                "is quoted for art_1/1/b",
            ),
            (
                ("in Article 1, paragraphs 1 and 2 are replaced by the following:", "‘X.’"),
                "1 provisions are quoted for 2",
            ),
            ("in Article 1, paragraph 2 is replaced by the following:", "nothing is quoted"),
            (("in Articles 1 and 2, the following paragraph is added:", "‘X.’"), "names no place"),
            (("in Article 1(1), points (a) and (b), the following point is added:", "‘X.’"), "2 places are named"),
            ("paragraph 2 is deleted;", "no article or annex is named"),
            ("in Article 1, the flux capacitor is deleted;", "names no place"),
            ("Article 1 shall be read in the light of Article 2;", "no known order"),
        ],
    )
    def test_is_refused_in_one_line(self, tmp_path: Path, instruction: str | tuple[str, ...], reason: str) -> None:
        with pytest.raises(AmendmentError, match=reason) as caught:
            amended(tmp_path, instruction)
        assert "\n" not in str(caught.value)
        assert "art_1/1" in str(caught.value) or "named" in str(caught.value)

    def test_an_act_that_amends_another(self, corpus_dir: Path) -> None:
        (path,) = (corpus_dir / "ai-act-amendment").glob("32026R1744*.html")
        with pytest.raises(AmendmentError, match="no article of it amends"):
            read_operations(path, "(EU) 2016/679")


# The forty and more that were read by hand beside the amending act: where it says so, what is done to what, words that
# are new there, words that are gone from there.
BY_HAND = [
    ("1", REPLACE, "art_1/2/g", "small mid-cap enterprises (SMCs)", "focus on SMEs"),
    ("2/a", REPLACE, "art_2/2", "Article 60a and Articles 102 to 112", "Articles 102 to 109"),
    ("2/b", REPLACE, "art_2/7", "Without prejudice to Articles 4a and 59", "Article 10(5)"),
    ("3", INSERT, "art_2/13", "By 2 August 2027, the Commission shall adopt", ""),
    ("4/a", REPLACE, "art_3/14", "its intended purpose is to prevent or mitigate", ""),
    ("4/b", INSERT, "art_3/14a", "Article 2 of the Annex to Recommendation 2003/361/EC", ""),
    ("4/b", INSERT, "art_3/14b", "Annex to Recommendation (EU) 2025/1099", ""),
    ("5", REPLACE, "art_4", "shall take measures to support the development", "to their best extent"),
    ("6", INSERT, "art_4a", "may exceptionally process special categories", ""),
    ("7/a", INSERT, "art_5/1/ba", "an identifiable natural person’s intimate parts", ""),
    ("7/a", INSERT, "art_5/1/bb", "points (c) and (e), of Directive 2011/93/EU", ""),
    ("7/b", INSERT, "art_5/1a", "a reasonably foreseeable and reproducible outcome", ""),
    ("7/b", INSERT, "art_5/1b", "shall not constitute manipulation", ""),
    ("8", INSERT, "art_6/1a", "shall not qualify as safety components", ""),
    ("8", INSERT, "art_6/1c", "solely due to risks other than risks", ""),
    ("9/a", REPLACE, "art_10/1", "and in Article 4a(1) whenever", "paragraphs 2 to 5"),
    ("9/b", DELETE, "art_10/5", "", "ensuring bias detection and correction"),
    ("9/c", REPLACE, "art_10/6", "shall apply only to the testing data", "paragraphs 2 to 5"),
    ("10", REPLACE, "art_11/1/sub_2", "needs of SMEs, including start-ups, and SMCs", "small and microenterprises"),
    ("11", REPLACE, "art_17/2", "in particular, if the provider is an SME", ""),
    ("12/a", REPLACE, "art_25/2", "providing the new providers with targeted technical access", ""),
    ("12/b", REPLACE, "art_25/4", "supplies an AI system, AI model, tools", "supplies an AI system, tools"),
    ("13/a", REPLACE, "art_27/4", "include cross-references to the relevant sections", "shall complement"),
    ("14", INSERT, "art_28/8", "The single application and the unified assessment", ""),
    ("16", REPLACE, "art_30/2", "types of AI systems referred to in Annex", ""),
    ("17", INSERT, "art_40/2/sub_4", "to facilitate the joint compliance and presumption", ""),
    ("18", INSERT, "art_42/3", "within the scope of Regulation (EU) 2024/2847", ""),
    ("19", REPLACE, "art_43/3", "by 28 January 2028", "entitled to control"),
    ("20", REPLACE, "art_50/7", "The Commission shall encourage and facilitate", "The AI Office shall encourage"),
    ("21", REPLACE, "art_56/6", "The Commission shall publish its assessment", "approve a code of practice"),
    ("22/a", REPLACE, "art_57/1", "operational by 2 August 2027", "2 August 2026"),
    ("22/c", INSERT, "art_57/3a", "AI regulatory sandbox at Union level", ""),
    ("23/a", REPLACE, "art_58/1", "implementation, operation, governance, and supervision", ""),
    ("23/b", INSERT, "art_58/1/d", "the governance of AI regulatory sandboxes", ""),
    ("24/b", REPLACE, "art_60/2", "listed in Section A of Annex I in", ""),
    ("25", INSERT, "art_60a", "mandatory real-world testing plan", ""),
    ("28", REPLACE, "art_69/2", "at a rate equivalent to the remuneration", "scale and structure of recoverable costs"),
    ("30", REPLACE, "art_72/3", "by 2 September 2027", "2 February 2026"),
    ("31/b", REPLACE, "art_75/1", "very large online platform", "2019/1020"),
    ("31/c", INSERT, "art_75/1e", "third-party conformity assessment", ""),
    ("31/d", INSERT, "art_75/2a", "well-founded and sufficient reasons to suspect", ""),
    ("32", INSERT, "art_75a", "seal any business premises and books", ""),
    ("32", INSERT, "art_75d", "publish the decisions it adopts", ""),
    ("33", INSERT, "art_76/1/sub_2", "be construed as references to Article 60a", ""),
    ("34/b", REPLACE, "art_77/1", "any information or documentation", "inform the market surveillance authority"),
    ("36/a", REPLACE, "art_96/1/a", "in Articles 25 and 26", "in Article 25;"),
    ("36/b", INSERT, "art_96/1/g", "shall be published by 1 August 2027", ""),
    ("36/c", REPLACE, "art_96/1/sub_2", "involve the Board and pay particular attention", ""),
    ("37/a", REPLACE, "art_97/2", "five years from 27 July 2026", ""),
    ("38/b", INSERT, "art_99/4/da", "pursuant to Article 25(2) and (4)", ""),
    ("38/c", INSERT, "art_99/6a", "In the case of SMCs", ""),
    ("39/a", REPLACE, "art_111/2", "date of application of Chapter III", "before 2 August 2026"),
    ("39/b", INSERT, "art_111/4", "comply with Article 50(2) by 2 December 2026", ""),
    ("40/a", REPLACE, "art_113/a", "shall apply from 2 December 2026", ""),
    ("40/b", REPLACE, "art_113/c", "2 December 2027 as regards AI systems", "2 August 2027"),
    ("40/c", INSERT, "art_113/d", "Articles 102 to 110 shall apply from", ""),
    ("41/a", DELETE, "anx_I/A/1", "", "Directive 2006/42/EC"),
    ("41/b", INSERT, "anx_I/B/21", "Regulation (EU) 2023/1230", ""),
    ("42", DELETE, "anx_VIII/B/7", "", "summary of the grounds"),
    ("42", DELETE, "anx_VIII/B/9", "", "Any Member States in which"),
    ("43", INSERT, "anx_XIV", "AIH 0401", ""),
]


@pytest.fixture(scope="module")
def act(corpus_dir: Path) -> tuple[Draft, ...]:
    files = (corpus_dir / "ai-act" / "formex").glob("*.fmx.xml")
    return read_formex([file for file in files if file.name.split(".")[1].isdigit()])


@pytest.fixture(scope="module")
def amending_page(corpus_dir: Path) -> Path:
    (path,) = (corpus_dir / "ai-act-amendment").glob("32026R1744*.html")
    return path


@pytest.fixture(scope="module")
def consolidated(act: tuple[Draft, ...], amending_page: Path) -> tuple[tuple[Draft, ...], tuple[Operation, ...]]:
    return amend(act, amending_page)


@pytest.fixture(scope="module")
def before(act: tuple[Draft, ...]) -> dict[str, Provision]:
    return by_pinpoint(act)


@pytest.fixture(scope="module")
def after(consolidated: tuple[tuple[Draft, ...], tuple[Operation, ...]]) -> dict[str, Provision]:
    return by_pinpoint(consolidated[0])


@pytest.fixture(scope="module")
def operations(consolidated: tuple[tuple[Draft, ...], tuple[Operation, ...]]) -> tuple[Operation, ...]:
    return consolidated[1]


def lies_in(place: str, others: set[str]) -> bool:
    return any(place == other or place.startswith(f"{other}/") for other in others)


class TestRegulation2026_1744:
    @pytest.mark.parametrize(("point", "kind", "place", "new", "gone"), BY_HAND)
    def test_read_by_hand(
        self,
        point: str,
        kind: OperationKind,
        place: str,
        new: str,
        gone: str,
        before: dict[str, Provision],
        after: dict[str, Provision],
        operations: tuple[Operation, ...],
    ) -> None:
        target = place.rsplit("/", 1)[0] if kind is INSERT and "sub_" in place else place
        assert [
            one.kind for one in operations if (str(one.amending), str(one.target)) == (f"art_1/{point}", target)
        ] == [kind]
        assert (place in before, place in after) == (kind is not INSERT, kind is not DELETE)
        old_text = before[place].text if place in before else ""
        new_text = after[place].text if place in after else ""
        assert new in new_text
        assert gone in old_text
        assert not new or new not in old_text
        assert not gone or gone not in new_text
        if kind is not DELETE:
            assert after[place].changed_by == f"eu-2026-1744:art_1/{point}"

    def test_each_of_the_43_points_does_something(self, operations: tuple[Operation, ...]) -> None:
        numbers = [int(one.amending.steps[1].label) for one in operations]
        assert sorted(set(numbers)) == list(range(1, 44))
        assert numbers == sorted(numbers)
        assert Counter(one.kind for one in operations) == {REPLACE: 45, INSERT: 39, DELETE: 4}

    def test_what_the_act_then_holds(self, after: dict[str, Provision]) -> None:
        articles = [place.removeprefix("art_") for place, one in after.items() if one.kind is ARTICLE]
        annexes = [place.removeprefix("anx_") for place, one in after.items() if one.kind is ANNEX]
        expected = [str(number) for number in range(1, 114)]
        for base, suffixes in (("4", "a"), ("60", "a"), ("75", "abcd")):
            at = expected.index(base) + 1
            expected[at:at] = [f"{base}{suffix}" for suffix in suffixes]
        assert articles == expected
        assert len(articles) == 119
        assert annexes == ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV"]
        assert sum(bool(re.fullmatch(r"art_3/\w+", place)) for place in after) == 70
        assert sum(one.kind is ProvisionKind.RECITAL for one in after.values()) == 180

    def test_where_the_new_provisions_stand(self, after: dict[str, Provision]) -> None:
        expression = Expression(AMENDED, "", "", Authority.LAW, "", date(2026, 7, 24), tuple(after.values()))
        for parent, children in {
            "art_5/1": ["a", "b", "ba", "bb", "c", "d", "e", "f", "g", "h", "sub_2"],
            "art_5": ["1", "1a", "1b", "2", "3", "4", "5", "6", "7", "8"],
            "art_6": ["1", "1a", "1b", "1c", "2", "3", "4", "5", "6", "7", "8"],
            "art_75": ["1", "1a", "1b", "1c", "1d", "1e", "2", "2a", "3"],
            "art_58/1": ["a", "b", "c", "d", "sub_2"],
            "art_99/4": ["a", "b", "c", "d", "da", "e", "f", "g"],
            "art_10": ["1", "2", "3", "4", "6"],
            "anx_XIV": ["1", "2", "3", "4"],
        }.items():
            found = [str(one.pinpoint.steps[-1]) for one in expression.children(Pinpoint.parse(parent))]
            assert found == children, parent
        assert str(after["art_75c"].parent) == str(after["art_75"].parent) == "cpt_IX/sec_3"
        assert [str(one.pinpoint.steps[-1]) for one in expression.children(Pinpoint.parse("art_113/sub_3"))] == list(
            "abcd"
        )

    def test_headings(self, before: dict[str, Provision], after: dict[str, Provision]) -> None:
        changed = {place for place, one in before.items() if place in after and after[place].heading != one.heading}
        assert changed == {"art_75", "art_77"}
        assert after["art_75"].heading == "Market surveillance and control of AI systems and mutual assistance"
        assert after["art_75"].changed_by == "eu-2026-1744:art_1/31/a"

    def test_no_untouched_provision_changes_by_a_character(
        self, before: dict[str, Provision], after: dict[str, Provision], operations: tuple[Operation, ...]
    ) -> None:
        targets = {str(one.target) for one in operations}
        above = {"/".join(target.split("/")[:depth]) for target in targets for depth in range(1, target.count("/") + 1)}
        above |= {str(after[place].parent) for place in targets if place in after}
        untouched = [place for place in before if not lies_in(place, targets) and place not in above]
        assert len(untouched) > 1300
        for place in untouched:
            old, new = before[place], after[place]
            assert (new.kind, new.heading, new.text, new.changed_by) == (old.kind, old.heading, old.text, ""), place

    def test_all_that_changed_says_by_which_point(
        self, before: dict[str, Provision], after: dict[str, Provision], operations: tuple[Operation, ...]
    ) -> None:
        points = {f"eu-2026-1744:{one.amending}" for one in operations if one.kind is not DELETE}
        assert {one.changed_by for one in after.values()} - {""} == points
        assert all(after[place].changed_by for place in after if place not in before)

    def test_the_texts_are_their_redline(self, before: dict[str, Provision], after: dict[str, Provision]) -> None:
        for place in (place for place, one in before.items() if one.is_unit and place in after):
            old, new = before[place].text, after[place].text
            if old != new:
                segments = redline(old, new)
                assert "".join(one.text for one in segments if one.change is not Change.INSERTED) == old
                assert "".join(one.text for one in segments if one.change is not Change.DELETED) == new

    def test_no_quotation_mark_of_the_amending_act_is_left(self, after: dict[str, Provision]) -> None:
        changed = [one for one in after.values() if one.changed_by]
        assert len(changed) > 200
        for one in changed:
            assert not set("“”") & set(one.text + one.heading), one.pinpoint
            assert not one.text.startswith("‘"), one.pinpoint
            assert not one.text.endswith(("’", "’;", ";;")), one.pinpoint

    def test_the_page_and_formex_give_the_same_amended_act(
        self, corpus_dir: Path, amending_page: Path, after: dict[str, Provision]
    ) -> None:
        base = read_eurlex_html(corpus_dir / "ai-act" / "32024R1689_EN_eurlex_page_2026-07-08.html")
        from_page = by_pinpoint(amend(base, amending_page)[0])
        assert {place: one.text for place, one in from_page.items()} == {
            place: one.text for place, one in after.items()
        }

    def test_the_same_operations_a_second_time_do_not_fit(
        self, consolidated: tuple[tuple[Draft, ...], tuple[Operation, ...]]
    ) -> None:
        drafts, operations = consolidated
        with pytest.raises(AmendmentError):
            apply_operations(drafts, operations, AMENDING)

    def test_the_other_two_acts_that_it_amends(self, amending_page: Path) -> None:
        aviation = read_operations(amending_page, "(EU) 2018/1139")
        assert [str(one.target) for one in aviation] == [f"art_{n}/3" for n in (27, 31, 32, 36, 39, 50, 53)]
        machinery = read_operations(amending_page, "(EU) 2023/1230")
        assert [(one.kind, one.part, str(one.target)) for one in machinery] == [
            (INSERT, Part.NEW_SUBPARAGRAPH, "art_8"),
            (INSERT, Part.NEW_SUBPARAGRAPH, "art_8"),
            (INSERT, Part.WHOLE, "art_20/10"),
            (REPLACE, Part.WHOLE, "art_47/2"),
            (REPLACE, Part.WHOLE, "art_47/3"),
            (REPLACE, Part.WHOLE, "art_47/6"),
        ]

    def test_what_the_act_as_adopted_does_to_others(self, corpus_dir: Path) -> None:
        page = corpus_dir / "ai-act" / "32024R1689_EN_eurlex_page_2026-07-08.html"
        assert [str(one.target) for one in read_operations(page, "(EU) 2018/1139")] == [
            "art_17/3", "art_19/4", "art_43/4", "art_47/3", "art_57", "art_58/3",
        ]  # fmt: skip
        (added,) = read_operations(page, "(EC) No 300/2008")
        assert (added.kind, str(added.target)) == (INSERT, "art_4/3")


DUTCH_VERBS = {
    "vervangen": REPLACE,
    "ingevoegd": INSERT,
    "toegevoegd": INSERT,
    "geschrapt": DELETE,
    "gewijzigd": REPLACE,
}
DUTCH_INSTRUCTION = re.compile(
    r"(?P<label>\d{1,2}|[a-z])\) (?P<text>.*(?:vervangen door:|als volgt gewijzigd:|ingevoegd:|toegevoegd:|geschrapt;))"
)


def dutch_instructions(text: str) -> dict[str, str]:
    """The instructions of Article 1 by their point ("7/a"): each number and letter must follow the one before."""
    start = text.index("(EU) 2024/1689 wordt als volgt gewijzigd:")
    end = text.index("(EU) 2018/1139 wordt als volgt gewijzigd:")
    found: dict[str, str] = {}
    number, letter = 0, ""
    for match in filter(None, map(DUTCH_INSTRUCTION.fullmatch, map(str.strip, text[start:end].splitlines()))):
        if match["label"] == str(number + 1):
            number, letter = number + 1, ""
            found[str(number)] = match["text"]
        elif match["label"] == (chr(ord(letter) + 1) if letter else "a"):
            letter = match["label"]
            found[f"{number}/{letter}"] = match["text"]
    return found


@pytest.fixture(scope="module")
def dutch(corpus_dir: Path) -> dict[str, str]:
    reader = pypdf.PdfReader(corpus_dir / "other-languages" / "PE-CONS_30-2026_NL.pdf")
    return dutch_instructions("\n".join(page.extract_text() for page in reader.pages[35:]))


class TestDutchAgreedText:
    """The text as the two legislators agreed it, in Dutch, orders the same: an independent list of the operations."""

    def test_the_same_points_with_the_same_kinds_and_targets(
        self, dutch: dict[str, str], operations: tuple[Operation, ...]
    ) -> None:
        orders = {point: text for point, text in dutch.items() if not any(one.startswith(f"{point}/") for one in dutch)}
        english = {str(one.amending).removeprefix("art_1/"): one for one in operations}
        assert list(orders) == list(english)
        for point, text in orders.items():
            verb = next(kind for word, kind in DUTCH_VERBS.items() if word in text)
            assert verb is english[point].kind, point

    def test_the_same_numbers_are_named(self, dutch: dict[str, str], operations: tuple[Operation, ...]) -> None:
        for operation in operations:
            point = str(operation.amending).removeprefix("art_1/")
            told = f"{dutch[point.split('/')[0]]} {dutch[point]}"
            named = {match.removesuffix(")") for match in re.findall(r"\b(?:\d+|[IVX]+|[A-Z]\b|[a-z]\))", told)}
            if operation.kind is not INSERT:
                labels = {step.label for step in operation.target.steps if step.kind != "sub"}
                assert labels <= named, (point, told)
            elif operation.target.parent is not None and operation.part is Part.WHOLE:
                labels = {step.label for step in operation.target.steps[:-1]}
                assert labels <= named, (point, told)


def test_a_draft_is_found_where_its_provision_is(act: tuple[Draft, ...], before: dict[str, Provision]) -> None:
    for place, provision in before.items():
        if place.startswith(("art_43", "art_113", "art_108", "anx_VII", "rct_12")):
            draft = find_draft(act, provision.pinpoint)
            assert draft is not None
            assert draft.whole() == provision.text
    assert find_draft(act, Pinpoint.parse("art_114")) is None
    assert find_draft(act, Pinpoint.parse("art_113/z")) is None
