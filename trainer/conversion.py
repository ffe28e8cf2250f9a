"""From a Keras model to a .tflite file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras
    from numpy.typing import NDArray

Format = Literal["int8", "float32"]


def convert(model: keras.Model, to: Format, calibration: NDArray[Any] | None = None) -> bytes:
    """Convert a classifier with one image input and one vector of scores.

    Args:
        model: takes float32 [batch, height, width, 3].
        to: ``int8``: weights and activations, with uint8 input and output, as Android's and MediaPipe's tools take
            them; ``float32``: nothing is quantised.
        calibration: for int8: float32 [images, height, width, 3], as the model takes them; 100 to 200 images that
            are like those it will see.

    Raises:
        ValueError: int8 without calibration.
    """
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if to == "int8":
        if calibration is None:
            message = "int8 needs calibration images"
            raise ValueError(message)

        def representative() -> Iterator[list[NDArray[Any]]]:
            for image in calibration:
                yield [image[np.newaxis]]

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.uint8
    return bytes(converter.convert())
