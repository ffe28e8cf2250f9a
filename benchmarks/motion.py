"""What ``[motion]`` saves, and whether it misses anything: ``python benchmarks/motion.py [CLIP...]``.

Recall: the events of each clip (the shipped one is always among them) with every frame looked at, and how many of them
are there too, with the same label and overlapping in time, while inference rests when it can. The daemon's own parts
run on the clip, with a low threshold, so that there are many events. CPU: of the whole daemon on a still picture at 30
frames a second.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cv2

from edgecam import config
from edgecam.camera.sources import open_source
from edgecam.daemon.pipeline import make_pipelines
from edgecam.events.tracker import Event
from edgecam.tools import bench
from edgecam.tools.demo import shipped_clip

if TYPE_CHECKING:
    from edgecam.events.answers import Certainty

SECONDS = 8
SAVED = 0.7
THRESHOLD = 0.2
USUAL = config.ModelSettings(runtime="litert", graph="original", threads=1)


def events_of(clip: Path, *, motion: bool) -> tuple[list[Event], float]:
    """Ends of all events of a clip, in its own time, and the share of frames at which inference rested."""
    settings = config.Config(
        camera=config.CameraSettings(source=str(clip)),
        model=USUAL,
        motion=config.MotionSettings(enabled=motion),
        events=config.EventsSettings(threshold=THRESHOLD),
    )
    pipeline = make_pipelines(settings).first
    source, view = open_source(settings.camera), pipeline.view
    happened: list[Event | Certainty] = []
    scores, frames, rested, began_ns = None, 0, 0, 0
    for frame in source.frames(threading.Event()):
        image = view.of_frame(frame).image
        began_ns = began_ns or frame.exposed_ns
        time_ns = frame.exposed_ns - began_ns + 1_000_000_000
        if scores is None or not pipeline.motion or pipeline.motion.step(time_ns, image):
            scores = pipeline.labels.scores(pipeline.model.scores(image))
        else:
            rested += 1
        frames += 1
        happened += pipeline.tracker.step(time_ns, scores)
    happened += pipeline.tracker.finish()
    return [event for event in happened if isinstance(event, Event) and event.type == "end"], rested / frames


def found(event: Event, among: list[Event]) -> bool:
    """Whether an event is there too."""
    assert event.end_ns  # noqa: S101  they have ended
    return any(
        other.label == event.label and other.start_ns <= event.end_ns and (other.end_ns or 0) >= event.start_ns
        for other in among
    )


def cpu_percent(folder: Path, state: str, *, motion: bool) -> tuple[float, float]:
    """Per cent of a core that the daemon takes on a still picture, and the share of frames at which it rested."""
    settings = config.Config(
        camera=config.CameraSettings(source=str(folder), loop=True, realtime=True),
        model=USUAL,
        motion=config.MotionSettings(enabled=motion),
        mqtt=bench.NOWHERE,
        stats=config.StatsSettings(interval=float(SECONDS)),
    )
    with bench.daemon(settings, state) as stats:
        before, after = next(stats), next(stats)
    classified = after.frames.classified - before.frames.classified
    return after.cpu_percent, (after.frames.rested - before.frames.rested) / classified


@click.command()
@click.argument("clips", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def main(clips: tuple[Path, ...]) -> None:
    """Measure and compare with the bars; exit 1 if one is missed."""
    missed = False
    for clip in (shipped_clip(), *clips):
        every, _ = events_of(clip, motion=False)
        resting, share = events_of(clip, motion=True)
        kept = sum(found(event, resting) for event in every)
        missed |= kept < len(every)
        click.echo(
            f"{clip.name}: {len(every)} events, {kept} of them with motion, {len(resting)} in all; "
            f"inference rested at {share:.0%} of the frames"
        )
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as state:
        capture = cv2.VideoCapture(str(shipped_clip()))
        cv2.imwrite(f"{folder}/still.jpg", capture.read()[1])
        always, _ = cpu_percent(Path(folder), state, motion=False)
        rarely, share = cpu_percent(Path(folder), state, motion=True)
    saved = 1 - rarely / always
    missed |= saved < SAVED
    click.echo(
        f"a still picture: {always:.1f} % of a core, with motion {rarely:.1f} % (rested at {share:.0%}): "
        f"{saved:.0%} less, bar {SAVED:.0%}: {'met' if saved >= SAVED else 'MISSED'}"
    )
    sys.exit(missed)


if __name__ == "__main__":
    main()
