"""What is to be changed when settings or the model's file have changed, made ready while the old parts go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from edgecam import commands
from edgecam.classifier import changed_classifier
from edgecam.sources import open_source
from edgecam.view import View, native_size, view_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam.classifier import Classifier
    from edgecam.config import Camera, Config
    from edgecam.mqtt import Mqtt
    from edgecam.sources.source import Source


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """New parts, or None for those that stay.

    Attributes:
        what: names of what has changed, for the log.
    """

    config: Config
    what: tuple[str, ...]
    classifier: Classifier
    view: View | None
    source: Source | None
    connection: Mqtt | None


def prepare(settings: Config, before: Config, classifier: Classifier, connect: Callable[[Config], Mqtt]) -> Changes:
    """Make the parts that other settings need; nothing is changed yet.

    Raises:
        SourceFileError: the file named as source is not there.
        ModelError: the model is refused.
        ConfigError: a file with a secret or certificate cannot be read.
    """
    changed = changed_classifier(classifier, before, settings)
    size, new_model = changed.model.size, changed.model is not classifier.model
    wanted = native_size(settings, size)
    new_camera = _without_name(settings.camera) != _without_name(before.camera)
    new_view = new_camera or settings.privacy != before.privacy
    new_connection = settings.mqtt != before.mqtt or commands.topics(settings) != commands.topics(before)
    source = open_source(settings.camera, wanted)
    what = [name for name in settings.__struct_fields__ if getattr(settings, name) != getattr(before, name)]
    if new_model and settings.model == before.model:
        what.append("the model's file")
    return Changes(
        settings,
        tuple(what),
        changed,
        view_of(settings, size) if new_view or changed is not classifier else None,
        source if new_camera or (source.scales and wanted != native_size(before, classifier.model.size)) else None,
        connect(settings) if new_connection else None,
    )


def _without_name(camera: Camera) -> Camera:
    return msgspec.structs.replace(camera, name="any")
