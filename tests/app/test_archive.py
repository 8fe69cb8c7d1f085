"""Out of one whole shop, into an empty one, and out again: the same files, with real prices and stock."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime

import pytest

from commercekit.app import CatalogueArchive
from commercekit.catalog import (
    AttributeKind,
    ImportFileUnreadable,
    NewAttribute,
    NewBrand,
    NewCategory,
    OptionValue,
)
from commercekit.inventory import NewStock
from commercekit.kernel import Money
from commercekit.pricing import NewPrice
from tests.shop import MUG, SHIRT, cny, given

SHEETS = [
    "locations.csv", "price-lists.csv", "categories.csv", "brands.csv", "attributes.csv",
    "products.csv", "prices.csv", "stock.csv", "extensions.csv",
]  # fmt: skip
_TABLES = (
    "catalog_product, catalog_attribute, catalog_brand, catalog_category, catalog_change,"
    " pricing_price, pricing_price_list, pricing_price_history, inventory_stock_item,"
    " inventory_movement, storefront_product, storefront_variant"
)


async def furnish(shop):
    """What a product file alone cannot say, on top of a shirt and a mug."""
    inner = shop.shop
    catalog, pricing, inventory, db = inner.catalog, inner.pricing, inner.inventory, inner.db
    top = await catalog.create_category(NewCategory(slug="house", name={"en": "House"}))
    for slug in ("zinc", "amber", "moss"):
        await catalog.create_category(
            NewCategory(slug=slug, name={"en": slug.title(), "zh": "类"}, parent_id=top.id)
        )
    await catalog.create_category(NewCategory(slug="garden", name={"en": "Garden"}))
    for slug in ("nobody", "kiln"):
        await catalog.create_brand(NewBrand(slug=slug, name={"en": slug.title(), "zh": "牌"}))
    await catalog.define_attribute(
        NewAttribute(
            product_type="Cups",
            code="glaze",
            name={"en": "Glaze"},
            kind=AttributeKind.CHOICE,
            choices=(OptionValue("matt", {"en": "=Matt"}),),
        )
    )
    await pricing.add_price_list(
        "vip", "default", {"en": "VIP", "zh": "贵宾"}, segment="vip", priority=3
    )
    await pricing.add_price_list(
        "spring",
        "default",
        {"en": "Spring"},
        priority=1,
        starts_at=datetime(2027, 3, 1, tzinfo=UTC),
        ends_at=datetime(2027, 4, 1, tzinfo=UTC),
        active=False,
    )
    await inventory.add_location("north", "North", priority=7, country="CN", region="Hebei")
    async with db.unit_of_work() as uow:
        market = await inner.markets.default()
        await pricing.set_prices(
            uow, market, [NewPrice(MUG, Money(4500, "CNY"), Money(5000, "CNY"))]
        )
        await pricing.put_prices(uow, "default-cny", [NewPrice(MUG, Money(4000, "CNY"), None, 10)])
        await pricing.put_prices(uow, "vip", [NewPrice(SHIRT, Money(15000, "CNY"))])
        await inventory.set_stocks(
            uow, [NewStock(sku=MUG, quantity=8, backorder_limit=25)], location="north"
        )
        await inventory.set_stocks(
            uow, [NewStock(sku=SHIRT, quantity=None, tracked=False)], location="north"
        )
    await shop.settle()


async def emptied(shop):
    await shop.shop.db.execute(f"TRUNCATE {_TABLES} CASCADE")
    await shop.shop.db.execute("DELETE FROM inventory_location WHERE code = 'north'")


def files(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def table(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def archive(path, **texts):
    with zipfile.ZipFile(path, "w") as out:
        for name, text in texts.items():
            out.writestr(f"{name.replace('_', '-')}.csv", text)
    return path


async def test_everything_a_shop_holds_of_its_goods_comes_back(shop, tmp_path):
    await furnish(shop)
    mine = CatalogueArchive(shop.shop)
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    await mine.write(first)
    said = files(first)
    assert list(said) == SHEETS
    assert [row["Handle"] for row in table(said["categories.csv"])] == [
        *("house", "zinc", "amber", "moss", "garden")
    ]
    assert [row["Handle"] for row in table(said["brands.csv"])] == ["kiln", "nobody"]
    prices = [
        (row["Price List"], row["Variant SKU"], row["From"], row["Price"], row["Compare At Price"])
        for row in table(said["prices.csv"])
    ]
    assert prices == [
        ("default-cny", MUG, "1", "45.00", "50.00"),
        ("default-cny", MUG, "10", "40.00", ""),
        ("default-cny", SHIRT, "1", "199.00", ""),
        ("vip", SHIRT, "1", "150.00", ""),
    ]
    stock = [tuple(row.values()) for row in table(said["stock.csv"])]
    main = (await shop.shop.inventory.locations())[-1].code
    assert sorted(stock) == sorted(
        [
            (MUG, main, "100", "true", "0"),
            (MUG, "north", "8", "true", "25"),
            (SHIRT, main, "10", "true", "0"),
            (SHIRT, "north", "0", "false", "0"),
        ]
    )

    await emptied(shop)
    report = await mine.read(first)
    assert report.failed == 0
    assert [sheet.sheet for sheet in report.sheets] == [s for s in SHEETS if s != "products.csv"]
    assert (report.products.created, report.ignored_files) == (2, [])
    await mine.write(second)
    assert files(second) == said
    assert second.read_bytes() == first.read_bytes()
    await shop.settle()
    mug = given(await shop.client.get("/store/products/mug"))
    assert (mug["price"], mug["compare_at"]) == (cny(4500), cny(5000))

    again = await mine.read(first)
    assert [(sheet.changed, sheet.failed) for sheet in again.sheets] == [(0, 0)] * 8
    assert (again.products.unchanged, again.products.changed) == (2, 0)


async def test_the_product_file_alone_goes_out_and_in_on_real_prices_and_stock(shop, tmp_path):
    """No archive: the default list's prices and the sum of the stock."""
    await furnish(shop)
    text = "".join([piece async for piece in shop.shop.exports.text(costs=True)])
    rows = {row["Variant SKU"]: row for row in table(text)}
    assert rows[MUG]["Variant Inventory Qty"] == "108"
    assert (rows[MUG]["Variant Price"], rows[MUG]["Variant Compare At Price"]) == ("45.00", "50.00")
    served = await shop.admin("GET", "/admin/products/export")
    assert served.text == text
    market = await shop.shop.markets.default()
    importer = shop.shop.importer(market)
    same = await importer.run(io.StringIO(text, newline=""), currency="CNY")
    assert (same.unchanged, same.changed, same.failed) == (2, 0, 0)
    await emptied(shop)
    new = await importer.run(io.StringIO(text, newline=""), currency="CNY")
    assert (new.created, new.failed) == (2, 0)
    assert await shop.stock(MUG) == (108, 0)
    again = "".join([piece async for piece in shop.shop.exports.text(costs=True)])
    assert table(again) == [
        # Its one untracked shelf is all that a sum cannot say.
        {**row, "Variant Inventory Tracker": "shopify", "Variant Inventory Qty": "10"}
        if row["Variant SKU"] == SHIRT
        else row
        for row in table(text)
    ]


