"""Settings as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tomli_w

if TYPE_CHECKING:
    from collections.abc import Mapping

Sections = dict[str, dict[str, Any]]


def as_toml(settings: Sections, changes: Mapping[str, dict[str, Any]] | None = None) -> str:
    """Write settings as TOML, with changes by section."""
    changes = changes or {}
    return tomli_w.dumps(
        {name: {**settings.get(name, {}), **changes.get(name, {})} for name in {**settings, **changes}}
    )
