"""The simulated portal's captcha: a PNG whose text is in the alpha channel alone (usms.md 2.2).

200x80 pixels, RGBA, every red, green and blue is 0. Five lower-case letters and digits, slanted a little.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from functools import lru_cache
from math import floor

WIDTH_PX, HEIGHT_PX = 200, 80
LENGTH = 5
ADVANCE_PX = 36
"""From one character to the next."""
_UNIT_PX = 5.6
"""Side of one dot of the font."""
_FONT = {
    "a": "2054547840", "b": "7f48444438", "c": "3844444428", "d": "384444487f", "e": "3854545418", "f": "087e090102",
    "g": "18a4a4a47c", "h": "7f08040478", "j": "204040443d", "k": "7f10284400", "m": "7c04180478", "n": "7c08040478",
    "p": "fc24242418", "q": "18242424fc", "r": "7c08040408", "s": "4854545424", "t": "043f444020", "u": "3c4040207c",
    "v": "1c2040201c", "w": "3c4030403c", "x": "4428102844", "y": "1ca0a0a07c", "z": "4464544c44", "2": "4261514946",
    "3": "2141454b31", "4": "1814127f10", "5": "2745454539", "6": "3c4a494930", "7": "0171090503", "8": "3649494936",
    "9": "064949291e",
}  # fmt: skip
"""Five columns of eight dots each, the lowest bit on top. Without characters people mix up: 0 o, 1 i l."""
ALPHABET = "".join(sorted(_FONT))


def answer_of(*parts: object) -> str:
    """The answer that belongs to these parts, always the same."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=2 * LENGTH).digest()
    return "".join(ALPHABET[number % len(ALPHABET)] for (number,) in struct.iter_unpack(">H", digest))


@lru_cache(8)
def png(answer: str) -> bytes:
    """The picture of an answer."""
    alpha = [bytearray(WIDTH_PX) for _ in range(HEIGHT_PX)]
    wobble = hashlib.blake2b(answer.encode(), digest_size=2 * LENGTH).digest()
    for place, character in enumerate(answer[:LENGTH]):
        slant = 0.1 + 0.12 * wobble[2 * place] / 255
        _draw(alpha, _FONT[character], 12 + ADVANCE_PX * place, 15 + 7 * wobble[2 * place + 1] / 255, slant)
    return _encode(alpha)


def _draw(alpha: list[bytearray], glyph: str, left_px: float, top_px: float, slant: float) -> None:
    """Paint one character; dots run into each other so that strokes are round.

    The ink of a pixel is the mean of the four dots around it, by nearness.
    """
    dots = _bordered(bytes.fromhex(glyph))
    height_px = 8 * _UNIT_PX
    left, right = max(0, int(left_px) - 8), min(WIDTH_PX, int(left_px + 5 * _UNIT_PX) + 9)
    for y in range(int(top_px) - 3, min(HEIGHT_PX, int(top_px + height_px) + 4)):
        down = (y - top_px) / _UNIT_PX - 0.5
        row = int(down // 1)
        if not -1 <= row < 8:
            continue
        below = down - row
        here, under = dots[row + 1], dots[row + 2]
        inked = [here[at] or under[at] or here[at + 1] or under[at + 1] for at in range(6)]
        if not any(inked):
            continue
        lean_px = slant * (top_px + height_px / 2 - y)
        line = alpha[y]
        for x in range(left, right):
            across = (x - left_px - lean_px) / _UNIT_PX - 0.5
            column = floor(across)
            at = column + 1
            if not 0 <= at < 6 or not inked[at]:
                continue
            beside = across - column
            ink = (
                here[at] * ((1 - beside) * (1 - below))
                + under[at] * ((1 - beside) * below)
                + here[at + 1] * (beside * (1 - below))
                + under[at + 1] * (beside * below)
            )
            if ink > 0.3:
                line[x] = max(line[x], min(255, int(640 * (ink - 0.3))))


def _bordered(columns: bytes) -> list[list[int]]:
    """The dots of a glyph, row by row, 0 or 1, with a border of none."""
    rows = [[column >> bit & 1 for column in columns] for bit in range(8)]
    return [[0] * 7, *([0, *row, 0] for row in rows), [0] * 7]


def _encode(alpha: list[bytearray]) -> bytes:
    rows = bytearray()
    for row in alpha:
        line = bytearray(4 * WIDTH_PX)
        line[3::4] = row
        rows += b"\0" + line
    head = struct.pack(">IIBBBBB", WIDTH_PX, HEIGHT_PX, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
