"""What it saves to decode a camera's JPEGs no larger than they are needed: ``python benchmarks/jpeg.py``.

A camera in another process sends frames of the shipped clip, enlarged to 1280 x 720, at quality 80 and 60 a second over
HTTP. The daemon's own source and view make 224 x 224 of the whole picture, once with what the view needs told to the
source, once without, in turns; what counts is this process's CPU time a frame. Quality: how far the shipped model's
scores of the same pictures lie apart.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import threading
import time
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from edgecam import config
from edgecam.camera.compressed import frame_of
from edgecam.camera.sources import open_source
from edgecam.camera.view import View, Wanted
from edgecam.model.classifier import Classifier
from edgecam.tools.demo import shipped_clip
from tests.web_camera import Request, serve

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

BAR = 0.5
CAMERA, MODEL = (1280, 720), (224, 224)
PICTURES = 40
RATE = 60
ROUNDS = 10
FRAMES = 90


def pictures() -> list[bytes]:
    """JPEGs of a camera, spread over the shipped clip."""
    capture = cv2.VideoCapture(str(shipped_clip()))
    frames = [capture.read()[1] for _ in range(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))]
    chosen = frames[:: len(frames) // PICTURES][:PICTURES]
    large = (cv2.resize(frame, CAMERA, interpolation=cv2.INTER_CUBIC) for frame in chosen)
    return [cv2.imencode(".jpg", frame, (cv2.IMWRITE_JPEG_QUALITY, 80))[1].tobytes() for frame in large]


def camera(told: Connection) -> None:
    """Send them to all who read, for ever; tells the port."""
    jpegs = pictures()

    def answer(request: Request) -> None:
        request.begin()
        due = time.monotonic()
        for jpeg in cycle(jpegs):
            time.sleep(max(0.0, due - time.monotonic()))
            due += 1 / RATE
            request.part(jpeg)

    with serve(answer) as server:
        told.send(server.server_port)
        threading.Event().wait()


def cpu_ms(port: int, least: tuple[int, int] | None) -> float:
    """CPU milliseconds a frame, from the bytes that come to the model's input."""
    settings = config.CameraSettings(source=f"http://127.0.0.1:{port}/", fps=RATE)
    view = View(settings, MODEL)
    with closing(open_source(settings, Wanted(MODEL, least=least)).frames(threading.Event())) as frames:
        view.of_frame(next(frames))
        start = time.process_time()
        for frame in islice(frames, FRAMES):
            view.of_frame(frame)
        return (time.process_time() - start) / FRAMES * 1e3


def apart(jpegs: list[bytes]) -> tuple[float, int]:
    """How far scores lie apart at most, and of how many pictures the highest is of another label."""
    model = Classifier(config.ModelSettings())
    view = View(config.CameraSettings(), model.size, fit=model.fit)
    furthest, others = 0.0, 0
    for jpeg in jpegs:
        content = np.frombuffer(jpeg, np.uint8)
        whole, small = (frame_of(content, least, 0) for least in (None, model.size))
        assert whole  # noqa: S101  they were just made
        assert small  # noqa: S101
        scores = [model.scores(view.of_frame(frame).image).copy() for frame in (whole, small)]
        furthest = max(furthest, float(np.abs(scores[0] - scores[1]).max()))
        others += int(scores[0].argmax() != scores[1].argmax())
    return furthest, others


@click.command()
def main() -> None:
    """Measure and compare with the bar; exit 1 if it is missed."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=camera, args=(theirs,), daemon=True)
    process.start()
    port = ours.recv()
    whole, small = [], []
    for _ in range(ROUNDS):
        whole.append(cpu_ms(port, None))
        small.append(cpu_ms(port, MODEL))
    process.terminate()
    ratio = statistics.median(one / other for one, other in zip(small, whole, strict=True))
    jpegs = pictures()
    furthest, others = apart(jpegs)
    click.echo(
        f"a frame of {CAMERA[0]} x {CAMERA[1]}, {sum(map(len, jpegs)) / len(jpegs) / 1000:.0f} kB: decoded whole "
        f"{statistics.median(whole):.2f} ms, as small as may be {statistics.median(small):.2f} ms: "
        f"{ratio:.2f}, bar {BAR}: {'met' if ratio <= BAR else 'MISSED'}"
    )
    click.echo(f"of {len(jpegs)} pictures: scores at most {furthest:.3f} apart, another label first {others} times")
    sys.exit(ratio > BAR)


if __name__ == "__main__":
    main()
