"""A view's way from frames to events: what is exchanged when settings change."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from edgecam.camera.motion import Motion
from edgecam.camera.view import view_of
from edgecam.errors import ModelError
from edgecam.events.kinds import tracker_of
from edgecam.events.labels import Labels, labels_of, mistakes, unknown
from edgecam.model.classifier import fingerprint
from edgecam.model.labels.files import repeated
from edgecam.model.loading import plan_model
from edgecam.mqtt.notices import Origin, ViewFacts
from edgecam.mqtt.payloads import LabelPayload, ModelPayload

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from edgecam import config
    from edgecam.camera.view import View
    from edgecam.events.kinds import Tracker
    from edgecam.model.classifier import Classifier
    from edgecam.model.loading import PlannedModel

logger = logging.getLogger(__name__)

LOOKS_TO_END = 2  # in a row, of a view that looks less often than there are frames


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """What turns a view's frames into events.

    Attributes:
        origin: whose events these are.
        look: the settings of the view.
        view: what the model sees of the camera's picture.
        model: gives the scores of its classes.
        labels: what is reported of them.
        tracker: tells when a label begins and ends to be what is seen.
        motion: decides which frames the model looks at; None: all.
        fingerprint: that of the model's files before they were loaded.
        planned: the model's file, and how it is run.
    """

    origin: Origin
    look: config.ViewSettings
    view: View
    model: Classifier
    labels: Labels
    tracker: Tracker
    motion: Motion | None
    fingerprint: str
    planned: PlannedModel

    @property
    def payload(self) -> ModelPayload:
        """What tells in each event which model decided."""
        return ModelPayload(self.model.file.name, self.model.file.sha256)

    @property
    def facts(self) -> ViewFacts:
        """What those outside need know of the view."""
        neutral = self.labels.neutral
        labels = tuple(name for place, name in enumerate(self.labels.names) if place not in neutral)
        return ViewFacts(self.origin.view, self.look.events.kind, labels)

    @property
    def leading(self) -> LabelPayload | None:
        """The label with the highest score now, which may be below its threshold; called by any thread."""
        leading = self.tracker.leading()
        return LabelPayload(self.labels.names[leading[0]], round(leading[1], 4)) if leading else None


class Models:
    """Loads models, each but once: views that have one in common share it, and its memory."""

    def __init__(self, settings: config.Config, *, measure: bool, pipelines: Iterable[Pipeline] = ()) -> None:
        """Load models for the views of ``settings``.

        Args:
            settings: all of them.
            measure: where it is not known how fast a model runs in which way, find out now, which takes seconds.
            pipelines: those that run, whose models are taken as they are where they still hold.
        """
        fps = settings.camera.fps
        self._rate = sum(min(fps, 1 / look.every) if look.every else fps for look in settings.looks)
        self._measure = measure
        self._found: dict[bytes, str] = {}
        self._loaded = {(_key(each.look.model), each.fingerprint): (each.model, each.planned) for each in pipelines}

    def get(self, settings: config.ModelSettings) -> tuple[str, Classifier, PlannedModel]:
        """Return a model, with the fingerprint of its files and how it is run.

        Raises:
            ModelError: it is refused.
        """
        key = _key(settings)
        if key not in self._found:
            self._found[key] = fingerprint(settings)
        found = self._found[key]
        loaded = self._loaded.get((key, found))
        if loaded and (loaded[1].is_final or not self._measure):
            return found, *loaded
        planned = plan_model(settings, self._rate, measure=self._measure)
        model = loaded[0] if loaded and planned.plan == loaded[0].plan else planned.load()
        self._loaded[key, found] = model, planned
        return found, model, planned


def _key(settings: config.ModelSettings) -> bytes:
    return msgspec.json.encode(settings)


@dataclass(frozen=True, slots=True, eq=False)
class Pipelines:
    """What runs: a pipeline for each view, but for those that are out.

    Attributes:
        by_view: the pipelines, by the names of their views, in the order of the settings.
        out: why a view is out, by its name.
    """

    by_view: Mapping[str, Pipeline]
    out: Mapping[str, Exception]

    @property
    def first(self) -> Pipeline:
        """The first view's, of those that run."""
        return next(iter(self.by_view.values()))

    def facts(self, settings: config.Config) -> tuple[ViewFacts, ...]:
        """What those outside need know of each view."""
        return tuple(
            self.by_view[look.name].facts
            if look.name in self.by_view
            else ViewFacts(look.name, look.events.kind, error=_line(self.out[look.name]))
            for look in settings.looks
        )

    def without(self, view: str, why: Exception) -> Pipelines:
        """Return them with a view out."""
        return Pipelines({name: each for name, each in self.by_view.items() if name != view}, {**self.out, view: why})


