"""Carts that belong to a customer."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from commercekit.checkout.repository.carts import TABLE, CartRepository
from commercekit.platform.extensions import write_values

if TYPE_CHECKING:
    from commercekit.checkout.models import Cart
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["OwnedCarts"]

_encode = msgspec.json.Encoder().encode


class OwnedCarts:
    """What merging reads and writes."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer
        self._carts = CartRepository(db, sealer)

    async def open_one(self, owner_id: UUID, market: str, now: datetime) -> Cart | None:
        """The cart that this customer is filling."""
        row = await self._db.fetchrow(
            "SELECT * FROM checkout_cart WHERE owner_id = $1 AND market = $2"
            " AND order_id IS NULL AND expires_at > $3",
            owner_id,
            market,
            now,
        )
        return self._carts.cart_of(row) if row else None

    async def every(self, owner_id: UUID) -> list[Cart]:
        """Carts of this customer that have not become orders."""
        rows = await self._db.fetch(
            "SELECT * FROM checkout_cart WHERE owner_id = $1 AND order_id IS NULL ORDER BY id",
            owner_id,
        )
        return [self._carts.cart_of(row) for row in rows]

    async def delete_all(self, uow: UnitOfWork, owner_id: UUID) -> None:
        """Forget every cart of this customer."""
        await uow.execute("DELETE FROM checkout_cart WHERE owner_id = $1", owner_id)

    async def lock(
        self, uow: UnitOfWork, guest_id: UUID, owner_id: UUID, now: datetime
    ) -> tuple[Cart | None, list[Cart]]:
        """The guest's cart, and the customer's open ones of every market, locked in the order of ids.

        The customer's carts whose time is over are forgotten on the way, so that a new one has room.
        """
        rows = await uow.fetch(
            "SELECT * FROM checkout_cart WHERE id = $1 OR (owner_id = $2 AND order_id IS NULL)"
            " ORDER BY id FOR UPDATE",
            guest_id,
            owner_id,
        )
        over = [row["id"] for row in rows if row["expires_at"] <= now]
        if over:
            await uow.execute("DELETE FROM checkout_cart WHERE id = ANY($1::uuid[])", over)
        carts = [self._carts.cart_of(row) for row in rows if row["id"] not in over]
        guest = next((cart for cart in carts if cart.id == guest_id), None)
        return guest, [
            cart for cart in carts if cart.owner_id == owner_id and cart.order_id is None
        ]

    async def put(self, uow: UnitOfWork, cart: Cart) -> None:
        """Write the whole cart as it is, new or known."""
        await uow.execute(
            """
            INSERT INTO checkout_cart (id, market, locale, lines, address, shipping, coupons,
                owner_id, expires_at, version, extensions)
            VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7, $8, $9, $10, $11)
            ON CONFLICT (id) DO UPDATE SET locale = excluded.locale, lines = excluded.lines,
                address = excluded.address, shipping = excluded.shipping,
                coupons = excluded.coupons, expires_at = excluded.expires_at,
                version = excluded.version, extensions = excluded.extensions
            """,
            cart.id,
            cart.market,
            cart.locale,
            _encode(cart.lines).decode(),
            self._sealer.seal(TABLE, "address", cart.id, cart.address) if cart.address else None,
            cart.shipping,
            list(cart.coupons),
            cart.owner_id,
            cart.expires_at,
            cart.version,
            write_values(cart.extensions or {}),
        )

    async def delete(self, uow: UnitOfWork, cart_id: UUID) -> None:
        """Forget the cart."""
        await self._carts.delete(uow, cart_id)
