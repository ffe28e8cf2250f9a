"""A backbone with a head: the classifier that is trained, and the part of it that a .tflite file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import layers

if TYPE_CHECKING:
    from trainer.backbones import Backbone

MOMENTUM = 0.9  # of statistics that are gathered anew; Keras' 0.99 and MobileNetV3's 0.999 want ten thousands of steps


class Normalised(NamedTuple):
    """A model that takes (pixel - mean) / std, and these two."""

    network: keras.Model
    mean: float
    std: float


def classifier(features: keras.Model, backbone: Backbone, classes: int, dropout: float) -> keras.Model:
    """Put a head on a backbone's features.

    Returns:
        A model of float32 [batch, size, size, 3] of 0..255, RGB, to float32 probabilities [batch, classes].
    """
    x = layers.GlobalAveragePooling2D(name="pool")(features.output)
    x = layers.Dropout(dropout, name="dropout")(x)
    scores = layers.Dense(classes, activation="softmax", name="scores")(x)
    return keras.Model(features.input, scores, name=backbone.name)


def make_trainable(model: keras.Model, first: str | None) -> None:
    """Let the layers from ``first`` on be trained, and none before it; without ``first`` all of them.

    From ``first`` on, BatchNormalization keeps ImageNet's statistics: batches here are too small to have any of their
    own. Where all is new, it must gather some, and fast.
    """
    begun = first is None
    for layer in model.layers:
        begun = begun or layer.name == first
        normalises = isinstance(layer, layers.BatchNormalization)
        layer.trainable = begun and (first is None or not normalises)
        if first is None and normalises:
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


def without_rescaling(model: keras.Model) -> Normalised:
    """Leave out the layer that normalises pixels, as the table of the daemon (or a quantised input) does its work.

    A model that does not begin with such a layer takes its pixels as 0..255.
    """
    first = next((layer for layer in model.layers if not isinstance(layer, layers.InputLayer)), None)
    if not isinstance(first, layers.Rescaling) or not isinstance(first.scale, float):
        return Normalised(model, 0.0, 1.0)
    network = keras.Model(first.output, model.output, name=model.name)
    return Normalised(network, -first.offset / first.scale, 1 / first.scale)
