"""What flows from a source to the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """An image and its times, both in nanoseconds of the monotonic clock.

    Attributes:
        image: uint8 [height, width, 3], in OpenCV's order blue, green, red.
        exposed_ns: when it was exposed, which is what events go by. A file's frames carry the clip's own clock: the
            start of the run plus the position in the clip.
        entered_ns: when its latency begins: the exposure, or where a file is read at full speed, the end of decoding.
    """

    image: NDArray[np.uint8]
    exposed_ns: int
    entered_ns: int


@dataclass(frozen=True, slots=True)
class CameraChange:
    """A camera was lost or came back; it travels in the line of frames, so that nothing overtakes it."""

    online: bool
    at_ns: int
