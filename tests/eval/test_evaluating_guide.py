"""The evaluator's guide: its commands run, in its order, and its table knows every measure."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

import visavis
from eval.cli import eval_
from eval.importing import Column
from eval.record import runs_folder
from eval.score import TRAITS
from tests.conftest import CHECKOUT

GUIDE = CHECKOUT / "docs" / "evaluating.md"
BLOCK = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
FIRST_RUN = "FIRST-RUN"


@dataclass(frozen=True)
class Block:
    """A fenced block: what it is marked as, and its lines."""

    kind: str
    lines: tuple[str, ...]

    def commands(self) -> Iterator[list[str]]:
        for line in self.lines:
            assert line.startswith("$ visavis "), f"{line!r} is no command of visavis"
            yield shlex.split(line.removeprefix("$ visavis "))


def read_blocks() -> list[Block]:
    text = GUIDE.read_text(encoding="utf-8")
    return [Block(found["kind"].strip(), tuple(found["body"].splitlines())) for found in BLOCK.finditer(text)]


def every_command() -> list[list[str]]:
    return [words for block in read_blocks() if block.kind.startswith("console") for words in block.commands()]


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_is_one_with_options_that_it_takes(words: list[str]) -> None:
    room, name, *rest = words
    assert room == "eval"
    command = eval_.commands[name]
    with command.make_context(name, rest, parent=click.Context(eval_)):
        pass


def test_every_command_of_the_suite_is_in_the_guide_but_the_ablation_and_what_needs_a_record() -> None:
    assert {words[1] for words in every_command()} == set(eval_.commands) - {"ablate", "from-feedback"}


def test_the_table_knows_every_measure_and_every_column() -> None:
    text = GUIDE.read_text(encoding="utf-8").replace(" ↓", "")
    missing = [trait.title for trait in TRAITS.values() if not _is_told(trait.title, text)]
    assert missing == []
    assert [column.value for column in Column if column.value not in text] == []


def _is_told(title: str, text: str) -> bool:
    """Whether a measure is in the table, by its title or, after a measure's name, by what it adds to that."""
    name, _, addition = title.partition(", ")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return any(name in row and (not addition or addition in row) for row in rows)


@pytest.mark.timeout(300)
def test_the_commands_run_as_they_stand(
    corpus_dir: Path,
    built_index: Path,
    embedding: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VISAVIS_CORPUS", str(corpus_dir))
    monkeypatch.setenv("VISAVIS_INDEX", str(built_index))
    monkeypatch.chdir(tmp_path)
    for block in read_blocks():
        if block.kind == "toml":
            (tmp_path / block.lines[0].removeprefix("# ")).write_text("\n".join(block.lines), encoding="utf-8")
        for words in block.commands() if block.kind == "console" else ():
            code = visavis.main([_first_run() if word == FIRST_RUN else word for word in words])
            printed = capsys.readouterr()
            assert code == 0, f"{' '.join(words)}: {printed.err}"
            assert printed.out or printed.err, words
    written = {path.name for path in tmp_path.iterdir()}
    assert written >= {"questions.xlsx", "mine.jsonl", "report.html", "results.xml"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"gold", "guidelines", "runs"}
    assert "no_such_provision" in (tmp_path / "mine.jsonl").read_text(encoding="utf-8")


def _first_run() -> str:
    return min(path.stem for path in runs_folder().glob("*-visavis.json"))
