"""Carts, and placing by the batch; addresses are sealed here and nowhere above."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec import Struct

from commercekit.checkout.models import MAX_LINES, Cart, CartLine
from commercekit.inventory import SHOWN_CAP
from commercekit.kernel import Address
from commercekit.platform.db import Database
from commercekit.platform.extensions import read_values, write_values

if TYPE_CHECKING:
    from commercekit.platform.db import Record, UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["TABLE", "Addition", "CartRepository", "StockShows", "Turn", "place_all"]

TABLE = "checkout_cart"
_PLACE = "SELECT * FROM checkout_place($1::jsonb, $2, $3)"
_PLACE_AND_TELL = "SELECT * FROM checkout_place_and_tell($1::jsonb, $2, $3, $4)"
_PUT = "SELECT * FROM checkout_put($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_SWAP = "SELECT id FROM checkout_swap($1, $2, $3, $4, $5, $6, $7, $8, $9) AS swapped(id)"

_encode = msgspec.json.Encoder().encode
_lines = msgspec.json.Decoder(tuple[CartLine, ...])


class Turn(Struct, frozen=True):
    """What became of one order of a batch."""

    outcome: str
    """``placed``, ``known``, ``taken``, ``cart-changed``, ``cart-ordered``, ``limit-reached``,
    ``out-of-stock`` or ``again``."""
    detail: str = ""
    """JSON; of ``out-of-stock`` the lines that fell short, of ``limit-reached`` the limits."""


class Addition(Struct, frozen=True, kw_only=True):
    """So many more pieces of a SKU for a cart."""

    cart_id: UUID
    sku: str
    line_id: UUID
    """The line's id if it is a new one."""
    quantity: int
    most: int
    """The cart must not hold more pieces of the SKU than this afterwards."""


class StockShows(Exception):
    """Placing would change a number that shoppers see, and with it read models: it needs a unit of work."""

    def __init__(self, skus: list[str]) -> None:
        super().__init__("placing changes what shoppers see")
        self.skus = skus


async def place_all(
    where: UnitOfWork | Database, wishes: Sequence[dict[str, Any]], *, lease: timedelta
) -> tuple[list[Turn], str]:
    """Place each of ``wishes`` or say why not, in one call; and what changed in stock, as JSON.

    In a unit of work it writes with it. With the database alone it is a transaction of its own, which
    tells the facts that the wishes carry as ``facts``, and raises :class:`StockShows`, having written
    nothing, where facts about stock would have to be told too.
    """
    told = _encode(wishes).decode()
    now = where.clock.now()
    if isinstance(where, Database):
        rows = await where.write(_PLACE_AND_TELL, told, now, lease, SHOWN_CAP)
    else:
        rows = await where.fetch(_PLACE, told, now, lease)
    stock = "[]"
    turns = [Turn("")] * len(wishes)
    for row in rows:
        if row["turn"] >= 0:
            turns[row["turn"]] = Turn(row["outcome"], row["detail"] or "")
        elif row["outcome"] == "shows":
            raise StockShows(msgspec.json.decode(row["detail"], type=list[str]))
        else:
            stock = row["detail"] or "[]"
    return turns, stock


