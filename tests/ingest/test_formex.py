"""The Formex reader, on small files of our own and on the AI Act as published."""

import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from ingest.errors import SourceMissing, SourceUnreadable
from ingest.identifiers import AI_ACT, ExpressionId
from ingest.instrument import Authority, Expression, Provision, ProvisionKind
from ingest.pinpoint import Pinpoint, StepKind
from ingest.readers.formex import read_formex
from ingest.structure import build_provisions, count_provisions, find_gaps

ADOPTED = ExpressionId(AI_ACT, date(2024, 7, 12), "en")
FURNITURE = frozenset(
    {"NOTE", "BIB.INSTANCE", "TITLE", "TI.ART", "STI.ART", "PREAMBLE.INIT", "PREAMBLE.FINAL", "GR.CONSID.INIT", "FINAL"}
)

ACT = """<?xml version="1.0" encoding="UTF-8"?>
<ACT><BIB.INSTANCE><NO.SEQ>0001</NO.SEQ><PAGE.FIRST>7</PAGE.FIRST></BIB.INSTANCE><TITLE><TI>
<P>Regulation on tea</P></TI></TITLE>
<PREAMBLE><GR.VISA><VISA>Having regard to thirst<NOTE><P>A footnote.</P></NOTE>,</VISA></GR.VISA>
<GR.CONSID><CONSID><NP><NO.P>(1)</NO.P><TXT>Tea is warm.</TXT></NP></CONSID></GR.CONSID></PREAMBLE>
<ENACTING.TERMS><DIVISION><TITLE><TI><P>CHAPTER IIa</P></TI><STI><P>BREWING</P></STI></TITLE>
<DIVISION><TITLE><TI><P>Section 1</P></TI><STI><P>Leaves</P></STI></TITLE>
<ARTICLE IDENTIFIER="001"><TI.ART>Article 1</TI.ART><STI.ART><P>Strength</P></STI.ART>
<PARAG IDENTIFIER="001.001"><NO.PARAG>1.</NO.PARAG><ALINEA>
<P>Tea, also called <QUOT.START CODE="2018"/>cha<QUOT.END CODE="2019"/>, is:</P>
<LIST TYPE="alpha"><ITEM><NP><NO.P>(a)</NO.P><TXT>hot;</TXT></NP></ITEM><?PAGE NO="8"?><ITEM><NP>
<NO.P>(b)</NO.P><TXT>strong.</TXT></NP></ITEM></LIST></ALINEA>
<ALINEA><P>It shall not be:</P><LIST TYPE="alpha"><ITEM><NP><NO.P>(b)</NO.P><TXT>weak;</TXT></NP></ITEM><ITEM>
<NP><NO.P>(c)</NO.P><TXT>cold.</TXT></NP></ITEM></LIST></ALINEA></PARAG>
<PARAG IDENTIFIER="001.002"><NO.PARAG>2.</NO.PARAG>
<ALINEA>It costs EUR <FT TYPE="NUMBER">35000000</FT> for 10<HT TYPE="SUP">25</HT> cups.</ALINEA></PARAG>
</ARTICLE>
<ARTICLE IDENTIFIER="001a"><TI.ART>Article 1a</TI.ART><ALINEA><P>The following is added:</P><QUOT.S LEVEL="1">
<PARAG IDENTIFIER="009.003"><NO.PARAG><QUOT.START CODE="2018"/>3.</NO.PARAG><ALINEA>Milk comes first.</ALINEA>
<ALINEA>Sugar comes last.<QUOT.END CODE="2019"/></ALINEA></PARAG></QUOT.S>.</ALINEA></ARTICLE>
</DIVISION></DIVISION></ENACTING.TERMS></ACT>"""
ANNEX = """<ANNEX><BIB.INSTANCE><NO.SEQ>0001.{number:04}</NO.SEQ><PAGE.FIRST>9</PAGE.FIRST></BIB.INSTANCE>
<TITLE><TI><P>ANNEX {label}</P></TI><STI><P>Cups</P></STI></TITLE><CONTENTS>{contents}</CONTENTS></ANNEX>"""
BOMB = """<!DOCTYPE ACT [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;">]>
<ACT><PREAMBLE><GR.CONSID><CONSID><NP><NO.P>(1)</NO.P><TXT>&c;</TXT></NP></CONSID></GR.CONSID></PREAMBLE></ACT>"""
EXTERNAL = """<!DOCTYPE ACT [<!ENTITY x SYSTEM "file:///etc/hostname">]><ACT><TITLE>&x;</TITLE></ACT>"""