async def test_a_sale_leaves_the_exported_price_alone(shop):
    inner = shop.shop
    await inner.pricing.add_price_list("sale", "default", {"en": "Sale"}, priority=9)
    async with inner.db.unit_of_work() as uow:
        await inner.pricing.put_prices(uow, "sale", [NewPrice(MUG, Money(100, "CNY"))])
    text = "".join([piece async for piece in inner.exports.text()])
    assert {r["Variant SKU"]: r["Variant Price"] for r in table(text)}[MUG] == "45.00"
    report = await inner.importer(await inner.markets.default()).run(
        io.StringIO(text, newline=""), currency="CNY"
    )
    assert (report.unchanged, report.changed) == (2, 0)


async def test_a_file_changes_what_it_names_and_leaves_sold_stock_alone(shop, tmp_path):
    await furnish(shop)
    inner = shop.shop
    file = archive(
        tmp_path / "some.zip",
        categories="Handle,Parent,Name [en]\nmoss,house,Mosses\nzinc,house,Zinc\n",
        prices=f"Price List,Variant SKU,From,Price,Compare At Price\nvip,{MUG},3,41.50,\n",
        stock=f"Variant SKU,Location,On Hand,Tracked,Backorder Limit\n{MUG},north,99,true,1\n",
    )
    report = await CatalogueArchive(inner).read(file)
    assert [(s.sheet, s.rows, s.changed, s.failed) for s in report.sheets] == [
        ("categories.csv", 2, 2, 0),
        ("prices.csv", 1, 1, 0),
        ("stock.csv", 1, 0, 0),
    ]
    assert report.products is None
    found = {c.slug: c for c in await inner.catalog.categories()}
    below = sorted(
        (c for c in found.values() if c.parent_id == found["house"].id), key=lambda c: c.position
    )
    assert [c.slug for c in below] == ["amber", "moss", "zinc"]
    assert (found["moss"].name, found["zinc"].name) == ({"en": "Mosses"}, {"en": "Zinc"})
    assert (await inner.pricing.listed_price("vip", MUG, 3)).amount == Money(4150, "CNY")
    assert (await inner.inventory.item(MUG, "north")).on_hand == 8
    await CatalogueArchive(inner).read(file, restock=True)
    item = await inner.inventory.item(MUG, "north")
    assert (item.on_hand, item.backorder_limit) == (99, 1)


