"""Every query on address books and segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from commercekit.customers.models import BookedAddress, Segment
from commercekit.kernel import Address
from commercekit.platform.security import SealedTable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from commercekit.kernel import PageRequest
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["SEALED", "CustomerRepository"]

SEALED = (SealedTable("customers_address", ("address",)),)
"""Tables with sealed columns, for the sealer to load its keys and to replace them."""

_TABLE = "customers_address"
_SEGMENT = "id, code, name, created_at, version"


class _Reader(Protocol):
    async def fetch(self, sql: str, /, *args: Any) -> list[Any]: ...


class CustomerRepository:
    """Addresses are sealed; segments are no secret."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def addresses(self, where: _Reader, customer_id: UUID) -> list[BookedAddress]:
        """The book of a customer: the first choice first, then the latest."""
        rows = await where.fetch(
            "SELECT id, address, is_default FROM customers_address WHERE customer_id = $1"
            " ORDER BY is_default DESC, id DESC",
            customer_id,
        )
        opened = self._sealer.open
        return [
            BookedAddress(
                id=row["id"],
                address=opened(_TABLE, "address", row["id"], row["address"], Address),
                is_default=row["is_default"],
            )
            for row in rows
        ]

    async def put_address(
        self, uow: UnitOfWork, customer_id: UUID, booked: BookedAddress, now: datetime
    ) -> None:
        """Write an address, new or known."""
        await uow.execute(
            "INSERT INTO customers_address (id, customer_id, address, is_default, created_at)"
            " VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (id) DO UPDATE SET address = excluded.address,"
            " is_default = excluded.is_default",
            booked.id,
            customer_id,
            self._sealer.seal(_TABLE, "address", booked.id, booked.address),
            booked.is_default,
            now,
        )

    async def no_first_choice(self, uow: UnitOfWork, customer_id: UUID) -> None:
        """Take the first place from whichever address has it."""
        await uow.execute(
            "UPDATE customers_address SET is_default = false WHERE customer_id = $1 AND is_default",
            customer_id,
        )

    async def choose_latest(self, uow: UnitOfWork, customer_id: UUID) -> None:
        """Give the first place to the latest address, if no other has it."""
        await uow.execute(
            "UPDATE customers_address SET is_default = true WHERE id ="
            " (SELECT id FROM customers_address WHERE customer_id = $1 ORDER BY id DESC LIMIT 1)"
            " AND NOT EXISTS"
            " (SELECT FROM customers_address WHERE customer_id = $1 AND is_default)",
            customer_id,
        )

    async def delete_address(self, uow: UnitOfWork, customer_id: UUID, address_id: UUID) -> bool:
        """Forget one address of a customer."""
        tag = await uow.execute(
            "DELETE FROM customers_address WHERE customer_id = $1 AND id = $2",
            customer_id,
            address_id,
        )
        return tag.endswith(" 1")

    async def erase(self, uow: UnitOfWork, customer_id: UUID) -> None:
        """Forget the book and every membership of a customer."""
        await uow.execute("DELETE FROM customers_address WHERE customer_id = $1", customer_id)
        await uow.execute("DELETE FROM customers_membership WHERE customer_id = $1", customer_id)

    async def segments(self) -> list[Segment]:
        """All of them, by code."""
        rows = await self._db.fetch(f"SELECT {_SEGMENT} FROM customers_segment ORDER BY code")
        return [_segment(row) for row in rows]

    async def segment(self, code: str) -> Segment | None:
        """The segment of this code."""
        row = await self._db.fetchrow(
            f"SELECT {_SEGMENT} FROM customers_segment WHERE code = $1", code
        )
        return None if row is None else _segment(row)

    async def insert_segment(self, uow: UnitOfWork, segment: Segment) -> bool:
        """Add a segment; ``False`` when the code is taken."""
        tag = await uow.execute(
            "INSERT INTO customers_segment (id, code, name, created_at) VALUES ($1, $2, $3::jsonb, $4)"
            " ON CONFLICT (code) DO NOTHING",
            segment.id,
            segment.code,
            msgspec.json.encode(segment.name).decode(),
            segment.created_at,
        )
        return tag.endswith(" 1")

    async def delete_segment(self, uow: UnitOfWork, segment_id: UUID) -> None:
        """Forget a segment and who was in it."""
        await uow.execute("DELETE FROM customers_segment WHERE id = $1", segment_id)

    async def join(
        self,
        uow: UnitOfWork,
        segment_id: UUID,
        customers: Sequence[UUID],
        source: str,
        now: datetime,
    ) -> None:
        """Put customers into a segment; who is in it stays."""
        await uow.execute(
            "INSERT INTO customers_membership (customer_id, segment_id, source, added_at)"
            " SELECT c, $1, $3, $4 FROM unnest($2::uuid[]) AS c ON CONFLICT DO NOTHING",
            segment_id,
            list(customers),
            source,
            now,
        )

    async def leave(self, uow: UnitOfWork, segment_id: UUID, customers: Sequence[UUID]) -> None:
        """Take customers out of a segment."""
        await uow.execute(
            "DELETE FROM customers_membership"
            " WHERE segment_id = $1 AND customer_id = ANY ($2::uuid[])",
            segment_id,
            list(customers),
        )

    async def members(self, segment_id: UUID, page: PageRequest) -> list[UUID]:
        """Who is in a segment, by id, one more than asked for if there are more."""
        rows = await self._db.fetch(
            "SELECT customer_id FROM customers_membership WHERE segment_id = $1"
            " AND ($2::uuid IS NULL OR customer_id > $2) ORDER BY customer_id LIMIT $3",
            segment_id,
            page.after[0] if page.after else None,
            page.limit + 1,
        )
        return [row["customer_id"] for row in rows]

    async def in_segments(self, codes: Sequence[str], page: PageRequest) -> list[UUID]:
        """Who is in any of the segments, newest first, one more than asked for if there are more."""
        rows = await self._db.fetch(
            "SELECT DISTINCT m.customer_id FROM customers_membership m"
            " JOIN customers_segment s ON s.id = m.segment_id WHERE s.code = ANY ($1::text[])"
            " AND ($2::uuid IS NULL OR m.customer_id < $2) ORDER BY m.customer_id DESC LIMIT $3",
            list(codes),
            page.after[0] if page.after else None,
            page.limit + 1,
        )
        return [row["customer_id"] for row in rows]

    async def segments_of(self, customers: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
        """The codes of the segments of each customer, in order."""
        rows = await self._db.fetch(
            "SELECT m.customer_id, array_agg(s.code ORDER BY s.code) AS codes"
            " FROM customers_membership m JOIN customers_segment s ON s.id = m.segment_id"
            " WHERE m.customer_id = ANY ($1::uuid[]) GROUP BY m.customer_id",
            list(customers),
        )
        return {row["customer_id"]: tuple(row["codes"]) for row in rows}


def _segment(row: Any) -> Segment:
    return Segment(
        id=row["id"],
        code=row["code"],
        name=msgspec.json.decode(row["name"]),
        created_at=row["created_at"],
        version=row["version"],
    )
