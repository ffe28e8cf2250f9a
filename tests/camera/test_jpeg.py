"""Pictures of at most so many bytes."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecam.camera.jpeg import BYTES, SMALLEST, jpeg


@settings(max_examples=20)
@given(st.integers(0, 2 * BYTES), st.integers(1, 300), st.integers(1, 300))
def test_a_picture_is_as_large_as_it_may_be_or_as_small_as_it_can(most: int, height: int, width: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    made = jpeg(noise, most)
    image = cv2.imdecode(np.frombuffer(made, np.uint8), cv2.IMREAD_COLOR)
    assert len(made) <= min(most, BYTES) or max(image.shape[:2]) <= SMALLEST
