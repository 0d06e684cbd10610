"""What a provision cites, and what cites it: an invented act and guide, and the AI Act."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ingest.citing import find_cited, find_citing
from ingest.corpus import Corpus
from ingest.identifiers import ExpressionId
from ingest.instrument import Authority, Expression, ProvisionKind
from ingest.law_cli import law
from ingest.pinpoint import Pinpoint
from ingest.readers.formex import read_formex
from ingest.structure import Draft, build_provisions

ACT = (
    Draft(ProvisionKind.CHAPTER, "III", children=(
        Draft(ProvisionKind.SECTION, "2", children=(
            Draft(ProvisionKind.ARTICLE, "8", children=(
                Draft(ProvisionKind.PARAGRAPH, "1", "1.", text="Water, as this Article and paragraph 2 say.", children=(
                    Draft(ProvisionKind.POINT, "a", "(a)", text="daily;"),
                )),
                Draft(ProvisionKind.PARAGRAPH, "2", "2.", text="Save where paragraph 1, point (a), applies."),
            )),
            Draft(ProvisionKind.ARTICLE, "9", text="Articles 8 and 10 apply, and Article 6 of Directive 90/4/EC."),
        )),
    )),
    Draft(ProvisionKind.ARTICLE, "10", text="The requirements of Chapter III, Section 2, and Article 99 apply."),
    Draft(ProvisionKind.ARTICLE, "11", text="By way of derogation from Article 8(1), point (a), none."),
)  # fmt: skip
GUIDE = (
    Draft(ProvisionKind.NUMBERED_PARAGRAPH, "1", text="Article 8(2) of the AI Act is about water."),
    Draft(ProvisionKind.NUMBERED_PARAGRAPH, "2", text="Article 8 of the Convention is not."),
)


def express(identity: str, drafts: tuple[Draft, ...], authority: Authority = Authority.LAW) -> Expression:
    name = ExpressionId.parse(identity)
    return Expression(name, "", name.instrument, authority, "", date(2024, 7, 12), build_provisions(name, drafts))


ACT_TEXT = express("eu-ai-act@2024-07-12:en", ACT)
GUIDE_TEXT = express("garden-guide@2025-01-01:en", GUIDE, Authority.GUIDANCE)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("art_8/1", ["paragraph 2 → art_8/2"]),
        ("art_8", []),
        ("art_9", ["Articles 8 and 10 → art_8 art_10", "Article 6 of Directive 90/4/EC → Directive 90/4/EC"]),
        ("art_10", ["Chapter III, Section 2 → cpt_III/sec_2", "Article 99 → article 99"]),
    ],
)
def test_what_is_cited(place: str, expected: list[str]) -> None:
    found = find_cited(ACT_TEXT, ACT_TEXT.at(Pinpoint.parse(place)))
    assert [
        f"{one.text} → {' '.join(map(str, one.targets)) or one.external or one.unresolved[0]}" for one in found
    ] == expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("art_8", [("art_9", "art_8", False), ("art_10", "cpt_III/sec_2", True), ("art_11", "art_8/1/a", False),
                   ("para_1", "art_8/2", False)]),
        ("art_8/1", [("art_8/2", "art_8/1/a", False), ("art_9", "art_8", True), ("art_10", "cpt_III/sec_2", True),
                     ("art_11", "art_8/1/a", False)]),
        ("art_8/2", [("art_8/1", "art_8/2", False), ("art_9", "art_8", True), ("art_10", "cpt_III/sec_2", True),
                     ("para_1", "art_8/2", False)]),
        ("art_11", []),
    ],
)  # fmt: skip
def test_what_cites_it(place: str, expected: list[tuple[str, str, bool]]) -> None:
    asked = Pinpoint.parse(place)
    found = find_citing(ACT_TEXT, ACT_TEXT.at(asked), [ACT_TEXT, GUIDE_TEXT])
    assert [(str(one.provision.pinpoint), str(one.target), one.is_to_whole(asked)) for one in found] == expected


@pytest.fixture(scope="module")
def act(corpus_dir: Path) -> Expression:
    files = (corpus_dir / "ai-act" / "formex").glob("L_*.fmx.xml")
    return express(
        "eu-ai-act@2024-07-12:en", read_formex([file for file in files if file.name.split(".")[1].isdigit()])
    )


def test_what_cites_a_paragraph_of_the_act(act: Expression) -> None:
    """Read by hand in the Official Journal: every mention of Article 6(3) by its number."""
    asked = Pinpoint.parse("art_6/3")
    found = {str(one.provision.pinpoint) for one in find_citing(act, act.at(asked), []) if not one.is_to_whole(asked)}
    assert found == {
        "art_6/6", "art_6/7", "art_6/8", "art_49/2", "art_71/1", "art_80/1", "anx_VIII/B/6", "anx_VIII/B/7",
    }  # fmt: skip


def test_both_directions_agree(act: Expression) -> None:
    """What Article 25(1) is found to cite of the Act is found to be cited by it."""
    article = act.at(Pinpoint.parse("art_25/1"))
    for reference in find_cited(act, article):
        for target in reference.targets:
            if target.root.kind == "cpt":
                continue
            citing = {str(one.provision.pinpoint.unit) for one in find_citing(act, act.at(target), [])}
            assert "art_25" in citing, (reference.text, str(target))


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    texts = Corpus("", "", (ACT_TEXT, GUIDE_TEXT))
    monkeypatch.setattr("ingest.terms_cli.open_corpus", lambda folder: texts)
    return lambda *arguments: CliRunner().invoke(law, ["cites", *arguments])


def test_the_command_prints_both_directions(command: Callable[..., Result]) -> None:
    ran = command("eu-ai-act", "art_8/2")
    assert ran.exit_code == 0
    assert ran.stdout.splitlines() == [
        "Article 8(2) of eu-ai-act cites:",
        "  paragraph 1, point (a): art_8/1/a",
        "It is cited by:",
        "  Article 8(1) of eu-ai-act: 'paragraph 2'",
        "  garden-guide, para 1: 'Article 8(2) of the AI Act'",
        "As part of Article 8:",
        "  Article 9 of eu-ai-act",
        "As part of Chapter III, Section 2:",
        "  Article 10 of eu-ai-act",
    ]


def test_the_command_gives_the_same_as_a_record(command: Callable[..., Result]) -> None:
    record = json.loads(command("eu-ai-act", "art_10", "--json").stdout)
    assert [one["unresolved"] for one in record["cites"]] == [[], ["article 99"]]
    assert [one["pinpoint"] for one in record["cited_by"]] == ["art_9"]


def test_a_place_that_is_none(command: Callable[..., Result]) -> None:
    ran = command("eu-ai-act", "art_99")
    assert (ran.exit_code, ran.stderr) == (1, "eu-ai-act has no Article 99 (art_99) on 2026-11-23.\n")
