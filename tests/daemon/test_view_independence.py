"""No view's fault changes another's events: whatever the others see, and whenever they fail, pause or go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecam.camera.frame_queue import Feed, FrameQueue, Look
from edgecam.camera.frames import CameraChange, Frame, Notice
from edgecam.config import Config, EventsSettings, ModelSettings, ViewSettings
from edgecam.daemon.inference import Inference, PipelinesChange
from edgecam.daemon.pipeline import make_pipelines
from edgecam.daemon.stats import Stats
from edgecam.events.kinds import tracker_of
from edgecam.mqtt.clock import Clock
from edgecam.mqtt.notices import Certainty, Happened, Switched
from tests.clips import BGR
from tests.feeds import feed_of_camera

if TYPE_CHECKING:
    from pathlib import Path

    from edgecam.daemon.pipeline import Pipeline, Pipelines

COLOURS = ("red", "green", "grey")
STEP_NS = 100_000_000
WRONG = np.zeros((3, 3, 3), np.uint8)  # no model of ours takes it


@dataclass(frozen=True)
class Step:
    """What happens to one view at one moment."""

    view: str
    what: Literal["red", "green", "grey", "broken", "paused"]


STEPS = st.lists(st.builds(Step, st.sampled_from(["a", "b", "c"]), st.sampled_from([*COLOURS, "broken", "paused"])))


@cache
def loaded(model: str) -> Pipelines:
    path = ModelSettings(path=model, runtime="litert", graph="original", threads=1)
    kinds: dict[str, Literal["visit", "state"]] = {"a": "visit", "b": "state", "c": "visit"}
    views = (
        ViewSettings(name=name, model=path, events=EventsSettings(kind=kind, groups={})) for name, kind in kinds.items()
    )
    return make_pipelines(Config(views=tuple(views)))


def fresh(pipeline: Pipeline) -> Pipeline:
    """The same, with nothing seen."""
    ids = count()
    return replace(pipeline, tracker=tracker_of(pipeline.look.events, pipeline.labels, lambda: f"id-{next(ids)}"))


def run(model: Path, steps: list[tuple[int, Step]], views: tuple[str, ...]) -> list[tuple[object, ...]]:
    """Let the worker see the steps of some views, each at its moment; return what is told of events."""
    pipelines = {view: fresh(pipeline) for view, pipeline in loaded(str(model)).by_view.items() if view in views}
    looks = tuple(Look(pipeline.view, name) for name, pipeline in pipelines.items())
    feed = Feed(feed_of_camera().source, looks)
    queue = FrameQueue(1, feed)
    told: list[Notice] = []
    worker = Inference(
        queue,
        Clock(),
        PipelinesChange(pipelines, {}),
        Stats(queue),
        told.append,
        lambda _: None,
        lambda: 60.0,
    )
    size = pipelines["a"].model.size[::-1]
    images = {name: np.full((*size, 3), BGR[name], np.uint8) for name in COLOURS}
    queue.tell(CameraChange(online=True, at_ns=0))
    for moment, step in steps:
        if step.view not in views:
            continue
        if step.what == "paused":
            queue.tell(Switched(enabled=False, threshold=0.6, view=step.view))
            continue
        image = images.get(step.what, WRONG)
        queue.put(Frame(image, moment * STEP_NS, moment * STEP_NS, view=step.view), feed)
        queue.tell(Notice())  # no frame gives way to a later one
    queue.close()
    worker.run()
    return [fact(notice) for notice in told if isinstance(notice, Happened | Certainty)]


def fact(notice: Happened | Certainty) -> tuple[object, ...]:
    if isinstance(notice, Certainty):
        return notice.origin.view, notice.certain
    payload = notice.payload
    return notice.origin.view, payload.type, payload.label, payload.score, payload.top_score, payload.top


@pytest.mark.timeout(120)
@settings(max_examples=60)
@given(steps=STEPS)
def test_what_is_told_of_a_view_is_what_it_would_be_alone(colour_model: Path, steps: list[Step]) -> None:
    # A view whose frames are never broken: what it tells does not depend on the other two.
    numbered = [
        (moment, Step("a", "grey") if step == Step("a", "broken") else step) for moment, step in enumerate(steps)
    ]
    together = [each for each in run(colour_model, numbered, ("a", "b", "c")) if each[0] == "a"]
    assert together == run(colour_model, numbered, ("a",))
