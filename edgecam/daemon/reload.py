"""What is to be changed when settings or the model's file have changed, made ready while the old parts go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from edgecam.camera.sources import open_source
from edgecam.camera.view import View, native_size, view_of
from edgecam.daemon.pipeline import changed_pipeline
from edgecam.mqtt import commands

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam.camera.sources.source import Source
    from edgecam.config import CameraSettings, Config
    from edgecam.daemon.pipeline import Pipeline
    from edgecam.mqtt.connection import Connection


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """New parts, or None for those that stay.

    Attributes:
        what: names of what has changed, for the log.
    """

    config: Config
    what: tuple[str, ...]
    pipeline: Pipeline
    view: View | None
    source: Source | None
    connection: Connection | None


def prepare(settings: Config, before: Config, pipeline: Pipeline, connect: Callable[[Config], Connection]) -> Changes:
    """Make the parts that other settings need; nothing is changed yet.

    Raises:
        SourceFileError: the file named as source is not there.
        ModelError: the model is refused.
        ConfigError: a file with a secret or certificate cannot be read.
    """
    changed = changed_pipeline(pipeline, before, settings)
    size, new_model = changed.model.size, changed.model is not pipeline.model
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
        view_of(settings, size) if new_view or changed is not pipeline else None,
        source if new_camera or (source.scales and wanted != native_size(before, pipeline.model.size)) else None,
        connect(settings) if new_connection else None,
    )


def _without_name(camera: CameraSettings) -> CameraSettings:
    return msgspec.structs.replace(camera, name="any")
