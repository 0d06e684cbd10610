"""A small invented corpus, so that what the page makes of an answer is tested without the official texts."""

import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from assistant.answer import Answer, Cell, Citation, Claim, ClaimKind, Notice, Row, Search, Writer
from assistant.question import SIDES, Intent
from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT, CONVENTION, ExpressionId, InstrumentId
from ingest.instrument import Authority, Force, ProvisionKind, Relation, SourceSpan
from ingest.pinpoint import Pinpoint
from ingest.structure import Draft
from tests.small_corpus import command, environment
from tests.ui.gardens import expression
from tests.ui.pages import PATIENCE, await_chat, open_page
from tests.ui.still import StillAssistant, StillDesk

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
EXIT_INTERRUPTED = 130
DAY = date(2026, 11, 23)
GUIDE = InstrumentId("a-guide")


def draft(
    kind: ProvisionKind, label: str, text: str = "", *children: Draft, heading: str = "", printed: str = ""
) -> Draft:
    return Draft(kind, label, printed, heading, text, children, SourceSpan("a.pdf", page=3))


def points(*texts: str) -> tuple[Draft, ...]:
    return tuple(
        draft(ProvisionKind.POINT, letter, text, printed=f"({letter})")
        for letter, text in zip("abcdefghijklmnopqrstuvwxyz", texts, strict=False)
    )


@pytest.fixture
def corpus() -> Corpus:
    convention = expression(
        "coe-ai-convention@2024-09-05:en",
        "the Convention",
        Authority.LAW,
        draft(ProvisionKind.PREAMBLE_PARAGRAPH, "1", "Mindful of gardens,"),
        draft(
            ProvisionKind.CHAPTER,
            "I",
            "",
            draft(
                ProvisionKind.ARTICLE,
                "1",
                "",
                draft(
                    ProvisionKind.PARAGRAPH,
                    "1",
                    "Each Party tends gardens, namely:",
                    *points("roses <b>red</b> & white;", "tulips."),
                    printed="1",
                ),
                draft(ProvisionKind.PARAGRAPH, "2", "Weeds are left alone.", printed="2"),
                heading="Gardens",
            ),
            heading="General",
        ),
    )
    first = expression(
        "eu-ai-act@2024-07-12:en",
        "the AI Act",
        Authority.LAW,
        draft(ProvisionKind.RECITAL, "1", "Gardens matter to the market.", printed="(1)"),
        draft(
            ProvisionKind.ARTICLE,
            "3",
            "In this Act:",
            *points(*(f"plant {number} means a plant of the kind {'very ' * 60}{number};" for number in range(26))),
            heading="Plants",
        ),
    )
    guide = expression(
        "a-guide@2025-01-01:en",
        "Guide 7",
        Authority.GUIDANCE,
        draft(ProvisionKind.NUMBERED_PARAGRAPH, "4", "A rose is a plant."),
    )
    amended = replace(first, id=ExpressionId.parse("eu-ai-act@2026-07-27:en"))
    return Corpus("0123456789abcdef", "2026-11-23T10:00:00Z", (convention, first, amended, guide))


def cite(corpus: Corpus, n: int, instrument: InstrumentId, place: str, quote: str | None = None) -> Citation:
    """A grounded citation of the wording on DAY."""
    wording = corpus.wording_on(instrument, DAY)
    assert wording is not None
    provision = wording.at(Pinpoint.parse(place))
    quote = provision.text if quote is None else quote
    start = provision.text.index(quote)
    return Citation(
        n=n,
        instrument=instrument,
        label=corpus.cite(provision),
        authority=corpus.authority(provision),
        pinpoint=provision.pinpoint,
        force=Force.NOT_IN_FORCE if instrument == CONVENTION else Force.NOT_YET_APPLICABLE,
        applies_from=None if instrument == CONVENTION else date(2027, 12, 2),
        expression=wording.id,
        quote=quote,
        start=start,
        end=start + len(quote),
        url="https://law.example/text#here",
        changed_by="" if instrument == CONVENTION else "Regulation (EU) 9999/1, Article 1(4)",
    )


