"""A copy of a network that rounds its numbers as an int8 model will, while it learns and when it is converted.

Method: quantisation-aware training with fixed ranges (Jacob et al. 2018, arXiv:1712.05877). TensorFlow's own toolkit
for it does not work with Keras 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from trainer.network.graph import calls, with_calls, without_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from trainer.quantisation.calibration import Images

CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D)
# What only hands numbers on, or is rounded with what comes after it.
UNROUNDED = (layers.InputLayer, layers.ZeroPadding2D, layers.Dropout, layers.Flatten, layers.Reshape)
STEPS = 255
CANDIDATES = 24
RANGE_PIXELS = 5 * 224 * 224  # of images of which all layers' outputs are in memory at once
SAMPLE = 800  # numbers of a layer, of each image


class Range(NamedTuple):
    """The least and the greatest number that a tensor can hold when rounded."""

    low: float
    high: float


@keras.saving.register_keras_serializable("edgecam")
class Rounding(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Rounds to 256 steps within a range, and lets gradients through."""

    def __init__(self, low: float, high: float, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.low, self.high = min(low, 0.0), max(high, 1e-6)

    def call(self, inputs: Any) -> Any:
        """Round."""
        return tf.quantization.fake_quant_with_min_max_args(inputs, self.low, self.high)

    def get_config(self) -> dict[str, Any]:
        """Keep the range."""
        return {**super().get_config(), "low": self.low, "high": self.high}


def fold(network: keras.Model) -> keras.Model:
    """Copy a network with each BatchNormalization worked into the convolution before it, as the converter does.

    Weights are rounded after this, so whatever learns to be rounded must do it first.
    """
    made = calls(network)
    normalised = {}
    for call in made.made:
        before = made.maker(call.inputs[0]) if isinstance(call.operation, layers.BatchNormalization) else None
        if before and isinstance(before.operation, CONVOLUTIONS):
            normalised[before.operation.name] = call.operation
    folded = {layer.name for layer in normalised.values()}

    def copy(layer: keras.Layer) -> keras.Layer:
        if layer.name in folded:
            return layers.Activation("linear", name=layer.name)
        settings = layer.get_config()
        if layer.name in normalised:
            settings["use_bias"] = True
        return type(layer).from_config(settings)

    result = keras.models.clone_model(network, clone_function=copy, call_function=without_mask)
    for layer in network.layers:
        if layer.name in normalised:
            result.get_layer(layer.name).set_weights(_folded(layer, normalised[layer.name]))
        elif layer.weights and layer.name not in folded:
            result.get_layer(layer.name).set_weights(layer.get_weights())
    return result


def _folded(convolution: keras.Layer, normalisation: keras.Layer) -> list[NDArray[Any]]:
    """Kernel and bias."""
    named = {weight.name: weight.numpy() for weight in normalisation.weights}
    scale = named.get("gamma", 1.0) / np.sqrt(named["moving_variance"] + normalisation.epsilon)
    kernel, *bias = convolution.get_weights()
    depthwise = isinstance(convolution, layers.DepthwiseConv2D)
    offset = (bias[0] if bias else 0.0) - named["moving_mean"]
    return [kernel * (scale[:, np.newaxis] if depthwise else scale), offset * scale + named.get("beta", 0.0)]


def ranges(network: keras.Model, images: Images, *, clipped: bool) -> dict[str, Range]:
    """The range of each layer's output over some images, as the network takes them.

    Args:
        network: a folded one.
        images: float32 [images, height, width, 3].
        clipped: not from the least to the greatest number, but where the squared error of rounding and clipping
            together is least (as in Sung et al. 2015, arXiv:1511.06488); rare large numbers are sacrificed.
    """
    made = calls(network)
    followers = {call.operation.name: [user.operation for user in made.users(call.output)] for call in made.made}
    chosen = [layer for layer in network.layers if _is_rounded(layer, followers.get(layer.name, []))]
    probe = keras.Model(network.input, [layer.output for layer in chosen])
    rng = np.random.default_rng(0)
    lows, highs = np.full(len(chosen), np.inf), np.full(len(chosen), -np.inf)
    samples: list[list[NDArray[Any]]] = [[] for _ in chosen]
    _, height, width, _ = network.input_shape
    batch = max(1, RANGE_PIXELS // (height * width))
    for start in range(0, len(images), batch):
        seen = images[start : start + batch]
        outputs = probe(seen, training=False)
        for place, output in enumerate(outputs):
            values = np.asarray(output).ravel()
            lows[place], highs[place] = min(lows[place], values.min()), max(highs[place], values.max())
            if clipped:
                samples[place].append(rng.choice(values, min(values.size, SAMPLE * len(seen))))
    full = [Range(float(low), float(high)) for low, high in zip(lows, highs, strict=True)]
    if clipped:
        full = [_clip(each, np.concatenate(values)) for each, values in zip(full, samples, strict=True)]
    return {layer.name: each for layer, each in zip(chosen, full, strict=True)}


def _clip(full: Range, values: NDArray[Any]) -> Range:
    """Shrink a range to where a sample's squared error is least."""
    best, least = full, np.inf
    for share in np.linspace(1.0, 0.3, CANDIDATES):
        low, high = min(full.low * share, 0.0), max(full.high * share, 1e-6)
        step = (high - low) / STEPS
        error = float(np.square(np.clip(np.rint(values / step) * step, low, high) - values).mean())
        if error < least:
            best, least = Range(low, high), error
    return best


def rounding(network: keras.Model, known: Mapping[str, Range]) -> keras.Model:
    """Copy a folded network that rounds the outputs of layers; layers and weights are the network's own.

    Args:
        network: a folded one.
        known: of `ranges`.
    """

    def call(layer: keras.Layer, *inputs: Any, **keywords: Any) -> Any:
        output = without_mask(layer, *inputs, **keywords)
        limits = known.get(layer.name)
        return Rounding(*limits, name=f"{layer.name}_rounded")(output) if limits else output

    return with_calls(network, call)


def forward(network: keras.Model, mean: NDArray[Any], std: NDArray[Any]) -> Callable[..., Any]:
    """How a rounding network answers with its kernels rounded too: from pixels of 0..255, RGB, to a score a class."""
    centre, width = np.asarray(mean, np.float32), np.asarray(std, np.float32)
    is_grey, is_single = network.input_shape[-1] == 1, network.output_shape[-1] == 1
    variables = network.trainable_variables
    depthwise = {id(layer.kernel) for layer in network.layers if isinstance(layer, layers.DepthwiseConv2D)}

    def answer(pixels: Any, *, training: bool) -> Any:
        rounded = [
            _round_kernel(each, depthwise=id(each) in depthwise) if each.name == "kernel" else each.value
            for each in variables
        ]
        others = [each.value for each in network.non_trainable_variables]
        seen = tf.image.rgb_to_grayscale(pixels) if is_grey else pixels
        scores = network.stateless_call(rounded, others, (seen - centre) / width, training=training)[0]
        return tf.concat([1 - scores, scores], -1) if is_single else scores

    return answer


def _is_rounded(layer: keras.Layer, followers: Sequence[keras.Operation]) -> bool:
    """Whether an int8 model rounds a layer's output: not where it is one operator with the layer that follows."""
    if isinstance(layer, UNROUNDED) or _is_softmax(layer):
        return False
    if isinstance(layer, CONVOLUTIONS) or _is_linear(layer):
        return not followers or not all(isinstance(each, layers.ReLU) or _is_linear(each) for each in followers)
    return True


def _is_linear(layer: keras.Layer) -> bool:
    return isinstance(layer, layers.Activation) and layer.activation is keras.activations.linear


def _is_softmax(layer: keras.Layer) -> bool:
    """Its scores have a range of their own, which needs no care."""
    return isinstance(layer, layers.Softmax) or getattr(layer, "activation", None) is keras.activations.softmax


def _round_kernel(variable: Any, *, depthwise: bool) -> Any:
    """Round a kernel to 255 steps a channel, and let gradients through."""
    kernel = tf.convert_to_tensor(variable)
    if depthwise:  # [height, width, channels, 1]
        kernel = kernel[..., 0]
    top = tf.reduce_max(tf.abs(kernel), axis=tuple(range(len(kernel.shape) - 1)))
    kernel = tf.quantization.fake_quant_with_min_max_vars_per_channel(kernel, -top, top, narrow_range=True)
    return kernel[..., tf.newaxis] if depthwise else kernel
