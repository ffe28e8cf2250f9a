"""A backbone with a head: the classifier that is trained, and the part of it that a .tflite file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import keras
import numpy as np
from keras import layers

from edgecam.model.preprocessing import FirstSteps
from trainer.network.graph import calls

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from trainer.network.backbones import Backbone

MOMENTUM = 0.9  # of statistics that are gathered anew; Keras' 0.99 and MobileNetV3's 0.999 want ten thousands of steps
HALVES = {"float16", "bfloat16"}
# What may come first and keeps a line a line, by Keras' names; layers that make random views do nothing here.
LINEAR = {
    *("Rescaling", "Normalization", "BatchNormalization", "Reshape", "Cast"),
    *("Add", "Subtract", "Multiply", "Divide", "TrueDivide"),
}


class Normalised(NamedTuple):
    """A model that takes (pixel - mean) / std of a pixel of 0..255, and these two: float64 [1] or [channels]."""

    network: keras.Model
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @property
    def is_grey(self) -> bool:
        """Whether it sees no colours."""
        return int(self.network.input_shape[-1]) == 1

    def seen(self, pixels: Any) -> Any:
        """Make of a tensor of photographs, float32 [batch, height, width, 3] of 0..255, RGB, what the network takes."""
        if self.is_grey:
            pixels = keras.ops.image.rgb_to_grayscale(pixels)
        return (pixels - self.mean.astype(np.float32)) / self.std.astype(np.float32)

    def images(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Make of photographs, uint8 [photographs, height, width, 3], RGB, what the network takes."""
        if self.is_grey:
            pixels = np.stack([cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in pixels])[..., np.newaxis]
        images: NDArray[np.float32] = pixels.astype(np.float32)
        images -= self.mean.astype(np.float32)
        images /= self.std.astype(np.float32)
        return images


def classifier(features: keras.Model, backbone: Backbone, classes: int, dropout: float) -> keras.Model:
    """Put a head on a backbone's features.

    Returns:
        A model of float32 [batch, size, size, 3] of 0..255, RGB, to float32 probabilities [batch, classes].
    """
    x = layers.GlobalAveragePooling2D(name="pool")(features.output)
    x = layers.Dropout(dropout, name="dropout")(x)
    scores = layers.Dense(classes, activation="softmax", name="scores")(x)
    return keras.Model(features.input, scores, name=backbone.name)


def make_trainable(model: keras.Model, first: str | None, *, normalises: bool) -> None:
    """Let the layers from ``first`` on be trained, and none before it; without ``first`` all of them.

    BatchNormalization keeps ImageNet's statistics: batches here are too small to have any of their own. Where all is
    new (``normalises``), it must gather some, and fast.
    """
    begun = first is None
    for layer in model.layers:
        begun = begun or layer.name == first
        is_normalisation = isinstance(layer, layers.BatchNormalization)
        layer.trainable = begun and (normalises or not is_normalisation)
        if normalises and is_normalisation:
            layer.momentum = MOMENTUM


def flattened(model: keras.Model) -> keras.Model:
    """Copy a model that may hold others as layers, as users of keras.applications build it, into one of plain layers.

    Raises:
        ValueError: a model in it is no graph of layers.
    """
    copies: dict[int, keras.Layer] = {}
    names: set[str] = set()

    def copy(layer: keras.Layer) -> keras.Layer:
        if id(layer) not in copies:
            settings = layer.get_config()
            settings["name"] = settings["name"].lstrip("_") or "layer"  # TensorFlow stumbles over names such as _stem
            while settings["name"] in names:
                settings["name"] += "_inner"
            names.add(settings["name"])
            if layer.compute_dtype in HALVES:  # as it was trained on a graphics processor; TFLite takes no such layers
                settings["dtype"] = "float32"
            copies[id(layer)] = type(layer).from_config(settings)
            copies[id(layer)].build_from_config(layer.get_build_config())
            copies[id(layer)].set_weights(layer.get_weights())
        return copies[id(layer)]

    def call(operation: Any, *inputs: Any, **keywords: Any) -> Any:
        if isinstance(operation, keras.Model):
            return run(operation, inputs[0])
        keywords.pop("mask", None)
        return (copy(operation) if isinstance(operation, keras.Layer) else operation)(*inputs, **keywords)

    def run(inner: keras.Model, inputs: Any) -> Any:
        graph = getattr(inner, "_functional", inner)  # where a Sequential keeps it
        if not hasattr(graph, "_run_through_graph"):
            message = f"its layer {inner.name} is written in Python and no graph of layers"
            raise ValueError(message)
        return graph._run_through_graph(inputs, lambda operation: operation, call)  # noqa: SLF001  there is no other

    image = keras.Input(model.input_shape[1:], name="image")
    return keras.Model(image, run(model, image), name=model.name)


def first_steps(model: keras.Model) -> FirstSteps:
    """Follow pixels from the input through layers and operators that only shift and scale them.

    The .tflite file does not tell them for sure: its converter works a factor into the convolution that follows.
    """
    made = calls(model)
    source = output = made.inputs[0]
    for call in made.made:
        name = type(call.operation).__name__
        is_next = [id(each) for each in call.inputs] == [id(output)]
        if not is_next or not (name in LINEAR or name.startswith("Random")):
            break
        output = call.output
    if output is source:
        return FirstSteps()
    steps = keras.Model(source, output)
    black, one = (
        float(np.mean(steps(np.full((1, *model.input_shape[1:]), level, np.float32), training=False)))
        for level in (0, 1)
    )
    factor = one - black
    return FirstSteps(0.0 - black / factor, 1 / factor) if factor else FirstSteps()


def without_rescaling(model: keras.Model, mean: ArrayLike = (0,), std: ArrayLike = (1,)) -> Normalised:
    """Leave out the layer that normalises pixels, as the table of the daemon (or a quantised input) does its work.

    Args:
        model: takes (pixel - mean) / std of a pixel of 0..255: itself, before that layer, if it begins with one.
        mean: one number, or one a channel.
        std: likewise.
    """
    means, stds = np.array(mean, np.float64), np.array(std, np.float64)
    whole = Normalised(model, *np.broadcast_arrays(means, stds))
    first = next((layer for layer in model.layers if not isinstance(layer, layers.InputLayer)), None)
    if not isinstance(first, layers.Rescaling):
        return whole
    scale, offset = (np.array(each, np.float64).reshape(-1) for each in (first.scale, first.offset))
    if {scale.size, offset.size} - {1, model.input_shape[-1]} or not scale.all():
        return whole
    try:
        network = keras.Model(first.output, model.output, name=model.name)
    except ValueError:  # the input goes elsewhere too
        return whole
    # As many of both: one or one a channel, as TFLite's metadata wants them.
    means, stds = np.broadcast_arrays(means - offset * stds / scale, stds / scale)
    return Normalised(network, means, stds)
