"""What plugins keep beside orders, in the row of the order itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.platform.extensions import Values, write_values

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["carry", "replace"]


async def carry(uow: UnitOfWork, carried: Mapping[UUID, Values]) -> None:
    """Give orders that this unit of work wrote what was kept beside their carts."""
    await uow.execute(
        "UPDATE orders_order o SET extensions = u.extensions"
        " FROM unnest($1::uuid[], $2::jsonb[]) AS u (id, extensions) WHERE o.id = u.id",
        list(carried),
        [write_values(values) for values in carried.values()],
    )


async def replace(uow: UnitOfWork, order_id: UUID, values: Values) -> None:
    """Write all of them; the order is locked, and its version goes up."""
    await uow.execute(
        "UPDATE orders_order SET extensions = $2, version = version + 1 WHERE id = $1",
        order_id,
        write_values(values),
    )
