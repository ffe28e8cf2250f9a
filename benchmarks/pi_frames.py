"""Takes frames as a Pi's camera gives them through the daemon's own parts: ``python pi_frames.py MODEL COUNT``.

From the camera's memory (I420 at the model's size, rows padded), by the capture thread, the queue and the inference
worker to events. `instructions.py` counts what that takes on an emulated Cortex-A76.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from edgecam import config
from edgecam.camera.capture import Capture
from edgecam.camera.frame_queue import Feed, FrameQueue, Look
from edgecam.camera.frames import Frame, Layout
from edgecam.camera.sources.picamera2 import unpadded
from edgecam.camera.view import View
from edgecam.daemon.inference import Inference, PipelinesChange
from edgecam.daemon.pipeline import Pipeline
from edgecam.daemon.stats import Stats
from edgecam.device.heat import Pace
from edgecam.events.kinds import tracker_of
from edgecam.events.labels import labels_of
from edgecam.model.classifier import Classifier
from edgecam.model.loading import PlannedModel
from edgecam.mqtt.clock import Clock
from edgecam.mqtt.notices import Origin
from edgecam.tasks import Task

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

INTERVAL_NS = 33_333_333
STRIDE = 64


class Pi:
    """A source that costs what picamera2's does in our own code."""

    name, waits, scales = "pi", True, True

    def __init__(self, size: tuple[int, int], count: int) -> None:
        """Give ``count`` frames."""
        self._size, self._count = size, count
        stride = (size[0] + STRIDE - 1) // STRIDE * STRIDE
        self._memory = np.random.default_rng(0).integers(0, 256, (size[1] * 3 // 2, stride), np.uint8)

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """See `edgecam.camera.sources.source.Source`."""
        for number in range(1, self._count + 1):
            if stop.is_set():
                return
            image = unpadded(self._memory, *self._size)
            yield Frame(image, number * INTERVAL_NS, number * INTERVAL_NS, Layout.I420, cropped=True, turned=True)


def _pipeline(model: Classifier, view: View) -> Pipeline:
    """All frames are looked at."""
    look = config.ViewSettings()
    labels = labels_of(model, look.events)
    tracker = tracker_of(look.events, labels, lambda: "id")
    planned = PlannedModel(config.ModelSettings(), b"", model.plan, b"")
    return Pipeline(Origin("edgecam/pi", "pi"), look, view, model, labels, tracker, None, "", planned)


def main(path: str, count: int) -> None:
    """Take so many frames from the camera to events."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.tflite"
        copy.write_bytes(Path(path).read_bytes())
        labels = copy.with_suffix(".txt")
        labels.write_text("".join(f"{number}\n" for number in range(10)))
        model = Classifier(config.ModelSettings(path=str(copy), runtime="litert"))
    view = View(config.CameraSettings(), model.size)
    queue = FrameQueue(2, Feed(Pi(model.size, count), (Look(view),)))  # type: ignore[arg-type]
    capture = Capture(queue, Pace())
    inference = Inference(
        queue,
        Clock(),
        PipelinesChange({"": _pipeline(model, view)}, {}),
        Stats(queue),
        lambda _: None,
        lambda _: None,
        lambda: 3600.0,
    )
    Task("capture", capture.run, lambda _: queue.close())
    ended = Task("inference", inference.run, lambda _: None)
    ended.join(3600)
    if ended.error:
        raise ended.error


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
