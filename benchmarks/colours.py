"""What it costs the processor to write a picture into a model's input: by the pipeline's code, and by OpenCV alone."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import click
import cv2
import numpy as np

from edgecam.camera.frames import Frame, Layout
from edgecam.camera.sources.picamera2 import unpadded
from edgecam.camera.view import View
from edgecam.config import CameraSettings
from edgecam.model.inputs import ImageInput
from edgecam.model.pixel_range import USUAL, PixelRange
from edgecam.model.pixels import PixelWriter

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
INPUTS: dict[str, tuple[Any, float, int, str]] = {  # type, scale, zero, and the pixels that are meant
    "uint8, 1, 0": (np.uint8, 1.0, 0, "0..255"),
    "uint8, 1/255, 0": (np.uint8, 1 / 255, 0, "0..1"),
    "uint8, 1/127.5, 127": (np.uint8, 1 / 127.5, 127, "-1..1"),
    "uint8, 1/128, 128": (np.uint8, 1 / 128, 128, "-1..1"),
    "int8, 1/127.5, -1": (np.int8, 1 / 127.5, -1, "-1..1"),
    "int8, 0.0186, -14": (np.int8, 0.0186, -14, "imagenet"),
    "float32": (np.float32, 0.0, 0, "0..1"),
}


@click.command()
@click.option("--size", default=224, show_default=True, help="Width and height of the model.")
@click.option("--frames", default=1000, show_default=True, help="A round, of five.")
def main(size: int, frames: int) -> None:
    """Time a picture's way into a model's input, beside a plain colour conversion by OpenCV.

    The picture lies in memory as OpenCV has it (BGR), and as a Pi's camera gives it (I420, of padded rows).
    """
    cv2.setNumThreads(1)
    stride = (size + 63) // 64 * 64
    memory = np.random.default_rng(0).integers(0, 256, (size * 3 // 2, stride), np.uint8)
    bgr = np.random.default_rng(1).integers(0, 256, (size, size, 3), np.uint8)
    view = View(CameraSettings(), (size, size))
    into = np.zeros((size, size, 3), np.uint8)

    def plain() -> None:
        cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=into)

    for name, (dtype, scale, zero, pixels) in INPUTS.items():
        image = ImageInput(0, (size, size), 3, "nhwc", dtype, scale, zero)
        writer = PixelWriter(image, PixelRange(pixels, *USUAL[pixels], "quantisation", ""))
        tensor = np.zeros((1, size, size, 3), dtype)

        def write(writer: PixelWriter = writer, tensor: np.ndarray = tensor) -> None:  # type: ignore[type-arg]
            writer.write(bgr, tensor)

        def write_frame(writer: PixelWriter = writer, tensor: np.ndarray = tensor) -> None:  # type: ignore[type-arg]
            frame = Frame(unpadded(memory, size, size), 0, 0, Layout.I420, cropped=True, turned=True)
            seen = view.of_frame(frame)
            writer.write(seen.image, tensor, seen.layout)

        bare, ours, of_frame = _medians((plain, write, write_frame), frames)
        click.echo(
            f"{size}x{size} {name:20} BGR {ours:.3f} ms, {ours / bare:.2f} x a conversion; I420 {of_frame:.3f} ms"
        )


def _medians(ways: tuple[Callable[[], None], ...], frames: int) -> list[float]:
    """Milliseconds of each way, which take turns."""
    rounds: list[list[float]] = [[] for _ in ways]
    for _ in range(ROUNDS):
        for way, times in zip(ways, rounds, strict=True):
            start = time.perf_counter()
            for _ in range(frames):
                way()
            times.append((time.perf_counter() - start) / frames * 1e3)
    return [statistics.median(times) for times in rounds]


if __name__ == "__main__":
    main()
