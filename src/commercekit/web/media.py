"""Pictures of the shop, out of a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar.datastructures import CacheControlHeader
from litestar.static_files import create_static_files_router

from commercekit.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from litestar import Router

__all__ = ["media_routes"]


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
