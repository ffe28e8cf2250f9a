"""MobileNetV3, small and large, as keras.applications has it."""

from __future__ import annotations

from functools import partial

import keras

from trainer.network.backbones import Backbone

DOWNLOADS = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3"


def mobilenet_v3(size: int | None, *, large: bool, minimalistic: bool) -> keras.Model:
    """Build the network with random weights, without its head.

    Howard et al. 2019, arXiv:1905.02244. The minimalistic variants have no squeeze-and-excitation, no hard-swish and
    no 5x5 kernels, which costs accuracy and saves a third of the instructions of an int8 model on a Cortex-A76.

    Args:
        size: height and width of the input in pixels; None: any.
        large: 96 layers wide rather than small.
        minimalistic: the variant.

    Returns:
        A model of float32 [batch, size, size, 3] of 0..255, RGB, to features [batch, size / 32, size / 32, channels].
    """
    network = keras.applications.MobileNetV3Large if large else keras.applications.MobileNetV3Small
    shape = (size, size, 3)
    return network(input_shape=shape, include_top=False, weights=None, minimalistic=minimalistic)


def _backbone(*, large: bool, minimalistic: bool) -> Backbone:
    kind = f"{'large' if large else 'small'}{'_minimalistic' if minimalistic else ''}"
    return Backbone(
        name=f"mobilenet_v3_{kind}",
        build=partial(mobilenet_v3, large=large, minimalistic=minimalistic),
        tune_from="expanded_conv_6_expand" if large else "expanded_conv_3_expand",
        imagenet=f"{DOWNLOADS}/weights_mobilenet_v3_{kind}_224_1.0_float_no_top_v2.h5",
    )


BACKBONES = tuple(
    _backbone(large=large, minimalistic=minimalistic) for minimalistic in (False, True) for large in (False, True)
)
