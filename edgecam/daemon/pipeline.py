"""A model with its labels and the events that it may decide: what is exchanged when settings change."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgecam.camera.frames import Notice
from edgecam.camera.motion import Motion
from edgecam.events.labels import Labels, labels_of, mistakes
from edgecam.events.tracker import EventTracker
from edgecam.model.classifier import fingerprint
from edgecam.model.loading import plan_model
from edgecam.mqtt.payloads import ModelPayload

if TYPE_CHECKING:
    from edgecam import config
    from edgecam.model.classifier import Classifier
    from edgecam.model.loading import PlannedModel
    from edgecam.rollout.probation import Probation

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """What turns frames into events.

    Attributes:
        motion: decides which frames the model looks at; None: all.
        fingerprint: that of the model's files before they were loaded.
        planned: the model's file, and how it is run.
    """

    model: Classifier
    labels: Labels
    tracker: EventTracker
    motion: Motion | None
    fingerprint: str
    planned: PlannedModel

    @property
    def payload(self) -> ModelPayload:
        """What tells in each event which model decided."""
        return ModelPayload(self.model.file.name, self.model.file.sha256)


@dataclass(frozen=True, slots=True, eq=False)
class PipelineChange(Notice):
    """From here on another pipeline decides, on probation if one is given."""

    pipeline: Pipeline
    probation: Probation | None = None


def make_pipeline(settings: config.Config) -> Pipeline:
    """Load the model and begin with nothing seen.

    Raises:
        ModelError: the model is refused.
    """
    found = fingerprint(settings.model)
    planned = plan_model(settings.model, settings.camera.fps, measure=False)
    return _of(planned.load(), settings, found, planned)


def changed_pipeline(pipeline: Pipeline, before: config.Config, settings: config.Config) -> Pipeline:
    """Return the pipeline for other settings, how the model is run being measured where it has not been.

    It is the same one where nothing has changed, the model's file included.

    Raises:
        ModelError: the new model is refused.
    """
    found, model, planned = fingerprint(settings.model), pipeline.model, pipeline.planned
    other = settings.model != before.model or found != pipeline.fingerprint
    if other or not planned.is_final:
        planned = plan_model(settings.model, settings.camera.fps, measure=True)
        if other or planned.plan != model.plan:
            model = planned.load()
    if settings.events != before.events or _told(model) != _told(pipeline.model):
        return _of(model, settings, found, planned)
    if planned is pipeline.planned and settings.motion == before.motion:
        return pipeline
    motion = pipeline.motion if settings.motion == before.motion else _motion(settings)
    return replace(pipeline, model=model, motion=motion, fingerprint=found, planned=planned)  # an open event goes on


def _of(model: Classifier, settings: config.Config, found: str, planned: PlannedModel) -> Pipeline:
    events = settings.events
    labels = labels_of(model, events)
    tracker = EventTracker(events, labels.names, _new_id, labels.neutral)
    return Pipeline(model, labels, tracker, _motion(settings), found, planned)


def _told(model: Classifier) -> tuple[object, ...]:
    return model.classes, model.groups, model.neutral


def _new_id() -> str:
    import uuid6  # with the first event: it takes as long to import as some models to load

    return str(uuid6.uuid7())


def _motion(settings: config.Config) -> Motion | None:
    return Motion(settings.motion) if settings.motion.enabled else None


def announce(pipeline: Pipeline, events: config.EventsSettings) -> None:
    """Log which model runs and how, and which labels in the settings it does not know."""
    announce_plan(pipeline)
    for mistake in mistakes(pipeline.model, events):
        logger.warning("%s", mistake)


def announce_plan(pipeline: Pipeline) -> None:
    """Log which model runs and how, and by which measurements that was chosen."""
    model, measured = pipeline.model, pipeline.planned.measured
    details = f"{model.file.name}, {len(model.classes)} labels, {model.plan}" + (f": {measured}" if measured else "")
    logger.info("model %s: %s", model.file.path, details)