def read(folder: Path, *texts: str) -> tuple[Provision, ...]:
    paths = []
    for number, text in enumerate(texts):
        paths.append(folder / f"{number}.xml")
        paths[-1].write_text(text, encoding="utf-8")
    return build_provisions(ADOPTED, read_formex(paths))


def by_path(provisions: tuple[Provision, ...]) -> dict[str, Provision]:
    return {str(provision.pinpoint): provision for provision in provisions}


def test_small_act(tmp_path: Path) -> None:
    tree = by_path(read(tmp_path, ACT))
    assert list(tree) == [
        "cit_1", "rct_1", "cpt_IIa", "cpt_IIa/sec_1", "art_1", "art_1/1", "art_1/1/a", "art_1/1/b", "art_1/1/sub_2",
        "art_1/1/sub_2/b", "art_1/1/c", "art_1/2", "art_1a",
    ]  # fmt: skip
    assert tree["cit_1"].text == "Having regard to thirst,"
    assert tree["art_1/1"].text.startswith("1. Tea, also called ‘cha’, is:\n(a) hot;\n(b) strong.\nIt shall not be:\n")
    assert tree["art_1/1/c"].parent == Pinpoint.parse("art_1/1/sub_2")
    assert tree["art_1/2"].text == "2. It costs EUR 35 000 000 for 10²⁵ cups."
    assert tree["art_1a"].text == "The following is added:\n‘3. Milk comes first.\nSugar comes last.’."
    assert [tree[path].source.page for path in ("cit_1", "art_1/1/a", "art_1/1/b")] == [7, 7, 8]
    anchors = [tree[path].source.anchor for path in ("cpt_IIa", "cpt_IIa/sec_1", "art_1", "art_1/1", "art_1/1/c")]
    assert anchors == ["cpt_IIa", "cpt_IIa.sct_1", "art_1", "001.001", "001.001"]
    assert tree["cpt_IIa"].heading == "BREWING"
    assert tree["art_1/1/sub_2/b"].label == "Article 1(1), second subparagraph, point (b)"


@pytest.mark.parametrize(
    ("chapter", "section", "article", "annex"),
    [("CHAPITRE II", "SECTION 1", "Article premier", "ANNEXE"), ("HOOFDSTUK II", "Afdeling 1", "Artikel 1", "BIJLAGE")],
)
def test_french_and_dutch_structure_words(tmp_path: Path, chapter: str, section: str, article: str, annex: str) -> None:
    act = ACT.replace("CHAPTER IIa", chapter).replace("Section 1", section).replace("Article 1<", f"{article}<")
    part = "<GR.SEQ><TITLE><TI><P>{} A — Tasses</P></TI></TITLE><NP><NO.P>1.</NO.P><TXT>x</TXT></NP></GR.SEQ>"
    word = section.split()[0]
    kettles = ANNEX.format(number=1, label="IV", contents=part.format(word)).replace("ANNEX IV", f"{annex} IV")
    places = list(by_path(read(tmp_path, act, kettles)))
    assert places[2:6] == ["cpt_II", "cpt_II/sec_1", "art_1", "art_1/1"]
    assert places[-3:] == ["anx_IV", "anx_IV/A", "anx_IV/A/1"]


