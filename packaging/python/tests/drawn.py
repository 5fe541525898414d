"""Pictures of our own, as PNG, drawn with nothing but the standard library."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

SIDE = 160
Colour = tuple[int, int, int]
#: What is at a place of a picture; the last number tells variations apart.
Motif = Callable[[int, int, int], Colour]


def _stripes(x: int, y: int, n: int) -> Colour:
    return (230, 60 + 8 * n, 40) if (x + 3 * n) // 12 % 2 else (250, 240, 220)


def _rings(x: int, y: int, n: int) -> Colour:
    distance = ((x - 80 - 2 * n) ** 2 + (y - 80) ** 2) ** 0.5
    return (30, 60, 200 - 10 * n) if int(distance) // 14 % 2 else (200, 220, 250)


def _meadow(x: int, y: int, n: int) -> Colour:
    if y < 70 + 4 * n:
        return (120, 170 + y // 2, 250)
    return (40, 110 + (x * 7 + y * 13) % 60, 30 + 4 * n)


def _checks(x: int, y: int, n: int) -> Colour:
    return (20, 20, 20 + 8 * n) if (x // 20 + (y + 2 * n) // 20) % 2 else (240, 240, 90)


MOTIFS: dict[str, Motif] = {
    "stripes": _stripes,
    "rings": _rings,
    "meadow": _meadow,
    "checks": _checks,
}


def png(motif: str, number: int) -> bytes:
    """A variation of a motif."""
    draw = MOTIFS[motif]
    lines = bytearray()
    for y in range(SIDE):
        lines.append(0)
        for x in range(SIDE):
            lines += bytes(draw(x, y, number))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(bytes(lines))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = kind + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))


def draw(folder: Path, each: int = 3) -> None:
    """Variations of every motif, in a folder a motif."""
    for motif in MOTIFS:
        (folder / motif).mkdir(parents=True)
        for number in range(each):
            (folder / motif / f"{number}.png").write_bytes(png(motif, number))
