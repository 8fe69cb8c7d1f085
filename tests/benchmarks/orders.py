"""``orders_1m``: reading orders from a table of a million against one of a thousand.

Two shops run side by side and are asked in turns; nothing of theirs caches an order. Both are a year
old, so that their tables have the same months: what differs is how many orders lie in each. Orders are
written set by set with everything a real one has: lines, history, a payment, sealed fields.

``python -m tests.benchmarks.orders --orders 1000000`` only fills a shop and shows the plans.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import asyncpg
import msgspec

from commercekit.app import Shop
from commercekit.identity import NewToken
from commercekit.kernel import Address, id_at
from commercekit.orders import OrderSearch, new_number
from commercekit.orders.api.views import staff_view_of
from commercekit.platform.db import ensure_partitions
from commercekit.platform.db.embedded import reachable_folder
from commercekit.platform.security import Principal
from tests.benchmarks.load import Sample, drive
from tests.benchmarks.shop import BenchShop

__all__ = ["NAME", "Compared", "orders_1m"]

NAME = "orders_1m"
WITHIN = 1.3
MANY, FEW = 1_000_000, 1_000
OF_ONE_CUSTOMER = 1_000
MONTHS = 12
_BATCH = 20_000
_ASKED = 500
_CUSTOMER = "faithful@example.com"
_ADDRESS = Address(
    name="Li Lei",
    phone="+8613800138000",
    country="CN",
    region="Shanghai",
    city="Shanghai",
    line1="88 Century Avenue",
    postcode="200120",
)

_FILL = """
WITH fresh AS (
    INSERT INTO orders_order (id, number, market, currency, prices_include_tax, locale, status,
        payment_status, fulfilment_status, email, email_index, phone_index, address, items, discount,
        shipping, tax, total, shipping_choice, payment_method, collects_later, placed_at, closed_at)
    SELECT s.id, s.number, 'default', 'CNY', true, 'en', 'completed', 'paid', 'delivered', s.email,
        s.email_index, s.phone_index, s.address, 3000, 0, 1000, 460, 4000,
        '{"code": "table-rate-standard", "label": {"en": "Standard"}, "carrier": "table-rate",
          "service": "standard", "amount": 1000, "tax": 115, "payable": 1000}',
        'sandbox', false, s.placed_at, s.placed_at + interval '5 days'
    FROM seed s RETURNING id
)
INSERT INTO orders_number (number, order_id) SELECT number, id FROM seed;

INSERT INTO orders_line (order_id, id, position, sku, variant_id, product_id, name, options,
    quantity, unit_price, discount, tax, payable, weight_grams, requires_shipping, shipped)
SELECT s.id, gen_random_uuid(), p.position, s.skus[p.position + 1], gen_random_uuid(),
    gen_random_uuid(), 'Product', '{"Size": "M"}', 1, 1500, 0, 173, 1500, 300, true, 1
FROM seed s, generate_series(0, 1) AS p (position);

INSERT INTO orders_history (order_id, id, at, actor_kind, actor_id, event, reason, details)
SELECT s.id, gen_random_uuid(), s.placed_at + interval '1 hour' * e.place, 'system', '', e.event, '',
    '{}'
FROM seed s, unnest(ARRAY['placed', 'pending', 'paid', 'shipped', 'delivered', 'completed'])
    WITH ORDINALITY AS e (event, place);

INSERT INTO payments_payment (id, reference, method, gateway, account, flow, capture, status, amount,
    currency, authorised, captured, request, created_at, updated_at)
SELECT s.payment_id, s.id::text, 'sandbox', 'sandbox', 'default', 'redirect', 'auto', 'paid', 4000,
    'CNY', 4000, 4000, '\\x00', s.placed_at, s.placed_at
FROM seed s;
TRUNCATE seed;
"""


class Compared(NamedTuple):
    """What was seen of one kind of request in both shops."""

    name: str
    many: list[Sample]
    few: list[Sample]

    @property
    def ratio(self) -> float:
        """How much faster the median answer comes from the small table: the median of the rounds."""
        return statistics.median(
            f.p50_ms / m.p50_ms for m, f in zip(self.many, self.few, strict=True)
        )


@dataclass
class _Filled:
    """A shop with its orders, and what it is asked."""

    shop: BenchShop
    token: str
    detail: Path
    listing: Path

    def ask(self, file: Path, seconds: float) -> Sample:
        return drive(self.shop.url, "staff.lua", file, self.token, seconds=seconds)


def orders_1m(folder: Path, *, rounds: int, seconds: float) -> Iterator[Compared]:
    """Fill both shops, then ask them in turns: order detail, and the list of one customer's 1,000."""
    with ExitStack() as stack:
        many, few = (
            _filled(stack, folder / name, number) for name, number in (("many", MANY), ("few", FEW))
        )
        for name in ("detail", "list"):
            files = [one.detail if name == "detail" else one.listing for one in (many, few)]
            seen = Compared(f"{NAME}_{name}", [], [])
            for number in range(-1, rounds):
                sides = [(many, files[0], seen.many), (few, files[1], seen.few)]
                for side, file, samples in sides if number % 2 else reversed(sides):
                    sample = side.ask(file, seconds)
                    if number >= 0:  # the first round warms up
                        samples.append(sample)
            yield seen