@pytest.fixture
def answer(corpus: Corpus) -> Answer:
    """One claim of every kind, over four rows."""
    citations = (
        cite(corpus, 1, CONVENTION, "art_1/1/a"),
        cite(corpus, 2, AI_ACT, "art_3/m", "plant 12 means"),
        cite(corpus, 3, AI_ACT, "rct_1"),
        cite(corpus, 4, GUIDE, "para_4"),
        Citation(
            5,
            CONVENTION,
            "Status of the Convention",
            Authority.STATUS,
            as_seen=date(2026, 9, 24),
            url="https://law.example/status",
        ),
        Citation(6, AI_ACT, "A note on Article 3", Authority.NOTE, url="javascript:alert(1)"),
    )
    rows = (
        Row(
            "Roses",
            Relation.DIFFERENT,
            (
                Cell(CONVENTION, (Claim(f"“{citations[0].quote}”", ClaimKind.LAW, (1,)),)),
                Cell(
                    AI_ACT,
                    (
                        Claim("The Act names a plant.", ClaimKind.LAW, (2,)),
                        Claim("Gardens matter to the market.", ClaimKind.RECITAL, (3,)),
                    ),
                ),
            ),
        ),
        Row(
            "Tulips <script>alert(1)</script>",
            Relation.ONLY,
            (
                Cell(CONVENTION, (Claim("Tulips are tended.", ClaimKind.NOTE, (1,)),)),
                Cell(
                    AI_ACT,
                    (Claim("Nothing was found.", ClaimKind.SILENCE, (), Search((AI_ACT,), ("tulip", "bulb"), (2,))),),
                ),
            ),
            only=CONVENTION,
        ),
        Row(
            "Practice",
            None,
            (
                Cell(
                    AI_ACT,
                    (
                        Claim("A rose is a plant.", ClaimKind.GUIDANCE, (4,)),
                        Claim("Some say so.", ClaimKind.COMMENTARY, (4,)),
                        Claim("In short, plants.", ClaimKind.MODEL, (2,)),
                    ),
                ),
            ),
        ),
    )
    return Answer(
        id="one",
        question="What of *roses* & <i>tulips</i>?",
        standalone_question="What of *roses* & <i>tulips</i>?",
        intent=Intent.COMPARISON,
        as_of=DAY,
        scope=SIDES,
        writer=Writer("quoting"),
        corpus_id=corpus.id,
        corpus_built=corpus.built,
        relationship=Claim("The Convention is a treaty.", ClaimKind.STATUS, (5,)),
        rows=rows,
        summary=(Claim("Both tend roses.", ClaimKind.NOTE, (1, 2, 6)),),
        citations=citations,
        notices=(Notice("not_in_force", "The Convention is not in force."),),
        suggestions=('And "lilies"?',),
    )


@pytest.fixture
def desk(corpus: Corpus, answer: Answer) -> StillDesk:
    return StillDesk(StillAssistant(corpus, answer))


@pytest.fixture(scope="session")
def served(built_index: Path, corpus_dir: Path, model_cache: Path) -> Iterator[str]:
    """The address of `visavis serve` on a free port; Ctrl-C ends it."""
    arguments = command("serve", "--port", "0", "--no-build", "--corpus", corpus_dir)
    surroundings = environment(VISAVIS_INDEX=str(built_index), XDG_CACHE_HOME=str(model_cache), PYTHONWARNINGS="")
    with subprocess.Popen(
        arguments, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        if address is None:
            process.kill()
            pytest.fail(f"visavis serve said {said!r} and then {process.communicate()[1]!r}")
        yield address[0]
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=PATIENCE)
        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # inherited, as under nohup
        assert process.returncode == (0 if ignored else EXIT_INTERRUPTED), complaints


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """A browser; of one module, for while one is open asyncio.run() is refused in its thread."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE * 1000)
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS, timeout=PATIENCE * 1000)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, served: str) -> Iterator[Page]:
    """The chat at 1280 pixels; it fails a test that makes it ask another host, or that its scripts break in."""
    opened = open_page(browser)
    opened.page.goto(served)
    await_chat(opened.page)
    yield opened.page
    opened.close(served)
