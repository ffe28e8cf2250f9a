"""Follows one view of the camera: from its frames to what is told of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edgecam.events.answers import Certainty
from edgecam.events.snapshots import Snapshots
from edgecam.mqtt import notices
from edgecam.mqtt.notices import Picture, happened

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from edgecam.camera.frames import Frame, Notice
    from edgecam.daemon.pipeline import Pipeline
    from edgecam.events.snapshots import Snapshot
    from edgecam.events.tracker import Event
    from edgecam.mqtt.clock import Clock
    from edgecam.rollout.probation import Probation


class Observer:
    """Takes the frames of one view through its pipeline, which can be exchanged between two of them.

    Each method returns what is to be told, in its order and in words: nothing is looked up later.

    Attributes:
        pipeline: the one of now.
        inference_ns: how long the model took for the last frame; None: it rested, or failed on trial.
    """

    def __init__(self, pipeline: Pipeline, clock: Clock, probation: Probation | None = None) -> None:
        """Begin with nothing seen; ``probation`` is told how the model does, and one that fails then is no error."""
        self.pipeline = pipeline
        self.inference_ns: int | None = None
        self._clock = clock
        self._probation = probation
        self._scores: NDArray[np.float64] | None = None  # of the last frame that was looked at
        self._snapshots = Snapshots()

    def observe(self, frame: Frame) -> list[Notice]:
        """Classify a frame, unless nothing has changed in it, and follow the scores."""
        pipeline = self.pipeline
        looks = not pipeline.motion or pipeline.motion.step(frame.exposed_ns, frame.image)
        self.inference_ns = None
        if looks or self._scores is None:
            start_ns = time.monotonic_ns()
            try:
                classes = pipeline.model.scores(frame.image, frame.layout)
            except Exception as error:
                if self._probation is None or self._probation.is_passed:
                    raise
                self._probation.failed(error)
                return []  # until the pipeline of before is back
            self.inference_ns = time.monotonic_ns() - start_ns
            self._scores = pipeline.labels.scores(classes)
            if self._probation:
                self._probation.took(self.inference_ns, start_ns)
        events = pipeline.tracker.step(frame.exposed_ns, self._scores)
        return self._told(events, self._snapshots.step(frame, self._scores, events))

    def exchange(self, pipeline: Pipeline, probation: Probation | None) -> list[Notice]:
        """Go on with another pipeline; an open event is ended unless the other one goes on with it.

        That of a state goes on by itself, unless it is another's from now on.
        """
        told: list[Notice] = []
        if pipeline.tracker is not self.pipeline.tracker:
            is_anothers = pipeline.origin.topic("") != self.pipeline.origin.topic("")
            told = self.end() if is_anothers else self.finish()
        self.pipeline, self._probation, self._scores = pipeline, probation, None
        return told

    def finish(self) -> list[Notice]:
        """Take in that no more frames come for now; those that come later may go by another clock."""
        self._rest()
        steps = self.pipeline.tracker.finish()
        return self._told(steps, self._snapshots.finish(steps))

    def end(self) -> list[Notice]:
        """End an open event: what comes is another's."""
        self._rest()
        steps = self.pipeline.tracker.end()
        return self._told(steps, self._snapshots.finish(steps))

    def _rest(self) -> None:
        self._scores = None
        if self.pipeline.motion:
            self.pipeline.motion.begin()

    def _told(self, steps: Iterable[Event | Certainty], snapshots: Iterable[Snapshot]) -> list[Notice]:
        pipeline = self.pipeline
        told = [self._in_words(step) for step in steps]
        pictures = [
            Picture(
                origin=pipeline.origin,
                event_id=snapshot.event_id,
                label=pipeline.labels.names[snapshot.label],
                score=snapshot.score,
                frame_time=self._clock.iso(snapshot.frame.exposed_ns),
                frame=snapshot.frame,
                view=pipeline.view,
            )
            for snapshot in snapshots
        ]
        return [*told, *pictures]

    def _in_words(self, step: Event | Certainty) -> Notice:
        pipeline = self.pipeline
        if isinstance(step, Certainty):
            times = self._clock.times()
            return notices.Certainty(pipeline.origin, step.certain, times.iso(step.at_ns), times.stepped_ns)
        about = pipeline.origin, pipeline.labels, pipeline.payload, self._clock, pipeline.look.events.kind
        return happened(step, *about)
