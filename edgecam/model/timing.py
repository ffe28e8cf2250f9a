"""How fast a model runs in each of several ways, and whether they agree."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edgecam.model import runtimes
from edgecam.model.inputs import image_input
from edgecam.model.plan import Timing, fastest
from edgecam.model.runtimes import ANY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from edgecam.model.plan import Candidates, Graph, Plan
    from edgecam.model.runtimes import Interpreter

SECONDS = 1.5  # for all ways together
ROUNDS = 8
INVOCATIONS = 25  # at most, of one way in a round
UNDISTURBED = 10  # percentile: what other programs do meanwhile makes an inference slower, never faster
HOPELESS = 1.5  # times as slow as the fastest after the first round: timed no more
GRAINS = (4, 8, 16, 32, 224)  # of random images: how many patches of one colour in a row


def timed(
    graphs: Mapping[Graph, bytes], candidates: Candidates, size: tuple[int, int] = ANY, seconds: float = SECONDS
) -> list[Timing]:
    """Time every way that is open: runtimes and graphs on the fewest threads, then the fastest of them on more.

    Ways take turns, so that noise of the machine hits all of them.

    Args:
        graphs: the .tflite files; of a graph that is not there, no way is timed.
        candidates: what is open.
        size: width and height of the pictures of a model that takes any.
        seconds: to take for it, about.

    Returns:
        The usual plan's first.

    Raises:
        ModelError: a runtime refuses a file.
    """
    plans = [plan for plan in candidates.singles() if plan.graph in graphs]
    parts = 2 if len(candidates.threads) > 1 else 1
    single = _take_turns(plans, graphs, size, seconds / parts)
    best = fastest(single)
    spread = candidates.spread(best.plan)
    return single + _take_turns(spread, graphs, size, seconds / parts) if spread else single


def _take_turns(
    plans: Sequence[Plan], graphs: Mapping[Graph, bytes], size: tuple[int, int], seconds: float
) -> list[Timing]:
    loaded = {plan: runtimes.interpreter(plan.runtime, graphs[plan.graph], plan.threads, size=size) for plan in plans}
    times: dict[Plan, list[float]] = {plan: [] for plan in plans}
    slice_s = seconds / ROUNDS / len(plans)
    hopeful = list(plans)
    for _ in range(ROUNDS):
        for plan in hopeful:
            times[plan] += milliseconds(loaded[plan], slice_s, INVOCATIONS)
        typical = {plan: float(np.percentile(times[plan], UNDISTURBED)) for plan in plans}
        hopeful = [plan for plan in plans if typical[plan] <= HOPELESS * min(typical.values())]
    return [Timing(plan, round(typical[plan], 4)) for plan in plans]


def milliseconds(interpreter: Interpreter, seconds: float, most: int) -> list[float]:
    """Milliseconds of each inference, at least one, of as many as fit into ``seconds``."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < most:
        start = time.perf_counter()
        interpreter.invoke()
        now = time.perf_counter()
        times.append((now - start) * 1e3)
        if now > end:
            break
    return times


def disagreement(original: bytes, other: bytes, size: tuple[int, int] = ANY) -> str | None:
    """Return how two graphs differ on random images, or None where all that comes out is the same, bit for bit.

    A quantised network makes much of little: one step in 256 levels of one of its tensors changes the best label of one
    photograph in ten. So there is no difference that does not matter.

    Raises:
        ModelError: the runtime refuses a file.
    """
    first = runtimes.interpreter("litert", original, 1, size=size)
    images = list(random_inputs(first))
    expected = _outputs(first, images)
    found = _outputs(runtimes.interpreter("litert", other, 1, size=size), images)
    if np.array_equal(found, expected, equal_nan=True):
        return None
    return f"its scores are off by {np.abs(found - expected).max():.2g} on random images"


def random_inputs(interpreter: Interpreter) -> Iterator[NDArray[np.generic]]:
    """Random images for a model, as its input takes them: from large patches of colour to noise."""
    image = image_input(interpreter.get_input_details())
    (width, height), channels = image.size, image.channels
    generator = np.random.default_rng(0)
    for grain in GRAINS:
        patches = generator.integers(0, 256, (min(grain, height), min(grain, width), channels), np.uint8)
        pixels = cv2.resize(patches, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width, channels)
        if image.dimensions == "nchw":
            pixels = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        pixels = pixels.reshape(interpreter.get_input_details()[0]["shape"])
        if image.dtype is np.float32:
            yield (pixels / np.float32(127.5) - 1).astype(np.float32)
        elif image.dtype is np.uint8:
            yield pixels
        else:
            yield (pixels ^ 0x80).view(np.int8).astype(image.dtype)


def _outputs(interpreter: Interpreter, images: Sequence[NDArray[np.generic]]) -> NDArray[np.float64]:
    """float64 [images, scores], dequantised."""
    source, results = interpreter.get_input_details()[0], interpreter.get_output_details()
    rows = []
    for image in images:
        interpreter.tensor(source["index"])()[:] = image
        interpreter.invoke()
        rows.append(np.concatenate([_dequantised(interpreter, result) for result in results]))
    return np.array(rows)


def _dequantised(interpreter: Interpreter, result: dict[str, Any]) -> NDArray[np.float64]:
    scale, zero = result["quantization"]
    numbers: NDArray[np.float64] = interpreter.tensor(result["index"])().astype(float).reshape(-1)
    return (numbers - float(zero)) * float(scale or 1.0)
