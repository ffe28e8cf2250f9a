"""Makes the clip that edgecam ships: ``python -m trainer.shipped.clip``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import av
import click
import cv2
import numpy as np

from trainer.shipped.photographs import photograph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

WIDTH, HEIGHT, RATE = 640, 480, 30
FADE_S = 0.4


class View(NamedTuple):
    """A part of a photograph: its middle, and its width, as fractions of the photograph's width and height."""

    x: float
    y: float
    width: float


class Scene(NamedTuple):
    """A slow move over a photograph from one view to another."""

    photograph: str
    seconds: float
    start: View
    end: View


SCENES = (
    Scene("gravel", 1.5, View(0.40, 0.5, 0.70), View(0.50, 0.5, 0.70)),
    Scene("cat", 4.0, View(0.40, 0.5, 0.70), View(0.50, 0.5, 0.85)),
    Scene("grass", 1.5, View(0.40, 0.5, 0.60), View(0.60, 0.5, 0.60)),
    Scene("coffee", 4.0, View(0.45, 0.5, 0.80), View(0.50, 0.5, 0.95)),
    Scene("gravel", 1.5, View(0.50, 0.5, 0.60), View(0.40, 0.5, 0.70)),
    Scene("camera", 4.0, View(0.50, 0.5, 0.80), View(0.45, 0.5, 1.00)),
    Scene("grass", 1.5, View(0.60, 0.4, 0.70), View(0.50, 0.4, 0.60)),
    Scene("cat", 3.5, View(0.55, 0.5, 0.90), View(0.45, 0.5, 0.75)),
)


def _look(image: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """The part of the image that a view shows, at the clip's size, mirrored where the image has ended."""
    height, width = image.shape[:2]
    scale = WIDTH / (view.width * width)
    x, y = view.x * width, view.y * height
    move = np.array([[scale, 0, WIDTH / 2 - scale * x], [0, scale, HEIGHT / 2 - scale * y]])
    border = cv2.BORDER_REFLECT_101
    return np.asarray(cv2.warpAffine(image, move, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=border), np.uint8)


def _play(scene: Scene) -> Iterator[NDArray[np.uint8]]:
    image = photograph(scene.photograph)
    count = round(scene.seconds * RATE)
    for number in range(count):
        share = number / (count - 1)
        places = (start + share * (end - start) for start, end in zip(scene.start, scene.end, strict=True))
        yield _look(image, View(*places))


def frames() -> Iterator[NDArray[np.uint8]]:
    """All frames, uint8 [HEIGHT, WIDTH, 3], RGB; each scene fades in over the last image of the one before."""
    last: NDArray[np.uint8] | None = None
    for scene in SCENES:
        before = last
        for number, image in enumerate(_play(scene)):
            share = (number + 1) / (FADE_S * RATE)
            faded = before is not None and share < 1
            last = cv2.addWeighted(image, share, before, 1 - share, 0) if faded else image
            yield last


@click.command()
@click.option("--quality", default=27, show_default=True, help="H.264's constant rate factor: lower is better.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("edgecam/assets/clip.mp4"),
    show_default=True,
)
def main(quality: int, output: Path) -> None:
    """Film scikit-image's photographs with a camera that pans and zooms."""
    with av.open(str(output), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": str(quality), "preset": "slow", "g": str(2 * RATE), "threads": "1"}
        for image in frames():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    click.echo(f"{output}: {sum(scene.seconds for scene in SCENES)} s, {output.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
