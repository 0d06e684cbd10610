"""The commands on a small index built by the real embedder: tables, JSON, records, exit codes."""

import json
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


@pytest.mark.parametrize("command", ["run", "baselines", "compare", "gate", "schema"])
def test_help(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert "Usage" in out
