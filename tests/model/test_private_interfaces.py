"""What we use of LiteRT that it does not promise: a new version that lacks it is told by name."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from edgecam.model import classifier, runtimes

SHIPPED = Path(classifier.__file__).parent.parent / "assets" / "efficientnet_lite0.tflite"


def test_an_interpreter_has_get_ops_details() -> None:
    interpreter = runtimes.interpreter("litert", SHIPPED.read_bytes(), 1)
    version = metadata.version("ai-edge-litert")
    assert hasattr(interpreter, "_get_ops_details"), f"ai-edge-litert {version} lacks Interpreter._get_ops_details"
    told = interpreter._get_ops_details()[0]  # noqa: SLF001  that is what is asked
    assert {"op_name", "inputs", "outputs"} <= {*told}, f"ai-edge-litert {version}: _get_ops_details gives {[*told]}"
