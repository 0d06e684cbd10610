"""The commands on a small index built by the real embedder: tables, JSON, records, exit codes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import visavis
from assistant.answering import Assistant
from ingest import index
from ingest.corpus import Corpus
from ingest.embedding import open_embedder
from ingest.index import Current
from ingest.pipeline import passage_size
from ingest.sources import search_path

CHECKOUT = Path(visavis.__file__).parent
CASES = [
    {
        "id": "one",
        "kind": "comparison",
        "question": "How do they compare?",
        "gold": {"coe-ai-convention": ["art_3/a"], "eu-ai-act": ["art_2/b"]},
        "author": "tests",
    },
    {
        "id": "two",
        "kind": "single",
        "question": "Article 4 of the AI Act",
        "gold": {"eu-ai-act": ["art_4"]},
        "author": "tests",
    },
    {
        "id": "three",
        "kind": "refusal",
        "question": "How do I bake bread?",
        "refusal": "out_of_corpus",
        "author": "tests",
    },
]
GATES = '[[gate]]\nmeasure = "citation_existence"\nat_least = 1\nexact = true\n'


def silent(_: str, __: int, ___: int) -> None:
    pass


@dataclass(frozen=True)
class Setting:
    """Where the small index and the model are kept, and the folder that names the texts."""

    root: Path
    cache: Path
    texts: Path


@pytest.fixture(scope="module")
def setting(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Setting:
    found = Setting(*(tmp_path_factory.mktemp(name) for name in ("index", "cache", "texts")))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(found.cache))
        index.build_index(corpus, open_embedder(), passage_size, found.root, silent)
    index.switch(found.root, search_path(found.texts).key, Current(corpus.id))
    return found


@pytest.fixture
def run(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run `visavis eval …` and give the exit code, what was printed, and the errors."""
    monkeypatch.setenv("VISAVIS_INDEX", str(setting.root))
    monkeypatch.setenv("XDG_CACHE_HOME", str(setting.cache))
    monkeypatch.setenv("VISAVIS_CORPUS", str(setting.texts))

    def start(*arguments: object) -> tuple[int, str, str]:
        code = visavis.main(["eval", *map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return start


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(map(json.dumps, CASES)), encoding="utf-8")
    return path


Run = Callable[..., tuple[int, str, str]]


def records(home: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(home.rglob("runs/*.json"))]


def test_run_prints_tables_and_keeps_a_record(run: Run, cases: Path, home: Path) -> None:
    code, out, err = run("run", "--cases", cases)
    assert code == 0
    for words in ("both sides@10", "quote fidelity", "By kind of question", "whole answer", "Record"):
        assert words in out + err
    (record,) = records(home)
    assert [case["id"] for case in record["cases"]] == ["one", "two", "three"]
    assert record["settings"]["cases"] == str(cases)
    assert record["corpus_id"] == "small"


def test_run_as_json(run: Run, cases: Path) -> None:
    code, out, _ = run("run", "--cases", cases, "--limit", 2, "--json")
    summary = json.loads(out)
    assert code == 0
    assert summary["cases"] == 2
    existence = [one for one in summary["measures"] if one["measure"] == "citation_existence" and one["kind"] is None]
    assert existence[0]["mean"] == 1.0


def test_baselines_stand_in_one_table(run: Run, cases: Path, home: Path) -> None:
    code, out, _ = run("baselines", "--cases", cases)
    assert code == 0
    systems = [record["system"] for record in records(home)]
    assert sorted(systems) == sorted(["visavis", *(f"naive-{one}{end}" for one in "abc" for end in ("", "-laws"))])
    assert all(name in out for name in systems)


def test_compare_and_gate_read_records(run: Run, cases: Path, tmp_path: Path, home: Path) -> None:
    run("run", "--cases", cases)
    name = records(home)[0]["name"]
    code, out, _ = run("compare", name, "last")
    assert code == 0
    assert "+0.000" in out
    gates = tmp_path / "gates.toml"
    gates.write_text(GATES, encoding="utf-8")
    assert run("gate", name, "--gates", gates)[0] == 0
    gates.write_text(GATES.replace("at_least = 1", "at_most = 0"), encoding="utf-8")
    code, out, _ = run("gate", name, "--gates", gates)
    assert code == 1
    assert "fails" in out


def test_ctrl_c_keeps_what_was_scored(run: Run, cases: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Assistant.ask

    def interrupted(assistant: Assistant, question: Any) -> Any:  # noqa: ANN401
        if question.id == "two":
            raise KeyboardInterrupt
        return ask(assistant, question)

    monkeypatch.setattr(Assistant, "ask", interrupted)
    code, out, err = run("run", "--cases", cases)
    assert code == 130
    assert "interrupted after 1 cases" in err
    assert "both sides@10" in out
    (record,) = records(home)
    assert record["complete"] is False
    assert [case["id"] for case in record["cases"]] == ["one"]


KILLED = """
import os, signal, sys
import visavis
from assistant.answering import Assistant

ask = Assistant.ask

def killed(assistant, question):
    if question.id == "two":
        os.kill(os.getpid(), signal.SIGKILL)
    return ask(assistant, question)

if __name__ == "__main__":
    Assistant.ask = killed
    sys.exit(visavis.main(sys.argv[1:]))
"""


def test_kill_9_keeps_what_was_scored_and_resume_takes_it_up(run: Run, cases: Path, home: Path) -> None:
    command = [sys.executable, "-c", KILLED, "eval", "run", "--cases", str(cases)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    ended = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert records(home) == []
    code, _, err = run("run", "--resume", "--limit", 2)
    assert code == 2
    assert "was asked with limit = none, not 2" in err
    code, out, _ = run("run", "--resume", "--json")
    assert code == 0
    assert json.loads(out)["cases"] == 3
    (record,) = records(home)
    assert record["complete"]
    assert record["settings"]["cases"] == str(cases)
    assert [case["id"] for case in record["cases"]] == ["one", "two", "three"]
    assert list(home.rglob("runs/*.jsonl")) == []


def test_a_run_whose_cases_changed_is_not_taken_up(run: Run, cases: Path, home: Path) -> None:
    run("run", "--cases", cases)
    (before,) = records(home)
    cases.write_text(json.dumps(CASES[0]), encoding="utf-8")
    code, out, err = run("run", "--resume", before["name"])
    assert (code, out) == (2, "")
    assert "cannot be taken up, for its gold changed since" in err.splitlines()[-1]
    assert records(home) == [before]


def test_a_model_that_is_not_named_writes_nothing(run: Run, cases: Path, home: Path) -> None:
    code, out, err = run("run", "--cases", cases, "--writer", "model")
    assert (code, out) == (2, "")
    assert "no model is set" in err.splitlines()[-1]
    assert records(home) == []


def test_without_being_asked_no_model_writes(
    run: Run, cases: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_MODEL", "openai:none")
    assert run("run", "--cases", cases)[0] == 0
    (record,) = records(home)
    assert (record["writer"], record["model"], record["prompts"]) == ("quoting", None, "")


def test_what_there_is_no_run_of_is_not_taken_up(run: Run) -> None:
    code, _, err = run("run", "--resume")
    assert code == 2
    assert "there is no run 'last'" in err


def test_repeats_show_that_the_record_is_stable(run: Run, cases: Path) -> None:
    code, out, _ = run("run", "--cases", cases, "--repeat", 3, "--json")
    assert code == 0
    stability = [one for one in json.loads(out)["measures"] if one["measure"] == "stability" and one["kind"] is None]
    assert [(one["n"], one["mean"]) for one in stability if one["half"] is None] == [(3, 1.0)]


def test_a_report_is_written_to_a_file_or_printed(run: Run, cases: Path, tmp_path: Path) -> None:
    run("run", "--cases", cases)
    path = tmp_path / "report.html"
    assert run("report", "last", "--output", path)[0] == 0
    assert "How do I bake bread?" in path.read_text(encoding="utf-8")
    code, out, _ = run("report", "last", "--format", "md")
    assert code == 0
    assert out.startswith("# Evaluation of visavis")
    code, _, err = run("report", "last", "--output", tmp_path / "absent" / "report.html")
    assert code == 2
    assert "cannot be written" in err
    assert run("report")[0] == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no case"),
        ('{"id": "x"}\n', "own.jsonl, line 1: kind: Field required"),
        (json.dumps({**CASES[1], "gold": {"eu-ai-act": ["art_4/z"]}}), "own.jsonl, line 1: eu-ai-act has no art_4/z"),
    ],
)
def test_bad_cases_give_one_line_and_exit_code_2(run: Run, cases: Path, text: str, message: str, home: Path) -> None:
    cases.write_text(text, encoding="utf-8")
    code, out, err = run("run", "--cases", cases)
    assert code == 2
    assert out == ""
    assert message in err.splitlines()[-1]
    assert records(home) == []


def test_choices_that_contradict_each_other(run: Run, cases: Path) -> None:
    code, _, err = run("run", "--cases", cases, "--set", "single")
    assert code == 2
    assert "give one of the two" in err


def test_without_gold_it_says_so_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("eval.gold.CHECKOUT", tmp_path)
    code, _, err = run("run")
    assert code == 2
    assert "not part of the installed program" in err
    assert len(err.splitlines()) == 1


def test_schema_is_json(run: Run) -> None:
    code, out, _ = run("schema")
    assert code == 0
    assert set(json.loads(out)["required"]) == {"id", "kind", "question", "author"}


@pytest.mark.parametrize("command", ["run", "baselines", "compare", "report", "gate", "schema"])
def test_help(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert "Usage" in out
