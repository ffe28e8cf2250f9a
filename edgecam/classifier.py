"""A model with its labels and the events that it may decide: what is exchanged when settings change."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgecam.events import EventTracker
from edgecam.frames import Notice
from edgecam.labels import Labels, unknown_labels
from edgecam.model import fingerprint
from edgecam.model_loading import find_way
from edgecam.motion import Motion
from edgecam.payloads import ModelPayload

if TYPE_CHECKING:
    from edgecam import config
    from edgecam.model import Model
    from edgecam.model_loading import Way
    from edgecam.probation import Probation

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """What turns frames into events.

    Attributes:
        motion: decides which frames the model looks at; None: all.
        fingerprint: that of the model's files before they were loaded.
        way: how the model is run.
    """

    model: Model
    labels: Labels
    tracker: EventTracker
    motion: Motion | None
    fingerprint: str
    way: Way

    @property
    def payload(self) -> ModelPayload:
        """What tells in each event which model decided."""
        return ModelPayload(self.model.file.name, self.model.file.sha256)


@dataclass(frozen=True, slots=True, eq=False)
class ClassifierChange(Notice):
    """From here on another classifier decides, on probation if one is given."""

    classifier: Classifier
    probation: Probation | None = None


def make_classifier(settings: config.Config) -> Classifier:
    """Load the model and begin with nothing seen.

    Raises:
        ModelError: the model is refused.
    """
    found = fingerprint(settings.model)
    way = find_way(settings.model, settings.camera.fps, measure=False)
    return _of(way.load(), settings, found, way)


def changed_classifier(classifier: Classifier, before: config.Config, settings: config.Config) -> Classifier:
    """Return the classifier for other settings, how the model is run being measured where it has not been.

    It is the same one where nothing has changed, the model's file included.

    Raises:
        ModelError: the new model is refused.
    """
    found, model, way = fingerprint(settings.model), classifier.model, classifier.way
    other = settings.model != before.model or found != classifier.fingerprint
    if other or not way.is_final:
        way = find_way(settings.model, settings.camera.fps, measure=True)
        if other or way.plan != model.plan:
            model = way.load()
    if settings.events != before.events or model.classes != classifier.model.classes:
        return _of(model, settings, found, way)
    if way is classifier.way and settings.motion == before.motion:
        return classifier
    motion = classifier.motion if settings.motion == before.motion else _motion(settings)
    return replace(classifier, model=model, motion=motion, fingerprint=found, way=way)  # an open event goes on


def _of(model: Model, settings: config.Config, found: str, way: Way) -> Classifier:
    events = settings.events
    labels = Labels(model.classes, events.groups, events.ignore)
    tracker = EventTracker(events, labels.names, _new_id)
    return Classifier(model, labels, tracker, _motion(settings), found, way)


def _new_id() -> str:
    import uuid6  # with the first event: it takes as long to import as some models to load

    return str(uuid6.uuid7())


def _motion(settings: config.Config) -> Motion | None:
    return Motion(settings.motion) if settings.motion.enabled else None


def announce(classifier: Classifier, events: config.Events) -> None:
    """Log which model runs and how, and which labels in the settings it does not know."""
    announce_way(classifier)
    classes = classifier.model.classes
    for key, named in (("ignore", events.ignore), ("thresholds", events.thresholds)):
        for label in unknown_labels(classes, events.groups, named):
            logger.warning("events.%s: the model has no label %r%s", key, label, _near(label, classes))
    for group, members in events.groups.items():
        unknown = unknown_labels(classes, {}, members)
        if len(unknown) < len(members):  # a group of another model's labels is none of this model's business
            for label in unknown:
                logger.warning("events.groups.%s: the model has no label %r%s", group, label, _near(label, classes))


def announce_way(classifier: Classifier) -> None:
    """Log which model runs and how, and by which measurements that was chosen."""
    model, measured = classifier.model, classifier.way.measured
    details = f"{model.file.name}, {len(model.classes)} labels, {model.plan}" + (f": {measured}" if measured else "")
    logger.info("model %s: %s", model.file.path, details)


def _near(label: str, classes: tuple[str, ...]) -> str:
    import difflib  # where nothing is wrong it is not needed

    near = difflib.get_close_matches(label, classes, 1)
    return f"; did you mean {near[0]!r}?" if near else ""
