"""Changing only what one has read: ``ETag`` and ``If-Match``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from commercekit.platform.http.problems import PreconditionFailed, PreconditionRequired

if TYPE_CHECKING:
    from litestar import Request

__all__ = ["etag_of", "require_match"]

_TAG: Final = re.compile(r'(W/)?("[\x21\x23-\x7e]*")')


def etag_of(version: int | str) -> str:
    """The strong entity tag of a row's version."""
    return f'"{version}"'


def require_match(request: Request[Any, Any, Any], version: int | str) -> None:
    """Refuse unless ``If-Match`` names ``version``.

    Raises :class:`PreconditionRequired` (428) without the header and :class:`PreconditionFailed` (412)
    for another version; ``*`` matches whatever is there, weak tags never do (RFC 9110, section 13.1.1).
    """
    header = request.headers.get("if-match")
    if header is None:
        message = "Send If-Match with the ETag you read."
        raise PreconditionRequired(message)
    if header.strip() == "*":
        return
    tags = {tag for weak, tag in _TAG.findall(header) if not weak}
    if etag_of(version) not in tags:
        message = "It has changed since you read it; read it again."
        raise PreconditionFailed(message, current=etag_of(version))