def make_pipelines(settings: config.Config) -> Pipelines:
    """Load the models and begin with nothing seen; all views may be out, see `refuse`."""
    models = Models(settings, measure=False)
    return _each(settings, lambda look: _of(settings, look, *models.get(look.model)))


def refuse(pipelines: Pipelines) -> None:
    """Make sure that a view is left.

    Raises:
        ModelError: none is; with a line for each.
    """
    if pipelines.by_view:
        return
    if list(pipelines.out) == [""]:
        raise pipelines.out[""]
    message = "\n".join(f"{_key_of(view)}{_line(error)}" for view, error in pipelines.out.items())
    raise ModelError(message)


def changed_pipelines(
    pipelines: Pipelines,
    before: config.Config,
    settings: config.Config,
    *,
    wanted: Collection[str] = (),
    stays_out: bool = False,
) -> Pipelines:
    """Return the pipelines for other settings, how models are run being measured where that has not been.

    A view's is the same one where nothing has changed, the model's file included. An open event goes on unless what
    decides of it has changed, or whose it is.

    Args:
        pipelines: those of now.
        before: the settings by which they run.
        settings: the other ones.
        wanted: names of views whose models must not be refused.
        stays_out: other views that are out stay so; else they are tried again.

    Raises:
        ModelError: that of a wanted view is refused, or those of all views are.
    """
    models = Models(settings, measure=True, pipelines=pipelines.by_view.values())

    def changed(look: config.ViewSettings) -> Pipeline:
        pipeline = pipelines.by_view.get(look.name)
        found, model, planned = models.get(look.model)
        if pipeline is None:
            return _of(settings, look, found, model, planned)
        decides = look.events != pipeline.look.events or _told(model) != _told(pipeline.model)
        if decides or _rhythm(look) != _rhythm(pipeline.look) or _whose(settings, look) != _whose(before, look):
            return _of(settings, look, found, model, planned)
        origin = _origin(settings, look)
        looks_alike = model is pipeline.model and look == pipeline.look and origin == pipeline.origin
        looks_alike = looks_alike and (settings.camera, settings.privacy) == (before.camera, before.privacy)
        if looks_alike and planned is pipeline.planned:
            return pipeline
        stands_still = look.motion == pipeline.look.motion and model is pipeline.model
        return replace(
            pipeline,
            origin=origin,
            look=look,
            view=view_of(settings, model.size, model.fit, look),
            model=model,
            motion=pipeline.motion if stands_still else _motion(look),
            fingerprint=found,
            planned=planned,
        )

    made = _each(settings, changed, wanted, pipelines.out if stays_out else {})
    refuse(made)
    return made


def _each(
    settings: config.Config,
    make: Callable[[config.ViewSettings], Pipeline],
    wanted: Collection[str] = (),
    stay_out: Mapping[str, Exception] | None = None,
) -> Pipelines:
    """Make a pipeline for each view; one that stays out, or whose model is refused, is out unless it is wanted."""
    stay_out = stay_out or {}
    by_view: dict[str, Pipeline] = {}
    out: dict[str, Exception] = {}
    for look in settings.looks:
        if look.name in stay_out and look.name not in wanted:
            out[look.name] = stay_out[look.name]
            continue
        try:
            by_view[look.name] = make(look)
        except ModelError as error:
            if look.name in wanted:
                raise
            out[look.name] = error
    return Pipelines(by_view, out)


