"""Draws the pictures of the README: ``make pictures``.

docs/watch.svg: `edgecam watch` on a broker with real daemons on the shipped clip. docs/report.png: the report of a
model that is trained here, on views of the photographs that scikit-image ships (CC0), as Chromium shows it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from rich.console import Console

from edgecam.tools.cameras import Cameras
from edgecam.tools.demo import shipped_clip
from edgecam.tools.watch_table import now_utc, overview
from tests.broker import Mosquitto, Subscriber
from tests.command import Daemon

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
COLUMNS, ROWS = 80, 20
CAMERAS = ("attic", "barn", "garden", "kitchen", "porch", "shed")
LOST, PAUSED, GONE = "shed", "attic", "barn"
EVENTS = 16
PICTURE = 1000, 560  # pixels of the report
CLASSES = {"cat": (0, 112), "coffee": (175, 240)}  # frames of the shipped clip that show them
VIEWS = 60


def draw_watch(target: Path) -> None:
    """Let some daemons run, listen as `edgecam watch` does, and draw its table."""
    with tempfile.TemporaryDirectory() as name, Mosquitto(Path(name) / "broker") as broker:
        daemons = {}
        with Subscriber(broker.port) as subscriber:
            for number, camera in enumerate(CAMERAS):
                settings = {
                    "camera.name": camera,
                    "camera.source": "/dev/video99" if camera == LOST else shipped_clip(),
                    "camera.loop": "true",
                    "camera.realtime": "true",
                    "camera.fps": 30,
                    "mqtt.host": broker.host,
                    "mqtt.port": broker.port,
                    "stats.interval": 1,
                }
                daemons[camera] = Daemon(Path(name) / camera, settings)
                for _ in range(number % 3 + 1):  # so that they do not all see the same at once
                    subscriber.wait_for(lambda each: each.topic.endswith("/events"))
            subscriber.publish(f"edgecam/{PAUSED}/enabled/set", b"OFF")
            for _ in range(EVENTS):
                subscriber.wait_for_event("end")
            daemons[GONE].terminate()
            daemons[GONE].wait()
            for _ in range(3):
                subscriber.wait_for_topic("stats")
            subscriber.wait_for_event("new")
            subscriber.wait_for(lambda each: each.topic.endswith("/state") and each.json["label"] is not None)
            seen = subscriber.seen
        cameras = Cameras("edgecam")
        for message in seen:
            cameras.take(message.topic, message.payload)
        for daemon in daemons.values():
            daemon.kill()
    console = Console(record=True, width=COLUMNS, force_terminal=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    console.print(overview(cameras.all().values(), now_utc(), ROWS, "localhost:1883"))
    drawn = console.export_svg(title="edgecam watch")
    # The fonts of the template would be fetched from elsewhere by whoever looks at it.
    start, end = drawn.index("@font-face"), drawn.rindex("@font-face")
    end = drawn.index("}", end) + 1
    target.write_text(drawn[:start] + drawn[end:], "utf-8")


def photographs(folder: Path) -> Path:
    """Views of what the shipped clip shows, in a folder a class."""
    capture = cv2.VideoCapture(str(shipped_clip()))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    capture.release()
    generator = np.random.default_rng(0)
    for label, (first, last) in CLASSES.items():
        (folder / label).mkdir(parents=True)
        for number in range(VIEWS):
            cv2.imwrite(
                str(folder / label / f"{number:03}.jpg"), _view(frames[generator.integers(first, last)], generator)
            )
    return folder


def _view(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:  # type: ignore[type-arg]
    height, width = image.shape[:2]
    side = int(generator.integers(min(height, width) // 2, min(height, width)))
    top, left = int(generator.integers(0, height - side)), int(generator.integers(0, width - side))
    part = image[top : top + side, left : left + side].astype(float) * generator.uniform(0.4, 1.5)
    return np.clip(part + generator.normal(0, 20, part.shape), 0, 255).astype(np.uint8)


def draw_report(target: Path, trainer: str) -> None:
    """Train a model, and let Chromium show its report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [trainer, "-m", "trainer", "train", str(photographs(folder / "photographs"))]
        subprocess.run([*command, "--output", str(folder / "mine")], check=True, cwd=ROOT)  # noqa: S603
        browser = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
        quiet = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/browser",
        ]
        size = f"--window-size={PICTURE[0]},{PICTURE[1]}"
        shot = [f"--screenshot={target}", size, f"file://{folder}/mine/report.html"]
        subprocess.run([browser, *quiet, *shot], check=True, stderr=subprocess.DEVNULL)  # noqa: S603


@click.command()
@click.option("--trainer", default=str(ROOT / ".venv-trainer" / "bin" / "python"), help="Python with TensorFlow.")
@click.option("--only", type=click.Choice(["watch", "report"]), help="One of them.")
def main(trainer: str, only: str | None) -> None:
    """Draw both."""
    if only != "report":
        draw_watch(DOCS / "watch.svg")
    if only != "watch":
        draw_report(DOCS / "report.png", trainer)


if __name__ == "__main__":
    main()
