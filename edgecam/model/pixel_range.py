"""Which numbers a model takes for the pixels of a picture, and by what that is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from edgecam.config.sections import PixelSettings
from edgecam.errors import ModelError
from edgecam.model.preprocessing import first_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from edgecam import config
    from edgecam.model.inputs import ImageInput
    from edgecam.model.makers import Maker
    from edgecam.model.metadata import Metadata
    from edgecam.model.preprocessing import FirstSteps
    from edgecam.model.runtimes import Interpreter

Source = Literal["settings", "metadata", "graph", "quantisation", "labels", "assumed"]
Values = tuple[float, ...]

# (pixel - mean) / std, by the words of model.pixels; imagenet's are the statistics that PyTorch's models are made with.
USUAL: Final[Mapping[str, tuple[Values, Values]]] = {
    "0..255": ((0.0,), (1.0,)),
    "0..1": ((0.0,), (255.0,)),
    "-1..1": ((127.5,), (127.5,)),
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
}
CAFFE: Final = ((103.939, 116.779, 123.68), (1.0,))  # the means of blue, green and red in ImageNet, as Caffe's take off
GREY: Final = ((114.495,), (57.63,))  # imagenet's, of a grey picture
LIKELY: Final = "0..1"  # where nothing tells: of 18 such models 14 want it
SET: Final = "model.pixels says so"
OFF_BY = 0.1  # of the quantised range: further off, a normalisation cannot be meant for sure
NARROW = 0.1  # of a usual range: further off its beginning, a quantised one is not of darker pictures
CLOSE = 0.02  # of the quantised range: so near, it is no other
TINY = 1e-30


@dataclass(frozen=True, slots=True)
class PixelRange:
    """A model takes (pixel - ``mean``) / ``std`` of a pixel of 0..255.

    Attributes:
        name: in the words of ``model.pixels`` where it has one, else as numbers.
        mean: one number, or one a channel in the order of the tensor.
        std: likewise.
        source: by what it is known.
        reason: the same in words for people.
        is_sure: it is told by the model itself, or set; else it is likely at the most.
        is_bgr: the colours seem to be wanted in the order blue, green, red.
    """

    name: str
    mean: Values
    std: Values
    source: Source
    reason: str
    is_sure: bool = True
    is_bgr: bool = False

    def per_channel(self, channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and std, float64 [channels].

        Raises:
            ModelError: there are as many as for another number of channels.
        """
        if {len(self.mean), len(self.std)} - {1, channels}:
            message = (
                f"model.pixels: {max(len(self.mean), len(self.std))} numbers, but its input has {channels} channel"
            )
            raise ModelError(message)
        return np.broadcast_to(np.array(self.mean), channels), np.broadcast_to(np.array(self.std), channels)


def find_range(
    settings: config.ModelSettings, image: ImageInput, metadata: Metadata, maker: Maker | None, interpreter: Interpreter
) -> PixelRange:
    """Find how a model wants its pixels.

    Args:
        settings: what they say counts first.
        image: its input.
        metadata: what it tells of itself.
        maker: whose model it is, as its labels show; None: they do not.
        interpreter: of the model, its memory allocated.
    """
    if isinstance(settings.pixels, PixelSettings):
        mean, std = settings.pixels.mean, settings.pixels.std
        return PixelRange(_name(mean, std), mean, std, "settings", SET)
    if settings.pixels != "auto":
        found = _usual(settings.pixels, image, "settings", SET)
    elif image.scale:
        found = _by_quantisation(image, _told(metadata, image), maker)
    elif image.dtype is not np.float32:
        found = _usual("0..255", image, "graph", "its input is of whole numbers")
    else:
        found = (
            _told(metadata, image)
            or _by_graph(first_steps(interpreter, image.index), image)
            or _by_maker(maker, image)
            or _assumed(LIKELY, image, "nothing tells; most such models want it")
        )
    if found.name == "imagenet" and found.source != "metadata" and settings.channels == "bgr":
        return replace(found, mean=found.mean[::-1], std=found.std[::-1])
    return found


def normalisation(name: str, *, is_grey: bool) -> tuple[Values, Values]:
    """Return mean and std of a usual range: a model takes (pixel - mean) / std."""
    return GREY if name == "imagenet" and is_grey else USUAL[name]


def _usual(name: str, image: ImageInput, source: Source, reason: str) -> PixelRange:
    return PixelRange(name, *normalisation(name, is_grey=image.channels == 1), source, reason)


def _told(metadata: Metadata, image: ImageInput) -> PixelRange | None:
    """What the model's metadata tells, if it makes sense."""
    mean, std = metadata.mean, metadata.std
    if not mean or not std or 0 in std or {len(mean), len(std)} - {1, image.channels}:
        return None
    if not np.isfinite([*mean, *std]).all():
        return None
    return PixelRange(_name(mean, std), mean, std, "metadata", "its metadata says so")


