"""Pictures of the shop: those somebody put into a folder, and those that were uploaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from litestar import Request, Response, get
from litestar.datastructures import CacheControlHeader
from litestar.static_files import create_static_files_router

from commercekit.errors import ConfigurationError, NotFound
from commercekit.platform.http import ANY_QUERY

if TYPE_CHECKING:
    from pathlib import Path

    from litestar import Router
    from litestar.types import ControllerRouterHandler

    from commercekit.platform.storage import Storage

__all__ = ["media_routes", "picture_routes"]

_NAME = re.compile(r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9]{1,5}\.(webp|jpg)")
_TYPES = {"webp": "image/webp", "jpg": "image/jpeg"}


def media_routes(folder: Path | None) -> list[Router]:
    """``/media`` out of ``folder``; nothing without one.

    Raises :class:`~commercekit.errors.ConfigurationError` when the folder is not there.
    """
    if folder is None:
        return []
    if not folder.is_dir():
        message = (
            f"web.media names {folder}, and that is no folder; make it, or take the setting out"
        )
        raise ConfigurationError(message)
    return [
        create_static_files_router(
            path="/media",
            directories=[folder],
            name="media",
            include_in_schema=False,
            opt={"query": "any"},
            cache_control=CacheControlHeader(public=True, max_age=3600),
        )
    ]


def picture_routes(storage: Storage) -> list[ControllerRouterHandler]:
    """``/media/pictures/<name>``: uploads in all their sizes.

    A name follows the content and is never written twice, so that a browser may keep it for a year
    without asking. Nothing but a name of ours reaches the storage.
    """

    @get("/media/pictures/{name:str}", opt=ANY_QUERY, include_in_schema=False)
    async def picture(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
        match = _NAME.fullmatch(name)
        if match is None:
            raise NotFound
        headers = {
            "cache-control": "public, max-age=31536000, immutable",
            "etag": f'"{name}"',
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
            # Storefronts on other hosts show them.
            "cross-origin-resource-policy": "cross-origin",
        }
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(b"", status_code=304, headers=headers)
        content = await storage.get(name)
        if content is None:
            raise NotFound
        return Response(content, headers=headers, media_type=_TYPES[match[1]])

    return [picture]