class CartRepository:
    """Reads and writes carts."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def insert(self, uow: UnitOfWork, cart: Cart) -> None:
        """Write a new cart."""
        await uow.execute(
            "INSERT INTO checkout_cart (id, market, locale, expires_at) VALUES ($1, $2, $3, $4)",
            cart.id,
            cart.market,
            cart.locale,
            cart.expires_at,
        )

    async def get(self, cart_id: UUID, now: datetime) -> Cart | None:
        """The cart, unless its time is over."""
        row = await self._db.fetchrow(
            "SELECT * FROM checkout_cart WHERE id = $1 AND expires_at > $2", cart_id, now
        )
        return self.cart_of(row) if row else None

    async def read(self, cart_ids: Iterable[UUID], now: datetime) -> dict[UUID, Cart]:
        """Those of the carts that are there, as they are now."""
        rows = await self._db.fetch(
            "SELECT * FROM checkout_cart WHERE id = ANY($1::uuid[]) AND expires_at > $2",
            list(cart_ids),
            now,
        )
        return {row["id"]: self.cart_of(row) for row in rows}

    async def swap(
        self, changes: Sequence[tuple[Cart, Cart]], now: datetime
    ) -> dict[UUID, Cart | None]:
        """Replace each cart that is still as it is known to be; gives what the others are now.

        ``changes``: as it is known, and as it is to be, with its new version. One statement, which is a
        transaction of its own, and a look at those that are not as they were known.
        """
        # The same order everywhere, so that two processes do not wait for each other.
        changes = sorted(changes, key=lambda change: change[1].id.bytes)
        rows = await self._db.fetch(
            _SWAP,
            *self._columns(changes),
            [before.version for before, _ in changes],
            now,
        )
        if len(rows) == len(changes):
            return {}
        left = {cart.id for _, cart in changes}.difference(row["id"] for row in rows)
        there = await self.read(left, now)
        return {cart_id: there.get(cart_id) for cart_id in left}

    async def put(
        self, additions: Sequence[Addition], now: datetime, *, expires_at: datetime, touch: datetime
    ) -> dict[UUID, Cart]:
        """Add pieces to carts where they lie; gives the carts that took them, as they are now.

        One statement, which is a transaction of its own, and of each cart at most one addition. A cart
        does not take what makes it more than ``most`` pieces or ``MAX_LINES`` lines; neither do one that
        was ordered and one that is gone. One that expires before ``touch`` lives until ``expires_at``.

        Raises :class:`~commercekit.platform.db.CommitOutcomeUnknown` when the connection breaks meanwhile:
        doing it again could add twice.
        """
        # The same order everywhere, so that two processes do not wait for each other.
        additions = sorted(additions, key=lambda addition: addition.cart_id.bytes)
        rows = await self._db.write(
            _PUT,
            [addition.cart_id for addition in additions],
            [addition.sku for addition in additions],
            [addition.line_id for addition in additions],
            [addition.quantity for addition in additions],
            [addition.most for addition in additions],
            now,
            expires_at,
            touch,
            MAX_LINES,
        )
        return {row["id"]: self.cart_of(row) for row in rows}

    async def locked(
        self, uow: UnitOfWork, cart_ids: Iterable[UUID], now: datetime
    ) -> dict[UUID, Cart]:
        """The carts there are, in the order of ids; everybody else who would change them waits."""
        rows = await uow.fetch(
            "SELECT * FROM checkout_cart WHERE id = ANY($1::uuid[]) AND expires_at > $2"
            " ORDER BY id FOR UPDATE",
            list(cart_ids),
            now,
        )
        return {row["id"]: self.cart_of(row) for row in rows}

    async def write(self, uow: UnitOfWork, changes: Sequence[tuple[Cart, Cart]]) -> None:
        """Replace what each cart holds: as it was locked, and as it is to be, with its new version."""
        # A row whose expiry stays is updated in place, without touching an index.
        await uow.execute(
            """
            UPDATE checkout_cart c SET lines = u.lines, address = coalesce(u.address, c.address),
                shipping = u.shipping, coupons = array(SELECT jsonb_array_elements_text(u.coupons)),
                expires_at = u.expires_at, version = u.version
            FROM unnest($1::uuid[], $2::jsonb[], $3::bytea[], $4::text[], $5::jsonb[],
                        $6::timestamptz[], $7::integer[])
                AS u(id, lines, address, shipping, coupons, expires_at, version)
            WHERE c.id = u.id
            """,
            *self._columns(changes),
        )

    async def extend(self, uow: UnitOfWork, cart: Cart) -> None:
        """Write what plugins keep beside a cart that is locked, with its new version."""
        await uow.execute(
            "UPDATE checkout_cart SET extensions = $2, version = $3 WHERE id = $1",
            cart.id,
            write_values(cart.extensions or {}),
            cart.version,
        )

    async def delete(self, uow: UnitOfWork, cart_id: UUID) -> None:
        """Forget the cart."""
        await uow.execute("DELETE FROM checkout_cart WHERE id = $1", cart_id)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Forget up to ``limit`` carts whose time is over; gives how many."""
        rows = await self._db.fetch(
            "DELETE FROM checkout_cart WHERE id IN (SELECT id FROM checkout_cart"
            " WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id",
            now,
            limit,
        )
        return len(rows)

    def _columns(self, changes: Sequence[tuple[Cart, Cart]]) -> tuple[list[Any], ...]:
        """What each cart is to hold, a list for each column; the address only if it changed."""
        return (
            [cart.id for _, cart in changes],
            [_encode(cart.lines).decode() for _, cart in changes],
            [
                self._sealer.seal(TABLE, "address", cart.id, cart.address)
                if cart.address is not None and cart.address != before.address
                else None
                for before, cart in changes
            ],
            [cart.shipping for _, cart in changes],
            [_encode(cart.coupons).decode() for _, cart in changes],
            [cart.expires_at for _, cart in changes],
            [cart.version for _, cart in changes],
        )

    def cart_of(self, row: Record) -> Cart:
        """A row of the table, opened."""
        cart_id: UUID = row["id"]
        return Cart(
            id=cart_id,
            market=row["market"],
            locale=row["locale"],
            lines=_lines.decode(row["lines"]),
            address=(
                self._sealer.open(TABLE, "address", cart_id, row["address"], Address)
                if row["address"]
                else None
            ),
            shipping=row["shipping"],
            coupons=tuple(row["coupons"]),
            order_id=row["order_id"],
            owner_id=row["owner_id"],
            expires_at=row["expires_at"],
            version=row["version"],
            extensions=read_values(row["extensions"]) if row["extensions"] else None,
        )
