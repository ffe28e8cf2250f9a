"""What so few photographs cannot tell, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.calibration.statistics import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainer.report.report import ClassResult, Unrelated

WIDE = 0.15  # so far from end to end, an accuracy's interval says little
FEW_OF_CLASS = 10  # photographs: one alone is ten points or more
FEW_UNRELATED = 100  # pictures: of none told, three in a hundred may still be
NAMED = 5


def are_too_few(right: int, photographs: int) -> bool:
    """Whether so many photographs leave too much room for the share that is right."""
    low, high = wilson(right, photographs)
    return high - low > WIDE


def judgements(
    right: int, photographs: int, per_class: Sequence[ClassResult], unrelated: Sequence[Unrelated]
) -> tuple[str, ...]:
    """Say what the figures leave open, a sentence each.

    Args:
        right: how many test photographs were.
        photographs: how many there were.
        per_class: how the classes fared.
        unrelated: how pictures of nothing that is to be told fared.
    """
    return tuple(_judgements(right, photographs, per_class, unrelated))


def _judgements(
    right: int, photographs: int, per_class: Sequence[ClassResult], unrelated: Sequence[Unrelated]
) -> Iterator[str]:
    if are_too_few(right, photographs):
        low, high = wilson(right, photographs)
        yield (
            f"{photographs} test photographs are too few to tell how good the model is: {right} right ones fit with "
            f"anything from {low * 100:.0f} to {high * 100:.0f} %"
        )
    few = [each for each in per_class if 0 < each.photographs < FEW_OF_CLASS]
    if few:
        named = ", ".join(f"{each.name} ({each.photographs})" for each in few[:NAMED])
        more = f" and {len(few) - NAMED} more" if len(few) > NAMED else ""
        yield f"too few test photographs to tell how a class by itself fares: {named}{more}"
    pictures = sum(each.pictures for each in unrelated)
    if 0 < pictures < FEW_UNRELATED:
        yield f"{pictures} unrelated pictures are too few to tell how often it will speak of what is not there"
