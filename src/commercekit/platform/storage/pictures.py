"""From bytes that anybody may have made to pictures that are ours."""

from __future__ import annotations

import asyncio
import io
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct
from PIL import Image, ImageOps, UnidentifiedImageError

from commercekit.errors import Unavailable
from commercekit.platform.storage.errors import EmptyFile, FileTooLarge, NoPicture

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_BYTES", "MAX_PIXELS", "WIDTHS", "MadePicture", "PictureFile", "PictureReader"]

MAX_BYTES = 10 * 1024 * 1024
"""Of one file that is sent."""
MAX_PIXELS = 40_000_000
"""Of one picture, before it is made smaller."""
WIDTHS = (160, 480, 1200)
"""What is made of each picture; a smaller one is never blown up."""

_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
_MAX_UNPACKED = 100 * 1024 * 1024
_LONGEST = 16_000
"""WebP ends a little above."""
_WAITING = 32
"""Uploads that may wait for the decoders; each holds its bytes in memory."""


class PictureFile(Struct, frozen=True, kw_only=True):
    """One size in one format."""

    width: int
    height: int
    kind: str
    """``webp`` or ``jpg``, which is also how the name ends."""
    content: bytes


class MadePicture(Struct, frozen=True, kw_only=True):
    """What a sent file came to."""

    digest: str
    """Of the pixels as they are served: the same picture gives the same, whatever it was wrapped in."""
    media_type: str
    """Of what was sent, by its content."""
    width: int
    height: int
    files: tuple[PictureFile, ...]


class PictureReader:
    """Decodes and writes anew, in threads of its own, so that the loop stays free.

    At most ``threads`` pictures are in memory unpacked at once (40 megapixels are 160 MB); beyond 32
    that wait, callers are told to come back.
    """

    def __init__(self, *, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
        self._waiting = 0

    async def read(self, content: bytes) -> MadePicture:
        """The picture in all sizes, without whatever else the file held.

        Raises :class:`EmptyFile`, :class:`FileTooLarge`, :class:`NoPicture`, or ``Unavailable`` when too
        many wait already.
        """
        if self._waiting >= _WAITING:
            message = "Too many pictures are being read; send this one again in a moment."
            raise Unavailable(message, retry_after=5)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, make_picture, content
            )
        finally:
            self._waiting -= 1


def make_picture(content: bytes) -> MadePicture:
    """The work of :meth:`PictureReader.read`, here and now."""
    if not content:
        message = "The file is empty."
        raise EmptyFile(message)
    if len(content) > MAX_BYTES:
        message = f"A picture has at most {MAX_BYTES // 1024 // 1024} MB."
        raise FileTooLarge(message)
    _refuse_archive(content)
    with warnings.catch_warnings():
        # Pillow's own bomb warning stands at twice its limit; ours is stricter and comes first.
        warnings.simplefilter("ignore")
        return _made(content)


def _made(content: bytes) -> MadePicture:
    try:
        with Image.open(io.BytesIO(content), formats=tuple(_FORMATS)) as image:
            if image.width * image.height > MAX_PIXELS:
                message = f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels."
                raise FileTooLarge(message, width=image.width, height=image.height)
            if max(image.size) > _LONGEST:
                message = f"A side of the picture has more than {_LONGEST} pixels."
                raise FileTooLarge(message, width=image.width, height=image.height)
            media_type = _FORMATS[image.format or ""]
            width, height = image.size
            # A camera's JPEG is unpacked at the scale that is needed, no larger.
            image.draft("RGB", (WIDTHS[-1] * 2, WIDTHS[-1] * 2))
            image.load()
            upright = ImageOps.exif_transpose(image)
            if (width > height) != (upright.width > upright.height):
                width, height = height, width
            plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except FileTooLarge:
        raise
    except Image.DecompressionBombError as error:
        message = f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels."
        raise FileTooLarge(message) from error
    except UnidentifiedImageError as error:
        message = "Send a JPEG, PNG, WebP or GIF picture; this is none, whatever its name says."
        raise NoPicture(message) from error
    except Exception as error:
        if "too large" in str(error) or "Decompressed" in str(error):
            message = "The picture unpacks to more than we take."
            raise FileTooLarge(message) from error
        message = "The picture is broken: it cannot be decoded to its end."
        raise NoPicture(message) from error
    files = tuple(_files(plain))
    digest = sha256()
    for file in files:
        digest.update(file.content)
    return MadePicture(
        digest=digest.hexdigest(),
        media_type=media_type,
        width=width,
        height=height,
        files=files,
    )


def _files(plain: Image.Image) -> Iterator[PictureFile]:
    widths = [width for width in WIDTHS if width < plain.width]
    if len(widths) < len(WIDTHS):
        widths.append(plain.width)
    for width in widths:
        height = max(1, round(plain.height * width / plain.width))
        sized = plain.resize((width, height), Image.Resampling.LANCZOS)
        # A new image without a past: no EXIF, place, profile, comment or appended bytes.
        sized.info = {}
        out = io.BytesIO()
        sized.save(out, "WEBP", quality=82, method=4)
        yield PictureFile(width=width, height=height, kind="webp", content=out.getvalue())
        if sized.mode == "RGBA":
            ground = Image.new("RGB", sized.size, "white")
            ground.paste(sized, mask=sized.getchannel("A"))
            sized = ground
        out = io.BytesIO()
        sized.save(out, "JPEG", quality=85, optimize=True, progressive=True)
        yield PictureFile(width=width, height=height, kind="jpg", content=out.getvalue())


def _refuse_archive(content: bytes) -> None:
    """An archive is no picture; one that unpacks to far more than it weighs is told apart, unopened."""
    if not content.startswith(b"PK\x03\x04"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OverflowError):
        size = 0
    if size > _MAX_UNPACKED:
        message = "The archive unpacks to more than we take."
        raise FileTooLarge(message)
    message = "An archive is no picture."
    raise NoPicture(message)
