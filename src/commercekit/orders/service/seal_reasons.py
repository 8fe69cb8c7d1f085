"""Sealing and indexing what was written before that was done at once."""

from __future__ import annotations

from commercekit.orders.service.base import OrderUseCases

__all__ = ["SealReasons"]


class SealReasons(OrderUseCases):
    """Nothing to do in a shop whose every row was written by this version."""

    async def seal_reasons(self, limit: int = 500) -> int:
        """Seal reasons that stand in clear and index phone numbers; gives how many rows it changed.

        Safe in several processes at once: whoever comes second finds the row done.
        """
        sealed = await self._orders.seal_reasons(limit)
        asked = await self._requests.seal_reasons(limit)
        return sealed + asked + await self._orders.index_phones(limit)
