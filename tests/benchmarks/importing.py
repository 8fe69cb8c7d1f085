"""``import_products``: a Shopify file through the real import, against COPY of the rows it leaves.

``python -m tests.benchmarks.importing --variants 1000000`` imports a larger file and says how much memory
it took; the file is made anew from a fixed seed each time.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import os
import random
import resource
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from commercekit.app import Shop, database_of, load_configuration, piccolo_apps
from commercekit.catalog import ImportReport
from commercekit.cli.garbage import collecting_seldom
from commercekit.platform.db import Migrator
from commercekit.platform.db.embedded import reachable_folder

__all__ = ["Imported", "import_products", "write_file"]

PER_PRODUCT = 5
_SIZES = ("S", "M", "L", "XL", "XXL")
_SETTINGS = """
name = "Import"
environment = "development"

[market]
currency = "CNY"
countries = ["CN"]

[telemetry]
access_log = false
level = "warning"
"""
_WORDS_TEXT = (
    "soft warm light cotton linen wool river stone garden paper glass silver morning quiet narrow wide"
    " shirt jacket kettle lamp bottle basket blanket towel chair table mirror notebook pencil clock"
    " handmade everyday travel winter summer classic modern washed brushed woven printed striped plain"
)
_WORDS = _WORDS_TEXT.split()
_HEADER = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,"
    "Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,"
    "Variant Fulfillment Service,Variant Price,Variant Compare At Price,Variant Requires Shipping,"
    "Variant Taxable,Variant Barcode,Image Src,Image Position,Image Alt Text,Gift Card,SEO Title,"
    "SEO Description,Variant Weight Unit,Status"
)
_COLUMNS = _HEADER.split(",")


class Imported(NamedTuple):
    """Seconds of the import and of COPY, and what came in."""

    variants: int
    rows: int
    """Of all tables together."""
    seconds: float
    floor_seconds: float
    peak_mb: float
    """What the importing process grew to, at most."""

    @property
    def ratio(self) -> float:
        """How near the import comes to COPY."""
        return self.floor_seconds / self.seconds


def write_file(path: Path, variants: int) -> None:
    """Products of five sizes, as Shopify exports them; the same each time."""
    chance = random.Random(7)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, _COLUMNS, restval="")
        writer.writeheader()
        for number in range(-(-variants // PER_PRODUCT)):
            writer.writerows(_product(number, chance))


def _product(number: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    words = chance.choices(_WORDS, k=36)
    handle = f"{words[0]}-{words[1]}-{number}"
    body = f"<p>{' '.join(words[4:20]).capitalize()}.</p><p>{' '.join(words[20:])}.</p>"
    first = {
        "Title": f"{words[0]} {words[1]} {words[2]} {number}".title(),
        "Body (HTML)": body,
        "Vendor": f"Maker {number % 200}",
        "Type": f"{_WORDS[number % 40]} things",
        "Tags": f"{words[2]}, {words[3]}, season {number % 4}",
        "Published": "true",
        "Option1 Name": "Size",
        "SEO Title": f"Buy {words[0]} {words[1]}",
        "SEO Description": " ".join(words[4:14]),
        "Status": "active",
    }
    price = chance.randint(500, 90000)
    for place, size in enumerate(_SIZES):
        row = {
            "Handle": handle,
            "Option1 Value": size,
            "Variant SKU": f"SKU-{number:07}-{size}",
            "Variant Grams": chance.randint(50, 5000),
            "Variant Inventory Tracker": "shopify",
            "Variant Inventory Qty": chance.randint(0, 80),
            "Variant Inventory Policy": "deny",
            "Variant Fulfillment Service": "manual",
            "Variant Price": f"{price / 100:.2f}",
            "Variant Compare At Price": f"{price / 80:.2f}" if number % 4 == 0 else "",
            "Variant Requires Shipping": "true",
            "Variant Taxable": "true",
            "Variant Barcode": f"69{number:09}{place}",
            "Gift Card": "false",
            "Variant Weight Unit": "g",
        }
        if place < 2:
            row |= {
                "Image Src": f"https://pictures.example/{number}/{place}.jpg",
                "Image Position": place + 1,
                "Image Alt Text": first["Title"],
            }
        yield (first | row) if place == 0 else row


def import_products(variants: int = 100_000, *, floor: bool = True) -> Imported:
    """Into an empty shop of its own, with a PostgreSQL of its own."""
    with _folder() as folder:
        file = folder / "products.csv"
        write_file(file, variants)
        config = folder / "commercekit.toml"
        config.write_text(_SETTINGS, encoding="utf-8")
        environ = {**os.environ, "COMMERCEKIT_DATA": str(folder / "data")}
        configuration = load_configuration(config, environ)
        with database_of(configuration) as dsn:
            return asyncio.run(_measure(configuration, dsn, file, variants, floor=floor))


@contextmanager
def _folder() -> Iterator[Path]:
    # Not tempfile's own folders: they are closed to the account that root's PostgreSQL runs as.
    folder = Path(tempfile.gettempdir()) / f"commercekit-import-{secrets.token_hex(4)}"
    folder = reachable_folder(folder)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(
    configuration: Any, dsn: str, file: Path, variants: int, *, floor: bool
) -> Imported:
    await Migrator(dsn, piccolo_apps(configuration)).forwards()
    connection = await asyncpg.connect(dsn)
    async with Shop(configuration, dsn).opened() as shop:
        before = await _counts(connection)
        began = time.perf_counter()
        with collecting_seldom():  # as the command does
            report = await _run(shop, file)
        seconds = time.perf_counter() - began
    # Before the floor's own copies fill the memory.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if (report.failed, report.variants) != (0, variants):
        sys.exit(f"the import went wrong: {report.errors[:3]}")
    after = await _counts(connection)
    grown = {table: after[table] - before[table] for table in after}
    grown = {table: count for table, count in grown.items() if count > 0}
    taken = await _copy(connection, grown, file.parent) if floor else 0.0
    await connection.close()
    return Imported(variants, sum(grown.values()), seconds, taken, peak)


async def _run(shop: Shop, file: Path) -> ImportReport:
    market = await shop.markets.default()
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return await shop.importer(market).run(lines, currency=market.currency, key="bench")


async def _counts(connection: Any) -> dict[str, int]:
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition"
    )
    return {
        row["relname"]: await connection.fetchval(f'SELECT count(*) FROM "{row["relname"]}"')
        for row in tables
    }


async def _copy(connection: Any, grown: dict[str, int], folder: Path) -> float:
    """Seconds that COPY takes for every row the import left, into the same tables, emptied before.

    Indexes, checks and foreign keys are as they are; triggers of ours are off, whose rows are copied too.
    """
    rows = await connection.fetch(
        "SELECT DISTINCT conrelid::regclass::text AS below, confrelid::regclass::text AS above"
        " FROM pg_constraint WHERE contype = 'f'"
    )
    order = TopologicalSorter({table: [] for table in grown})
    for row in rows:
        if {row["below"], row["above"]} <= grown.keys() and row["below"] != row["above"]:
            order.add(row["below"], row["above"])
    tables = list(order.static_order())
    columns = {table: await _columns(connection, table) for table in tables}
    kept: dict[str, bytes] = {}
    for table in tables:
        out = io.BytesIO()
        listed = ", ".join(columns[table])
        await connection.copy_from_query(f"SELECT {listed} FROM {table}", output=out)
        kept[table] = out.getvalue()
    # Before they are emptied: some of our triggers would empty others a second time.
    for table in tables:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await connection.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
    await connection.execute("CHECKPOINT")
    taken = 0.0
    for table in tables:
        began = time.perf_counter()
        await connection.copy_to_table(
            table, source=io.BytesIO(kept[table]), columns=columns[table]
        )
        taken += time.perf_counter() - began
        print(f"  {table}: {grown[table]:,} rows, {time.perf_counter() - began:.2f} s")
    return taken


async def _columns(connection: Any, table: str) -> list[str]:
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
        table,
    )
    return [row["attname"] for row in rows]


def main() -> None:
    """Measure once and say it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.importing", description=__doc__
    )
    parser.add_argument("--variants", type=int, default=100_000)
    parser.add_argument("--no-floor", action="store_true")
    options = parser.parse_args()
    done = import_products(options.variants, floor=not options.no_floor)
    print(
        f"{done.variants:,} variants, {done.rows:,} rows: {done.seconds:.1f} s,"
        f" {done.variants / done.seconds:,.0f} variants a second; COPY {done.floor_seconds:.1f} s;"
        f" ratio {done.ratio:.3f}; at most {done.peak_mb:,.0f} MB"
    )


if __name__ == "__main__":
    main()
