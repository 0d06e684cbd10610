"""An invented act, what amends it, and a published consolidation of both, through the whole pipeline."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from ingest.identifiers import InstrumentId
from ingest.index import Store
from ingest.instrument import Expression
from ingest.law_cli import law
from ingest.pinpoint import Pinpoint
from ingest.pipeline import Options, Outcome, ingest_corpus, open_store
from tests.small_corpus import ACT, ARTICLES, SmallCorpus

pytestmark = pytest.mark.usefixtures("embedding")

ACT_ID = InstrumentId("garden-act")
AMENDING, CONSOLIDATED, CORRIGENDUM = "act/amending.html", "act/consolidated.html", "act/corrigendum.txt"
SECOND = "garden-act@2021-06-01:en"
ADDRESS = "https://law.example/garden-act-consolidated"


def row(label: str, *texts: str) -> str:
    inner = "".join(text if text.startswith("<") else f'<p class="oj-normal">{text}</p>' for text in texts)
    return f'<table><tbody><tr><td><p class="oj-normal">{label}</p></td><td>{inner}</td></tr></tbody></table>'


def make_amending(*points: str, amended: str = "(EU) 2020/1") -> bytes:
    """An act that amends another in numbered points, as EUR-Lex prints one."""
    rows = "".join(row(f"({number})", *point.split("|")) for number, point in enumerate(points, start=1))
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><div class="eli-container">'
        '<div class="eli-main-title"><p class="oj-doc-ti">REGULATION (EU) 2021/5 amending</p></div>'
        '<div class="eli-subdivision" id="rct_1"><p>(1) Birds need low hedges.</p></div>'
        '<div class="eli-subdivision" id="art_1"><p class="oj-ti-art">Article 1</p>'
        f'<p class="oj-normal">Regulation {amended} is amended as follows:</p>{rows}</div></div></body></html>'
    ).encode()


POINTS = (
    "in Article 3(1), the words ‘three metres’ are replaced by ‘two metres’;",
    'the following Article is inserted:|<p class="oj-ti-art">‘Article 4a</p>'
    '<p class="oj-sti-art">Birds</p><p class="oj-normal">Birds may nest in every hedge.’</p>',
)


def make_consolidated(texts: dict[str, tuple[str, str]]) -> bytes:
    """A consolidated text as EUR-Lex prints one: numbered paragraphs, an arrow, no recitals."""
    body = "".join(
        f'<div class="eli-subdivision" id="art_{label}"><p class="title-article-norm">Article {label}</p>'
        f'<div class="eli-title" id="art_{label}.tit_1"><p class="stitle-article-norm">{heading}</p></div>'
        '<p class="modref"><a href="x" title="32021R0005: REPLACED">▼M1</a></p>'
        + (
            f'<p class="norm">{text}</p></div>'
            if label == "4a"
            else '<div class="norm"><span class="no-parag">1.\u00a0\u00a0</span>'
            f'<div class="norm inline-element">{text}</div></div></div>'
        )
        for label, (heading, text) in texts.items()
    )
    return (
        '<html><head><meta charset="utf-8"></head><body><p class="reference">02020R0001 — EN — 01.06.2021</p>'
        f'<div class="eli-container"><div class="eli-subdivision" id="enc_1">{body}</div></div></body></html>'
    ).encode()


def as_amended(metres: str = "two metres") -> dict[str, tuple[str, str]]:
    heading, text = ARTICLES["3"]
    return ARTICLES | {
        "3": (heading, text.replace("three metres", metres)),
        "4a": ("Birds", "Birds may nest in every hedge."),
    }


def entry(identity: str, instrument: str, path: str, version: str, *more: str) -> str:
    return (
        f'[[source]]\nid = "{identity}"\ninstrument = "{instrument}"\ntitle = "{identity}"\n'
        f'short_title = "the {identity.replace("-", " ").capitalize()}"\nlanguage = "en"\nversion = {version}\n'
        f'published = {version}\nformat = "eurlex-html"\nauthority = "law"\nurl = "https://law.example/{identity}"\n'
        f'files = [{{ path = "{path}" }}]\nlicence = "ours"\nattribution = "the tests"\n' + "\n".join(more) + "\n"
    )


def prepare(corpus: SmallCorpus, *, points: tuple[str, ...] = POINTS, consolidated: bytes = b"") -> SmallCorpus:
    """The corpus with an act that amends the garden act and, where there is one, a published consolidation."""
    corpus.more[ACT] = 'celex = "32020R0001"\n'
    corpus.texts[AMENDING] = make_amending(*points)
    amends = ("in_force = 2021-06-01", 'amends = "garden-act"')
    corpus.added = entry("garden-amendment", "garden-amendment", AMENDING, "2021-05-20", *amends)
    if consolidated:
        corpus.texts[CONSOLIDATED] = consolidated
        holds = ('corrigenda = ["32020R0001R(01)"]', "expected = { articles = 5 }")
        corpus.added += entry("garden-act-consolidated", "garden-act", CONSOLIDATED, "2021-06-01", *holds)
    return corpus.write()


def ingest(corpus: SmallCorpus) -> Outcome:
    return ingest_corpus(Options(corpus.folder), lambda *_: None)


def wordings(corpus: SmallCorpus) -> Iterator[tuple[Store, tuple[Expression, ...]]]:
    store = open_store(corpus.folder, build=False)
    yield store, store.corpus.wordings(ACT_ID)
    store.close()


def test_an_amending_act_of_the_manifest_makes_the_next_wording(small_corpus: SmallCorpus) -> None:
    assert ingest(prepare(small_corpus)).broken == ()
    for store, (first, second) in wordings(small_corpus):
        assert (str(second.id), "three" in first.at(Pinpoint.parse("art_3")).text) == (SECOND, True)
        changed = {str(one.pinpoint): one.changed_by for one in second.provisions if one.changed_by}
        assert changed["art_3/1"] == "garden-amendment:art_1/1" and changed["art_4a"] == "garden-amendment:art_1/2"
        assert "two metres" in second.at(Pinpoint.parse("art_3/1")).text
        assert second.url == "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:02020R0001-20210601"
        assert store.corpus.cite(second.at(Pinpoint.parse("art_4a"))) == "Article 4a of the Garden act"


def test_one_that_does_not_fit_is_a_line_and_the_first_wording_stays(small_corpus: SmallCorpus) -> None:
    outcome = ingest(prepare(small_corpus, points=("in Article 9(1), the word ‘x’ is replaced by ‘y’;",)))
    assert "art_1/1: replace_words at art_9/1: there is no such provision" in outcome.broken[0].text
    for store, (only,) in wordings(small_corpus):
        assert str(only.id) == "garden-act@2020-01-01:en" and "garden-amendment" not in store.corpus.instruments


def test_a_corrigendum_to_the_amending_act_corrects_what_it_inserts(small_corpus: SmallCorpus) -> None:
    prepare(small_corpus)
    small_corpus.texts[CORRIGENDUM] = (
        "Corrigendum to Regulation (EU) 2021/5\n\nOn page 2, Article 1, point (2): for: ‘nest’, read: ‘rest’.\n"
    ).encode()
    corrects = entry("correction", "garden-amendment", CORRIGENDUM, "2021-07-01", 'use = "corrigendum"')
    small_corpus.added += corrects.replace('"eurlex-html"', '"text"') + 'corrects = "garden-amendment"\n'
    small_corpus.write()
    assert ingest(small_corpus).broken == ()
    for store, (_, second) in wordings(small_corpus):
        assert second.at(Pinpoint.parse("art_4a")).text == "Birds may rest in every hedge."
        assert second.at(Pinpoint.parse("art_4a")).changed_by == "garden-amendment:art_1/2"
        [amendment] = store.corpus.wordings(InstrumentId("garden-amendment"))
        assert "Birds may rest" in amendment.at(Pinpoint.parse("art_1/2")).text
        assert amendment.corrigenda_words == "with the Correction"


def test_a_published_consolidation_is_preferred(small_corpus: SmallCorpus) -> None:
    assert ingest(prepare(small_corpus, consolidated=make_consolidated(as_amended("2 metres")))).broken == ()
    for store, (first, second) in wordings(small_corpus):
        assert (str(second.id), second.url) == (SECOND, ADDRESS)
        assert "2 metres" in second.at(Pinpoint.parse("art_3/1")).text
        assert second.at(Pinpoint.parse("rct_1")).text == first.at(Pinpoint.parse("rct_1")).text
        assert second.at(Pinpoint.parse("art_3/1")).changed_by == "garden-amendment:art_1/1"
        assert second.corrigenda_words == "with 32020R0001R(01)" and first.corrigenda_words == "corrigenda not checked"
        shelf = store.shelves[SECOND]
        texts = {passage.text for passage in shelf.passages}
        assert any("2 metres" in text for text in texts) and not any("two metres" in text for text in texts)


def agree(corpus: SmallCorpus, *options: str) -> tuple[int, str]:
    ran = CliRunner().invoke(law, ["agree", "--corpus", str(corpus.folder), *options])
    return ran.exit_code, ran.stdout


def test_it_is_compared_with_ours(small_corpus: SmallCorpus) -> None:
    prepare(small_corpus, consolidated=make_consolidated(as_amended()))
    code, printed = agree(small_corpus)
    assert "garden-act as we amend it and garden-act-consolidated (eurlex-html):" in printed
    assert "5 of 5 units the same to the letter" in printed and code == 0, printed


def test_each_word_that_differs_from_ours_is_listed(small_corpus: SmallCorpus, tmp_path: Path) -> None:
    less = {label: text for label, text in as_amended("2 metres").items() if label != "4a"}
    prepare(small_corpus, consolidated=make_consolidated(less).replace(b"articles = 5", b"articles = 4"))
    code, printed = agree(small_corpus)
    assert code == 1 and "art_3: 'two' against '2'" in printed and "only in the first: art_4a" in printed
    code, printed = agree(small_corpus, "--json")
    [found] = json.loads(printed)["agreements"]
    assert found["differences"] == [{"place": "art_3", "left": "two", "right": "2", "in_heading": False}]
    assert (found["only_left"], found["holds"]) == (["art_4a"], False)
