"""What reads the work of others, each as a function that takes any bytes, and returns or refuses in words."""

from __future__ import annotations

import tempfile
import threading
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgecam import config
from edgecam.camera.sources import open_source
from edgecam.camera.view import View
from edgecam.daemon.switches import read_switches
from edgecam.errors import ConfigError, EdgecamError, SourceError
from edgecam.model import metadata
from edgecam.model.labels import formats as label_formats
from edgecam.model.trial import check
from edgecam.mqtt import commands
from edgecam.mqtt.messages import read_left
from edgecam.mqtt.outbox_file import OpenEvent
from tests import tflite
from trainer.quantisation.metadata import with_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE = (32, 24)
FRAMES = 5
LABEL_FILES = (".txt", ".json", ".yaml", ".csv", ".pbtxt")


class Refused(Exception):  # noqa: N818  it is what should happen
    """The input was refused in words."""


def settings(data: bytes) -> None:
    """A configuration file, and an override of the command line."""
    with _file(data, "config.toml") as path, _refusal(ConfigError):
        config.load(path, [data[:200].decode(errors="replace")])


def model(data: bytes) -> None:
    """A model, as the child process checks it."""
    with _file(data, "model.tflite") as path, _refusal(EdgecamError):
        path.with_suffix(".txt").write_text("a\nb\nc\n")
        check(config.ModelSettings(path=str(path)))


def model_metadata(data: bytes) -> None:
    """What a model tells of itself."""
    with _refusal(EdgecamError):
        metadata.read_metadata(data)


def labels(data: bytes) -> None:
    """A file of labels, of any of the kinds that are told by their suffix."""
    with _refusal(EdgecamError):
        suffix = LABEL_FILES[data[0] % len(LABEL_FILES)] if data else LABEL_FILES[0]
        label_formats.readings(data[1:], f"labels{suffix}")


def command(data: bytes) -> None:
    """An order over MQTT."""
    with _refusal(ValueError):
        commands.parse(commands.NAMES[data[0] % len(commands.NAMES)] if data else "", data[1:])


def image(data: bytes) -> None:
    """An image in a folder."""
    _see(data, "image.jpg", folder=True)


def video(data: bytes) -> None:
    """A video."""
    _see(data, "clip.avi")


def state(data: bytes) -> None:
    """What an earlier run left."""
    with _file(data, "switches.json") as path:
        read_switches(path)
    if read_left(OpenEvent("topic", data)) is None:
        raise Refused


def seeds() -> dict[str, tuple[Callable[[bytes], None], list[bytes]]]:
    """Name each target, with good inputs to begin from."""
    picture = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    images = [cv2.imencode(suffix, picture)[1].tobytes() for suffix in (".jpg", ".png", ".bmp", ".tiff", ".webp")]
    types: tuple[tflite.Type, ...] = ("float32", "uint8", "int8")
    models = [_with_labels(tflite.classifier(dtype, size=SIZE)) for dtype in types]
    example = Path(__file__).parents[2] / "config.toml"
    switches = b'{"enabled":false,"threshold":0.5,"instead_of":0.6}'
    event = (
        b'{"schema":1,"id":"a","type":"new","camera":"c","label":"l","index":null,"score":0.5,"top_score":0.5,'
        b'"frame_time":"2026-01-01T00:00:00.000000Z","start_time":"2026-01-01T00:00:00.000000Z","end_time":null,'
        b'"top":[],"model":{"name":"m","sha256":"0"}}'
    )
    return {
        "settings": (settings, [example.read_bytes(), b"mqtt.port=1"]),
        "models": (model, models),
        "metadata": (model_metadata, models),
        "labels": (
            labels,
            [b"\x000 cat\n1 dog", b'\1["cat"]', b"\2names: {0: 'cat'}", b'\3id,name\n0,"cat"', b"\4item {}"],
        ),
        "commands": (command, [b"\0ON", b"\0OFF", b"\x010.5"]),
        "images": (image, images),
        "videos": (video, [_clip(suffix, codec) for suffix, codec in ((".avi", "MJPG"), (".mp4", "mp4v"))]),
        "state": (state, [switches, event]),
    }


def _with_labels(content: bytes) -> bytes:
    told = {"name": "n", "description": "d", "licence": "l", "labels": tflite.COLOURS, "mean": 127.5, "std": 127.5}
    return with_metadata(content, **told)  # type: ignore[arg-type]


def _see(data: bytes, name: str, *, folder: bool = False) -> None:
    with _file(data, name) as path, _refusal(SourceError):
        camera = config.CameraSettings(source=str(path.parent if folder else path))
        view = View(camera, SIZE)
        for frame in islice(open_source(camera).frames(threading.Event()), FRAMES):
            view.of_frame(frame)


def _clip(suffix: str, codec: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clip{suffix}"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 30, SIZE)
        for level in range(FRAMES):
            writer.write(np.full((SIZE[1], SIZE[0], 3), 40 * level, np.uint8))
        writer.release()
        return path.read_bytes()


@contextmanager
def _file(data: bytes, name: str) -> Iterator[Path]:
    """A file with some content, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path


@contextmanager
def _refusal(expected: type[Exception]) -> Iterator[None]:
    """Turns an error that is expected into `Refused`, if it says something."""
    try:
        yield
    except expected as error:
        assert str(error)
        raise Refused from None
