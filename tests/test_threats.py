"""The page on threats: every test that it names is there, and every threat has one."""

import re
from pathlib import Path

from tests.conftest import CHECKOUT

PAGE = CHECKOUT / "docs" / "threats.md"
NAMED = re.compile(r"`(?P<file>tests/[\w/]+\.py)::(?P<test>test_\w+)`")


def test_every_test_that_the_page_names_is_there() -> None:
    found = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(found) > 30
    missing = [f"{file}::{test}" for file, test in found if f"def {test}(" not in _read(CHECKOUT / file)]
    assert missing == []


def test_every_threat_has_a_defence_and_a_test() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Threats, and what stops them")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if re.match(r"\| (?!threat \|)\S", line)]
    assert len(rows) > 20
    for threat, defence, shown, *_ in rows:
        assert len(defence) > 20 and NAMED.search(shown), threat


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""
