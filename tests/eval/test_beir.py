"""BEIR-format sets: read with every fault named, searched by the real engines, made from the store."""

import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import visavis
from assistant.retrieval import WORDS_WEIGHT, fuse_scores
from eval import exporting
from eval.beir import BeirSet, Document, read_set, unknown_documents, write_set
from eval.case import Case, Located
from eval.exporting import check_folder, export_set, make_gold_set, make_kept_set
from eval.ranking import Engine, embed_kept, run_set, vectors_folder, write_run_files
from eval.ranking_metrics import RankingMeasure
from ingest.corpus import Corpus
from ingest.embedding import Embedder, count_word_pieces, open_embedder
from ingest.errors import UsageError
from ingest.index import Store
from ingest.manifest import Source
from ingest.passages import BUDGET, cut_plain
from tests.eval.conftest import DAY
from tests.small_corpus import SmallCorpus

DOCUMENTS = (
    Document("hedge", "Hedges", "A hedge of more than three metres may not stand beside a window."),
    Document("water", "Watering", "In times of drought each garden is watered in the evening."),
    Document("seed", "Seeds", "A seed is the part of a plant from which another one grows."),
    Document("bee", "", "Whoever keeps bees reports the number of hives."),
)
SMALL = BeirSet(
    "small",
    DOCUMENTS,
    {"q1": "How tall may a hedge be?", "q2": "What must be done in a dry summer?"},
    {"test": {"q1": {"hedge": 2, "seed": 0}, "q2": {"water": 1}}, "dev": {"q1": {"hedge": 1}}},
)


def silent(_: str, __: int, ___: int) -> None:
    pass


class Counting:
    """The real embedder, and how many texts it was given."""

    def __init__(self, inner: Embedder) -> None:
        self.inner = inner
        self.name, self.dimension, self.fingerprint = inner.name, inner.dimension, inner.fingerprint
        self.count = 0

    def embed(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        self.count += len(texts)
        return self.inner.embed(texts, progress)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self.inner.embed_query(text)


@pytest.fixture
def embedder(embedding: None) -> Embedder:
    return open_embedder()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_set(SMALL, tmp_path / "small")
    return tmp_path / "small"


def test_a_set_is_read_as_it_was_written(folder: Path) -> None:
    read = read_set(folder, "test")
    assert (read.documents, dict(read.queries)) == (SMALL.documents, SMALL.queries)
    assert read.judged("test") == SMALL.judged("test")


@pytest.mark.parametrize("header", ["query-id\tcorpus-id\tscore\n", ""])
def test_judgements_need_no_header(folder: Path, header: str) -> None:
    (folder / "qrels" / "test.tsv").write_text(f"{header}q1\thedge\t1\n", encoding="utf-8")
    assert read_set(folder, "test").judged("test") == {"q1": {"hedge": 1}}


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("corpus.jsonl", b"", "corpus.jsonl is empty"),
        ("corpus.jsonl", b'{"_id": "a", "text": "x"}\n{"_id": ', "corpus.jsonl, line 2: broken JSON"),
        ("corpus.jsonl", b"[" * 100_000, "corpus.jsonl, line 1: broken JSON"),
        ("corpus.jsonl", b'["a"]\n', "corpus.jsonl, line 1: it is no JSON object"),
        ("corpus.jsonl", b'{"_id": 7, "text": "x"}\n', "line 1: '_id' is missing or no text"),
        ("corpus.jsonl", b'{"_id": "a", "title": "x"}\n', "line 1: 'text' is missing or no text"),
        ("corpus.jsonl", b'{"_id": "a", "text": "x"}\n\n{"_id": "a", "text": "y"}\n', "line 3: _id 'a' is used twice"),
        ("queries.jsonl", b'{"_id": "q1", "text": "caf\xe9"}\n', "queries.jsonl, line 1: not UTF-8"),
        ("queries.jsonl", b'{"_id": "other", "text": "x"}\n', "query 'q1' of qrels/test.tsv is not in queries.jsonl"),
        ("qrels/test.tsv", b"", "holds no judgement"),
        ("qrels/test.tsv", b"q1 hedge 1\n", "test.tsv, line 1: 1 columns; it has three"),
        ("qrels/test.tsv", b"q1\thedge\t1\nq1\tseed\thigh\n", "test.tsv, line 2: score 'high' is no whole number"),
        ("qrels/test.tsv", b"q1\thedge\t1\nq1\thedge\t2\n", "line 2: 'hedge' is judged twice for 'q1'"),
    ],
)
def test_a_fault_is_named_with_its_line(folder: Path, file: str, content: bytes, said: str) -> None:
    (folder / file).write_bytes(content)
    with pytest.raises(UsageError) as raised:
        read_set(folder, "test")
    assert said in str(raised.value)


