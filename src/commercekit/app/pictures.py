"""Whether a picture can be fetched, asked by the shop's one way out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httpx import AsyncClient

__all__ = ["reach_by"]

_SECONDS = 5.0


def reach_by(http: AsyncClient) -> Callable[[str], Awaitable[bool]]:
    """Ask for the header of a picture; what does not answer with one is out of reach."""

    async def reach(url: str) -> bool:
        try:
            async with asyncio.timeout(_SECONDS), http.stream("GET", url) as answer:
                kind = answer.headers.get("content-type", "")
                return answer.is_success and kind.startswith("image/")
        except Exception:  # noqa: BLE001 - whatever keeps a picture from coming is the finding
            return False

    return reach