@pytest.mark.parametrize(
    ("sheet", "text", "fault"),
    [
        ("categories", "Handle,Parent,Name [en]\nx,nowhere,X\n", (2, "Parent", "unknown-category")),
        ("categories", "Handle,Parent,Name [en]\nx,,\n", (2, "", "product-refused")),
        ("categories", "Handle,Parent,Name [en]\n../x,,X\n", (2, "", "not-allowed")),
        ("brands", "Handle,Name [en]\n,X\n", (2, "Handle", "missing")),
        (
            "attributes",
            'Type,Code,Kind,Name\nT,c,colour,"{""en"":""C""}"\n',
            (2, "", "not-allowed"),
        ),
        ("attributes", "Type,Code,Kind,Name\nT,c,text,{[[\n", (2, "Name", "not-readable")),
        ("price-lists", "Price List,Market,Currency\nx,mars,CNY\n", (2, "", "market-not-found")),
        (
            "price-lists",
            "Price List,Market,Currency,Starts At\nx,default,CNY,soon\n",
            (2, "Starts At", "not-a-moment"),
        ),
        (
            "prices",
            "Price List,Variant SKU,Price\nnone,A,1\n",
            (2, "Price List", "unknown-price-list"),
        ),
        (
            "prices",
            "Price List,Variant SKU,Price\ndefault-cny,A,-1\n",
            (2, "Price", "not-a-number"),
        ),
        (
            "prices",
            "Price List,Variant SKU,Price\ndefault-cny,A,=1+1\n",
            (2, "Price", "not-a-number"),
        ),
        (
            "prices",
            "Price List,Variant SKU,Price\ndefault-cny,A,１\n",
            (2, "Price", "not-a-number"),
        ),
        (
            "prices",
            "Price List,Variant SKU,Price\ndefault-cny,A,1.005\n",
            (2, "Price", "too-precise"),
        ),
        (
            "prices",
            "Price List,Variant SKU,From,Price\ndefault-cny,A,0,1\n",
            (2, "From", "not-a-number"),
        ),
        ("stock", "Variant SKU,Location,On Hand\nA,moon,1\n", (2, "", "unknown-location")),
        ("stock", "Variant SKU,Location,On Hand\nA,main,1.5\n", (2, "On Hand", "not-a-number")),
        ("stock", "Variant SKU,Location,Tracked\nA,main,maybe\n", (2, "Tracked", "not-a-flag")),
        ("stock", 'Variant SKU,Location\n"A,main\n', (0, "", "not-csv")),
    ],
)
async def test_a_wrong_row_is_named_and_stays_out(shop, tmp_path, sheet, text, fault):
    before = tmp_path / "before.zip"
    mine = CatalogueArchive(shop.shop)
    await mine.write(before)
    file = tmp_path / "wrong.zip"
    with zipfile.ZipFile(file, "w") as out:
        out.writestr(f"{sheet}.csv", text)
    report = await mine.read(file)
    (own,) = report.sheets
    assert [(e.row, e.column, e.code) for e in own.errors] == [fault]
    assert (own.changed, own.failed, report.failed) == (0, 1, 1)
    after = tmp_path / "after.zip"
    await mine.write(after)
    assert files(after) == files(before)


async def test_a_wrong_row_keeps_no_other_out(shop, tmp_path):
    rows = "".join(f"default-cny,NEW-{n},{n}.00\n" for n in range(1, 700))
    text = f"Price List,Variant SKU,Price\n{rows}none,A,1\ndefault-cny,B,free\n"
    report = await CatalogueArchive(shop.shop).read(archive(tmp_path / "p.zip", prices=text))
    (own,) = report.sheets
    assert (own.rows, own.changed, own.failed) == (701, 699, 2)
    assert [e.row for e in own.errors] == [701, 702]


@pytest.mark.parametrize("content", [b"", b"Handle,Title\n", b"PK\x03\x04 broken"])
async def test_what_is_no_archive_is_refused_in_words(shop, tmp_path, content):
    file = tmp_path / "x.zip"
    file.write_bytes(content)
    with pytest.raises(ImportFileUnreadable) as refused:
        await CatalogueArchive(shop.shop).read(file)
    assert refused.value.extra["code"] == "no-archive"


async def test_files_of_others_are_named_and_not_touched(shop, tmp_path):
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("../../etc/passwd", "x")
        out.writestr("brands.csv", "Handle,Name [en]\nkiln,Kiln\n")
    report = await CatalogueArchive(shop.shop).read(file)
    assert report.ignored_files == ["../../etc/passwd"]
    assert [brand.slug for brand in await shop.shop.catalog.brands()] == ["kiln"]
    other = tmp_path / "y.zip"
    with zipfile.ZipFile(other, "w") as out:
        out.writestr("readme.txt", "x")
    with pytest.raises(ImportFileUnreadable, match=r"products\.csv"):
        await CatalogueArchive(shop.shop).read(other)
    assert not list(tmp_path.glob("*.part"))
