"""What flows from a source to the model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Layout(Enum):
    """How an image lies in memory."""

    BGR = auto()
    """uint8 [height, width, 3]: blue, green, red, as OpenCV has it."""
    I420 = auto()
    """uint8 [height * 3 / 2, width]: brightness, then the two colour planes at a quarter of the size; even sides."""

    def size(self, image: NDArray[np.uint8]) -> tuple[int, int]:
        """Width and height in pixels of an image that lies so."""
        rows, width = image.shape[:2]
        return width, rows if self is Layout.BGR else rows * 2 // 3


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """An image and its times, both in nanoseconds of the monotonic clock.

    Attributes:
        image: uint8, as ``layout`` says.
        exposed_ns: when it was exposed, which is what events go by. A file's frames carry the clip's own clock: the
            start of the run plus the position in the clip.
        entered_ns: when its latency begins: the exposure, or where a file is read at full speed, the end of decoding.
        layout: how the image lies in memory.
        cropped: the camera itself has cropped it as the settings say, or to the middle of that in the model's shape.
        turned: the camera itself has turned it as the settings say.
        original: where pictures may leave the device: the frame as the source gave it, of which this is the view.
        view: the name of the view that it shows; empty where the camera has but one.
        encoded: where the image was decoded smaller than it is: the whole, uint8 [bytes], as the camera compressed it.
    """

    image: NDArray[np.uint8]
    exposed_ns: int
    entered_ns: int
    layout: Layout = Layout.BGR
    cropped: bool = False
    turned: bool = False
    original: Frame | None = None
    view: str = ""
    encoded: NDArray[np.uint8] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.layout.size(self.image)


@dataclass(frozen=True, slots=True)
class Notice:
    """What travels in the line of frames, so that nothing overtakes it."""


@dataclass(frozen=True, slots=True)
class CameraChange(Notice):
    """A source was opened, and its frames follow, by a clock of their own; or it could not be opened or read."""

    online: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class Rest(Notice):
    """No frame is taken for now, as was ordered; comes again and again while that holds."""


@dataclass(frozen=True, slots=True)
class Passed(Notice):
    """Frames come, but no view looks at them for now; told about once a second while that holds."""
