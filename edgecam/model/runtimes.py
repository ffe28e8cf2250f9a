"""LiteRT and tflite-runtime: one interpreter under two names."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from edgecam.errors import ModelError, split_remedy
from edgecam.model.delegates import DEVICE, OTHER_MODEL, load_delegate
from edgecam.model.inputs import concrete_shape
from edgecam.model.refusals import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from edgecam.model.delegates import Accelerator

logger = logging.getLogger(__name__)

# Faster first: equal in float32, but tflite-runtime's last build is 10 to 35 times slower on int8 models on x86-64
# (benchmarks/runtimes.py), and no faster elsewhere.
MODULES = {"litert": "ai_edge_litert.interpreter", "tflite-runtime": "tflite_runtime.interpreter"}
ANY: Final = (224, 224)  # width and height of a model that takes any


class Interpreter(Protocol):
    """What we use of either runtime's interpreter."""

    def allocate_tensors(self) -> None:
        """Plan memory; raises RuntimeError or ValueError where an operator cannot be run."""

    def get_input_details(self) -> list[dict[str, Any]]:
        """Describe the input tensors."""

    def get_output_details(self) -> list[dict[str, Any]]:
        """Describe the output tensors."""

    def get_tensor_details(self) -> list[dict[str, Any]]:
        """Describe all tensors."""

    def get_signature_list(self) -> dict[str, Any]:
        """Name the signatures, of which a model may have none."""

    def get_signature_runner(self, signature_key: str) -> Any:
        """Return what knows the outputs of a signature by their names."""

    def resize_tensor_input(self, input_index: int, tensor_size: list[int]) -> None:
        """Set the shape of an input that leaves it open; memory is to be planned again."""

    def tensor(self, index: int, /) -> Callable[[], NDArray[Any]]:
        """Return a function that returns a view of a tensor's memory; no view may live on while `invoke` runs."""

    def invoke(self) -> None:
        """Run the model once."""

    def reset_all_variables(self) -> None:
        """Forget what recurrent operators keep from one run to the next."""

    def _get_ops_details(self) -> list[dict[str, Any]]: ...


def installed() -> list[str]:
    """Names of the runtimes that import, the faster first."""
    names = []
    for name, module in MODULES.items():
        with contextlib.suppress(ImportError, AttributeError):  # built for another numpy, it fails with either
            importlib.import_module(module)
            names.append(name)
    return names


def choose(runtime: str) -> str:
    """Resolve ``auto`` to the faster runtime that imports.

    Raises:
        ModelError: the runtime is not installed.
    """
    for name, module in MODULES.items():
        if runtime in ("auto", name):
            try:
                importlib.import_module(module)
            except (ImportError, AttributeError) as error:
                reason = f'model.runtime: {name} cannot be imported ({error}); install it or set model.runtime = "auto"'
            else:
                return name
    raise ModelError(reason)


def interpreter(
    runtime: str,
    content: bytes,
    threads: int,
    *,
    known: bool = False,
    size: tuple[int, int] = ANY,
    accelerator: Accelerator | None = None,
) -> Interpreter:
    """Load a model into a runtime by its name, and run it once unless it is ``known`` to run.

    One that takes pictures of any size is set to ``size``, width and height. An accelerator takes of the model what it
    can, then XNNPACK, then the runtime itself.

    It is loaded from memory: a file that is mapped must not be overwritten while the model runs. What the runtime
    itself prints is logged.

    Raises:
        DelegateError: the accelerator cannot be had.
        ModelError: the runtime refuses the file.
    """
    module = importlib.import_module(MODULES[runtime])
    if runtime == "tflite-runtime":
        _verify(content)
    with _captured_stderr() as said:
        try:
            # The interpreter keeps them, and is itself kept by what it gives away of its tensors.
            delegates = [load_delegate(module, accelerator)] if accelerator else None
            loaded: Interpreter = module.Interpreter(
                model_content=content, num_threads=threads, experimental_delegates=delegates
            )
            is_set = _set_shape(loaded, size)
            loaded.allocate_tensors()
            if is_set or not known:  # only then are the shapes of its outputs certain
                loaded.invoke()
        except ModelError:
            raise
        except (ValueError, RuntimeError) as error:
            raise ModelError(_refused(str(error), accelerator)) from None
    for line in said:
        logger.debug("%s: %s", runtime, line)
    return loaded


def _set_shape(loaded: Interpreter, size: tuple[int, int]) -> bool:
    """Set the shape of a picture that leaves it open; return whether it did."""
    inputs = loaded.get_input_details()
    shape = concrete_shape(inputs[0], size) if len(inputs) == 1 else None
    if shape:
        loaded.resize_tensor_input(int(inputs[0]["index"]), shape)
    return bool(shape)


def invoke(interpreter: Interpreter, accelerator: Accelerator | None) -> None:
    """Run a loaded model once.

    Raises:
        ModelError: it cannot go on, as where the device of its accelerator was pulled out.
    """
    try:
        interpreter.invoke()
    except RuntimeError as error:
        problem, remedy = split_remedy(_refused(str(error), accelerator))
        message = (
            f"the model ran, and fails now: {problem}; {DEVICE if accelerator else remedy or 'start edgecam anew'}"
        )
        raise ModelError(message) from None


def pieces(interpreter: Interpreter) -> int:
    """Into how many pieces for XNNPACK a graph falls; between them values go to and fro."""
    return sum(op["op_name"] == "DELEGATE" for op in interpreter._get_ops_details())  # noqa: SLF001  the only way


def versions() -> dict[str, str]:
    """Versions of the runtimes that are there, whether they can be imported or not, and of what they are built for."""
    found = {"numpy": np.__version__}
    for name, module in MODULES.items():
        with contextlib.suppress(ImportError, AttributeError):
            found[name] = str(importlib.import_module(module.partition(".")[0]).__version__)
    return found


def _verify(content: bytes) -> None:
    """Let LiteRT, where it is installed, verify a model: tflite-runtime does not, and may be killed by a broken one."""
    try:
        verifier = importlib.import_module(MODULES["litert"])
    except ImportError:
        return
    with _captured_stderr():
        try:
            verifier.Interpreter(model_content=content)
        except (ValueError, RuntimeError) as error:
            raise ModelError(in_words(str(error))) from None


def _refused(said: str, accelerator: Accelerator | None) -> str:
    problem, remedy = split_remedy(in_words(said))
    if accelerator:
        problem, remedy = f"{problem} (with model.delegate = {accelerator})", remedy or OTHER_MODEL
    return f"{problem}; {remedy}" if remedy else problem


@contextlib.contextmanager
def _captured_stderr() -> Iterator[list[str]]:
    """Collect what native code writes to standard error into a list, which is filled at the end.

    In other threads than the main one nothing is collected: what the others log meanwhile would be lost with it.
    """
    lines: list[str] = []
    if threading.current_thread() is not threading.main_thread():
        yield lines
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            lines += file.read().decode(errors="replace").splitlines()
