"""The weights of a small BERT made into an int8 ONNX graph (the only door to onnx, safetensors and the quantiser).

The graph reads one text at a time, without padding or mask: int8 activations are scaled by the largest value in what is
read together, so a text read beside others would get a vector that depends on its neighbours.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ingest.errors import EmbeddingError

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

RECIPE = 1
"""The version of the graph below and of how it is quantised: a change of them makes a new file."""

INPUT = "input_ids"
OUTPUT = "vector"

_OPSET = 18
_IR_VERSION = 9
_CONTRIB = "com.microsoft"
_QUANTISER_FLOAT = 1
_PREPROCESSED = {"onnx.quant.pre_process": "onnxruntime.quant"}


@dataclass(frozen=True, slots=True)
class Shape:
    """What the tensors do not say themselves: attention heads, and the epsilon of the layer norms."""

    heads: int = 12
    epsilon: float = 1e-12


def read_shape(folder: Path) -> Shape:
    """Read `config.json` of `folder`, or take all-MiniLM-L6-v2's; raises EmbeddingError for another kind of model."""
    pooling = _read_json(folder / "1_Pooling" / "config.json")
    if not pooling.get("pooling_mode_mean_tokens", True):
        raise EmbeddingError(f"the model in {folder} does not pool by the mean; allowed is a BERT with mean pooling.")
    config = _read_json(folder / "config.json")
    kind = (config.get("model_type", "bert"), config.get("hidden_act", "gelu"))
    if kind != ("bert", "gelu"):
        raise EmbeddingError(f"the model in {folder} is {kind[0]} with {kind[1]}; allowed is a BERT with gelu.")
    usual = Shape()
    return Shape(config.get("num_attention_heads", usual.heads), config.get("layer_norm_eps", usual.epsilon))


def _read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, an empty one where there is no file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise EmbeddingError(f"{path} cannot be read as JSON ({error}); replace the file.") from error
    if not isinstance(found, dict):
        raise EmbeddingError(f"{path} cannot be read: it is no JSON object; replace the file.")
    return found


