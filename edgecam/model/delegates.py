"""Accelerators: libraries that compute a part of a model for the runtime, mostly on a device of their own.

Both runtimes load them by the same two functions, as
tensorflow/lite/delegates/external/external_delegate_interface.h describes.
"""

from __future__ import annotations

import ctypes
import re
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecam.errors import ModelError
from edgecam.model.refusals import on_one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgecam import config

FUNCTIONS = ("tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate")
NAME_IT = 'name the library of an accelerator, such as libedgetpu.so.1, or set model.delegate = ""'
DEVICE = (
    "see that the device is there, that you may use it, that no other program has it (sudo systemctl stop edgecam), "
    "and that model.delegate_options are right"
)
OTHER_MODEL = 'take a model that was made for this accelerator, or set model.delegate = ""'
OTHER_BUILD = "take one that is built for this runtime: docs/models.md, Accelerators"
DEPENDENCY = re.compile(r"^(?P<name>[^/:]+): cannot open shared object file")
_loaded: weakref.WeakKeyDictionary[Any, tuple[str, str]] = weakref.WeakKeyDictionary()


class DelegateError(ModelError):
    """The library of an accelerator is not there or is none, or its device cannot be had."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """The path of a library, and what it is told."""

    library: str
    options: Mapping[str, str]

    def __str__(self) -> str:
        """Its name, for logs and errors."""
        return Path(self.library).name


def accelerator_of(settings: config.ModelSettings) -> Accelerator | None:
    """Return the accelerator that the settings name, if they do."""
    if not settings.delegate:
        return None
    return Accelerator(settings.delegate, {key: _in_c(value) for key, value in settings.delegate_options.items()})


def load_delegate(module: Any, accelerator: Accelerator) -> Any:
    """Let a runtime load the library of an accelerator; what comes back must outlive the interpreter that has it.

    Args:
        module: the runtime's.
        accelerator: which.

    Raises:
        DelegateError: it is not there, is no delegate, or its device cannot be had.
    """
    _see_that_it_is_one(accelerator.library)
    try:
        delegate = module.load_delegate(accelerator.library, dict(accelerator.options))
    except ValueError as error:
        said = on_one_line(str(error).partition("\n")[2])
        raise _error(accelerator.library, f"cannot be used{f' ({said})' if said else ''}; {DEVICE}") from None
    _loaded[delegate] = (accelerator.library, module.__name__)
    return delegate


def is_loaded(library: str, module: str) -> bool:
    """Whether this process runs a model on an accelerator, by a runtime's module: no other process may have it then."""
    return (library, module) in list(_loaded.values())


def _see_that_it_is_one(library: str) -> None:
    """Look into a library, as the runtimes print a traceback where it is none."""
    if "/" in library and not Path(library).is_file():
        raise _error(library, f"no such file; install it, or {NAME_IT}")
    try:
        loaded = ctypes.PyDLL(library)
    except OSError as error:
        said = str(error)
        missing = DEPENDENCY.match(said)
        if missing and missing["name"] == library:
            reason = f"not found; write its whole path, or {NAME_IT}"
        elif missing:
            reason = f"needs {missing['name']}, which is not there; install that"
        else:
            reason = f"no library for this processor ({on_one_line(said.removeprefix(f'{library}: '))}); {NAME_IT}"
        raise _error(library, reason) from None
    if missing_functions := [name for name in FUNCTIONS if not hasattr(loaded, name)]:
        raise _error(library, f"no delegate of TensorFlow Lite: it has no {missing_functions[0]}; {NAME_IT}")


def _error(library: str, reason: str) -> DelegateError:
    return DelegateError(f"model.delegate: {library}: {reason}")


def _in_c(value: str | float) -> str:
    """As libraries written in C expect it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