def test_annexes_follow_their_sequence_number(tmp_path: Path) -> None:
    dashes = '<P>List:</P><LIST TYPE="DASH"><ITEM><P>jug,</P></ITEM></LIST>'
    second = ANNEX.format(number=2, label="II", contents=dashes)
    first = ANNEX.format(
        number=1,
        label="I",
        contents="<GR.SEQ><TITLE><TI><P>Section A — Mugs</P></TI></TITLE>"
        "<NP><NO.P>1.</NO.P><TXT>big</TXT></NP></GR.SEQ>"
        "<GR.SEQ><TITLE><TI><NP><NO.P>3.</NO.P><TXT>Care</TXT></NP></TI></TITLE>"
        "<NP><NO.P>3.1.</NO.P><TXT>Wash.</TXT><P>Dry.</P></NP></GR.SEQ>",
    )
    tree = by_path(read(tmp_path, second, first, ACT))
    annexes = [path for path in tree if path.startswith("anx")]
    assert annexes == [
        "anx_I", "anx_I/A", "anx_I/A/1", "anx_I/3", "anx_I/3/3.1", "anx_I/3/3.1/sub_2", "anx_II", "anx_II/ind_1",
    ]  # fmt: skip
    assert tree["anx_I/A"].kind is ProvisionKind.ANNEX_SECTION
    assert tree["anx_I/A"].heading == "Mugs"
    assert tree["anx_I"].text == "1. big\n3.1. Wash.\nDry."
    assert tree["anx_II"].text == "List:\n— jug,"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "declares a document type"),
        (EXTERNAL, "declares a document type"),
        ("", "not well-formed XML"),
        (ACT[:900], "not well-formed XML"),
        ("%PDF-1.7", "not well-formed XML"),
        ("<PUBLICATION/>", "its root is <PUBLICATION>"),
        (ACT.replace("CHAPTER IIa", "LIVRE IIa"), "neither a chapter nor a section"),
        (ACT.replace("<LIST", "<TBL").replace("</LIST", "</TBL"), "<TBL> inside a provision is not known"),
    ],
)
def test_unreadable_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SourceUnreadable, match=words) as caught:
        read(tmp_path, text)
    assert "0.xml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="no such file"):
        read_formex([tmp_path / "absent.xml"])


@pytest.fixture(scope="module")
def files(corpus_dir: Path) -> list[Path]:
    folder = corpus_dir / "ai-act" / "formex"
    return [path for path in sorted(folder.glob("L_*.fmx.xml")) if path.name.split(".")[1].isdigit()]


@pytest.fixture(scope="module")
def act(files: list[Path]) -> Expression:
    provisions = build_provisions(ADOPTED, read_formex(files))
    return Expression(ADOPTED, "", "AI Act", Authority.LAW, "", date(2024, 7, 12), provisions)


def test_counts(act: Expression) -> None:
    expected = {"recitals": 180, "chapters": 13, "articles": 113, "annexes": 13}
    assert count_provisions(act.provisions).items() >= expected.items()
    kinds = Counter(one.kind for one in act.provisions)
    assert kinds[ProvisionKind.PREAMBLE_CITATION] == 7
    assert kinds[ProvisionKind.SECTION] == 16
    assert kinds[ProvisionKind.ANNEX_SECTION] == 7
    assert kinds[ProvisionKind.PARAGRAPH] == 500  # 9 more are quoted by Articles 105 to 109
    in_articles = Counter(one.kind for one in act.provisions if one.pinpoint.root.kind is StepKind.ARTICLE)
    assert in_articles[ProvisionKind.POINT] == 467
    assert find_gaps(act.provisions) == ()


