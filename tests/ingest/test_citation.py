"""References in questions and texts: a table of house forms, names of instruments, hostile lengths."""

import time

import pytest

from ingest.citation import Citation, find_citations, find_instruments

ACT, CONVENTION, OMNIBUS = "eu-ai-act", "coe-ai-convention", "eu-2026-1744"

PLACES = [
    ("Article 6(1), second subparagraph", "art_6/1/sub_2"),
    ("Art. 5(1)(f)", "art_5/1/f"),
    ("Article 5 (1) (f)", "art_5/1/f"),
    ("Article 5(1), first subparagraph, point (f)", "art_5/1/f"),
    ("Article 5(1), point (h)(iii)", "art_5/1/h/iii"),
    ("Article 43(1), second subparagraph, point (a)", "art_43/1/sub_2/a"),
    ("point (a) of Article 6(1)", "art_6/1/a"),
    ("point (a) of the first subparagraph of Article 6(1)", "art_6/1/a"),
    ("art 5 1 f", "art_5/1/f"),
    ("what does art 5 1 f say?", "art_5/1/f"),
    ("art. 5.1.f", "art_5/1/f"),
    ("does art 5 1 a provider bind", "art_5/1"),
    ("article five", "art_5"),
    ("article twenty-six", "art_26"),
    ("Article 6a(1), point (c)", "art_6a/1/c"),
    ("Article 5(1a) and 5(1)(ba)", "art_5/1a art_5/1/ba"),
    ("Article 3(14)", "art_3/14"),
    ("Article 25, paragraph 2", "art_25/2"),
    ("Article 3, paragraph 1, sub-paragraphs a and b", "art_3/1/a art_3/1/b"),
    ("Article 3, paragraph 1.b", "art_3/1/b"),
    ("recital 12", "rct_12"),
    ("recitals (4) and (5)", "rct_4 rct_5"),
    ("recitals 4, 5 and 27", "rct_4 rct_5 rct_27"),
    ("Annex III, point 5(b)", "anx_III/5/b"),
    ("point 5(b) of Annex III", "anx_III/5/b"),
    ("points 1, 6 and 7 of Annex III", "anx_III/1 anx_III/6 anx_III/7"),
    ("point 1, 6 or 7 of Annex III", "anx_III/1 anx_III/6 anx_III/7"),
    ("Annex I, Section A", "anx_I/A"),
    ("Annex XI, Section 1, second subparagraph", "anx_XI/1/sub_2"),
    ("Sections A and B of Annex VIII", "anx_VIII/A anx_VIII/B"),
    ("point 3 of Section A of Annex VIII", "anx_VIII/A/3"),
    ("Section A, points 1 to 3, of Annex VIII", "anx_VIII/A/1 anx_VIII/A/2 anx_VIII/A/3"),
    ("Annex VII, point 3.1(f)", "anx_VII/3/3.1/f"),
    ("Annex XIII, point (a)", "anx_XIII/a"),
    ("Annex II, first indent", "anx_II/ind_1"),
    ("Annexes XI and XII", "anx_XI anx_XII"),
    ("Chapter III, Section 2", "cpt_III/sec_2"),
    ("Chapter III Section 4, Chapter V", "cpt_III/sec_4 cpt_V"),
    ("Sections 2 and 3 of Chapter III", "cpt_III/sec_2 cpt_III/sec_3"),
    ("Chapters II to IV", "cpt_II cpt_III cpt_IV"),
    ("Articles 8 to 11", "art_8 art_9 art_10 art_11"),
    ("Articles 8-11", "art_8 art_9 art_10 art_11"),
    ("Articles 9(2) and (3)", "art_9/2 art_9/3"),
    ("Articles 5, 6 and 50", "art_5 art_6 art_50"),
    ("Article 33(1), (3) and (4)", "art_33/1 art_33/3 art_33/4"),
    ("Article 99(3)-(5)", "art_99/3 art_99/4 art_99/5"),
    ("Article 5(1)(a) to (d)", "art_5/1/a art_5/1/b art_5/1/c art_5/1/d"),
    ("Article 41(1)(a)(i) to (iii)", "art_41/1/a/i art_41/1/a/ii art_41/1/a/iii"),
    ("Article 5(1), first subparagraph, point (h), (2) to (4)", "art_5/1/h art_5/2 art_5/3 art_5/4"),
    ("preamble, paragraph 3", "pre_3"),
    ("page 3, para 2", "page_3/para_2"),
    ("l’article 5, paragraphe 1, point f)", "art_5/1/f"),
    ("l'article 5, paragraphe 1, deuxième alinéa", "art_5/1/sub_2"),
    ("article premier", "art_1"),
    ("considérants 12 et 13", "rct_12 rct_13"),
    ("annexe III, point 5 b)", "anx_III/5/b"),
    ("Artikel 5 Absatz 1 Buchstabe f", "art_5/1/f"),
    ("Art. 5 Abs. 1 lit. f", "art_5/1/f"),
    ("Anhang III Nummer 5 Buchstabe b", "anx_III/5/b"),
    ("Erwägungsgrund 12", "rct_12"),
    ("artikel 5, lid 1, punt f", "art_5/1/f"),
]


