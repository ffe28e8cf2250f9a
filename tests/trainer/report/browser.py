"""A real browser that a page is looked at with: Chromium."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# A window cannot be as narrow as a phone, but a frame in it can.
FRAME = """<!doctype html><title>?</title><body style="margin:0">
<iframe style="width:{width}px;height:3000px;border:0" srcdoc="{page}"></iframe>
<script>onload = () => {{
  const inner = document.querySelector("iframe").contentDocument;
  document.title = inner.documentElement.scrollWidth;
}}</script>"""
WAIT_S = 60


def width_needed(page: str, width: int, folder: Path) -> int:
    """How many pixels wide a page is, in a window of ``width``: more, where something runs off it."""
    wrapper = folder / "frame.html"
    wrapper.write_text(FRAME.format(width=width, page=html.escape(page)), "utf-8")
    ended = subprocess.run(
        [
            shutil.which("chromium") or "chromium-browser",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={folder}/browser",
            "--dump-dom",
            wrapper.as_uri(),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
        timeout=WAIT_S,
    )
    found = re.search(r"<title>(\d+)</title>", ended.stdout)
    assert found, ended.stdout[:500]
    return int(found[1])
