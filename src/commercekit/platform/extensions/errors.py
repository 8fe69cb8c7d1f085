"""Why a value of an extension field is not taken."""

from __future__ import annotations

from commercekit.errors import Malformed, Unprocessable

__all__ = ["ExtensionInvalid", "ExtensionRefused"]


class ExtensionInvalid(Malformed):
    """A field that no plugin here has, or a value of another type; ``errors`` says where."""

    slug = "validation"
    title = "Invalid input"
    title_zh = "输入无效"


class ExtensionRefused(Unprocessable):
    """A value that is missing, or that the one asking may not write; ``errors`` says where."""

    slug = "extension-refused"
    title = "A plugin's field does not accept this"
    title_zh = "插件字段不接受该内容"
