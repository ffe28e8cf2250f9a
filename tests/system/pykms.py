"""In the place of python3-kms++, which Picamera2 imports for displays: there is none."""

from __future__ import annotations


class _Formats:
    def __getattr__(self, name: str) -> str:
        return name


PixelFormat = _Formats()
