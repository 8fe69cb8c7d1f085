"""What lies in the shop's database and cache, as somebody reads it who has stolen them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from tests.shop import TestShop


async def dump(shop: TestShop) -> dict[str, bytes]:
    """Each table's rows as text, and the values of the cache, by name."""
    db = shop.shop.db
    tables = await db.fetch(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm')"
        " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1"
    )
    found: dict[str, bytes] = {}
    for table in tables:
        rows = await db.fetch(f"SELECT t::text AS row FROM {table['name']} t")
        if rows:
            found[table["name"]] = "\n".join(row["row"] for row in rows).encode()
    kept: Any = getattr(shop.shop.cache, "_store", None)
    if kept is not None:
        found["the cache"] = repr(vars(kept)).encode()
    return found


def spellings(canary: str) -> list[bytes]:
    """The ways in which a text can lie in clear: as it is, in hexadecimal, in base64 at any offset."""
    plain = canary.encode()
    found = [plain, plain.hex().encode(), plain.hex().upper().encode()]
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + plain)
        # The letters that depend on neighbours are left away.
        found.append(encoded[(0, 2, 3)[offset] : len(encoded) // 4 * 4 - 4])
    return [each for each in found if len(each) >= 6]


def seen(dumped: dict[str, bytes], canaries: Iterable[str]) -> list[tuple[str, str]]:
    """Where which canary can be read."""
    return [
        (place, canary)
        for place, content in dumped.items()
        for canary in canaries
        if any(spelling in content for spelling in spellings(canary))
    ]
