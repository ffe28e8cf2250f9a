"""Which layers of a network suffer most from int8."""

from __future__ import annotations

import csv
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from trainer.quantisation.conversion import debugger, refusals
from trainer.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import keras

    from trainer.quantisation.calibration import Images

NOT_WORTH_IT = {"SOFTMAX"}  # its output is rounded in any case


class LayerError(NamedTuple):
    """How much of what a layer says is lost by rounding it.

    Attributes:
        name: what the converter calls the layer.
        lost: 0..1, the part of its channels' variance that is noise; mean over the channels.
        users: the names of the layers that take its output.
    """

    name: str
    lost: float
    users: tuple[str, ...]


def layer_errors(model: keras.Model, calibration: Images) -> list[LayerError]:
    """Compare each layer's rounded output with the exact one of the same input; the worst come first.

    Args:
        model: takes float32 [batch, height, width, 3].
        calibration: float32 [images, height, width, 3], as the model takes them.

    Raises:
        ConversionError: TensorFlow refuses.
    """
    with refusals(), quietly():
        made = debugger(model, calibration, layer_direct_compare_metrics={"lost": _lost})
        made.run()
        graph = schema.ModelT.InitFromPackedBuf(made.get_debug_quantized_model(), 0).subgraphs[0]
    with tempfile.TemporaryFile("w+") as file:
        made.layer_statistics_dump(file)
        file.seek(0)
        rows = {int(row["tensor_idx"]): row for row in csv.DictReader(file) if row["op_name"] not in NOT_WORTH_IT}
    names = {output: row["tensor_name"] for output, row in rows.items()}
    users = _users(graph.operators, names)
    errors = [LayerError(names[output], float(row["lost"]), users[output]) for output, row in rows.items()]
    return sorted(errors, key=lambda each: -each.lost)


def _lost(exact: Any, rounded: Any, scale: float, zero: int) -> float:
    """See `LayerError`; one image's outputs as float32, and as int8 with its scale and zero point."""
    channels = exact.shape[-1] if exact.size > exact.shape[-1] else 1  # a row of scores is compared as a whole
    error = ((rounded.astype(np.float32) - zero) * scale - exact).reshape(-1, channels)
    noise, signal = np.square(error).mean(0), exact.reshape(-1, channels).var(0)
    return float((noise / np.maximum(noise + signal, 1e-12)).mean())


def _users(operators: Sequence[Any], names: Mapping[int, str]) -> dict[int, tuple[str, ...]]:
    """For the output of each layer that has a name, the named ones that take it."""
    return {
        layer: tuple(
            names[int(output)]
            for operator in operators
            if layer in operator.inputs
            for output in operator.outputs
            if int(output) in names
        )
        for layer in names
    }
