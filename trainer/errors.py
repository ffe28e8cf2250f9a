"""What can go wrong in training that a user can mend; each message is one line that says what, where and what to do."""

from __future__ import annotations

from edgecam.errors import EdgecamError


class InputError(EdgecamError, ValueError):
    """What the user gave cannot be used: an option, a folder, a file."""

    exit_code = 2


class PhotographError(EdgecamError, OSError):
    """A file cannot be read as a photograph."""


class DivergenceError(InputError, ArithmeticError):
    """A training went so fast that it left all numbers behind."""


class WeightsError(InputError):
    """Weights cannot be had or do not fit."""


class ConversionError(EdgecamError):
    """TensorFlow cannot convert a model."""


class AccuracyError(EdgecamError):
    """The model lost more accuracy by its conversion than is allowed, whatever was tried."""
