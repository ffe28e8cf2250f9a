"""The median and the 99th percentile of times, without arrays.

numpy keeps up to seven freed arrays of each size below a kilobyte, so that a report of another number of frames each
time would add to them for an hour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgecam.mqtt.payloads import QuantilesPayload

if TYPE_CHECKING:
    from collections.abc import Iterable


def quantiles(times_ns: Iterable[int]) -> QuantilesPayload:
    """Return both in milliseconds, to 10 microseconds; None, where there are no times."""
    ordered = sorted(times_ns)
    if not ordered:
        return QuantilesPayload(None, None)
    return QuantilesPayload(round(quantile_ms(ordered, 0.5), 2), round(quantile_ms(ordered, 0.99), 2))


def quantile_ms(ordered_ns: list[int], share: float) -> float:
    """Return the milliseconds that a ``share`` of times, sorted and at least one, is below; linear between two."""
    place, rest = divmod(share * (len(ordered_ns) - 1), 1)
    low, high = ordered_ns[int(place)], ordered_ns[min(int(place) + 1, len(ordered_ns) - 1)]
    return (low + rest * (high - low)) / 1e6