def _key_of(view: str) -> str:
    return f"views.{view}.model: " if view else "views: model: "


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _of(
    settings: config.Config, look: config.ViewSettings, found: str, model: Classifier, planned: PlannedModel
) -> Pipeline:
    events = look.events
    labels = labels_of(model, events)
    looks = LOOKS_TO_END if _rhythm(look) else 1
    tracker = tracker_of(events, labels, _new_id, model.thresholds, looks=looks)
    view = view_of(settings, model.size, model.fit, look)
    return Pipeline(_origin(settings, look), look, view, model, labels, tracker, _motion(look), found, planned)


def _origin(settings: config.Config, look: config.ViewSettings) -> Origin:
    return Origin(settings.root, settings.camera.name, look.name, bool(settings.views))


def _whose(settings: config.Config, look: config.ViewSettings) -> tuple[str | int, ...]:
    """Whose events these are, and where: they end where they began."""
    return settings.root, settings.camera.name, look.name, settings.mqtt.host, settings.mqtt.port


def _rhythm(look: config.ViewSettings) -> bool:
    """What decides of events besides their settings: whether the view looks less often than there are frames."""
    return look.every > 0


def _told(model: Classifier) -> tuple[object, ...]:
    return model.classes, model.groups, model.neutral, model.thresholds


def _new_id() -> str:
    import uuid6  # with the first event: it takes as long to import as some models to load

    return str(uuid6.uuid7())


def _motion(look: config.ViewSettings) -> Motion | None:
    return Motion(look.motion) if look.motion.enabled else None


def announce(pipelines: Pipelines, before: Pipelines | None = None) -> None:
    """Log of each view that runs otherwise than before which model runs, and what is wrong with it; and who is out."""
    told: set[int] = set()
    for view, pipeline in pipelines.by_view.items():
        if before and before.by_view.get(view) is pipeline:
            continue
        if id(pipeline.model) not in told:
            _announce_model(pipeline)
            told.add(id(pipeline.model))
        for mistake in mistakes(pipeline.model, pipeline.look.events):
            logger.warning("%s%s", f"views.{view}." if view else "", mistake)
    for view, why in pipelines.out.items():
        if not before or before.out.get(view) != why:
            logger.error("%s%s: the view is out, the others go on", _key_of(view), _line(why))


def announce_labels(pipelines: Pipelines, wanted: str | Sequence[str]) -> None:
    """Log which labels that Home Assistant is to show no view can see."""
    known = {label for pipeline in pipelines.by_view.values() for label in pipeline.facts.labels}
    if isinstance(wanted, str) or pipelines.out:  # those of a model that is out are not known
        return
    for label in wanted:
        if label not in known:
            logger.warning("%s", unknown("homeassistant.labels", label, known, "no view sees a label"))


def _announce_model(pipeline: Pipeline) -> None:
    _announce_plan(pipeline)
    pixels = pipeline.model.pixels
    if pixels.source == "assumed":
        logger.warning(
            "model %s: does not tell how it wants its pixels: %s is assumed; see edgecam check",
            *(pipeline.model.file.path, pixels.name),
        )
    if twice := repeated(pipeline.model.classes):
        logger.warning("model %s: %s", pipeline.model.file.path, twice)


def announce_plan(pipelines: Pipelines) -> None:
    """Log which models run and how, and by which measurements that was chosen."""
    for pipeline in {id(each.model): each for each in pipelines.by_view.values()}.values():
        _announce_plan(pipeline)


def _announce_plan(pipeline: Pipeline) -> None:
    model, measured = pipeline.model, pipeline.planned.measured
    details = f"{model.file.name}, {len(model.classes)} labels, {model.plan}" + (f": {measured}" if measured else "")
    logger.info("model %s: %s", model.file.path, details)
