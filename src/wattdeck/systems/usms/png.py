"""A PNG reader for captchas: small, not interlaced, 8 bits a sample; the rest is refused in words (usms.md 2.2)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from wattdeck.core.errors import BadAnswer
from wattdeck.core.language import tr

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BYTES_MAX = 2_000_000
SIDE_MAX = 1000
PIXELS_MAX = 300_000
"""Unpacking takes about two microseconds a pixel."""
CHUNKS_MAX = 1000
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples a pixel has, by the colour type of the header: grey, RGB, palette, grey and alpha, RGBA."""


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A picture in shades of ink."""

    width: int
    height: int
    rows: tuple[bytes, ...]
    """Darkness of each pixel, 0 (paper) to 255 (ink), from the top."""


@dataclass(slots=True)
class _Picture:
    width: int
    height: int
    colour: int
    palette: bytes = b""
    transparency: bytes | None = None
    data: list[bytes] = field(default_factory=list)


def read_png(data: bytes) -> Bitmap:
    """The picture as ink on white paper. Where only the alpha channel differs from pixel to pixel, alpha is the ink.

    Raises:
        BadAnswer: this is no PNG that can be read, or a larger one than a captcha has any need to be.
    """
    if len(data) > BYTES_MAX:
        raise BadAnswer(
            tr(
                "the captcha's image has {count} bytes; {most} are the most it can have",
                count=len(data),
                most=BYTES_MAX,
            )
        )
    picture = _picture(data)
    channels = CHANNELS[picture.colour]
    stride = picture.width * channels
    lines = list(_lines(_inflated(picture, (stride + 1) * picture.height), stride, channels))
    return Bitmap(picture.width, picture.height, tuple(_ink(picture, lines)))


def _picture(data: bytes) -> _Picture:
    """The header and the parts that matter, still compressed."""
    picture: _Picture | None = None
    for kind, content in _chunks(data):
        if kind == b"IHDR" and picture is None:
            picture = _header(content)
        elif picture is None:
            break
        elif kind == b"PLTE":
            picture.palette = content
        elif kind == b"tRNS":
            picture.transparency = content
        elif kind == b"IDAT":
            picture.data.append(content)
        elif kind == b"IEND":
            return picture
    raise BadAnswer(tr("the captcha's image is cut short"))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not data.startswith(SIGNATURE):
        raise BadAnswer(tr("the captcha's image is not a PNG"))
    at = len(SIGNATURE)
    for _ in range(CHUNKS_MAX):
        if at + 12 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        check = data[at + 8 + length : at + 12 + length]
        if len(check) < 4 or zlib.crc32(kind + content) != int.from_bytes(check):
            raise BadAnswer(tr("the captcha's image is damaged: a checksum is wrong"))
        yield kind, content
        at += 12 + length


def _header(content: bytes) -> _Picture:
    if len(content) != 13:
        raise BadAnswer(tr("the captcha's image is damaged: its header has the wrong size"))
    width, height, depth, colour, compression, filtering, interlacing = struct.unpack(">IIBBBBB", content)
    if not (0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX and width * height <= PIXELS_MAX):
        raise BadAnswer(
            tr("the captcha's image is {width} by {height} pixels; that is no size for one", width=width, height=height)
        )
    if depth != 8 or colour not in CHANNELS or compression or filtering or interlacing:
        raise BadAnswer(
            tr("the captcha's image is a kind of PNG that cannot be drawn here; save it and look at the file")
        )
    return _Picture(width, height, colour)


def _inflated(picture: _Picture, size: int) -> bytes:
    """Exactly `size` bytes, however many a hostile image would unpack to."""
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(b"".join(picture.data), size)
    except zlib.error:
        raise BadAnswer(tr("the captcha's image is damaged: it cannot be unpacked")) from None
    if len(found) < size:
        raise BadAnswer(tr("the captcha's image is cut short"))
    return found


def _lines(data: bytes, stride: int, channels: int) -> Iterator[bytes]:
    """The lines of samples, their filters undone."""
    before = bytes(stride)
    for start in range(0, len(data), stride + 1):
        before = _unfiltered(data[start], data[start + 1 : start + 1 + stride], before, channels)
        yield before


def _unfiltered(kind: int, line: bytes, above: bytes, channels: int) -> bytes:
    if kind == 0:
        return line
    if kind == 2:
        return bytes((value + up) & 0xFF for value, up in zip(line, above, strict=True))
    if kind not in (1, 3, 4):
        raise BadAnswer(tr("the captcha's image is damaged: a line has an unknown filter"))
    found = bytearray(line)
    for at, value in enumerate(line):
        left = found[at - channels] if at >= channels else 0
        if kind == 1:
            guess = left
        elif kind == 3:
            guess = (left + above[at]) // 2
        else:
            guess = _paeth(left, above[at], above[at - channels] if at >= channels else 0)
        found[at] = (value + guess) & 0xFF
    return bytes(found)


def _paeth(left: int, up: int, corner: int) -> int:
    """Whichever neighbour is nearest to left + up - corner."""
    guess = left + up - corner
    to_left, to_up, to_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner


def _ink(picture: _Picture, lines: list[bytes]) -> list[bytes]:
    """Darkness of each pixel: alpha where the colour says nothing, else darkness on white paper."""
    greys, alphas = _planes(picture, lines)
    if alphas is None:
        return [bytes(255 - grey for grey in line) for line in greys]
    visible = {
        grey for line, alpha in zip(greys, alphas, strict=True) for grey, a in zip(line, alpha, strict=True) if a
    }
    if len(visible) <= 1:
        return alphas
    return [
        bytes((255 - grey) * a // 255 for grey, a in zip(line, alpha, strict=True))
        for line, alpha in zip(greys, alphas, strict=True)
    ]


def _planes(picture: _Picture, lines: list[bytes]) -> tuple[list[bytes], list[bytes] | None]:
    """Lines of greys, and of alphas if the picture has any."""
    match picture.colour:
        case 0:
            return lines, _keyed(picture, lines, 1)
        case 4:
            return [line[::2] for line in lines], [line[1::2] for line in lines]
        case 2:
            return [_grey(line, 3) for line in lines], _keyed(picture, lines, 3)
        case 6:
            return [_grey(line, 4) for line in lines], [line[3::4] for line in lines]
    return _from_palette(picture, lines)


def _grey(line: bytes, channels: int) -> bytes:
    """Luminance of RGB samples."""
    colours = zip(line[::channels], line[1::channels], line[2::channels], strict=True)
    return bytes((299 * red + 587 * green + 114 * blue) // 1000 for red, green, blue in colours)


def _keyed(picture: _Picture, lines: list[bytes], channels: int) -> list[bytes] | None:
    """Alphas of a picture that names one colour as transparent."""
    key = picture.transparency
    if key is None:
        return None
    if len(key) != 2 * channels:
        raise BadAnswer(tr("the captcha's image is damaged: its transparent colour has the wrong size"))
    clear = key[1::2] if not any(key[::2]) else b""
    return [
        bytes(0 if line[at : at + channels] == clear else 255 for at in range(0, len(line), channels)) for line in lines
    ]


def _from_palette(picture: _Picture, lines: list[bytes]) -> tuple[list[bytes], list[bytes] | None]:
    count, rest = divmod(len(picture.palette), 3)
    if rest or not 0 < count <= 256 or any(line and max(line) >= count for line in lines):
        raise BadAnswer(tr("the captcha's image is damaged: a colour is missing"))
    greys = _grey(picture.palette, 3)
    alphas = None
    if picture.transparency is not None:
        table = picture.transparency[:256].ljust(256, b"\xff")
        alphas = [line.translate(table) for line in lines]
    return [line.translate(greys.ljust(256, b"\0")) for line in lines], alphas
