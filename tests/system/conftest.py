"""Machines that edgecam is installed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import tflite
from tests.system.guest import Guest
from tests.system.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine of the module's SUITE and PROCESSORS after ``make install``, with a model of three colours."""
    with Guest(tmp_path_factory.mktemp("guest"), request.module.SUITE, request.module.PROCESSORS) as guest:
        guest.push_project()
        installed = guest.run("make -C edgecam install 2>&1")
        machine = Machine(guest, installed)
        guest.write("/etc/edgecam/colours.txt", "".join(f"{label}\n" for label in tflite.COLOURS))
        machine.offer_model(tflite.classifier("uint8"))
        machine.configure()
        yield machine