def test_all_points_of_annex_iii(act: Expression) -> None:
    labels = {
        one.pinpoint.steps[-1].label: "".join(point.pinpoint.steps[-1].label for point in act.children(one.pinpoint))
        for one in act.children(Pinpoint.parse("anx_III"))
        if one.kind is ProvisionKind.POINT
    }
    assert labels == {
        "1": "abc", "2": "", "3": "abcd", "4": "ab", "5": "abcd", "6": "abcde", "7": "abcd", "8": "ab",
    }  # fmt: skip


def test_each_text_stands_at_its_offset(act: Expression) -> None:
    for one in act.provisions:
        if not one.is_container:
            unit = act.at(one.pinpoint.unit)
            assert unit.text[one.offset : one.offset + len(one.text)] == one.text, str(one.pinpoint)
            assert unicodedata.is_normalized("NFC", one.text)
            assert all(line == " ".join(line.split()) for line in one.text.split("\n"))


def test_points_under_a_second_subparagraph_share_a_label_in_one_place_only(act: Expression) -> None:
    stepped = [
        str(one.pinpoint)
        for one in act.provisions
        if one.kind is ProvisionKind.POINT and any(step.kind is StepKind.SUBPARAGRAPH for step in one.pinpoint.steps)
    ]
    assert stepped == ["art_43/1/sub_2/a", "art_43/1/sub_2/b"]


def raw(element: etree._Element) -> str:
    """All text under an element that is not furniture, with no rule of the reader's."""
    if not isinstance(element.tag, str) or element.tag in FURNITURE:
        return ""
    if element.tag in ("QUOT.START", "QUOT.END"):
        return chr(int(element.get("CODE", ""), 16))
    dash = "—" if element.tag == "ITEM" and element.find("P") is not None else ""
    return dash + (element.text or "") + "".join(raw(child) + (child.tail or "") for child in element)