@pytest.mark.parametrize(("text", "expected"), PLACES, ids=[text for text, _ in PLACES])
def test_places(text: str, expected: str) -> None:
    found = find_citations(text)
    assert [str(pinpoint) for citation in found for pinpoint in citation.pinpoints] == expected.split()
    assert not any(citation.relative for citation in found)


BOUND = [
    ("Article 14 of the AI Act", "art_14", ACT),
    ("AI Act Article 14", "art_14", ACT),
    ("the Act's Article 50", "art_50", ACT),
    ("Articles 4 and 5 of the Act", "art_4 art_5", ACT),
    ("Article 6 of Regulation (EU) 2024/1689", "art_6", ACT),
    ("Article 5(1)(f) (AI Act)", "art_5/1/f", ACT),
    ("Art. 5 Abs. 1 lit. f KI-VO", "art_5/1/f", ACT),
    ("Art. 3 CETS 225", "art_3", CONVENTION),
    ("CETS No. 225, Article 3", "art_3", CONVENTION),
    ("CoE convention art 14", "art_14", CONVENTION),
    ("Article 11 of the Convention", "art_11", CONVENTION),
    ("article 3(1)(b) of the treaty", "art_3/1/b", CONVENTION),
    ("article 16 of the Vilnius Convention", "art_16", CONVENTION),
    ("article premier de la convention-cadre", "art_1", CONVENTION),
    ("Article 1(40) of Regulation (EU) 2026/1744", "art_1/40", OMNIBUS),
    ("C(2025) 5052, para 120", "para_120", "ec-guidelines-prohibited-practices"),
    ("article 5 and article 14 of the convention", "art_5 art_14", CONVENTION),
    ("Article 14", "art_14", None),
    ("Without prejudice to Article 25, paragraph 2, this Convention shall apply", "art_25/2", None),
]


@pytest.mark.parametrize(("text", "expected", "instrument"), BOUND, ids=[row[0] for row in BOUND])
def test_bound_to_the_instrument_named_with_it(text: str, expected: str, instrument: str | None) -> None:
    found = find_citations(text)
    assert [str(pinpoint) for citation in found for pinpoint in citation.pinpoints] == expected.split()
    assert {citation.instrument for citation in found} == {instrument}
    assert not any(citation.external for citation in found)


