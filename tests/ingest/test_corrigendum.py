"""Corrigenda: read into operations, applied to the wording from its original date, named in notices."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

import visavis
from assistant.standing import relationship_text
from ingest.corrigendum import correct, read_corrections
from ingest.errors import AmendmentError, SourceError
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.instrument import Provision, ProvisionKind
from ingest.operations import OperationKind
from ingest.pinpoint import Pinpoint
from ingest.pipeline import Change, Options, Outcome, ingest_corpus, open_store
from ingest.redline import redline
from ingest.structure import Draft, build_provisions
from tests.small_corpus import ACT, ARTICLES, SmallCorpus, make_act

ACT_ID = InstrumentId("garden-act")
NAME = ExpressionId(ACT_ID, date(2020, 1, 1), "en")
TITLE = "Corrigendum to Regulation (EU) 2020/1 on gardens"
HEDGES = "On page 3, Article 3(1): for: ‘three metres’, read: ‘two metres’."

MAY = "2. A hedge is cut in May."

ARTICLE, PARAGRAPH, POINT = ProvisionKind.ARTICLE, ProvisionKind.PARAGRAPH, ProvisionKind.POINT
BASE = (
    Draft(ProvisionKind.RECITAL, "1", "(1)", text="Hedges part neighbours."),
    Draft(
        ARTICLE,
        "1",
        heading="Hedges",
        children=(
            Draft(
                PARAGRAPH,
                "1",
                "1.",
                text="A hedge has a gardener’s mark:",
                children=(Draft(POINT, "a", "(a)", text="of tin;"), Draft(POINT, "b", "(b)", text="of slate.")),
            ),
            Draft(PARAGRAPH, "2", "2.", text="A hedge is cut in June."),
            Draft(PARAGRAPH, "4", "4.", text="A hedge is measured."),
        ),
    ),
    Draft(ProvisionKind.ANNEX, "I", heading="Birds", children=(Draft(POINT, "1", "1.", text="The wren."),)),
)


def paragraphs(*lines: str) -> tuple[Draft, ...]:
    """A corrigendum as a reader of documents gives it."""
    return tuple(Draft(ProvisionKind.NUMBERED_PARAGRAPH, str(n), text=line) for n, line in enumerate(lines, start=1))


def corrected(*lines: str) -> dict[str, Provision]:
    drafts, _ = correct(BASE, paragraphs(TITLE, *lines), "the corrigendum")
    return {str(one.pinpoint): one for one in build_provisions(NAME, drafts)}


BEFORE = {str(one.pinpoint): one for one in build_provisions(NAME, BASE)}


class TestReading:
    @pytest.mark.parametrize(
        ("lines", "place", "text"),
        [
            (["On page 5, Article 1(2): for: ‘June’, read: ‘May’."], "art_1/2", MAY),
            (["On page 5, Article 1(2):", "for:", "‘June’,", "read:", "‘May’."], "art_1/2", MAY),
            (["Page 5, Article 1, paragraph 2", "for: | ‘June’, | read: | ‘May’."], "art_1/2", MAY),
            (["1. On page 5, Article 1(1), point (b): for ‘slate’ read ‘lead’."], "art_1/1/b", "(b) of lead."),
            (["On page 5, Article 1(1)(b): for: ‘(b) of slate.’, read: ‘(b) of lead.’."], "art_1/1/b", "(b) of lead."),
            (["On page 5, Article 1(1): for: ‘gardener’s mark’, read: ‘mark’."], "art_1/1/a", "(a) of tin;"),
            (["On page 9, Annex I, point 1: for: ‘wren’, read: ‘wren or owl’."], "anx_I/1", "1. The wren or owl."),
            (["On page 1, recital 1: for: ‘part’, read: ‘join’."], "rct_1", "(1) Hedges join neighbours."),
            (["On page 5, in Article 1(2), the words ‘in June’ are deleted."], "art_1/2", "2. A hedge is cut."),
            (["On page 5, Article 1(4): for: ‘4. A hedge’, read: ‘3. It’."], "art_1/3", "3. It is measured."),
        ],
    )  # fmt: skip
    def test_what_the_journal_prints(self, lines: list[str], place: str, text: str) -> None:
        assert corrected(*lines)[place].text == text

    def test_several_and_what_stands_under_them(self) -> None:
        footer = "ELI: http://data.europa.eu/eli/reg/2020/1/corrigendum/2020-02-01/oj"
        found = corrected(
            "On page 5, Article 1(2): for: ‘June’, read: ‘May’.",
            "On pages 5 and 6, Article 1(1):",
            "for:",
            "‘(a) of tin;",
            "(b) of slate.’,",
            "read:",
            "‘(a) of zinc;",
            "(b) of slate.’.",
            footer,
        )
        assert (found["art_1/2"].text, found["art_1/1/a"].text) == ("2. A hedge is cut in May.", "(a) of zinc;")

    def test_the_operations_name_their_paragraph(self) -> None:
        first, second = read_corrections(paragraphs(TITLE, HEDGES, "On page 9, recital 1: for ‘a’ read ‘b’."), "it")
        assert (str(first.amending), first.kind, str(first.target)) == (
            "para_2",
            OperationKind.REPLACE_WORDS,
            "art_3/1",
        )
        assert (first.old, first.new, str(second.target)) == ("three metres", "two metres", "rct_1")

    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            ([], "nothing in it begins like"),
            (["On page 5, Article 1(2): see the annex."], "no known order"),
            (["On page 5, Article 1(2): for ‘a’ for ‘b’ " + "for ‘c’ read " * 20_000], "characters are no correction"),
            (["On page 5, somewhere: for: ‘June’, read: ‘May’."], "names no place"),
            (["On page 5, Article 9: for: ‘June’, read: ‘May’."], "there is no such provision"),
            (["On page 5, Article 1(2): for: ‘July’, read: ‘May’."], "stand there 0 times instead of once"),
            (["On page 5, Article 1: for: ‘hedge’, read: ‘tree’."], "stand there 3 times instead of once"),
            (["On page 5, Article 1(1): for: ‘(a) of tin;", "(b) of slate.’, read: ‘(a) tin.’."], "2 lines for and"),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_is_refused_in_one_line(self, lines: list[str], said: str) -> None:
        with pytest.raises(AmendmentError) as refused:
            corrected(*lines)
        assert said in str(refused.value) and "\n" not in str(refused.value) and "corrigendum" in str(refused.value)


class TestInvariants:
    LINES = (
        "On page 5, Article 1(2): for: ‘June’, read: ‘late May’.",
        "On page 9, Annex I, point 1: for ‘wren’ read ‘owl’.",
    )

    def test_what_is_not_named_does_not_change_by_a_character(self) -> None:
        after = corrected(*self.LINES)
        assert after.keys() == BEFORE.keys()
        touched = {place for place, one in after.items() if one.text != BEFORE[place].text}
        assert touched == {"art_1", "art_1/2", "anx_I", "anx_I/1"}

    def test_kept_and_struck_is_the_old_kept_and_put_in_the_new(self) -> None:
        after = corrected(*self.LINES)
        for place, one in after.items():
            parts = redline(BEFORE[place].text, one.text)
            assert "".join(part.text for part in parts if part.change != "inserted") == BEFORE[place].text
            assert "".join(part.text for part in parts if part.change != "deleted") == one.text

    def test_a_correction_is_no_amendment(self) -> None:
        assert not any(one.changed_by for one in corrected(*self.LINES).values())


CORRIGENDUM = "act/corrigendum.html"


def page(*lines: str) -> bytes:
    """A corrigendum as EUR-Lex prints one."""
    body = "".join(f"<p>{line}</p>" for line in (TITLE, "(Official Journal L 1, 1 January 2020)", *lines))
    return f'<html><head><meta charset="utf-8"></head><body>{body}</body></html>'.encode()


def with_corrigendum(corpus: SmallCorpus, *lines: str, corrects: str = "garden-act", language: str = "en") -> None:
    corpus.texts[CORRIGENDUM] = page(*lines)
    corpus.added = (
        '[[source]]\nid = "garden-act-corrigendum"\ninstrument = "garden-act"\ntitle = "Corrigendum"\n'
        f'short_title = "Corrigendum OJ L 2, 1.2.2020"\nlanguage = "{language}"\nversion = 2020-01-01\n'
        f'published = 2020-02-01\nformat = "html"\nauthority = "law"\nuse = "corrigendum"\ncorrects = "{corrects}"\n'
        f'url = "https://law.example/corrigendum"\nfiles = [{{ path = "{CORRIGENDUM}" }}]\n'
        'licence = "ours"\nattribution = "the tests"\n'
    )
    corpus.write()


def ingest(corpus: SmallCorpus) -> Outcome:
    return ingest_corpus(Options(corpus.folder), lambda *_: None)


@pytest.mark.usefixtures("embedding")
class TestPipeline:
    def test_it_has_effect_from_the_original_date(self, small_corpus: SmallCorpus) -> None:
        with_corrigendum(small_corpus, HEDGES)
        outcome = ingest(small_corpus)
        assert (outcome.change, outcome.broken) == (Change.BUILT, ())
        store = open_store(small_corpus.folder, build=False)
        [wording] = store.corpus.wordings(ACT_ID)
        assert wording.id == NAME and "two metres" in wording.at(Pinpoint.parse("art_3/1")).text
        assert wording.corrigenda_words == "with Corrigendum OJ L 2, 1.2.2020"
        assert [str(place) for one in wording.corrigenda for place in one.places] == ["art_3/1"]
        shelf = store.shelves[str(NAME)]
        [(found, _), *_] = shelf.search_words("two metres", 3, shelf.instruments)
        assert str(shelf.passages[found].pinpoint).startswith("art_3")
        assert len(store.corpus.instruments) == 4
        notice = relationship_text(store.corpus, [ACT_ID], date(2021, 1, 1))
        assert "(with Corrigendum OJ L 2, 1.2.2020)" in notice and "not checked" not in notice
        store.close()

    def test_without_one_the_notice_says_so(self, small_corpus: SmallCorpus) -> None:
        ingest(small_corpus)
        store = open_store(small_corpus.folder, build=False)
        assert "(corrigenda not checked)" in relationship_text(store.corpus, [ACT_ID], date(2021, 1, 1))
        store.close()

    def test_another_corrigendum_is_another_index(self, small_corpus: SmallCorpus) -> None:
        first = ingest(small_corpus)
        with_corrigendum(small_corpus, HEDGES)
        second = ingest(small_corpus)
        assert (second.change, second.corpus_id != first.corpus_id) == (Change.BUILT, True)
        assert ingest(small_corpus).change is Change.UNCHANGED

    @pytest.mark.parametrize(
        ("line", "corrects", "language", "said"),
        [
            (HEDGES.replace("three", "four"), "garden-act", "en", "stand there 0 times"),
            (HEDGES, "garden-code", "en", "'garden-code', which it corrects, is not among the texts"),
            (HEDGES, "garden-act", "nl", "is in 'nl', 'garden-act' in 'en'"),
        ],
    )
    def test_one_that_does_not_fit_is_a_line_and_the_text_stays(
        self, small_corpus: SmallCorpus, line: str, corrects: str, language: str, said: str
    ) -> None:
        with_corrigendum(small_corpus, line, corrects=corrects, language=language)
        [broken] = ingest(small_corpus).broken
        assert said in broken.text and broken.source == "garden-act-corrigendum"
        store = open_store(small_corpus.folder, build=False)
        [wording] = store.corpus.wordings(ACT_ID)
        assert "three metres" in wording.at(Pinpoint.parse("art_3")).text
        assert wording.corrigenda_words == "corrigenda not checked"
        store.close()

    def test_one_that_served_and_is_broken_or_gone_is_told(self, small_corpus: SmallCorpus) -> None:
        with_corrigendum(small_corpus, HEDGES)
        ingest(small_corpus)
        with_corrigendum(small_corpus, HEDGES.replace("three", "four"))
        with pytest.raises(SourceError, match=r"stand there 0 times.* The last good index goes on serving\."):
            ingest(small_corpus)
        (small_corpus.folder / CORRIGENDUM).unlink()
        [gone] = ingest(small_corpus).missing
        assert gone.headline == "Corrigendum OJ L 2, 1.2.2020 (garden-act-corrigendum) is missing"
        with_corrigendum(small_corpus, HEDGES.replace("three", "four"))
        [broken] = ingest(small_corpus).broken
        assert broken.source == "garden-act-corrigendum"


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: its exit code, what it printed, and its complaints."""

    def start(*arguments: object) -> tuple[int, str, str]:
        code = visavis.main([*map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return start


@pytest.mark.usefixtures("embedding")
class TestCommand:
    def add(self, run: Run, corpus: SmallCorpus, file: Path, *options: str) -> tuple[int, str, str]:
        given = ["--title", "Corrigendum L 2", "--authority", "law", "--lang", "en", *options]
        return run("ingest", "add", file, *given, "--corpus", corpus.folder)

    @pytest.mark.parametrize("name", ["corrigendum.html", "corrigendum.txt"])
    def test_it_is_added_shown_and_taken_away(
        self, run: Run, small_corpus: SmallCorpus, tmp_path: Path, name: str
    ) -> None:
        file = tmp_path / name
        file.write_bytes(page(HEDGES) if name.endswith("html") else f"{TITLE}\n\n{HEDGES}\n".encode())
        code, printed, said = self.add(
            run, small_corpus, file, "--corrects", "garden-act", "--celex", "32020R0001R(01)"
        )
        assert code == 0, said
        assert "is added as own-corrigendum-l-2, with 1 corrections." in printed
        [listed] = json.loads(run("ingest", "list-added", "--json")[1])
        assert listed["corrects"] == "garden-act"
        _, shown, _ = run("law", "show", "garden-act", "art_3/1", "--corpus", small_corpus.folder)
        assert "two metres" in shown and ", as corrected by Corrigendum L 2" in shown
        _, other, _ = run("law", "show", "garden-act", "art_4/1", "--corpus", small_corpus.folder, "--json")
        assert json.loads(other)["corrected_by"] == []
        _, table, _ = run("law", "list", "--corpus", small_corpus.folder, "--json")
        states = {row["instrument"]: row["status"] for row in json.loads(table)}
        assert states["garden-act"] == "wording of 2020-01-01; with Corrigendum L 2"
        assert states["garden-treaty"] == "wording of 2020-01-01; corrigenda not checked"
        assert "own-corrigendum-l-2" not in states
        assert run("ingest", "remove", "own-corrigendum-l-2", "--corpus", small_corpus.folder)[0] == 0
        _, shown, _ = run("law", "show", "garden-act", "art_3/1", "--corpus", small_corpus.folder)
        assert "three metres" in shown and "corrected" not in shown

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--corrects", "garden-code"), "is no text in 'en' to be corrected; allowed: garden-treaty, garden-act."),
            (("--corrects", "garden-act", "--lang", "nl"), "is no text in 'nl' to be corrected; allowed: none."),
            (("--corrects", "garden-act", "--authority", "commentary"), "a corrigendum is law"),
            (("--corrects", "garden-act", "--celex", "gnome"), "CELEX 'gnome' cannot be read"),
        ],
    )  # fmt: skip
    def test_what_is_wrongly_described(
        self, run: Run, small_corpus: SmallCorpus, tmp_path: Path, options: tuple[str, ...], said: str
    ) -> None:
        file = tmp_path / "corrigendum.html"
        file.write_bytes(page(HEDGES))
        code, printed, complaint = self.add(run, small_corpus, file, *options)
        assert (code, printed) == (2, "") and said in complaint

    def test_a_text_that_is_no_corrigendum_is_not_added(
        self, run: Run, small_corpus: SmallCorpus, tmp_path: Path
    ) -> None:
        file = tmp_path / "act.html"
        file.write_bytes(make_act(ARTICLES | {"9": ("Moles", "Moles are welcome.")}))
        code, printed, complaint = self.add(run, small_corpus, file, "--corrects", "garden-act")
        assert (code, printed) == (2, "") and "nothing in it begins like" in complaint
        assert run("ingest", "list-added")[1] == "No documents of your own.\n"
        assert ACT in small_corpus.texts