def forbid_telemetry() -> None:
    """Keep onnxruntime from numbering this machine and reporting to its maker; to be called before its first import."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def build_int8(weights: Path, shape: Shape) -> bytes:
    """Build the int8 graph from a safetensors file: token ids (1, n) in, a vector of unit length (1, dimension) out.

    Weights are quantised by output channel to seven bits, with which processors of any age add up the same integers
    (an eighth overflows in those without VNNI). Raises EmbeddingError when the file is not a BERT's.
    """
    forbid_telemetry()
    from onnxruntime.quantization import quantize_dynamic

    model = _Graph(_read_tensors(weights), shape).model()
    with tempfile.TemporaryDirectory(prefix="visavis-embedding-") as folder:
        quantised = Path(folder) / "model.onnx"
        quantize_dynamic(
            model,
            quantised,
            per_channel=True,
            reduce_range=True,
            extra_options={"DefaultTensorType": _QUANTISER_FLOAT},
        )
        return quantised.read_bytes()


def _read_tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the tensors by name, without the "bert." that some files put before each."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise EmbeddingError(f"{path} cannot be read as safetensors ({error}); replace the file.") from error
    return {name.removeprefix("bert."): tensor for name, tensor in tensors.items()}


class _Graph:
    """A BERT encoder with mean pooling and L2 normalisation, node by node."""

    def __init__(self, tensors: Mapping[str, NDArray[np.float32]], shape: Shape) -> None:
        self._tensors = tensors
        self._shape = shape
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def model(self) -> "ModelProto":
        """Assemble the whole model, marked as ready for the quantiser."""
        from onnx import TensorProto, helper

        self._pool(self._encode(self._embed()))
        dimension = self._tensor("embeddings.LayerNorm.weight").shape[0]
        graph = helper.make_graph(
            self._nodes,
            "sentence-embedding",
            [helper.make_tensor_value_info(INPUT, TensorProto.INT64, ["texts", "pieces"])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["texts", dimension])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        helper.set_model_props(model, _PREPROCESSED)
        return model

    def _embed(self) -> str:
        """Add word, position and (the one) segment embeddings."""
        words = self._constant("words", self._tensor("embeddings.word_embeddings.weight"))
        segment = self._tensor("embeddings.token_type_embeddings.weight")[0]
        places = self._constant("places", self._tensor("embeddings.position_embeddings.weight") + segment)
        zero = self._constant("zero", np.array([0], dtype=np.int64))
        length = self._add("Shape", [INPUT], "length", start=1, end=2)
        word = self._add("Gather", [words, INPUT], "word", axis=0)
        place = self._add("Slice", [places, zero, length, zero], "place")
        return self._norm(self._add("Add", [word, place], "embedded"), "embeddings.LayerNorm")

    def _encode(self, hidden: str) -> str:
        """Chain the layers that the tensors hold."""
        names = (name.split(".") for name in self._tensors if name.startswith("encoder.layer."))
        for number in sorted({int(parts[2]) for parts in names}):
            hidden = self._layer(f"encoder.layer.{number}", hidden)
        return hidden

    def _layer(self, layer: str, hidden: str) -> str:
        projections = [self._dense(f"{layer}.attention.self.{name}", hidden) for name in ("query", "key", "value")]
        context = self._add(
            "MultiHeadAttention", projections, f"{layer}.context", domain=_CONTRIB, num_heads=self._shape.heads
        )
        attended = self._dense(f"{layer}.attention.output.dense", context)
        hidden = self._residual(f"{layer}.attention.output", attended, hidden)
        inner = self._dense(f"{layer}.intermediate.dense", hidden)
        active = self._add("Gelu", [inner], f"{layer}.gelu", domain=_CONTRIB)
        return self._residual(f"{layer}.output", self._dense(f"{layer}.output.dense", active), hidden)

    def _residual(self, block: str, changed: str, before: str) -> str:
        return self._norm(self._add("Add", [changed, before], f"{block}.sum"), f"{block}.LayerNorm")

    def _pool(self, hidden: str) -> None:
        axis = self._constant("axis", np.array([1], dtype=np.int64))
        mean = self._add("ReduceMean", [hidden, axis], "mean", keepdims=0)
        self._add("LpNormalization", [mean], OUTPUT, axis=-1, p=2)

    def _dense(self, name: str, hidden: str) -> str:
        weight = self._constant(f"{name}.weight", np.ascontiguousarray(self._tensor(f"{name}.weight").T))
        bias = self._constant(f"{name}.bias", self._tensor(f"{name}.bias"))
        return self._add("Add", [self._add("MatMul", [hidden, weight], f"{name}.product"), bias], name)

    def _norm(self, hidden: str, name: str) -> str:
        weight = self._constant(f"{name}.weight", self._tensor(f"{name}.weight"))
        bias = self._constant(f"{name}.bias", self._tensor(f"{name}.bias"))
        epsilon = self._shape.epsilon
        return self._add("LayerNormalization", [hidden, weight, bias], name, axis=-1, epsilon=epsilon)

    def _tensor(self, name: str) -> NDArray[np.float32]:
        try:
            return self._tensors[name].astype(np.float32)
        except KeyError:
            raise EmbeddingError(f"the embedding weights have no tensor {name!r}; allowed is a BERT encoder.") from None

    def _constant(self, name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        from onnx import numpy_helper

        self._constants.append(numpy_helper.from_array(values, name))
        return name

    def _add(self, kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: float) -> str:
        """Append a node named after its one output, and give back that name."""
        from onnx import helper

        node = helper.make_node(kind, inputs, [output], name=output, domain=domain)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in sorted(attributes.items()))
        self._nodes.append(node)
        return output
