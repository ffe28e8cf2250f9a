"""A machine to install on: Debian under qemu's software emulation, with mosquitto and cameras."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.broker import free_port

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
BOOT_S = 600.0
COMMAND_S = 1100.0
MEMORY_MB = 2048


def image(suite: str) -> Path:
    """Return the folder of a suite's disk; it is made once, and anew when what it is made from has changed."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "edgecam-system"
    parts = [HERE / "image", HERE / "virtual_camera.py", HERE / "virtual_camera.yaml", HERE / "pykms.py"]
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:16]
    folder = cache / f"{suite}-{digest}"
    if not folder.exists():
        for old in cache.glob(f"{suite}-*"):
            shutil.rmtree(old)
        unfinished = cache / f"{suite}-unfinished"
        subprocess.run([HERE / "image", unfinished, suite], check=True, capture_output=True, text=True)
        unfinished.rename(folder)
    return folder


class Guest:
    """A machine with a disk of its own, on which nothing is kept but what `crash` and `boot` keep."""

    def __init__(self, folder: Path, suite: str, processors: int) -> None:
        """Use ``folder`` for the disk's changes and the console's log."""
        self._image = image(suite)
        self._folder = folder
        self._processors = processors
        self._process: subprocess.Popen[bytes] | None = None
        self._ssh_port = free_port()
        self.mqtt_port = free_port()
        overlay: list[str | Path] = ["-f", "qcow2", "-b", self._image / "disk.img", "-F", "raw", folder / "disk.qcow2"]
        subprocess.run(["qemu-img", "create", "-q", *overlay], check=True)

    def __enter__(self) -> Self:
        self.boot()
        return self

    def __exit__(self, *_: object) -> None:
        self.crash()

    def boot(self) -> None:
        """Switch it on and wait until it answers."""
        forward = f"hostfwd=tcp:127.0.0.1:{self._ssh_port}-:22,hostfwd=tcp:127.0.0.1:{self.mqtt_port}-:1883"
        command: list[str | Path] = [
            *("qemu-system-x86_64", "-cpu", "max", "-accel", "tcg,thread=multi", "-smp", str(self._processors)),
            *("-m", str(MEMORY_MB), "-kernel", self._image / "vmlinuz", "-initrd", self._image / "initrd.img"),
            *("-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0"),
            *("-drive", f"file={self._folder / 'disk.qcow2'},if=virtio"),
            *("-netdev", f"user,id=net,{forward}", "-device", "virtio-net-pci,netdev=net"),
            *("-display", "none", "-monitor", "none", "-serial", f"file:{self._folder / 'console.log'}"),
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + BOOT_S
        while self._ssh("true").returncode:
            assert self._process.poll() is None, "qemu has ended"
            assert time.monotonic() < deadline, (self._folder / "console.log").read_text(errors="replace")[-3000:]

    def crash(self) -> None:
        """Pull the plug."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
        subprocess.run([*self._options(), "-O", "exit", "root@127.0.0.1"], check=False, capture_output=True)

    def run(self, command: str) -> str:
        """Run a shell command as root and return what it prints; it must not fail."""
        ended = self._ssh(command)
        assert ended.returncode == 0, f"{command}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout.strip()

    def fails(self, command: str) -> str:
        """Run a shell command that must fail, and return what it prints to standard error."""
        ended = self._ssh(command)
        assert ended.returncode, f"{command}: did not fail\n{ended.stdout}"
        return ended.stderr.strip()

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file."""
        data = content.encode() if isinstance(content, str) else content
        ended = subprocess.run(
            [*self._options(), "root@127.0.0.1", f"cat > {path}"], input=data, check=False, capture_output=True
        )
        assert ended.returncode == 0, ended.stderr.decode()

    def push_project(self) -> None:
        """Copy this checkout to ~/edgecam."""
        files = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=PROJECT,
            check=True,
            capture_output=True,
        ).stdout
        existing = b"\0".join(file for file in files.split(b"\0") if file and (PROJECT / os.fsdecode(file)).exists())
        packed = subprocess.run(
            ["tar", "-cz", "--null", "--files-from=-"], cwd=PROJECT, input=existing, check=True, capture_output=True
        ).stdout
        self.write("edgecam.tar.gz", packed)
        self.run("rm -rf edgecam && mkdir edgecam && tar -xzf edgecam.tar.gz -C edgecam")

    def _options(self) -> list[str | Path]:
        options = (
            *("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=3"),
            *("ControlMaster=auto", f"ControlPath={self._folder}/ssh", "ControlPersist=yes"),
        )
        key = ("-i", self._image / "id", "-p", str(self._ssh_port))
        return ["ssh", *key, *(word for option in options for word in ("-o", option))]

    def _ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._options(), "root@127.0.0.1", command],
            check=False,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            stdin=subprocess.DEVNULL,
        )