def without_space(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def test_every_character_lies_in_a_provision(act: Expression, files: list[Path]) -> None:
    source = "".join(without_space(raw(etree.parse(str(path)).getroot())) for path in files)
    assert source == "".join(without_space(unit.text) for unit in act.units())
    assert len(source) > 450_000


TABLE = [
    ("cit_1", "preamble_citation", "Having regard to the Treaty", "16 and 114 thereof,"),
    ("rct_1", "recital", "(1) The purpose of this Regulation", "authorised by this Regulation."),
    ("rct_12", "recital", "(12) The notion of ‘AI system’", "(non-embedded)."),
    ("rct_180", "recital", "(180) The European Data Protection Supervisor", "18 June 2021,"),
    ("art_1/2/g", "point", "(g) measures to support innovation", "including start-ups."),
    ("art_3/1", "point", "(1) ‘AI system’ means", "physical or virtual environments;"),
    ("art_3/14", "point", "(14) ‘safety component’ means", "persons or property;"),
    ("art_3/49/c", "point", "(c) the infringement of obligations", "fundamental rights;"),
    ("art_4", "article", "Providers and deployers of AI systems", "are to be used."),
    ("art_5/1/c/ii", "point", "(ii) detrimental or unfavourable treatment", "or its gravity;"),
    ("art_5/1/f", "point", "(f) the placing on the market", "medical or safety reasons;"),
    ("art_5/1/sub_2", "subparagraph", "Point (h) of the first subparagraph", "other than law enforcement."),
    ("art_5/8", "paragraph", "8. This Article shall not affect", "infringes other Union law."),
    ("art_6/3/a", "point", "(a) the AI system is intended", "narrow procedural task;"),
    ("art_6/3/sub_3", "subparagraph", "Notwithstanding the first subparagraph", "profiling of natural persons."),
    ("art_10/5/f", "point", "(f) the records of processing activities", "processing other data."),
    ("art_22/3/sub_2", "subparagraph", "The mandate shall empower", "compliance with this Regulation."),
    ("art_26/10/sub_7", "subparagraph", "Member States may introduce", "biometric identification systems."),
    ("art_43/1/sub_2/b", "point", "(b) the provider has not applied", "the harmonised standard;"),
    ("art_50/4/sub_2", "subparagraph", "Deployers of an AI system", "publication of the content."),
    ("art_51/2", "paragraph", "2. A general-purpose AI model", "is greater than 10²⁵."),
    ("art_53/1/d", "point", "(d) draw up and make publicly available", "provided by the AI Office."),
    ("art_75/3", "paragraph", "3. Where a market surveillance authority", "apply mutatis mutandis."),
    ("art_99/3", "paragraph", "3. Non-compliance with the prohibition", "whichever is higher."),
    ("art_101/1/a", "point", "(a) infringed the relevant provisions", "of this Regulation;"),
    ("art_108/2", "point", "(2) in Article 19, the following", "be taken into account.’;"),
    ("art_111/2", "paragraph", "2. Without prejudice to the application", "by 2 August 2030."),
    ("art_113/sub_2", "subparagraph", "It shall apply from", "2 August 2026."),
    ("art_113/b", "point", "(b) Chapter III Section 4, Chapter V", "exception of Article 101;"),
    ("anx_I/A/1", "point", "1. Directive 2006/42/EC", "p. 24);"),
    ("anx_I/B/20", "point", "20. Regulation (EU) 2018/1139", "remotely, are concerned."),
    ("anx_II/ind_12", "indent", "— rape,", "— rape,"),
    ("anx_III/1/a/sub_2", "subparagraph", "This shall not include", "claims to be;"),
    ("anx_III/5/b", "point", "(b) AI systems intended", "detecting financial fraud;"),
    ("anx_IV/2/h", "point", "(h) cybersecurity measures", "put in place;"),
    ("anx_VII/1", "point", "Conformity based on an assessment", "points 2 to 5."),
    ("anx_VII/3/3.1/f", "point", "(f) a written declaration", "any other notified body."),
    ("anx_VIII/B/7", "point", "7. A short summary", "procedure under Article 6(3);"),
    ("anx_VIII/C", "annex_section", "The following information", "where applicable."),
    ("anx_X/3", "point", "Regulation (EU) 2024/1358", "reg/2024/1358/oj)."),
    ("anx_XI/1/2/e", "point", "(e) known or estimated", "of the model."),
    ("anx_XI/2/3", "point", "3. Where applicable", "the overall processing."),
    ("anx_XIII/f", "point", "(f) whether it has", "established in the Union;"),
]


@pytest.mark.parametrize(("path", "kind", "first", "last"), TABLE, ids=[row[0] for row in TABLE])
def test_provision(act: Expression, path: str, kind: str, first: str, last: str) -> None:
    one = act.at(Pinpoint.parse(path))
    assert (one.kind.value, one.text[: len(first)], one.text[-len(last) :]) == (kind, first, last)


def test_headings_pages_and_anchors(act: Expression) -> None:
    article = act.at(Pinpoint.parse("art_1"))
    assert (article.heading, article.source.page, article.source.anchor) == ("Subject matter", 44, "art_1")
    section = act.at(Pinpoint.parse("cpt_IX/sec_3"))
    assert (section.heading, section.source.anchor) == ("Enforcement", "cpt_IX.sct_3")
    assert act.at(Pinpoint.parse("anx_X/3")).heading == "Eurodac"
    assert act.at(Pinpoint.parse("anx_X")).heading.startswith("Union legislative acts")
    assert act.at(Pinpoint.parse("anx_XI/2")).heading.startswith("Additional information")
    assert act.at(Pinpoint.parse("art_5/1/f")).source.anchor == "005.001"
    assert "EUR 35 000 000 or," in act.at(Pinpoint.parse("art_99/3")).text


def test_a_number_in_a_heading_line_is_no_article(act: Expression) -> None:
    assert act.at(Pinpoint.parse("art_49")).heading == "Registration"
    assert act.at(Pinpoint.parse("anx_VIII")).heading.endswith("Article 49")
