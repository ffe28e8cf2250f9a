"""Models on an accelerator: a real library in C that both runtimes load, and each way in which one is not to be had."""

from __future__ import annotations

import fcntl
import json
import os
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from edgecam import config
from edgecam.errors import ModelError
from edgecam.model import runtimes, timing
from edgecam.model.delegates import accelerator_of
from edgecam.model.loading import plan_model
from edgecam.model.plan import Plan, Timing
from edgecam.model.plan_file import Measured, PlanFile
from edgecam.tools.check import findings
from edgecam.tools.finding import Status
from tests import tflite
from tests.accelerator import compiled
from tests.broker import Subscriber, free_port
from tests.clips import BGR
from tests.command import edgecam

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.broker import Mosquitto
    from tests.command import Daemon

RUNTIMES = [
    "litert",
    pytest.param(
        "tflite-runtime",
        marks=pytest.mark.skipif(not find_spec("tflite_runtime"), reason="has no wheel for this Python"),
    ),
]
CORAL = "edgetpu-custom-op"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("accelerator"))


def settings_of(model: Path, library: Path | str, runtime: str = "litert", **options: Any) -> config.ModelSettings:
    told = {key: str(value) if isinstance(value, Path) else value for key, value in options.items()}
    settings = config.ModelSettings(path=str(model), delegate=str(library), delegate_options=told)
    return msgspec.structs.replace(settings, runtime=runtime)


