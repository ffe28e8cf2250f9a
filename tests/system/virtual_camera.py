"""What Picamera2 needs to run on libcamera's virtual camera, which is no Pi's; loaded at every start of Python.

The virtual camera has no raw stream and allocates its own buffers, whose planes lie in one file.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import mmap
import sys
from typing import Any


class _Finder(importlib.abc.MetaPathFinder):
    """Changes Picamera2 when it is imported, and not before: it takes a second."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Find picamera2.picamera2 as others do, and change it after it was executed."""
        if name != "picamera2.picamera2":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                execute(module)
                _change(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _change(module: Any) -> None:
    import libcamera
    from picamera2.allocators import LibcameraAllocator
    from picamera2.allocators.allocator import Sync

    class OneFile(Sync):  # type: ignore[misc]
        """Maps all planes of a buffer at once."""

        def __init__(self, allocator: Any, buffer: Any, write: Any) -> None:
            super().__init__(allocator, buffer, write)
            self.planes = buffer.planes

        def __enter__(self) -> Any:
            return mmap.mmap(self.planes[0].fd, sum(plane.length for plane in self.planes))

        def __exit__(self, *_: object) -> None:
            pass  # unmapped when nobody looks at it any more

    def modes(camera: Any) -> list[dict[str, Any]]:
        made = camera.camera.generate_configuration([libcamera.StreamRole.Viewfinder]).at(0).formats
        return [
            {"format": str(pixels), "size": (size.width, size.height)}
            for pixels in made.pixel_formats
            for size in made.sizes(pixels)
        ]

    class Picamera2(module.Picamera2):  # type: ignore[misc]
        """With buffers of the camera's own."""

        _get_raw_modes = modes

        def configure_(self, camera_config: Any) -> None:
            allocator = LibcameraAllocator(self.camera)
            allocator.sync = OneFile
            self.allocator: Any = allocator
            super().configure_(camera_config)

    module.Picamera2 = Picamera2


sys.meta_path.insert(0, _Finder())
