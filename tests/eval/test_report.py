"""The report in every form: what it shows, what it hides, and that the page needs nothing else."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from assistant.answer import Answer, Cell, Citation, Claim, ClaimKind, Evidence, Refusal, RefusalReason, Row
from assistant.question import Question
from eval.case import Case, Half
from eval.record import RunRecord, Settings
from eval.report import ReportFormat, find_bins, render_report
from eval.run import Entrant, Paper, run_entrant
from eval.score import RETRIEVAL, Measure, Score
from eval.summary import HIDDEN
from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT, CONVENTION
from ingest.instrument import Relation
from tests.eval.conftest import DAY

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = "<script>alert(1)</script>"
SECRET = "What is only asked in the test half?"
SERIOUS = {"serious", "critical"}


@dataclass(frozen=True)
class Echo:
    """Answers by the question's id; what is no answer is raised."""

    answers: dict[str, Answer | Exception]
    default: Answer

    def ask(self, question: Question) -> Answer:
        answer = self.answers.get(question.id, self.default)
        if isinstance(answer, Exception):
            raise answer
        return answer


def silent(_: str, __: int, ___: int) -> None:
    pass


def of_half(half: Half, case: Callable[..., Case], stem: str, **changes: object) -> Iterator[Case]:
    """Cases of one half, as many as are taken."""
    number = 0
    while True:
        number += 1
        made = case(id=f"{stem}-{number}", **changes)
        if made.half is half:
            yield made


@pytest.fixture
def answer(reply: Callable[..., Answer], cite: Callable[..., Citation], find: Callable[..., Any]) -> Answer:
    claims = (Claim(f"The Convention says so. {SCRIPT}", ClaimKind.LAW, (1,)),)
    act = (Claim("The Act says so, too.", ClaimKind.LAW, (2,)),)
    row = Row("Who is bound", Relation.SIMILAR, (Cell(CONVENTION, claims), Cell(AI_ACT, act)))
    citations = (cite(1, f"{CONVENTION}:art_3/a", label="Article 3, point (a)"), cite(2, f"{AI_ACT}:art_2/b"))
    return reply(rows=(row,), citations=citations, evidence=find(f"{CONVENTION}:art_3/a", f"{AI_ACT}:art_2/b"))


@pytest.fixture
def cases(case: Callable[..., Case]) -> tuple[Case, ...]:
    single: dict[str, Any] = {"kind": "single", "gold": {AI_ACT: ["art_2/b"]}}
    refusal: dict[str, Any] = {"kind": "refusal", "refusal": "out_of_corpus", "gold": {}}
    nowhere: dict[str, Any] = {"gold": {CONVENTION: ["art_9"], AI_ACT: ["art_2/b"]}}
    secret: dict[str, Any] = {**single, "question": SECRET, "gold": {AI_ACT: ["art_9"]}, "must_say": ["a secret fact"]}
    chosen: list[tuple[Half, str, dict[str, Any]]] = [
        (Half.DEV, "shown", {"question": f"Who is bound? | {SCRIPT}", "must_say": ["so"]}),
        (Half.DEV, "poor", {"question": "What is not found?", **nowhere}),
        (Half.DEV, "failed", {"question": "What fails?", **single}),
        (Half.DEV, "bread", {"question": "How do I bake bread?", **refusal}),
        (Half.DEV, "cake", {"question": "How do I bake a cake?", **refusal}),
        (Half.TEST, "hidden", secret),
    ]
    return tuple(next(of_half(half, case, stem, **changes)) for half, stem, changes in chosen)


@pytest.fixture
def run(cases: tuple[Case, ...], corpus: Corpus, answer: Answer) -> RunRecord:
    refused = replace(answer, rows=(), citations=(), refusal=Refusal(RefusalReason.UNCLEAR, "Ask again, please."))
    answers: dict[str, Answer | Exception] = {cases[2].id: TimeoutError("no reply"), cases[3].id: refused}
    entrant = Entrant("visavis", Echo(answers, answer))
    return run_entrant(entrant, Paper(cases, corpus, Settings(as_of=DAY), "gold"), silent)


@pytest.fixture
def naive(cases: tuple[Case, ...], corpus: Corpus, answer: Answer, find: Callable[..., Any]) -> RunRecord:
    found: tuple[Evidence, ...] = find(f"{CONVENTION}:art_9")
    entrant = Entrant("naive-a", Echo({}, replace(answer, rows=(), citations=(), evidence=found)), RETRIEVAL)
    return run_entrant(entrant, Paper(cases, corpus, Settings(as_of=DAY), "gold"), silent)