FOREIGN = [
    ("Article 6(2) of Regulation (EU) 2016/679", "Regulation (EU) 2016/679"),
    ("does article 22 GDPR matter", "GDPR"),
    ("Article 2, point (1)(c), of Regulation (EU) No 1025/2012", "Regulation (EU) No 1025/2012"),
    ("Article 6 of the Treaty on European Union", "Treaty on European Union"),
    ("Article 8 of the European Convention on Human Rights", "European Convention on Human Rights"),
    ("Chapter 2 of Title V TEU", "TEU"),
    ("Article 16(1) of that Regulation", "that Regulation"),
    ("the majority provided for in Article 20.d of the Statute", "Statute"),
    ("point (8) of the Annex to Directive (EU) 2022/2557", "Directive (EU) 2022/2557"),
    ("Article 6 of the Colorado AI Act", "Colorado AI Act"),
    ("Article 17 of the Cyber Resilience Act", "Cyber Resilience Act"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name"), FOREIGN, ids=[name for _, name in FOREIGN])
def test_foreign_acts_keep_their_name(text: str, name: str) -> None:
    (citation,) = find_citations(text)
    assert (citation.external, citation.instrument) == (name, None)


def test_two_instruments_in_one_question() -> None:
    first, second = find_citations("Compare Article 5 of the AI Act with Article 5 of the Convention.")
    assert (first.instrument, second.instrument) == (ACT, CONVENTION)
    assert first.pinpoints == second.pinpoints


RELATIVE = [
    ("paragraph 2 of this Article", "article > paragraph 2"),
    ("paragraphs 1 and 2", "paragraph 1; paragraph 2"),
    ("the first and third subparagraphs of paragraph 3", "paragraph 3 > subparagraph 1; paragraph 3 > subparagraph 3"),
    ("point (b) of this subparagraph", "subparagraph > point b"),
    ("fifth paragraph of point 4.6", "point 4.6 > subparagraph 5"),
    ("Section 2 of this Chapter", "chapter > section 2"),
    ("this Article", "article"),
]


def shown(citation: Citation) -> str:
    return "; ".join(" > ".join(f"{part.level} {part.label}".strip() for part in place) for place in citation.relative)


@pytest.mark.parametrize(("text", "expected"), RELATIVE, ids=[text for text, _ in RELATIVE])
def test_relative_places(text: str, expected: str) -> None:
    (citation,) = find_citations(text)
    assert shown(citation) == expected
    assert citation.pinpoints == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the point of view of a natural person",
        "a single point of contact",
        "floating point operations",
        "The following point is added:",
        "What is an article of faith?",
        "in section",
        "the state of the art",
    ],
)
def test_no_citation(text: str) -> None:
    assert find_citations(text) == ()


def test_spans_hold_the_words() -> None:
    text = "Under Article 5(1)(f) of the AI Act, and recital 44, emotion recognition is banned."
    spans = [text[citation.start : citation.end] for citation in find_citations(text)]
    assert spans == ["Article 5(1)(f) of the AI Act", "recital 44"]


MENTIONS = [
    ("How do the Convention and the AI Act define an AI system?", [CONVENTION, ACT]),
    ("the Council of Europe's AI treaty against the EU regulation", [CONVENTION, ACT]),
    ("the Framework Convention on Artificial Intelligence", [CONVENTION]),
    ("CETS 225 and Regulation (EU) 2024/1689", [CONVENTION, ACT]),
    ("what did the Digital Omnibus change in the Act", [OMNIBUS, ACT]),
    ("Under the treaty, may Parties…", [CONVENTION]),
    ("the European Convention on Human Rights", [None]),
    ("the Vienna Convention on the Law of Treaties", [None]),
    ("the Convention on the Rights of the Child", [None]),
    ("the Data Act and the Digital Services Act", [None, None]),
    ("GDPR", [None]),
    ("how should a firm act under regulation of AI?", []),
]


@pytest.mark.parametrize(("text", "expected"), MENTIONS, ids=[text for text, _ in MENTIONS])
def test_instruments(text: str, expected: list[str | None]) -> None:
    found = [one for one in find_instruments(text) if not one.by_body]
    assert [one.instrument for one in found] == expected
    assert all(bool(one.external) == (one.instrument is None) for one in found)


def test_a_body_is_a_weak_name() -> None:
    found = find_instruments("How does the Council of Europe differ from the EU on this?")
    assert [(one.instrument, one.by_body) for one in found] == [(CONVENTION, True), (ACT, True)]


@pytest.mark.parametrize(
    "piece",
    [
        "Article ", "AIA ", "AI ", "point 1 of ", "1, ", "(1)", "first, ", "Council ", "Article 1, 1 and ",
        "Articles 1 to 999 ", "points (a) to (z) of paragraphs 1 to 999 of Articles 1 to 999 ", "Convention on A ",
    ],
)  # fmt: skip
def test_twenty_thousand_characters_are_read_in_good_time(piece: str) -> None:
    started = time.perf_counter()
    find_citations((piece * 20_000)[:20_000])
    assert time.perf_counter() - started < 5
