"""Small networks that tell colours apart, some of them harmed by int8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers

from tests.trainer import pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE = 32


def colours(x: Any, beside: Sequence[float]) -> Any:
    """Scores of blue, green and red from an image of 0..1, through tensors that hold other numbers beside the colours.

    A tensor has one scale for all its channels: beside a huge number the colours are rounded away.
    """
    for number, other in enumerate(beside):
        room, out = layers.Conv2D(4, 1, name=f"room{number}"), layers.Conv2D(3, 1, name=f"out{number}")
        x = out(room(x))
        kernel = np.zeros((1, 1, 3, 4), np.float32)
        kernel[0, 0, :, :3] = np.eye(3)
        room.set_weights([kernel, np.array([0, 0, 0, other], np.float32)])
        out.set_weights([kernel.transpose(0, 1, 3, 2), np.zeros(3, np.float32)])
    scores = layers.Dense(3)
    x = scores(layers.GlobalAveragePooling2D()(x))
    scores.set_weights([np.eye(3, dtype=np.float32)[::-1] * 20, np.zeros(3, np.float32)])
    return layers.Softmax()(x)


def classifier(beside: Sequence[float]) -> keras.Model:
    """Of pixels of 0..255."""
    image = keras.Input((SIZE, SIZE, 3))
    return keras.Model(image, colours(layers.Rescaling(1 / 255)(image), beside), name="colours")


def nearest(mean: Sequence[float], std: Sequence[float], *, turns: bool = False) -> keras.Model:
    """A classifier of (pixel - mean) / std by the nearest mean colour, which under other ranges takes all for blue.

    Nothing in it tells what it takes; ``turns``: blue first.
    """
    shown = np.array([[pictures.picture(each, number, SIZE) for number in range(30)] for each in pictures.CLASSES])
    seen = (shown[..., :: -1 if turns else 1] - np.array(mean)) / std
    means = np.concatenate([each.mean((2, 3)) for each in (seen, np.maximum(seen, 0), np.maximum(-seen, 0))], -1)
    centres = means[..., :3].mean(1)
    signs = np.array([[1] * 3 + [0] * 6, [0] * 3 + [1] * 6]) / 3  # the mean, and the mean distance from 0
    usual = means @ signs.T
    low, high = usual.min((0, 1)), usual.max((0, 1))

    image = keras.Input((SIZE, SIZE, 3))
    parts = [image, layers.ReLU()(image), layers.ReLU()(layers.Rescaling(-1.0)(image))]
    x = layers.GlobalAveragePooling2D()(layers.Concatenate()(parts))
    odd, scores = layers.Dense(4, activation="relu"), layers.Dense(3, activation="softmax")
    answer = keras.Model(image, scores(layers.Concatenate()([x, odd(x)])), name="nearest")
    width = high - low
    odd.set_weights([np.hstack([signs.T / width, -signs.T / width]), np.hstack([-high / width, low / width])])
    weight = 60 * np.mean(np.square(std)) / 255**2  # the same scores, whatever the range
    kernel = np.zeros((13, 3))
    kernel[:3], kernel[9:, 0] = 2 * weight * centres.T, 300
    scores.set_weights([kernel, -weight * np.square(centres).sum(1)])
    return answer


def brightness(shape: tuple[int, ...], threshold: float, *, ends: bool = True) -> keras.Model:
    """One score: whether a grey picture is brighter than a threshold; as a sigmoid, or its logit."""
    image = x = keras.Input(shape)
    score = layers.Dense(1, activation="sigmoid" if ends else None)
    x = layers.Reshape((shape[0] * shape[1],))(x)
    answer = keras.Model(image, score(x), name="brightness")
    pixels = shape[0] * shape[1]
    score.set_weights([np.full((pixels, 1), 20 / threshold / pixels), np.array([-20.0])])
    return answer
