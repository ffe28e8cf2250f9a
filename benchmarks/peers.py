"""edgecam beside its peers, in one run: ``python benchmarks/peers.py [--model FILE] [--docs]``.

One model, one thread, the same pictures of the shipped clip, already decoded (for edgecam: on disk, of which each
is decoded for 30 frames), each contender in a process of its own, taking turns:

- bare: ``invoke()`` in a loop, nothing else
- edgecam: the whole daemon, with a real mosquitto
- mediapipe: MediaPipe Tasks' ImageClassifier in VIDEO mode
- tutorial: PIL to shrink, ``set_tensor``, ``invoke``, ``get_tensor``, argmax: the loop of the article that edgecam
  began with
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from documents import figure, put_table

from edgecam import config
from edgecam.model import plan, runtimes
from edgecam.model.classifier import shipped_model
from edgecam.model.loading import PlannedModel, plan_model
from edgecam.tools import bench
from tests.broker import Mosquitto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

CONTENDERS = ("bare", "edgecam", "mediapipe", "tutorial")
NAMES = {
    "bare": "bare `invoke()`: the limit",
    "edgecam": "edgecam, the whole daemon",
    "mediapipe": "MediaPipe Tasks ImageClassifier, VIDEO mode",
    "tutorial": "the tutorial's loop with PIL",
}
WARM_UP = 20


def bare(model: Path) -> Callable[[NDArray[np.uint8], int], object]:
    """Nothing but inference."""
    interpreter = runtimes.interpreter("litert", model.read_bytes(), 1)
    return lambda _image, _number: interpreter.invoke()


def mediapipe(model: Path) -> Callable[[NDArray[np.uint8], int], object]:
    """A frame as a camera gives it, through MediaPipe."""
    import mediapipe as mp
    from mediapipe.tasks import python as tasks
    from mediapipe.tasks.python import vision

    options = vision.ImageClassifierOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(model)),
        running_mode=vision.RunningMode.VIDEO,
        max_results=3,
    )
    classifier = vision.ImageClassifier.create_from_options(options)

    def step(image: NDArray[np.uint8], number: int) -> object:
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        return classifier.classify_for_video(mp.Image(image_format=mp.ImageFormat.SRGB, data=rgb), number * 33)

    return step


def tutorial(model: Path) -> Callable[[NDArray[np.uint8], int], object]:
    """A frame as a camera gives it, through PIL."""
    from PIL import Image as Pil

    interpreter: Any = runtimes.interpreter("litert", model.read_bytes(), 1)
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    _, height, width, _ = source["shape"]

    def step(image: NDArray[np.uint8], _number: int) -> object:
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        pixels = np.array(Pil.fromarray(rgb).resize((int(width), int(height))), dtype=np.uint8)
        if source["dtype"] == np.int8:
            pixels = (pixels ^ 0x80).view(np.int8)
        interpreter.set_tensor(source["index"], np.expand_dims(pixels, axis=0).astype(source["dtype"]))
        interpreter.invoke()
        output = interpreter.get_tensor(result["index"])
        return np.argmax(output), np.max(output)

    return step


def alone(name: str, model: Path, folder: Path, frames: int) -> dict[str, float]:
    """Run a loop over the pictures; frames a second, and CPU milliseconds a frame."""
    images = [cv2.imread(str(path)) for path in sorted(folder.glob("*.jpg"))]
    step = {"bare": bare, "mediapipe": mediapipe, "tutorial": tutorial}[name](model)
    numbered = enumerate(cycle(images))
    for number, image in islice(numbered, WARM_UP):
        step(image, number)
    started, cpu = time.perf_counter(), time.process_time()
    for number, image in islice(numbered, frames):
        step(image, number)
    cpu_ms = (time.process_time() - cpu) / frames * 1e3
    return {"fps": frames / (time.perf_counter() - started), "cpu_ms": cpu_ms}


def edgecam(model: Path, graph: plan.Graph, folder: Path, frames: int, broker: Mosquitto) -> dict[str, float]:
    """Run the daemon over the pictures."""
    settings = config.ModelSettings(path=str(model), runtime="litert", graph=graph, threads=1)
    with tempfile.TemporaryDirectory() as state:
        mqtt = config.MqttSettings(host=broker.host, port=broker.port)
        stats = bench.at_full_speed(settings, folder, state, frames, mqtt)
    return {"fps": stats.fps, "cpu_ms": stats.cpu_percent * 10 / stats.fps, "memory_mb": stats.rss_mb}


def measure(planned: PlannedModel, folder: Path, frames: int, rounds: int) -> dict[str, dict[str, float]]:
    """Medians of the rounds, of each contender: frames a second, CPU milliseconds, and the same by bare inference.

    Bare inference is that of the graph which edgecam has chosen.
    """
    model, chosen = Path(planned.settings.path), folder / "chosen.tflite"
    chosen.write_bytes(planned.graph)
    rows: dict[str, list[dict[str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as state, Mosquitto(Path(state)) as broker:
        for number in range(rounds):
            for name in CONTENDERS:
                if name == "edgecam":
                    row = edgecam(model, planned.plan.graph, folder, frames, broker)
                else:
                    command = [sys.executable, __file__, "--alone", name]
                    command += ["--model", str(chosen if name == "bare" else model)]
                    command += ["--pictures", str(folder), "--frames", str(frames)]
                    ended = subprocess.run(command, capture_output=True, check=True)  # noqa: S603
                    row = json.loads(ended.stdout.splitlines()[-1])
                first = rows["bare"][number] if name != "bare" else row
                row |= {"speed": row["fps"] / first["fps"], "cpu": row["cpu_ms"] / first["cpu_ms"]}
                rows[name].append(row)
                click.echo(f"round {number + 1}/{rounds}: {name} {row['fps']:.0f} frames a second", err=True)
    return {name: {key: statistics.median(row[key] for row in each) for key in each[0]} for name, each in rows.items()}


def table(medians: dict[str, dict[str, float]]) -> Iterator[str]:
    """Rows of Markdown."""
    yield "| | frames a second | of bare `invoke()` | CPU a frame | of bare `invoke()` |"
    yield "|---|---|---|---|---|"
    for name in CONTENDERS:
        row = medians[name]
        yield (f"| {NAMES[name]} | {row['fps']:.0f} | {row['speed']:.2f} | {row['cpu_ms']:.2f} ms | {row['cpu']:.2f} |")


def bars(medians: dict[str, dict[str, float]]) -> list[tuple[str, float, str, bool]]:
    """What is to be reached: its name, value, bar, and whether it is."""
    ours = medians["edgecam"]
    lead = ours["fps"] / medians["mediapipe"]["fps"]
    return [
        ("frames a second ÷ bare invoke", ours["speed"], ">= 0.97", ours["speed"] >= 0.97),  # noqa: PLR2004
        ("frames a second ÷ MediaPipe", lead, ">= 1.5", lead >= 1.5),  # noqa: PLR2004
        ("CPU a frame ÷ bare invoke", ours["cpu"], "<= 1.10", ours["cpu"] <= 1.10),  # noqa: PLR2004
        ("memory of the daemon in MB", ours["memory_mb"], "<= 130", ours["memory_mb"] <= 130),  # noqa: PLR2004
    ]


def draw(medians: dict[str, dict[str, float]], file: str, title: str) -> None:
    """Put a plot into the docs."""
    with figure(file, (7, 2.4)) as axes:
        names = CONTENDERS[::-1]
        values = [medians[name]["fps"] for name in names]
        colours = ["tab:green" if name == "edgecam" else "tab:grey" if name == "bare" else "tab:blue" for name in names]
        axes.barh([NAMES[name].replace("`", "") for name in names], values, color=colours)
        for place, value in enumerate(values):
            axes.text(value, place, f" {value:.0f}", va="center")
        axes.set_xlabel("frames a second on one thread")
        axes.figure.suptitle(title, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)


@click.command()
@click.option("--model", type=click.Path(path_type=Path, exists=True), default=shipped_model())
@click.option("--frames", default=400, show_default=True, help="A round.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--docs", is_flag=True, help="Write the table and a plot into docs/.")
@click.option("--alone", "contender", hidden=True)
@click.option("--pictures", type=click.Path(path_type=Path), hidden=True)
def main(model: Path, frames: int, rounds: int, *, docs: bool, contender: str | None, pictures: Path | None) -> None:
    """Measure, and compare with the bars; exit 1 if one is missed."""
    if contender and pictures:
        click.echo(json.dumps(alone(contender, model, pictures, frames)))
        return
    with bench.slides() as folder:
        planned = plan_model(
            config.ModelSettings(path=str(model), runtime="litert", threads=1), bench.FPS, measure=True
        )
        medians = measure(planned, folder, frames, rounds)
    title = f"{model.stem}, {planned.plan.graph} graph, one thread, {bench.machine()}"
    lines = [f"{title}:", "", *table(medians)]
    click.echo("\n".join(lines))
    rows = bars(medians)
    for name, value, bar, met in rows:
        click.echo(f"{name:32} {value:7.2f}  {bar:8} {'met' if met else 'MISSED'}")
    if docs:
        put_table(f"peers {model.stem}", lines)
        draw(medians, f"peers-{model.stem}.png", title)
    sys.exit(0 if all(met for *_, met in rows) else 1)


if __name__ == "__main__":
    main()
