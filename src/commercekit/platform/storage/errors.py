"""Why a file is not taken."""

from __future__ import annotations

from commercekit.errors import Malformed
from commercekit.platform.http import TooLarge, UnsupportedMedia

__all__ = ["EmptyFile", "FileTooLarge", "NoPicture"]


class EmptyFile(Malformed):
    """There is no byte in it, or no file in the form."""

    slug = "empty-file"
    title = "No file"
    title_zh = "文件为空"


class FileTooLarge(TooLarge):
    """More bytes, more pixels, or more inside than we unpack."""

    slug = "file-too-large"
    title = "File too large"
    title_zh = "文件过大"


class NoPicture(UnsupportedMedia):
    """By its content, whatever its name says, none of the kinds of picture we read, or a broken one."""

    slug = "no-picture"
    title = "Not a picture"
    title_zh = "不是可用的图片"
