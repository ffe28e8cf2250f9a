"""How benchmarks put what they measured into the docs."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DOCS = Path(__file__).parent.parent / "docs"


def put_table(name: str, lines: Iterable[str], document: str = "speed.md") -> None:
    """Put lines between the marks of ``name`` in a document in docs/, instead of those that stand there."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    file = DOCS / document
    head, _, rest = file.read_text("utf-8").partition(begin)
    _, _, tail = rest.partition(end)
    file.write_text(head + begin + "\n".join(lines) + "\n" + end + tail, "utf-8")


@contextmanager
def figure(name: str, size: tuple[float, float]) -> Iterator[Any]:
    """Give axes to draw on; what is drawn becomes a picture in the docs."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    drawn, axes = plt.subplots(figsize=size, dpi=120, layout="constrained")
    yield axes
    drawn.savefig(DOCS / name)
    plt.close(drawn)