def refused(settings: config.ModelSettings) -> ModelError:
    with pytest.raises(ModelError) as error:
        plan_model(settings, 30, measure=False)
    assert "\n" not in str(error.value)
    return error.value


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
def test_it_computes_what_it_takes_and_is_told_its_options(
    tmp_path: Path, library: Path, runtime: str, dtype: tflite.Type
) -> None:
    model = tflite.saved(tmp_path, tflite.classifier(dtype))
    red = np.full((24, 32, 3), BGR["red"], np.uint8)
    for mark in (1, 2):
        loaded = plan_model(settings_of(model, library, runtime, mark=mark), 30, measure=True).load()
        assert loaded.scores(red).argmax() == mark
    alone = plan_model(config.ModelSettings(path=str(model)), 30, measure=False).load()
    assert alone.scores(red).argmax() == 0


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_model_that_is_compiled_for_it_runs(tmp_path: Path, library: Path, runtime: str) -> None:
    model = tflite.saved(tmp_path, tflite.custom_operator(CORAL))
    loaded = plan_model(settings_of(model, library, runtime, operator=CORAL, mark=1), 30, measure=False).load()
    assert loaded.scores(np.zeros((8, 8, 3), np.uint8)).argmax() == 1


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_it_outlives_what_runs_on_it(tmp_path: Path, library: Path, runtime: str) -> None:
    log = tmp_path / "log"
    settings = settings_of(tflite.saved(tmp_path, tflite.classifier()), library, runtime, log=log)
    planned = plan_model(settings, 30, measure=False)
    log.unlink()  # the trial's
    model = planned.load()
    model.scores(np.zeros((24, 32, 3), np.uint8))
    assert log.read_text().splitlines() == ["the delegate begins"]
    del model
    assert log.read_text().splitlines() == ["the delegate begins", "the kernel ends", "the delegate ends"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_xnnpack_takes_what_it_leaves(library: Path, runtime: str) -> None:
    accelerator = accelerator_of(config.ModelSettings(delegate=str(library)))
    with_it = runtimes.interpreter(runtime, tflite.classifier("float32"), 1, accelerator=accelerator)
    assert runtimes.pieces(with_it) == 2
    assert runtimes.pieces(runtimes.interpreter(runtime, tflite.classifier("float32"), 1)) == 1


class TestPlan:
    """How a model is run with one."""

    def test_nothing_is_timed_and_the_graph_stays(
        self, tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(timing, "timed", pytest.fail)
        model = tflite.saved(tmp_path, tflite.hard_classifier())
        settings = config.ModelSettings(path=str(model), graph="rewritten", delegate=str(library))
        planned = plan_model(settings, 30, measure=True)
        assert planned.is_final
        assert planned.graph == planned.content
        assert str(planned.plan) == "litert, original graph, 1 thread, with libaccelerator.so.1"
        assert not (tmp_path / "state" / "plans").exists()

    def test_what_was_measured_without_it_counts_for_nothing(self, library: Path) -> None:
        PlanFile("1234", config.ModelSettings()).write(Measured((Timing(Plan("litert"), 4.0),)))
        assert PlanFile("1234", config.ModelSettings()).read()
        assert not PlanFile("1234", config.ModelSettings(delegate=str(library))).read()

    def test_the_shipped_model_is_tried_with_it(self) -> None:
        assert refused(config.ModelSettings(delegate="/nowhere/lib.so")).problem.startswith("model.delegate:")

    @pytest.mark.skipif(not find_spec("tflite_runtime"), reason="has no wheel for this Python")
    def test_the_first_runtime_that_it_works_with_is_taken(self, tmp_path: Path, library: Path) -> None:
        """Google's own libedgetpu kills any runtime but the one that it was built for."""
        settings = settings_of(tflite.saved(tmp_path, tflite.classifier()), library, "auto", kills="litert")
        assert plan_model(settings, 30, measure=False).plan.runtime == "tflite-runtime"

    def test_options_are_told_as_c_writes_them(self) -> None:
        settings = config.ModelSettings(delegate="lib", delegate_options={"a": True, "b": 1, "c": 0.5, "d": "usb:0"})
        accelerator = accelerator_of(settings)
        assert accelerator
        assert accelerator.options == {"a": "true", "b": "1", "c": "0.5", "d": "usb:0"}


NOT_TO_BE_HAD: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "not there": ("/nowhere/libedgetpu.so.1", {}, "/nowhere/libedgetpu.so.1: no such file", "install it"),
    "a name that no folder of libraries has": ("libnowhere.so", {}, "libnowhere.so: not found", "its whole path"),
    "no library": ("{folder}/text.so", {}, "no library for this processor", "name the library of an accelerator"),
    "a library that lacks another": ("{folder}/lacking.so", {}, "needs libmissing.so, which is not", "install that"),
    "no delegate": ("{folder}/libmissing.so.1", {}, "no delegate of TensorFlow Lite", "name the library"),
    "an option that it does not know": ("{library}", {"bad": 1}, "(unknown option: bad, mark is one)", "options"),
    "a device that is not there": ("{library}", {"device": "/nowhere"}, "(no device at /nowhere)", "no other program"),
    "one that says nothing": ("{library}", {"silent": 1}, "cannot be used", "see that the device is there"),
    "one for another runtime": ("{library}", {"kills": ""}, "kills the runtime (signal 11)", "docs/models.md"),
    "one that fails at once": ("{library}", {"lasts": 0}, "Marking fails to invoke: the device is gone", "delegate"),
    "one that takes other models": ("{library}", {"operator": "other"}, "for a Coral Edge TPU", "libedgetpu.so.1"),
}


AS_A_COMMAND = ("not there", "one for another runtime", "one that fails at once")  # the way to the line is one


@pytest.fixture(scope="module")
def libraries(library: Path) -> Path:
    """A folder with libraries that are none, or of another kind."""
    folder = library.parent
    (folder / "text.so").write_text("no library")
    (folder / "empty.c").write_text("int nothing;\n")
    compiled(folder, folder / "empty.c", "libmissing.so.1")
    compiled(folder, folder / "empty.c", "libmissing.so", "-Wl,-soname,libmissing.so")
    compiled(folder, folder / "empty.c", "lacking.so", "-Wl,--no-as-needed", f"-L{folder}", "-lmissing")
    (folder / "libmissing.so").unlink()
    return folder


class TestNotToBeHad:
    """Each cause has its line, its key and its remedy."""

    @pytest.mark.parametrize("cause", NOT_TO_BE_HAD)
    def test_it_is_told_in_one_line(self, tmp_path: Path, libraries: Path, library: Path, cause: str) -> None:
        path, options, problem, remedy = NOT_TO_BE_HAD[cause]
        model = tflite.saved(tmp_path, tflite.custom_operator(CORAL) if "operator" in options else tflite.classifier())
        named = path.format(folder=libraries, library=library)
        overrides = [f"model.path={model}", "model.runtime=litert", f"model.delegate={named}"]
        overrides += [f"model.delegate_options.{key}={json.dumps(value)}" for key, value in options.items()]
        (found,) = islice(findings(lambda: config.load(None, overrides), None), 1, 2)
        assert found.status == Status.FAILURE
        assert "model.delegate" in found.detail + found.remedy
        assert problem in found.detail
        assert remedy in found.remedy
        if cause not in AS_A_COMMAND:
            return
        words = [word for each in overrides for word in ("--set", each)]
        ended = edgecam("run", "--config", os.devnull, "--set", f"camera.source={os.devnull}", *words)
        assert (ended.returncode, ended.stderr) == (3, f"edgecam: {found.detail}; {found.remedy}\n")

    def test_one_in_a_home_is_not_there_for_the_service(
        self, tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = tflite.saved(tmp_path, tflite.classifier())
        systemctl = tmp_path / "systemctl"
        systemctl.write_text("#!/bin/sh\necho ActiveState=failed; echo LoadState=loaded; echo StatusText=\n")
        systemctl.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        monkeypatch.setattr("edgecam.model.meant.HOMES", (str(library.parent),))
        overrides = [f"model.path={model}", f"model.delegate={library}"]
        (found,) = islice(findings(lambda: config.load(None, overrides), None, instance=""), 1, 2)
        assert (found.status, found.detail.split(":")[0]) == (Status.FAILURE, "model.delegate")
        assert "/usr/local/lib" in found.remedy


class TestOneProcess:
    """A device that one process alone can have, as a Coral's is."""

    def test_the_process_that_has_it_may_load_another_model(self, tmp_path: Path, library: Path) -> None:
        device = tmp_path / "device"
        device.touch()
        model = tflite.saved(tmp_path, tflite.classifier())
        settings = settings_of(model, library, device=device, mark=1)
        first = plan_model(settings, 30, measure=False).load()
        model.write_bytes(tflite.classifier("int8"))
        second = plan_model(settings, 30, measure=False).load()
        image = np.zeros((24, 32, 3), np.uint8)
        assert first.scores(image).argmax() == second.scores(image).argmax() == 1

    def test_another_process_is_told_why_not(self, tmp_path: Path, library: Path) -> None:
        device = tmp_path / "device"
        device.touch()
        with device.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            model = tflite.saved(tmp_path, tflite.classifier())
            assert "no other program has it" in refused(settings_of(model, library, device=device)).remedy


class TestDaemon:
    """A whole daemon on an accelerator."""

    def test_it_tells_what_the_accelerator_says_and_keeps_it_at_a_reload(
        self,
        tmp_path: Path,
        library: Path,
        mosquitto: Mosquitto,
        red_clip: Path,
        start_daemon: Callable[..., Daemon],
    ) -> None:
        device = tmp_path / "device"
        device.touch()
        model = tflite.saved(tmp_path, tflite.classifier())
        file = tmp_path / "config.toml"
        file.write_text(
            f'[camera]\nname = "porch"\nsource = "{red_clip}"\nloop = true\nrealtime = true\n'
            f'[mqtt]\nhost = "{mosquitto.host}"\nport = {mosquitto.port}\n'
            f'[model]\npath = "{model}"\ndelegate = "{library}"\n'
            f'delegate_options = {{ device = "{device}", mark = 2 }}\n'
        )
        with Subscriber(mosquitto.port) as subscriber:
            daemon = start_daemon({}, "--config", str(file))
            assert "libaccelerator.so.1" in daemon.wait_for_log(f"model {model}: ")
            assert subscriber.wait_for_event("new")["label"] == "blue"
            model.write_bytes(tflite.classifier("uint8"))
            daemon.reload()
            daemon.wait_for_log("reloaded: the model's file")
        daemon.terminate()
        assert daemon.wait() == 0

    def test_a_device_that_is_pulled_out_ends_it_with_a_line(
        self, tmp_path: Path, library: Path, red_clip: Path, start_daemon: Callable[..., Daemon]
    ) -> None:
        model = tflite.saved(tmp_path, tflite.classifier())
        camera = {"camera.source": red_clip, "camera.loop": "true", "mqtt.port": free_port()}
        daemon = start_daemon(
            {**camera, "model.path": model, "model.delegate": library, "model.delegate_options.lasts": 20}
        )
        assert daemon.wait() == 3
        assert daemon.log[-1].startswith(
            "edgecam: the model ran, and fails now: its operator Marking fails to invoke: the device is"
        )
        assert not any("Traceback" in line for line in daemon.log)
