"""A view's way from frames to events: what is exchanged when settings change."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgecam.camera.motion import Motion
from edgecam.camera.view import view_of
from edgecam.events.labels import Labels, labels_of, mistakes
from edgecam.events.tracker import EventTracker
from edgecam.model.classifier import fingerprint
from edgecam.model.labels.files import repeated
from edgecam.model.loading import plan_model
from edgecam.mqtt.notices import Origin
from edgecam.mqtt.payloads import LabelPayload, ModelPayload

if TYPE_CHECKING:
    from edgecam import config
    from edgecam.camera.view import View
    from edgecam.model.classifier import Classifier
    from edgecam.model.loading import PlannedModel

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """What turns a view's frames into events.

    Attributes:
        origin: whose events these are.
        view: what the model sees of the camera's picture.
        model: gives the scores of its classes.
        labels: what is reported of them.
        tracker: tells when a label begins and ends to be what is seen.
        motion: decides which frames the model looks at; None: all.
        fingerprint: that of the model's files before they were loaded.
        planned: the model's file, and how it is run.
    """

    origin: Origin
    view: View
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

    @property
    def leading(self) -> LabelPayload | None:
        """The label with the highest score now, which may be below its threshold; called by any thread."""
        leading = self.tracker.leading()
        return LabelPayload(self.labels.names[leading[0]], round(leading[1], 4)) if leading else None


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

    It is the same one where nothing has changed, the model's file included. An open event goes on unless what decides
    of it has changed, or whose it is.

    Raises:
        ModelError: the new model is refused.
    """
    found, model, planned = fingerprint(settings.model), pipeline.model, pipeline.planned
    other = settings.model != before.model or found != pipeline.fingerprint
    if other or not planned.is_final:
        planned = plan_model(settings.model, settings.camera.fps, measure=True)
        if other or planned.plan != model.plan:
            model = planned.load()
    decides = settings.events != before.events or _told(model) != _told(pipeline.model)
    if decides or _whose(settings) != _whose(before):
        return _of(model, settings, found, planned)
    is_same = model is pipeline.model
    looks_alike = (settings.camera, settings.privacy) == (before.camera, before.privacy) and is_same
    if looks_alike and planned is pipeline.planned and settings.motion == before.motion:
        return pipeline
    return replace(
        pipeline,
        view=view_of(settings, model.size, model.fit),
        model=model,
        motion=pipeline.motion if settings.motion == before.motion and is_same else _motion(settings),
        fingerprint=found,
        planned=planned,
    )


def _of(model: Classifier, settings: config.Config, found: str, planned: PlannedModel) -> Pipeline:
    events = settings.events
    labels = labels_of(model, events)
    tracker = EventTracker(events, labels.names, _new_id, labels.neutral, model.thresholds)
    view = view_of(settings, model.size, model.fit)
    return Pipeline(_origin(settings), view, model, labels, tracker, _motion(settings), found, planned)


def _origin(settings: config.Config) -> Origin:
    return Origin(settings.root, settings.camera.name)


def _whose(settings: config.Config) -> tuple[Origin, str, int]:
    """Whose events these are, and where: they end where they began."""
    return _origin(settings), settings.mqtt.host, settings.mqtt.port


def _told(model: Classifier) -> tuple[object, ...]:
    return model.classes, model.groups, model.neutral, model.thresholds


def _new_id() -> str:
    import uuid6  # with the first event: it takes as long to import as some models to load

    return str(uuid6.uuid7())


def _motion(settings: config.Config) -> Motion | None:
    return Motion(settings.motion) if settings.motion.enabled else None


def announce(pipeline: Pipeline, events: config.EventsSettings) -> None:
    """Log which model runs and how, which of its labels are one, and which in the settings it does not know."""
    announce_plan(pipeline)
    pixels = pipeline.model.pixels
    if pixels.source == "assumed":
        logger.warning("the model does not tell how it wants its pixels: %s is assumed; see edgecam check", pixels.name)
    if twice := repeated(pipeline.model.classes):
        logger.warning("%s", twice)
    for mistake in mistakes(pipeline.model, events):
        logger.warning("%s", mistake)


def announce_plan(pipeline: Pipeline) -> None:
    """Log which model runs and how, and by which measurements that was chosen."""
    model, measured = pipeline.model, pipeline.planned.measured
    details = f"{model.file.name}, {len(model.classes)} labels, {model.plan}" + (f": {measured}" if measured else "")
    logger.info("model %s: %s", model.file.path, details)
