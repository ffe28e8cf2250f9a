"""What a Pi's camera costs the processor: from I420 at the size of the model to its input, by the pipeline's code."""

from __future__ import annotations

import statistics
import time
from typing import Any

import click
import cv2
import numpy as np

from edgecam.camera.frames import Frame, Layout
from edgecam.camera.sources.picamera2 import unpadded
from edgecam.camera.view import View
from edgecam.config import CameraSettings
from edgecam.model.pixels import PixelWriter

ROUNDS = 5


@click.command()
@click.option("--size", default=224, show_default=True, help="Width and height of the model.")
@click.option("--frames", default=2000, show_default=True, help="A round, of five.")
def main(size: int, frames: int) -> None:
    """Time a frame's way from the camera's memory, whose rows are padded, into the model's input."""
    cv2.setNumThreads(1)
    stride = (size + 63) // 64 * 64
    memory = np.random.default_rng(0).integers(0, 256, (size * 3 // 2, stride), np.uint8)
    view = View(CameraSettings(), (size, size))
    for dtype, scale, zero in ((np.uint8, 1.0, 0), (np.int8, 1.0, -128), (np.float32, 0.0, 0)):
        details: dict[str, Any] = {
            "shape": np.array([1, size, size, 3]),
            "dtype": dtype,
            "quantization": (scale, zero),
        }
        writer, tensor = PixelWriter(details, [127.0], [128.0]), np.zeros((size, size, 3), dtype)
        rounds = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            for _ in range(frames):
                frame = Frame(unpadded(memory, size, size), 0, 0, Layout.I420, cropped=True, turned=True)
                seen = view.of_frame(frame)
                writer.write(seen.image, tensor, seen.layout)
            rounds.append((time.perf_counter() - start) / frames * 1e3)
        click.echo(f"{size}x{size} I420 to {np.dtype(dtype).name}: {statistics.median(rounds):.3f} ms a frame")


if __name__ == "__main__":
    main()
