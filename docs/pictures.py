"""Take the pictures of the report that README shows, light and dark, with Chromium: docs/pictures/*.png.

    python docs/pictures.py REPORT.html [CHROMIUM]

The page is taken once as a tall picture, and cut. Look at what comes out: the cuts are fixed numbers.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parent / "pictures"
WIDTH, HEIGHT = 1440, 3700
CUTS = {"report": (0, 1220, 0, 1440), "charts": (2150, 3570, 90, 1350)}  # top, bottom, left, right
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run", "--hide-scrollbars", "--virtual-time-budget=8000")  # fmt: skip
LOOKS = {"light": (), "dark": ("--blink-settings=preferredColorScheme=0",)}


def main(report: Path, chromium: str) -> None:
    """Write every cut of the report in both looks."""
    FOLDER.mkdir(exist_ok=True)
    for look, flags in LOOKS.items():
        with tempfile.TemporaryDirectory() as folder:
            shot = Path(folder) / "shot.png"
            take(report, shot, (WIDTH, HEIGHT), chromium, flags)
            pixels = read(shot.read_bytes())
        for name, (top, bottom, left, right) in CUTS.items():
            (FOLDER / f"{name}-{look}.png").write_bytes(write(pixels[top:bottom, left:right]))


def take(page: Path, shot: Path, size: tuple[int, int], chromium: str, flags: Sequence[str] = ()) -> None:
    """Write a picture of a page in a window of so many pixels."""
    with tempfile.TemporaryDirectory() as folder:
        places = (f"--user-data-dir={folder}", f"--window-size={size[0]},{size[1]}", f"--screenshot={shot.resolve()}")
        command = [chromium, *QUIET, *flags, *places, page.resolve().as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=180)  # noqa: S603 (named by who runs it)


def read(data: bytes) -> NDArray[np.uint8]:
    """The pixels [height, width, 3] of a PNG with 8 bits a channel that is not interlaced."""
    place, packed, head = 8, b"", (0, 0, 0, 0)
    while place < len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + size]
        if kind == b"IHDR":
            head = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            packed += body
        place += 12 + size
    width, height, _, colour = head
    channels = {2: 3, 6: 4}[colour]
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * channels)
    out = np.zeros((height, width, channels), np.uint8)
    above = np.zeros((width, channels), np.uint8)
    for y in range(height):
        above = out[y] = _unfiltered(int(lines[y, 0]), lines[y, 1:].reshape(width, channels), above)
    return out[:, :, :3]


def _unfiltered(kind: int, line: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One row of pixels, its filter (0 none, 1 left, 2 above, 3 mean, 4 Paeth) undone."""
    if kind == 0:
        return line
    if kind == 1:
        return np.cumsum(line, axis=0, dtype=np.uint8)
    if kind == 2:
        return line + above
    rows, up = line.astype(int).tolist(), above.astype(int).tolist()
    left = corner = [0] * len(rows[0])
    for x, pixel in enumerate(rows):
        for c, value in enumerate(pixel):
            a, b, d = left[c], up[x][c], corner[c]
            near = min((a, b, d), key=lambda one, a=a, b=b, d=d: abs(a + b - d - one)) if kind == 4 else (a + b) // 2
            pixel[c] = (value + near) % 256
        left, corner = pixel, up[x]
    return np.array(rows, np.uint8)


def write(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG of pixels [height, width, 3]; each row against the one above, which suits flat pages."""
    height, width, _ = pixels.shape
    rows = np.diff(pixels, axis=0, prepend=np.zeros_like(pixels[:1])).reshape(height, -1)
    lines = np.concatenate([np.full((height, 1), 2, np.uint8), rows], axis=1)

    def part(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", head)
        + part(b"IDAT", zlib.compress(lines.tobytes(), 9))
        + part(b"IEND", b"")
    )


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python docs/pictures.py REPORT.html [CHROMIUM]")
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) == 3 else "chromium")
