"""The graphs that a model may be run with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgecam.model import graph, timing
from edgecam.model.runtimes import ANY

if TYPE_CHECKING:
    from edgecam.model.plan import Graph


class Graphs(NamedTuple):
    """The .tflite files by the graph that is in them, the original first, and why there is not another; else empty."""

    files: dict[Graph, bytes]
    problem: str = ""


def graphs(content: bytes, size: tuple[int, int] = ANY) -> Graphs:
    """Return every graph that may be run of a model, whatever it names itself.

    Args:
        content: of its file, which LiteRT runs.
        size: width and height of the pictures of a model that takes any.

    Raises:
        ModelError: the runtime refuses the file.
    """
    only: dict[Graph, bytes] = {"original": content}
    try:
        rewritten = graph.rewritten(content)
    except ImportError:
        return Graphs(only, "no graph can be rewritten without LiteRT")
    if rewritten is None:
        return Graphs(only)
    if problem := timing.disagreement(content, rewritten, size):
        return Graphs(only, f"the rewritten graph is not taken: {problem}")
    return Graphs({"original": content, "rewritten": rewritten})