def _by_graph(steps: FirstSteps, image: ImageInput) -> PixelRange | None:
    """Tell by what the model does first to pixels that are floats."""
    if steps.quantised and (near := _by_limits(steps.quantised, image)):
        low, high = steps.quantised
        return _usual(near, image, "graph", f"it quantises them first, from {low:.4g}..{high:.4g}")
    if steps.pixels:
        return replace(_usual(steps.pixels, image, "graph", str(steps)), is_bgr=steps.is_bgr)
    if steps.has_small_weights:
        reason = f"its first weights are as small as {steps.weights:.2g}"
        return replace(_usual("0..255", image, "graph", reason), is_sure=False)
    return None


def _by_maker(maker: Maker | None, image: ImageInput) -> PixelRange | None:
    """Tell by whose model it is."""
    return replace(_usual(maker.pixels, image, "labels", maker.reason), is_sure=False) if maker else None


def _assumed(name: str, image: ImageInput, reason: str) -> PixelRange:
    return replace(_usual(name, image, "assumed", reason), is_sure=False)


def _by_quantisation(image: ImageInput, told: PixelRange | None, maker: Maker | None) -> PixelRange:
    """Tell by the numbers that a quantised input can hold, which are just those that were meant for it.

    Some metadata describes the float model that this one was made from: it counts where it agrees.
    """
    low, high = image.limits
    is_symmetric = image.dtype is np.int16  # it holds as much below zero, wanted or not
    if told and (is_symmetric or _off((low, high), told.mean, told.std) < OFF_BY):
        return told
    reason = f"its input holds {low:.4g}..{high:.4g}"
    if near := _by_limits((low, high), image):
        return _usual(near, image, "quantisation", reason)
    if image.channels > 1 and _off((low, high), *CAFFE) < CLOSE:
        return PixelRange(_name(*CAFFE), *CAFFE, "quantisation", reason, is_bgr=True)
    if is_symmetric:
        return _by_maker(maker, image) or _assumed(LIKELY, image, f"{reason}, whatever is meant")
    if near := _around((low, high), image):
        return _assumed(near, image, f"{reason}, which is not quite it")
    std = 255 / (high - low) if high > low else 1.0
    mean = -low * std
    name = f"{low:.4g}..{high:.4g}"
    return PixelRange(name, (mean,), (std,), "assumed", f"{reason}, which is not usual", is_sure=False)


def _by_limits(limits: tuple[float, float], image: ImageInput) -> str:
    """Name the usual range that fills a quantised one; empty: none does, or several may."""
    low, high = limits
    if low < 0 and abs(low + high) <= high / 1000:  # of 16 bits, which have no zero point
        return "0..255" if abs(high - 255) < 255 * OFF_BY else "imagenet" if abs(high - 2.64) < OFF_BY else ""
    return _nearest(limits, image)


def _around(limits: tuple[float, float], image: ImageInput) -> str:
    """Name the narrowest usual range that begins where a quantised one does and goes further; empty: there is none.

    The pictures by which it was quantised were then darker than others will be.
    """
    low, high = limits
    found = []
    for name in USUAL:
        usual = _usual(name, image, "assumed", "")
        lowest, highest = _ends(usual.mean, usual.std)
        span = highest - lowest
        if abs(low - lowest) < NARROW * span and high <= highest + OFF_BY * span and high - low > OFF_BY * span:
            found.append((span, name))
    return min(found)[1] if found else ""


def _nearest(limits: tuple[float, float], image: ImageInput) -> str:
    """Name the usual range that fills a quantised one best; empty: none is near."""
    found = [_usual(name, image, "quantisation", "") for name in USUAL]
    best = min(found, key=lambda each: _off(limits, each.mean, each.std))
    return best.name if _off(limits, best.mean, best.std) < OFF_BY else ""


def _off(limits: tuple[float, float], mean: Sequence[float], std: Sequence[float]) -> float:
    """By how much of a quantised range the ends of a normalisation miss its own."""
    (low, high), (lowest, highest) = limits, _ends(mean, std)
    span = max(high - low, TINY)
    return max(abs(lowest - low), abs(highest - high)) / span


def _ends(mean: Sequence[float], std: Sequence[float]) -> tuple[float, float]:
    """The lowest and the highest number that pixels become, over the channels."""
    pixels: Any = (np.array([[0.0], [255.0]]) - np.array(mean)) / np.array(std)
    return float(pixels.min()), float(pixels.max())


def _name(mean: Values, std: Values) -> str:
    for name, usual in USUAL.items():
        if all(
            len(set(values)) == 1 and len(set(others)) == 1 and np.isclose(values[0], others[0], atol=0.6)
            for values, others in zip((mean, std), usual, strict=True)
        ):
            return name
        if (
            len(mean) == len(usual[0]) > 1
            and np.allclose(mean, usual[0], atol=0.6)
            and np.allclose(std, usual[1], atol=0.6)
        ):
            return name
    return f"(pixel - {_words(mean)}) / {_words(std)}"


def _words(values: Values) -> str:
    return (
        ", ".join(f"{value:.4g}" for value in values)
        if len(values) == 1
        else str([round(value, 3) for value in values])
    )