def _filled(stack: ExitStack, folder: Path, orders: int, *, served: bool = True) -> _Filled:
    folder.mkdir(parents=True)
    shop = stack.enter_context(BenchShop(folder, products=10, served=served))
    began = time.monotonic()
    numbers, token = asyncio.run(_fill(shop, orders))
    print(f"{orders:,} orders in {time.monotonic() - began:.0f} s ...", flush=True)
    chance = random.Random(orders)
    asked = chance.sample(numbers, min(_ASKED, len(numbers)))
    detail, listing = folder / "detail.txt", folder / "list.txt"
    detail.write_text("".join(f"GET\t/admin/orders/{number}\t-\n" for number in asked), "utf-8")
    wanted = msgspec.json.encode({"email": _CUSTOMER}).decode()
    listing.write_text(f"POST\t/admin/orders/search?limit=20\t{wanted}\n", "utf-8")
    return _Filled(shop, token, detail, listing)


async def _fill(bench: BenchShop, orders: int) -> tuple[list[str], str]:
    """Write ``orders``, spread over a year; gives numbers to ask for and a token to ask with."""
    async with bench.opened() as shop:
        now = datetime.now(UTC)
        await ensure_partitions(shop.db, now, months_back=MONTHS)
        issued = await shop.identity.create_token(
            Principal(id="bench", scopes=frozenset({"*:*"})),
            NewToken(name="bench", scopes=frozenset({"orders:read"})),
        )
        connection = await asyncpg.connect(bench.dsn)
        # Whole families are written at once, by nobody else: checking each reference costs hours.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("SET synchronous_commit = off")
        await connection.execute(
            "CREATE TEMP TABLE seed (id uuid, number text, email bytea, email_index bytea,"
            " phone_index bytea, address bytea, skus text[], placed_at timestamptz, payment_id uuid)"
        )
        numbers: list[str] = []
        every = max(1, orders // OF_ONE_CUSTOMER)
        for start in range(0, orders, _BATCH):
            rows = _rows(shop, bench.skus, start, min(_BATCH, orders - start), orders, every, now)
            numbers += [row[1] for row in rows[:: max(1, orders // 5_000)]]
            await connection.copy_records_to_table("seed", records=rows)
            await connection.execute(_FILL)
        await connection.execute("VACUUM ANALYZE")
        await connection.close()
        return numbers, issued.secret


def _rows(
    shop: Shop,
    skus: Sequence[str],
    start: int,
    size: int,
    orders: int,
    every: int,
    now: datetime,
) -> list[tuple[Any, ...]]:
    """One batch; one order in ``every`` is the faithful customer's."""
    seal, index = shop.sealer.seal, shop.sealer.blind_index
    table = "orders_order"
    phone = index(table, "phone", _ADDRESS.phone)
    rows: list[tuple[Any, ...]] = []
    for number in range(start, start + size):
        placed_at = now - timedelta(days=330) * (orders - number) / orders
        order_id = id_at(placed_at)
        email = _CUSTOMER if number % every == 0 else f"customer{number % 50_000}@example.com"
        rows.append(
            (
                order_id,
                new_number(placed_at),
                seal(table, "email", order_id, email),
                index(table, "email", email),
                phone,
                seal(table, "address", order_id, _ADDRESS),
                [skus[number % len(skus)], skus[(number + 1) % len(skus)]],
                placed_at,
                id_at(placed_at + timedelta(seconds=1)),
            )
        )
    return rows


async def _explain(bench: BenchShop) -> None:
    """The plans of all that both requests ask, with what they touched."""
    asked: list[tuple[str, tuple[Any, ...]]] = []

    def noting(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def noted(sql: str, *args: Any) -> Any:
            asked.append((sql, args))
            return await original(sql, *args)

        return noted

    async with bench.opened() as shop:
        number = await shop.db.fetchval(
            "SELECT number FROM orders_order ORDER BY id DESC OFFSET 500 LIMIT 1"
        )
        with ExitStack() as stack:
            for verb in ("fetch", "fetchrow", "fetchval"):
                stack.enter_context(patch.object(shop.db, verb, noting(getattr(shop.db, verb))))
            await staff_view_of(shop.orders, await shop.orders.by_number(number))
            await shop.orders.search(OrderSearch(email=_CUSTOMER), before=None, limit=21)
        for sql, args in asked:
            print("\n" + " ".join(sql.split())[:160])
            for line in await shop.db.fetch("EXPLAIN (ANALYZE, BUFFERS) " + sql, *args):
                print("   ", line[0])


def main() -> None:
    """Fill one shop and say what its plans are."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.orders", description=__doc__)
    parser.add_argument("--orders", type=int, default=MANY)
    options = parser.parse_args()
    folder = reachable_folder(
        Path(tempfile.gettempdir()) / f"commercekit-orders-{secrets.token_hex(4)}"
    )
    try:
        with ExitStack() as stack:
            filled = _filled(stack, folder, options.orders, served=False)
            asyncio.run(_explain(filled.shop))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
