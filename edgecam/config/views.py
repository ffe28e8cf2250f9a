"""Several views of one camera in the settings: what they inherit, and what they may be called."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from edgecam.addresses import shown
from edgecam.config.sections import OF_THE_MACHINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgecam.config.sections import ViewSettings

INHERITED = ("model", "motion", "events")
LONGEST = 64  # characters of a name that are shown, and that it may have
# First levels of the topics of a camera, and what stands for all, for orders and for no name.
TAKEN = frozenset(
    {
        *("availability", "state", "events", "stats", "snapshot", "enabled", "threshold", "model", "collect", "look"),
        *("all", "set", "_"),
    }
)


def put_inherited_in(tree: dict[str, Any]) -> None:
    """Make the sections of each view whole: what it does not say is the camera's, lists and tables as a whole.

    A view that names a model inherits only what is said of the machine on which it runs.

    Args:
        tree: right settings as they were read, changed in place.
    """
    for view in tree.get("views", ()):
        for name in INHERITED:
            own = view.get(name, {})
            inherited = dict(tree.get(name, {}))
            if name == "model" and "path" in own:
                inherited = {key: value for key, value in inherited.items() if key in OF_THE_MACHINE}
            view[name] = {**inherited, **own}


def view_key(view: Any, place: int) -> str:
    """Return how a view is named in messages and overrides: by its name, else by its place, beginning with 0."""
    name = view.get("name") if isinstance(view, dict) else getattr(view, "name", None)
    if not (isinstance(name, str) and name and name.isprintable()):
        return f"views[{place}]"
    name = shown(name)  # an address with a password in it may have got there
    return f"views.{name[:LONGEST]}..." if len(name) > LONGEST else f"views.{name}"


def mistaken_names(views: Sequence[ViewSettings]) -> Iterator[str]:
    """Name the views that cannot be called so: their topics, entities and files would be taken for others'."""
    names = Counter(_plain(view.name) for view in views)
    for place, view in enumerate(views):
        key = f"{view_key(view, place)}.name"
        if _plain(view.name) in TAKEN:
            yield f"{key}: {view.name!r} stands for something else in topics: choose another name"
        if names[_plain(view.name)] > 1:
            same = [other.name for other in views if _plain(other.name) == _plain(view.name)]
            told = f"another view is called {view.name!r}" if view.name else "only one view may be without a name"
            if len({*same}) > 1:
                told = f"too much alike: {', '.join(same)}"
            yield f"{key}: {told}: choose another name"


def _plain(name: str) -> str:
    """What two names may not have in common."""
    return name.casefold().replace("-", "_")
