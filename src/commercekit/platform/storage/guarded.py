"""A plugin's place for files, behind the core's guard."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from commercekit.platform.providers import FailurePolicy, ProviderCaller, ProviderKind, Verb
from commercekit.platform.storage.storage import Storage

__all__ = ["MEDIA_STORAGES", "GuardedStorage"]

_KIND: Final = "storage"
_MOST: Final = 64_000_000

PUT: Final[Verb[None]] = Verb(
    _KIND, "put", type(None), effectful=True, repeatable=True, deadline=timedelta(seconds=15)
)
GET: Final[Verb[bytes | None]] = Verb(
    _KIND, "get", bytes | None, deadline=timedelta(seconds=5), retries=1, most_bytes=_MOST
)
DELETE: Final[Verb[None]] = Verb(
    _KIND,
    "delete",
    type(None),
    effectful=True,
    repeatable=True,
    # The sweep comes back to it.
    policies=(FailurePolicy.RETRY_LATER,),
)

MEDIA_STORAGES: Final = ProviderKind(_KIND, "media storage", (PUT, GET, DELETE))
"""What a place for files is asked, and what the core does when it fails."""


class GuardedStorage(Storage):
    """Does as the place does, within deadlines; what it raises by mistake is ``PluginFailed``."""

    def __init__(self, place: Storage, caller: ProviderCaller) -> None:
        self._place = place
        self._caller = caller

    @property
    def code(self) -> str:  # type: ignore[override]  # of the place, which is an object here
        """What ``[media] storage`` names."""
        return self._place.code

    async def put(self, name: str, content: bytes) -> None:
        """Keep ``content`` under ``name``."""
        place = self._place
        await self._caller.call(PUT, place.code, lambda: place.put(name, content))

    async def get(self, name: str) -> bytes | None:
        """The content, or ``None``."""
        place = self._place
        return await self._caller.call(GET, place.code, lambda: place.get(name))

    async def delete(self, name: str) -> None:
        """Forget a file."""
        place = self._place
        await self._caller.call(DELETE, place.code, lambda: place.delete(name))
