"""From a Keras model to a .tflite file."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tensorflow as tf

from trainer.errors import ConversionError
from trainer.quantisation.hard_swish_ranges import tightened
from trainer.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import keras
    from numpy.typing import NDArray

    from trainer.quantisation.calibration import Images

Format = Literal["int8", "float16", "float32"]
DEBUG_IMAGES = 20


def convert(model: keras.Model, to: Format, calibration: Images | None = None) -> bytes:
    """Convert a classifier with one image input and one vector of scores.

    Args:
        model: takes float32 [batch, height, width, 3].
        to: ``int8``: weights and activations, with uint8 input and output, as Android's and MediaPipe's tools take
            them; ``float16``: weights, in half the space; ``float32``: nothing is quantised.
        calibration: for int8: float32 [images, height, width, 3], as the model takes them; 100 to 200 images that
            are like those it will see.

    Raises:
        ConversionError: TensorFlow refuses.
        ValueError: int8 without calibration.
    """
    if to == "int8":
        return tightened(_converted(_int8_converter(model, calibration, [tf.lite.OpsSet.TFLITE_BUILTINS_INT8])))
    converter = _converter(model)
    if to == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    return _converted(converter)


def convert_but(model: keras.Model, calibration: Images, layers: Sequence[str]) -> bytes:
    """Convert to int8 but for some layers, which stay in float; names are those of `layer_errors`.

    Raises:
        ConversionError: TensorFlow refuses.
    """
    with refusals(), quietly():
        made = debugger(model, calibration, denylisted_nodes=list(layers))
        quantised = bytes(made.get_nondebug_quantized_model())
    return tightened(quantised)


def debugger(model: keras.Model, calibration: Images, **options: Any) -> Any:
    """TensorFlow's tool that compares an int8 model with the float one, layer by layer, on some of the images."""
    operators = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]

    def images() -> Iterator[list[NDArray[Any]]]:
        return ([image[np.newaxis]] for image in calibration[:DEBUG_IMAGES])

    converter = _int8_converter(model, calibration, operators)
    chosen = tf.lite.experimental.QuantizationDebugOptions(**options)
    return tf.lite.experimental.QuantizationDebugger(converter=converter, debug_dataset=images, debug_options=chosen)


def _converter(model: keras.Model) -> Any:
    """A converter from the graph of one image: four times faster than Keras' own way, which saves the model first."""
    image = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    graph = tf.function(lambda image: model(image, training=False), autograph=False).get_concrete_function(image)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([graph], model)
    converter.experimental_lower_to_saved_model = False
    return converter


def _int8_converter(model: keras.Model, calibration: Images | None, operators: list[Any]) -> Any:
    if calibration is None:
        message = "int8 needs calibration images"
        raise ValueError(message)

    def representative() -> Iterator[list[NDArray[Any]]]:
        for image in calibration:
            yield [image[np.newaxis]]

    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = operators
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    return converter


def _converted(converter: Any) -> bytes:
    with refusals(), quietly():
        return bytes(converter.convert())


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Give what TensorFlow raises, which may be anything, as one line."""
    try:
        yield
    except Exception as error:  # noqa: BLE001
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        message = f"TensorFlow cannot convert this model: {reason}"
        raise ConversionError(message) from None
