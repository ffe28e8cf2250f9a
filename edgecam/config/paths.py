"""What ``~`` stands for in the settings, which is the same in each that names a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from edgecam.addresses import shown
from edgecam.config.sections import File, Section, Source, is_section
from edgecam.config.views import view_key

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = "~"


def put_homes_in(tree: dict[str, Any], expected: type[Section], key: str = "") -> Iterator[str]:
    """Put the user's home, or that of a user who is named, in the place of each ``~``; name each that there is none of.

    Args:
        tree: changed in place.
        expected: what the tree is to become.
        key: where it lies.
    """
    hints = get_type_hints(expected, include_extras=True)
    for name, value in tree.items():
        path, hint = f"{key}{name}", hints.get(name)
        if is_section(hint) and isinstance(value, dict):
            yield from put_homes_in(value, hint, f"{path}.")
        elif get_origin(hint) is tuple and is_section(kind := get_args(hint)[0]) and isinstance(value, list):
            for place, item in enumerate(value):
                if isinstance(item, dict):
                    yield from put_homes_in(item, kind, f"{view_key(item, place)}.")
        elif hint in (File, Source) and isinstance(value, str) and value.startswith(HOME):
            try:
                tree[name] = str(Path(value).expanduser())
            except RuntimeError:
                user = value.partition("/")[0].removeprefix(HOME)
                problem = f"there is no user {user}" if user else "there is no home here"
                yield f"{path}: {shown(value)}: {problem}: write the whole path"