@pytest.mark.parametrize("file", ["corpus.jsonl", "queries.jsonl"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(UsageError, match=file):
        read_set(folder, "test")


def test_a_split_that_is_not_there_names_those_that_are(folder: Path) -> None:
    with pytest.raises(UsageError, match="no split 'train'; it has dev, test"):
        read_set(folder, "train")
    with pytest.raises(UsageError, match="is no folder"):
        read_set(folder / "nowhere", "test")


@pytest.mark.parametrize(
    "text",
    ["A short one.", "One sentence of some words. " * 200, "word " * 2000, "unbroken" * 500, "", "法律" * 700],
    ids=["short", "sentences", "one sentence", "one word", "empty", "no spaces"],
)
def test_no_passage_is_longer_than_the_model_reads(text: str, embedding: None) -> None:
    cut = list(cut_plain("A title of its own", text, count_word_pieces))
    assert all(count_word_pieces(one) <= BUDGET for one in cut)
    assert all(one.startswith("A title of its own") for one in cut)
    kept = "".join("".join(one.removeprefix("A title of its own").split()) for one in cut)
    assert kept == "".join(text.split())


def test_fusion_weighs_both_engines() -> None:
    # 7: 0.65 * 0.5 + 0.35 * 4/4 = 0.675; 3: 0.65 * 0.9 = 0.585; 5: 0.35 * 2/4 = 0.175, its cosine below zero as zero
    fused = fuse_scores({7: 4.0, 5: 2.0}, {3: 0.9, 7: 0.5, 5: -0.2})
    assert WORDS_WEIGHT == 0.35
    assert list(fused) == [7, 3, 5]
    assert list(fused.values()) == pytest.approx([0.675, 0.585, 0.175])


def test_the_engines_find_what_they_should(embedder: Embedder) -> None:
    outcome = run_set(SMALL, "test", embedder, silent)
    # "a dry summer" shares no word with the text on drought, which only its meaning finds.
    assert "water" not in outcome.rankings[Engine.LEXICAL]["q2"]
    assert max(outcome.rankings[Engine.DENSE]["q2"].items(), key=lambda one: one[1])[0] == "water"
    assert outcome.means[Engine.FUSED][RankingMeasure.NDCG].mean == 1.0
    # Over q1 (found first) and q2 (not found): mean 1/2, standard error sqrt(1/2) / sqrt(2) = 1/2.
    assert outcome.means[Engine.LEXICAL][RankingMeasure.RECALL].mean == 0.5
    assert outcome.means[Engine.LEXICAL][RankingMeasure.RECALL].error == pytest.approx(0.5)


def test_a_long_document_ranks_by_its_best_passage(embedder: Embedder) -> None:
    long = Document("long", "Everything", "Nothing of note is said here. " * 100 + DOCUMENTS[0].text)
    mixed = BeirSet("mixed", (*DOCUMENTS[1:], long), SMALL.queries, {"test": {"q1": {"long": 1}}})
    outcome = run_set(mixed, "test", embedder, silent)
    assert outcome.passages > outcome.documents
    assert outcome.means[Engine.FUSED][RankingMeasure.MAP].mean == 1.0


def test_a_run_file_gives_pytrec_eval_the_same_means(embedder: Embedder, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pytrec_eval
    outcome = run_set(SMALL, "test", embedder, silent)
    for path in write_run_files(outcome, tmp_path / "runs"):
        with path.open(encoding="utf-8") as file:
            run = pytrec_eval.parse_run(file)
        evaluator = pytrec_eval.RelevanceEvaluator({**SMALL.judged("test")}, {"ndcg_cut.10"})
        theirs = [evaluator.evaluate(run).get(query, {}).get("ndcg_cut_10", 0.0) for query in SMALL.queries]
        ours = outcome.means[Engine(path.stem)][RankingMeasure.NDCG].mean
        assert ours == pytest.approx(sum(theirs) / len(theirs))


def test_an_id_with_a_space_has_no_place_in_a_run_file(embedder: Embedder, tmp_path: Path) -> None:
    spaced = BeirSet("spaced", (Document("a b", "", "hedge"),), {"q": "hedge"}, {"test": {"q": {"a b": 1}}})
    with pytest.raises(UsageError, match="'a b' has white space"):
        write_run_files(run_set(spaced, "test", embedder, silent), tmp_path)


def test_what_was_embedded_is_not_embedded_again(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.ranking.CHUNK", 2)
    counting = Counting(embedder)
    texts = ["one hedge", "two hedges", "three bees"]
    first = embed_kept(texts, counting, silent)
    assert counting.count == 3
    assert np.array_equal(embed_kept(texts, counting, silent), first)
    assert counting.count == 3
    embed_kept([*texts[:2], "four bees"], counting, silent)
    assert counting.count == 4
    for file in vectors_folder().rglob("*.npy"):
        file.write_bytes(b"damaged")
    assert np.array_equal(embed_kept(texts, counting, silent), first)
    assert counting.count == 7


def test_right_documents_without_a_text_are_counted() -> None:
    lost = BeirSet("lost", DOCUMENTS, SMALL.queries, {"test": {"q1": {"hedge": 1, "gone": 1, "absent": 0}}})
    assert unknown_documents(lost, "test") == 1


def test_the_command_prints_a_table_and_json(
    folder: Path, embedding: None, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert visavis.main(["eval", "beir", str(folder), "--run-files", str(tmp_path / "runs")]) == 0
    printed = capsys.readouterr()
    assert all(word in printed.out for word in ("dense", "lexical", "fused", "nDCG@10", "2 queries, 4 documents"))
    assert (tmp_path / "runs" / "fused.trec").read_text().count("\n") == len(DOCUMENTS) * 2
    assert visavis.main(["eval", "beir", str(folder), "--json", "--split", "dev", "--limit", "1"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["queries"] == 1
    assert record["engines"]["fused"]["nDCG@10"] == {"mean": 1.0, "standard_error": None}


def test_neither_a_folder_nor_a_set_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert visavis.main(["eval", "beir", "nothing-of-the-kind"]) == 2
    assert "neither a folder nor a set made from the texts here; those are gold" in capsys.readouterr().err


def locate_case(case: Case) -> Located:
    return Located("cases.jsonl", 1, case)


@pytest.fixture
def sources() -> tuple[Source, ...]:
    """The program's own sources, of the two instruments that the small corpus has."""
    from ingest.manifest import load_manifest

    return load_manifest().sources


def test_the_gold_becomes_units_with_grades(
    corpus: Corpus, case: Callable[..., Case], sources: tuple[Source, ...]
) -> None:
    cases = [
        case(id="one", also={"eu-ai-act": ["art_4", "art_2/a"]}),
        case(id="two", kind="refusal", refusal="out_of_corpus", gold={}, also={"eu-ai-act": ["art_1"]}),
        case(id="three", kind="dialogue", history=("Earlier?",), standalone="Written out?"),
        case(id="four", as_of="2025-01-01"),
        case(id="five", as_of="2026-11-01"),
    ]
    made = make_gold_set([locate_case(one) for one in cases], corpus, sources, DAY)
    grades = {query: judged for split in made.set.qrels.values() for query, judged in split.items()}
    assert grades["one"] == {"coe-ai-convention:art_3": 2, "eu-ai-act:art_2": 2, "eu-ai-act:art_4": 1}
    assert made.left_out == ("two", "four")
    assert made.set.queries["three"] == "Written out?"
    ids = {document.id for document in made.set.documents}
    assert len(ids) == 12 + 13
    assert "eu-ai-act:art_4a" in ids
    assert all(split == one.half for one in cases for split in made.set.qrels if one.id in made.set.qrels[split])


def test_a_place_that_the_texts_lack_is_named(
    corpus: Corpus, case: Callable[..., Case], sources: tuple[Source, ...]
) -> None:
    missing = locate_case(case(gold={"coe-ai-convention": ["art_3"], "eu-ai-act": ["art_99"]}))
    with pytest.raises(UsageError, match="judges 'eu-ai-act:art_99'"):
        make_gold_set([missing], corpus, sources, DAY)


def test_a_kept_set_takes_its_texts_from_the_store(
    corpus: Corpus, sources: tuple[Source, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "kept_folder", lambda: tmp_path)
    (tmp_path / "pair" / "qrels").mkdir(parents=True)
    (tmp_path / "pair" / "queries.jsonl").write_text('{"_id": "q", "text": "New?"}\n', encoding="utf-8")
    (tmp_path / "pair" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\teu-ai-act:art_4a\t2\n")
    assert exporting.kept_sets() == ("gold", "pair")
    made = make_kept_set("pair", corpus, sources, DAY)
    assert next(one for one in made.set.documents if one.id == "eu-ai-act:art_4a").text.endswith("(a) new")
    export_set(made, tmp_path / "out", sources)
    assert read_set(tmp_path / "out", "test") == BeirSet("out", *_parts_of(made.set))
    readme = (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")
    assert "eu-ai-act@2026-07-27:en" in readme
    assert "2011/833/EU" in readme
    assert "word for word, under the terms of those who publish them" in readme


def _parts_of(made: BeirSet) -> tuple[tuple[Document, ...], dict[str, str], dict[str, dict[str, dict[str, int]]]]:
    qrels = {split: {query: dict(grades) for query, grades in judged.items()} for split, judged in made.qrels.items()}
    return made.documents, dict(made.queries), qrels


def test_a_folder_that_holds_something_is_refused_unless_forced(tmp_path: Path) -> None:
    check_folder(tmp_path / "new", force=False)
    check_folder(tmp_path, force=False)
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        check_folder(tmp_path, force=False)
    check_folder(tmp_path, force=True)
    with pytest.raises(UsageError, match="is a file"):
        check_folder(tmp_path / "kept.txt", force=True)


def test_a_documents_folder_of_the_users_own_is_no_part_of_a_set(
    small_corpus: SmallCorpus, embedding: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memo of the user's own weighs as much as the guide, and is not exported with it."""
    monkeypatch.setenv("VISAVIS_CORPUS", str(small_corpus.folder))
    monkeypatch.setattr(exporting, "kept_folder", lambda: tmp_path / "sets")
    (tmp_path / "sets" / "guide" / "qrels").mkdir(parents=True)
    (tmp_path / "sets" / "guide" / "queries.jsonl").write_text('{"_id": "q", "text": "Is ivy a hedge?"}\n')
    (tmp_path / "sets" / "guide" / "qrels" / "test.tsv").write_text("q\tgarden-guide:para_2\t1\n")
    memo = tmp_path / "memo.md"
    memo.write_text("A secret of the client.\n", encoding="utf-8")
    assert visavis.main(["ingest", "add", str(memo), "--authority", "guidance", "--lang", "en"]) == 0
    out = tmp_path / "out"
    assert visavis.main(["eval", "export", "--beir", str(out), "--set", "guide"]) == 0
    written = (out / "corpus.jsonl").read_text(encoding="utf-8")
    assert "garden-guide:para_2" in written
    assert "secret" not in written
    assert visavis.main(["eval", "export", "--beir", str(out), "--set", "guide"]) == 2
    assert visavis.main(["eval", "beir", "guide"]) == 0


@pytest.mark.parametrize("name", [name for name in exporting.kept_sets() if name != exporting.GOLD])
def test_the_kept_sets_fit_the_official_texts(name: str, official_store: Store, sources: tuple[Source, ...]) -> None:
    made = make_kept_set(name, official_store.corpus, sources, DAY)
    assert made.set.queries.keys() == {query for judged in made.set.qrels.values() for query in judged}
    assert all(
        any(grade > 0 for grade in one.values()) for judged in made.set.qrels.values() for one in judged.values()
    )
    assert all(unknown_documents(made.set, split) == 0 for split in made.set.qrels)