class Outline(HTMLParser):
    """The text of a page, and whatever it would fetch or run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.scripts = 0
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.fetched += [f"{tag} {value}" for name, value in attrs if name in {"src", "srcset", "data"} and value]
        self.fetched += [f"{tag} {value}" for name, value in attrs if name == "href" and value and value[0] != "#"]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_holds_what_was_asked_answered_expected_and_scored(run: RunRecord) -> None:
    text = " ".join(" ".join(Outline(render_report([run], ReportFormat.HTML)).text).split())
    for words in (
        "Evaluation of visavis",
        "Who is bound? | <script>alert(1)</script>",
        "The Act says so, too.",
        "Article 3, point (a)",
        "Convention: Article 3(a); AI Act: Article 2(b)",
        "both sides@10",
        "not found: coe-ai-convention:art_9",
        "TimeoutError: no reply",
        "has 1 case in error, unscored",
        "Refused, unclear. Ask again, please.",
        "whole answer",
        run.corpus_id,
        run.gold,
    ):
        assert words in text, words


def test_the_page_needs_nothing_else(run: RunRecord, naive: RunRecord) -> None:
    page = render_report([run, naive], ReportFormat.HTML, show_test=True)
    outline = Outline(page)
    assert outline.fetched == []
    assert outline.scripts == 0
    assert not re.search(r"url\(|@import|https?://", page)


@pytest.mark.parametrize("form", ReportFormat)
def test_the_test_half_is_hidden_unless_asked_for(run: RunRecord, form: ReportFormat) -> None:
    hidden = render_report([run], form)
    for secret in (SECRET, "a secret fact"):
        assert secret not in hidden
    assert HIDDEN in hidden
    shown = render_report([run], form, show_test=True)
    assert HIDDEN not in shown
    assert "hidden-" in hidden
    assert SECRET in shown


def test_a_users_own_cases_are_never_hidden(run: RunRecord) -> None:
    own = run.model_copy(update={"settings": run.settings.model_copy(update={"cases": "own.jsonl"})})
    assert SECRET in render_report([own], ReportFormat.HTML)


def test_what_is_unscored_is_no_zero(run: RunRecord) -> None:
    # right refusals: "bread" refused, "cake" answered: 1 of 2; follow-up gap: no dialogue, so no line at all.
    text = render_report([run], ReportFormat.MARKDOWN)
    assert "| right refusals | 0.500 | 0.500 | 2 |" in text
    assert "follow-up gap" not in text


def test_the_confusion_of_refusals(run: RunRecord) -> None:
    # to be answered: three answered, one in error; out of corpus: one refused as unclear, one answered.
    table = render_report([run], ReportFormat.MARKDOWN).partition("## Refusals")[2].partition("## Cases")[0]
    assert table.strip().splitlines()[-4:] == [
        "| expected | answered | out of corpus | unclear | error |",
        "| --- | --- | --- | --- | --- |",
        "| answered | 3 | 0 | 0 | 1 |",
        "| out of corpus | 1 | 0 | 1 | 0 |",
    ]


def test_markdown_tables_keep_their_columns(run: RunRecord) -> None:
    lines = render_report([run], ReportFormat.MARKDOWN).splitlines()
    row = next(line for line in lines if line.startswith("| shown-"))
    assert len(re.split(r"(?<!\\)\|", row)) == 9
    assert "Who is bound? \\| <script>" in row


def test_runs_stand_side_by_side(run: RunRecord, naive: RunRecord) -> None:
    # both sides@10 over the two comparisons: the first found and the second not, against none.
    text = render_report([run, naive], ReportFormat.MARKDOWN)
    assert "| both sides@10 | 2 | 0.500 ±0.500 (2) | 0.000 ±0.000 (2) |" in text
    page = " ".join(" ".join(Outline(render_report([run, naive], ReportFormat.HTML)).text).split())
    assert "Evaluation of visavis, naive-a" in page
    assert f"Run {run.name} {naive.name}" in page
    assert page.count(f"Corpus {run.corpus_id}") == 1


def test_judged_measures_stand_in_a_table_of_their_own(run: RunRecord) -> None:
    first = run.cases[0].model_copy(update={"scores": {**run.cases[0].scores, Measure.JUDGED_SUPPORT: Score(0.5)}})
    judged = run.model_copy(
        update={
            "cases": (first, *run.cases[1:]),
            "settings": run.settings.model_copy(update={"judge": "openai:local", "judge_prompt": "abc"}),
        }
    )
    text = render_report([judged], ReportFormat.MARKDOWN)
    measures, _, opinion = text.partition("## Judged by a model")
    assert "0.500" in opinion.partition("## By kind")[0]
    assert "support" not in measures
    assert "openai:local, prompt abc" in text


def test_json_holds_the_runs_and_every_case(run: RunRecord) -> None:
    found = json.loads(render_report([run], ReportFormat.JSON))
    assert found["runs"][0]["run"] == run.name
    by_id = {case["id"]: case for case in found["cases"]}
    assert len(by_id) == len(run.cases)
    shown, hidden = by_id[run.cases[0].id], by_id[run.cases[-1].id]
    assert shown["answer"]["rows"][0]["issue"] == "Who is bound"
    assert hidden["answer"] is None
    assert hidden["scores"]["mrr"] == {"value": 0.0}


def test_junit_counts_what_was_missed_and_what_failed(run: RunRecord) -> None:
    root = ElementTree.fromstring(render_report([run], ReportFormat.JUNIT))
    suites = {suite.get("name"): suite for suite in root}
    # comparisons: one fine, one without both sides; singles: one in error, the hidden one not found; refusals: one
    # answered, one refused for another reason.
    assert {name: (one.get("tests"), one.get("failures"), one.get("errors")) for name, one in suites.items()} == {
        "comparison": ("2", "1", "0"),
        "single": ("2", "1", "1"),
        "refusal": ("2", "2", "0"),
    }
    failure = suites["comparison"].find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "missed: both sides@10"


def test_junit_stands_signs_that_xml_does_not(run: RunRecord) -> None:
    odd = run.cases[1].model_copy(update={"question": "What\x00 is \x1b[31mthis?"})
    text = render_report([run.model_copy(update={"cases": (odd,)})], ReportFormat.JUNIT)
    assert "What\ufffd is \ufffd[31mthis?" in (ElementTree.fromstring(text).findtext(".//failure") or "")


def test_a_record_without_answers_is_reported(run: RunRecord) -> None:
    bare = tuple(case.model_copy(update={"answer": None, "case": None}) for case in run.cases)
    page = render_report([run.model_copy(update={"cases": bare})], ReportFormat.HTML)
    assert "kept without its answers" in page


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([], []),
        # one value: the width is never nought.
        ([7.0], [(7.0, 1)]),
        # from 0 to 100 in at most 16 bins: 100 / 16 = 6.25, the next round width is 10.
        ([0.0, 5.0, 95.0, 100.0], [(0.0, 2), *((10.0 * n, 0) for n in range(1, 9)), (90.0, 1), (100.0, 1)]),
    ],
)
def test_the_histogram_has_round_bins(times: list[float], expected: list[tuple[float, int]]) -> None:
    found = [(pytest.approx(one.low), one.n) for one in find_bins(times)]
    assert found == expected
    assert sum(one.n for one in find_bins(times)) == len(times)


def test_ten_thousand_cases_are_written_in_seconds(run: RunRecord) -> None:
    case = run.cases[0]
    many = run.model_copy(update={"cases": tuple(case.model_copy(update={"id": f"c-{n}"}) for n in range(10_000))})
    clock = time.perf_counter()
    assert len(render_report([many], ReportFormat.JUNIT)) > 10_000
    assert len(render_report([many], ReportFormat.MARKDOWN)) > 10_000
    assert time.perf_counter() - clock < 20


# In a browser


@pytest.fixture
def page(chromium: Path, request: pytest.FixtureRequest) -> Iterator["Page"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        scheme, width = request.param
        yield browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        browser.close()


@pytest.mark.parametrize(
    "page", [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)], indirect=True, ids=str
)
def test_the_page_is_accessible_and_fits(page: "Page", run: RunRecord, naive: RunRecord, tmp_path: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for number, runs in enumerate(([run], [run, naive])):
        path = tmp_path / f"report-{number}.html"
        path.write_text(render_report(runs, ReportFormat.HTML), encoding="utf-8")
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide[0] <= wide[1]
        violations = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in violations if one["impact"] in SERIOUS] == []
        assert page.evaluate("[...document.querySelectorAll('script')].length") == 0
    assert all(url.startswith("file:") for url in asked)
