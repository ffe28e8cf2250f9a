"""A model with its labels and the events that it may decide: what is exchanged when settings change."""

from __future__ import annotations

import difflib
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import uuid6

from edgecam.events import EventTracker
from edgecam.frames import Notice
from edgecam.labels import Labels, unknown_labels
from edgecam.model_check import load_checked
from edgecam.payloads import ModelPayload

if TYPE_CHECKING:
    from edgecam import config
    from edgecam.model import Model

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """What turns frames into events; ``payload`` tells in each event which model decided."""

    model: Model
    labels: Labels
    tracker: EventTracker
    payload: ModelPayload


@dataclass(frozen=True, slots=True, eq=False)
class ClassifierChange(Notice):
    """From here on another classifier decides."""

    classifier: Classifier


def make_classifier(settings: config.Config) -> Classifier:
    """Load the model and begin with nothing seen.

    Raises:
        ModelError: the model is refused.
    """
    return _of(load_checked(settings.model), settings.events)


def changed_classifier(classifier: Classifier, before: config.Config, settings: config.Config) -> Classifier:
    """Return the classifier for other settings: the same one where nothing has changed, the model's file included.

    Raises:
        ModelError: the new model is refused.
    """
    model = load_checked(settings.model)
    old = classifier.model
    same = settings.model == before.model and (model.file, model.classes) == (old.file, old.classes)
    if same and settings.events == before.events:
        return classifier
    if settings.events != before.events or model.classes != old.classes:
        return _of(old if same else model, settings.events)
    payload = ModelPayload(model.file.name, model.file.sha256)
    return replace(classifier, model=model, payload=payload)  # an open event goes on


def _of(model: Model, events: config.Events) -> Classifier:
    labels = Labels(model.classes, events.groups, events.ignore)
    tracker = EventTracker(events, labels.names, lambda: str(uuid6.uuid7()))
    return Classifier(model, labels, tracker, ModelPayload(model.file.name, model.file.sha256))


def announce(model: Model, events: config.Events) -> None:
    """Log which model runs, and which labels in the settings it does not know."""
    classes = model.classes
    logger.info("model %s: %s, %d labels, %s", model.file.path, model.file.name, len(classes), model.runtime)
    for key, named in (("ignore", events.ignore), ("thresholds", events.thresholds)):
        for label in unknown_labels(classes, events.groups, named):
            logger.warning("events.%s: the model has no label %r%s", key, label, _near(label, classes))
    for group, members in events.groups.items():
        unknown = unknown_labels(classes, {}, members)
        if len(unknown) < len(members):  # a group of another model's labels is none of this model's business
            for label in unknown:
                logger.warning("events.groups.%s: the model has no label %r%s", group, label, _near(label, classes))


def _near(label: str, classes: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(label, classes, 1)
    return f"; did you mean {near[0]!r}?" if near else ""
