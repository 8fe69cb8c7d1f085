"""The CSV that Shopify exports: good rows come in, bad ones are named, twice changes nothing."""

from __future__ import annotations

import asyncio
import contextvars
import csv
import io

import pytest

from commercekit.catalog import (
    ImportFileUnreadable,
    ImportProducts,
    NewProduct,
    ProductChange,
    ProductNotFound,
    ProductStatus,
)
from commercekit.kernel import Money


class Sink:
    """Keeps prices and stock in dictionaries, and says what changed."""

    def __init__(self):
        self.prices = {}
        self.stock = {}

    async def take(self, uow, offers):
        changed = set()
        for offer in offers:
            before = self.prices.get(offer.sku), self.stock.get(offer.sku)
            if offer.price is not None:
                compare_at = offer.compare_at.amount if offer.compare_at else None
                self.prices[offer.sku] = (offer.price.amount, compare_at)
            if offer.new:
                self.stock[offer.sku] = (offer.quantity, offer.allow_backorder)
            if (self.prices.get(offer.sku), self.stock.get(offer.sku)) != before:
                changed.add(offer.sku)
        return changed


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def load(database, catalog, sink):
    importer = ImportProducts(database, catalog, sink)

    async def run(*rows, text=None, **options):
        lines = io.StringIO(text if text is not None else sheet(*rows), newline="")
        return await importer.run(lines, currency="CNY", **options)

    return run


def sheet(*rows):
    columns = list(dict.fromkeys(column for row in rows for column in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def row(handle="mug", **cells):
    names = {
        "title": "Title",
        "html": "Body (HTML)",
        "vendor": "Vendor",
        "type": "Type",
        "tags": "Tags",
        "published": "Published",
        "status": "Status",
        "option": "Option1 Name",
        "value": "Option1 Value",
        "option2": "Option2 Name",
        "value2": "Option2 Value",
        "sku": "Variant SKU",
        "grams": "Variant Grams",
        "tracker": "Variant Inventory Tracker",
        "qty": "Variant Inventory Qty",
        "policy": "Variant Inventory Policy",
        "price": "Variant Price",
        "compare": "Variant Compare At Price",
        "ships": "Variant Requires Shipping",
        "taxable": "Variant Taxable",
        "barcode": "Variant Barcode",
        "variant_image": "Variant Image",
        "image": "Image Src",
        "place": "Image Position",
        "alt": "Image Alt Text",
    }
    return {"Handle": handle, **{names.get(name, name): value for name, value in cells.items()}}


def mug(**cells):
    return row(**{"title": "Mug", "price": "19.90", **cells})


def counts(report):
    return (report.created, report.changed, report.unchanged, report.failed)


def found(report):
    return [(fault.row, fault.column, fault.code) for fault in report.errors]


async def test_a_simple_product_comes_in_whole(load, catalog, sink, told):
    report = await load(
        mug(
            html="<p>Hot</p><script>x</script>",
            vendor="Kiln & Co",
            type="Cups",
            tags="tea, home ,tea",
            option="Title",
            value="Default Title",
            grams="350",
            tracker="shopify",
            qty="7",
            policy="continue",
            compare="25.00",
            barcode="690",
            image="https://pics.example/mug.jpg",
            alt="A mug",
        )
    )
    assert counts(report) == (1, 0, 0, 0)
    assert (report.rows, report.variants, report.images, report.products) == (1, 1, 1, 1)
    assert (report.errors, report.warnings, report.ignored_columns) == ([], [], [])
    made = await catalog.product_by_slug("mug")
    assert made.name == {"en": "Mug"}
    assert made.description == {"en": "<p>Hot</p>"}
    assert made.tags == ("tea", "home")
    assert made.options == ()
    assert made.status is ProductStatus.ACTIVE
    assert (await catalog.brand(made.brand_id)).name == {"en": "Kiln & Co"}
    assert (await catalog.brand(made.brand_id)).slug == "kiln-co"
    assert (await catalog.category(made.category_ids[0])).slug == "cups"
    assert [(i.url, i.alt, i.status) for i in made.images] == [
        ("https://pics.example/mug.jpg", {"en": "A mug"}, "unchecked")
    ]
    (variant,) = made.variants
    assert (variant.sku, variant.weight_grams, variant.barcode) == ("MUG", 350, "690")
    assert sink.prices == {"MUG": (1990, 2500)}
    assert sink.stock == {"MUG": (7, True)}
    kinds = [fact.type_name() for fact in told]
    assert kinds == ["category.CategoryCreated", "brand.BrandCreated", "product.ProductCreated"]


async def test_products_that_come_together_share_the_brand_and_the_shelf_they_bring(
    load, catalog, told
):
    cells = {"vendor": "Kiln", "type": "Cups", "price": "5"}
    report = await load(
        *(row(f"cup-{n}", title=f"Cup {n}", **cells) for n in range(3)),
        row(
            "bad",
            title="Bad",
            vendor="Nobody",
            type="Nothing",
            price="5",
            status="active",
            sku="x" * 101,
        ),
    )
    assert counts(report) == (3, 0, 0, 1)
    (brand,) = await catalog.brands()
    (shelf,) = await catalog.categories()
    assert (brand.slug, shelf.slug) == ("kiln", "cups")
    for product in await catalog.products():
        assert (product.brand_id, product.category_ids) == (brand.id, (shelf.id,))
    assert [fact.type_name() for fact in told] == [
        "category.CategoryCreated",
        "brand.BrandCreated",
        *["product.ProductCreated"] * 3,
    ]


async def test_a_product_refused_by_what_is_there_brings_no_brand(load, catalog):
    await load(mug(sku="A"))
    report = await load(
        row("cup", title="Cup", price="1", sku="A", vendor="Kiln", type="Cups"),
        row("jug", title="Jug", price="1", sku="B"),
    )
    assert found(report) == [(2, "Variant SKU", "sku-taken")]
    assert counts(report) == (1, 0, 0, 1)
    assert (await catalog.brands(), await catalog.categories()) == ([], [])


async def test_made_up_skus_of_products_that_come_together_differ(load, catalog):
    report = await load(
        row("a-b", title="One", price="1", option="Size", value="c"),
        row("a", title="Two", price="1", option="Size", value="b-c"),
        row("x", title="Three", price="1", sku="A-B-C-2"),
    )
    assert counts(report) == (3, 0, 0, 0)
    skus = [p.variants[0].sku for p in reversed(await catalog.products())]
    assert skus == ["A-B-C", "A-B-C-3", "A-B-C-2"]


async def test_a_made_up_sku_that_somebody_has_gets_another_number(load, catalog):
    await load(row("x", title="X", price="1", sku="CUP-S"))
    await load(row("cup", title="Cup", price="1", option="Size", value="S"), mug())
    assert [v.sku for v in (await catalog.product_by_slug("cup")).variants] == ["CUP-S-2"]


async def test_a_product_that_comes_in_meanwhile_is_changed_instead(load, catalog, sink, database):
    """Somebody makes the product after the import looked and before it writes."""
    real = catalog.lock_by_slugs
    calls = []

    async def late(uow, slugs):
        calls.append(list(slugs))
        found = await real(uow, slugs)
        if len(calls) == 1:
            await asyncio.create_task(
                catalog.create_product(
                    NewProduct(slug="cup", name={"en": "Theirs"}), actor="staff"
                ),
                context=contextvars.Context(),
            )
        return found

    catalog.lock_by_slugs = late
    report = await load(mug(), row("cup", title="Ours", price="5"))
    assert counts(report) == (1, 1, 0, 0)
    assert calls == [["mug", "cup"], ["mug"], ["cup"]]
    assert (await catalog.product_by_slug("cup")).name == {"en": "Ours"}
    assert set(sink.prices) == {"MUG", "CUP"}


async def test_variants_share_the_handle_and_only_the_first_row_has_the_title(load, catalog, sink):
    report = await load(
        mug(option="Size", value="Small", image="https://pics.example/1.jpg", place="2"),
        row(value="Large", price="29.90", sku="BIG", variant_image="https://pics.example/3.jpg"),
        row(image="https://pics.example/2.jpg", place="1"),
    )
    assert counts(report) == (1, 0, 0, 0)
    assert (report.rows, report.variants, report.images) == (3, 2, 3)
    made = await catalog.product_by_slug("mug")
    assert made.name == {"en": "Mug"}
    assert [(v.sku, v.options) for v in made.variants] == [
        ("MUG-SMALL", {"Size": "Small"}),
        ("BIG", {"Size": "Large"}),
    ]
    assert [i.url[-5:] for i in made.images] == ["2.jpg", "1.jpg", "3.jpg"]
    assert made.variants[1].image_id == made.images[2].id
    assert sink.prices == {"MUG-SMALL": (1990, None), "BIG": (2990, None)}


async def test_a_second_run_changes_nothing(load, catalog, told):
    rows = (
        mug(
            option="Size", value="S", type="Cups", vendor="Kiln", html="a & b", tracker="x", qty="3"
        ),
        row(value="M", price="20", image="https://pics.example/1.jpg"),
    )
    assert counts(await load(*rows)) == (1, 0, 0, 0)
    before = await catalog.product_by_slug("mug")
    told.clear()
    assert counts(await load(*rows)) == (0, 0, 1, 0)
    assert await catalog.product_by_slug("mug") == before
    assert told == []


async def test_a_changed_file_changes_what_it_names_and_keeps_the_rest(load, catalog, sink):
    await load(mug(option="Size", value="S", html="old", type="Cups"), row(value="M", price="20"))
    first = await catalog.product_by_slug("mug")
    await catalog.change_product(first.id, ProductChange(name={"en": "Mug", "zh": "杯子"}))
    report = await load(mug(option="Size", value="S", html="new", price="21.00"))
    assert counts(report) == (0, 1, 0, 0)
    changed = await catalog.product_by_slug("mug")
    assert changed.description == {"en": "new"}
    assert changed.name == {"en": "Mug", "zh": "杯子"}
    assert [v.sku for v in changed.variants] == ["MUG-S", "MUG-M"]
    assert [v.id for v in changed.variants] == [v.id for v in first.variants]
    assert changed.category_ids == first.category_ids
    assert sink.prices["MUG-S"] == (2100, None)


async def test_a_new_price_alone_counts_as_changed(load):
    await load(mug())
    assert counts(await load(mug(price="20"))) == (0, 1, 0, 0)


async def test_known_stock_is_left_alone(load, sink):
    await load(mug(tracker="shopify", qty="7"))
    sink.stock["MUG"] = (2, False)
    assert counts(await load(mug(tracker="shopify", qty="7"))) == (0, 0, 1, 0)
    assert sink.stock["MUG"] == (2, False)


async def test_blank_skus_stay_the_same_when_others_come(load, catalog):
    await load(mug(option="Size", value="a b"), row(value="a-b", price="20"))
    skus = [v.sku for v in (await catalog.product_by_slug("mug")).variants]
    assert skus == ["MUG-A-B", "MUG-A-B-2"]
    await load(
        mug(option="Size", value="A B"), row(value="a-b", price="20"), row(value="a b", price="20")
    )
    by_value = {v.options["Size"]: v.sku for v in (await catalog.product_by_slug("mug")).variants}
    assert by_value == {"A B": "MUG-A-B-3", "a-b": "MUG-A-B-2", "a b": "MUG-A-B"}


@pytest.mark.parametrize(
    ("cells", "stock"),
    [
        ({"tracker": "shopify", "qty": "5"}, (5, False)),
        ({"tracker": "shopify", "qty": "0"}, (0, False)),
        ({"tracker": "shopify", "qty": ""}, (0, False)),
        ({"tracker": "", "qty": "0"}, (None, False)),
        ({"tracker": "", "qty": ""}, (None, False)),
        ({"tracker": "", "qty": "1", "policy": "deny"}, (1, False)),
        ({"tracker": "shopify", "qty": "5", "policy": "continue"}, (5, True)),
        ({"tracker": "shopify", "qty": "-3"}, (0, False)),
    ],
)
async def test_stock_is_read_with_its_tracker(load, sink, cells, stock):
    report = await load(mug(**cells))
    assert sink.stock == {"MUG": stock}
    assert [w.code for w in report.warnings] == (["negative-stock"] if cells["qty"] == "-3" else [])


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ({}, "active"),
        ({"published": "TRUE"}, "active"),
        ({"published": "false"}, "draft"),
        ({"published": "true", "status": "archived"}, "archived"),
        ({"published": "false", "status": "active"}, "active"),
    ],
)
async def test_the_status_is_the_files(load, catalog, cells, status):
    await load(mug(**cells))
    assert (await catalog.product_by_slug("mug")).status == status


async def test_taxable_and_shipping_are_read(load, catalog):
    await load(mug(taxable="false", ships="FALSE"))
    (variant,) = (await catalog.product_by_slug("mug")).variants
    assert (variant.tax_class, variant.requires_shipping) == ("exempt", False)


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ({"price": ""}, (2, "Variant Price", "missing-price")),
        ({"price": "free"}, (2, "Variant Price", "not-a-number")),
        ({"price": "-1"}, (2, "Variant Price", "not-a-number")),
        ({"price": "1,299.00"}, (2, "Variant Price", "not-a-number")),
        ({"price": "NaN"}, (2, "Variant Price", "not-a-number")),
        ({"price": "1e9"}, (2, "Variant Price", "not-a-number")),
        ({"price": "9" * 14}, (2, "Variant Price", "not-a-number")),
        ({"price": "19.999"}, (2, "Variant Price", "too-precise")),
        ({"price": "１９"}, (2, "Variant Price", "not-a-number")),
        ({"qty": "٣"}, (2, "Variant Inventory Qty", "not-a-number")),
        ({"compare": "=1+1"}, (2, "Variant Compare At Price", "not-a-number")),
        ({"qty": "3.5"}, (2, "Variant Inventory Qty", "not-a-number")),
        ({"qty": "many"}, (2, "Variant Inventory Qty", "not-a-number")),
        ({"grams": "1kg"}, (2, "Variant Grams", "not-a-number")),
        ({"taxable": "maybe"}, (2, "Variant Taxable", "not-a-flag")),
        ({"status": "live"}, (2, "Status", "invalid-choice")),
        ({"title": ""}, (2, "Title", "missing-title")),
        ({"title": "x" * 501}, (2, "Title", "too-long")),
        ({"sku": "x" * 101}, (2, "Variant SKU", "too-long")),
        ({"handle": ""}, (2, "Handle", "missing-handle")),
        ({"handle": "!!!"}, (2, "Handle", "invalid-handle")),
        ({"option": "Size", "sku": "S"}, (2, "Option1 Value", "missing-value")),
    ],
)
async def test_a_bad_cell_keeps_its_product_out_and_no_other(load, catalog, sink, cells, fault):
    bad = mug(**{"value": "", **cells}) if cells.get("price") != "" else mug(value="S", **cells)
    report = await load(bad, row("good", title="Good", price="5"))
    assert counts(report) == (1, 0, 0, 1)
    assert fault in found(report)
    assert set(sink.prices) == {"GOOD"}
    with pytest.raises(ProductNotFound):
        await catalog.product_by_slug("mug")


async def test_every_fault_of_a_product_is_listed(load):
    report = await load(
        mug(option="Size", value="S", price="x"), row(value="S", price="y", grams="z")
    )
    assert found(report) == [
        (2, "Variant Price", "not-a-number"),
        (3, "Option1 Value", "duplicate-combination"),
        (3, "Variant Price", "not-a-number"),
        (3, "Variant Grams", "not-a-number"),
    ]
    assert report.failed == 1


async def test_a_fault_in_stock_or_price_undoes_the_product(load, catalog, sink, told):
    from commercekit.errors import Unprocessable

    take = sink.take

    async def refuse(uow, offers):
        if any(offer.sku == "MUG" for offer in offers):
            raise Unprocessable("no such location")
        return await take(uow, offers)

    sink.take = refuse
    report = await load(
        mug(), row("cup", title="Cup", price="5"), row("jug", title="Jug", price="5")
    )
    assert found(report) == [(2, "", "unprocessable")]
    assert counts(report) == (2, 0, 0, 1)
    assert [(fact.type_name(), fact.slug) for fact in told] == [
        ("product.ProductCreated", "cup"),
        ("product.ProductCreated", "jug"),
    ]
    with pytest.raises(ProductNotFound):
        await catalog.product_by_slug("mug")


async def test_a_sku_of_another_product_is_refused_at_its_row(load):
    await load(mug(sku="A"))
    report = await load(row("cup", title="Cup", price="1", sku="A", option="Size", value="S"))
    assert found(report) == [(2, "Variant SKU", "sku-taken")]


async def test_a_sku_twice_in_one_file_is_refused(load):
    report = await load(mug(sku="A"), row("cup", title="Cup", price="1", sku="A"), dry_run=True)
    assert counts(report) == (1, 0, 0, 1)
    assert found(report) == [(3, "Variant SKU", "duplicate-sku")]
    assert report.errors[0].message == "The SKU 'A' is there twice; row 2 had it first."


async def test_a_sold_combination_keeps_its_sku(load, catalog):
    await load(mug())
    report = await load(mug(sku="NEW"))
    assert found(report) == [(2, "Variant SKU", "sku-differs")]
    assert [v.sku for v in (await catalog.product_by_slug("mug")).variants] == ["MUG"]


async def test_rows_of_a_product_follow_each_other(load, catalog):
    report = await load(
        mug(option="Size", value="S"), row("cup", title="Cup", price="1"), row(value="M", price="2")
    )
    assert counts(report) == (2, 0, 0, 1)
    assert found(report) == [(4, "Handle", "handle-repeated")]
    assert len((await catalog.product_by_slug("mug")).variants) == 1


async def test_handles_that_become_one_slug_are_refused(load):
    report = await load(mug(handle="My Mug"), mug(handle="my-mug", title="Other"))
    assert counts(report) == (1, 0, 0, 1)
    assert (3, "Handle", "handle-repeated") in found(report)


async def test_options_that_do_not_fit_known_variants_are_refused(load, catalog):
    await load(mug(option="Size", value="S"), row(value="M", price="2"))
    report = await load(mug(option="Colour", value="Red"))
    assert found(report) == [(2, "Option1 Name", "options-conflict")]
    assert [o.code for o in (await catalog.product_by_slug("mug")).options] == ["Size"]


async def test_a_picture_that_is_no_address_is_left_out(load, catalog):
    report = await load(mug(image="javascript:alert(1)"), row(image="/media/mug.svg"))
    assert counts(report) == (1, 0, 0, 0)
    assert [(w.row, w.column, w.code) for w in report.warnings] == [
        (2, "Image Src", "invalid-image")
    ]
    images = (await catalog.product_by_slug("mug")).images
    assert [(i.url, i.status) for i in images] == [("/media/mug.svg", "reachable")]


async def test_a_dry_run_reports_and_writes_nothing(load, catalog, database):
    report = await load(mug(type="Cups", vendor="Kiln"), row("bad", title="B"), dry_run=True)
    assert report.dry_run
    assert counts(report) == (1, 0, 0, 1)
    assert found(report) == [(3, "", "no-variants")]
    for table in ("catalog_product", "catalog_brand", "catalog_category", "catalog_variant"):
        assert await database.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_columns_in_other_languages_are_ours(load, catalog):
    await load(
        mug(
            option="Size",
            value="Small",
            type="Cups",
            vendor="Kiln",
            **{
                "Title [zh]": "杯子",
                "Body (HTML) [zh]": "<p>热</p>",
                "Option1 Name [zh]": "尺寸",
                "Option1 Value [zh]": "小",
                "Type [zh]": "杯具",
                "Vendor [zh]": "窑",
            },
        )
    )
    made = await catalog.product_by_slug("mug")
    assert made.name == {"en": "Mug", "zh": "杯子"}
    assert made.description == {"zh": "<p>热</p>"}
    assert made.options[0].name == {"en": "Size", "zh": "尺寸"}
    assert made.options[0].values[0].label == {"en": "Small", "zh": "小"}
    assert (await catalog.category(made.category_ids[0])).name == {"en": "Cups", "zh": "杯具"}
    assert (await catalog.brand(made.brand_id)).name == {"en": "Kiln", "zh": "窑"}


async def test_formulas_are_only_text(load, catalog):
    await load(mug(title='=HYPERLINK("http://evil")', tags="@SUM(1), +1", sku="-1+1"))
    made = await catalog.product_by_slug("mug")
    assert made.name == {"en": '=HYPERLINK("http://evil")'}
    assert made.tags == ("@SUM(1)", "+1")
    assert made.variants[0].sku == "-1+1"


async def test_unknown_columns_are_ignored_and_named(load):
    report = await load(mug(**{"Gift Card": "false", "Title [x y]": "?"}))
    assert report.ignored_columns == ["Gift Card", "Title [x y]"]
    assert report.created == 1


async def test_blank_rows_count_as_nothing_and_titles_of_columns_in_any_case(load):
    text = "\ufeffHANDLE,title,Variant price\r\nmug,Mug,1\r\n,,\r\n\r\ncup,Cup,2\r\n"
    report = await load(text=text)
    assert counts(report) == (2, 0, 0, 0)
    assert report.rows == 2


async def test_surplus_cells_are_a_fault_of_their_row(load):
    report = await load(text="Handle,Title,Variant Price\nmug,Mug,1,stray\ncup,Cup,2,\n")
    assert counts(report) == (1, 0, 0, 1)
    assert found(report) == [(2, "", "surplus-cells")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("Title,Price\nMug,1\n", "no-header"),
        ("Handle,Title,title\n", "duplicate-column"),
        ('Handle,Title\nmug,"Mug\n', "not-csv"),
        ('Handle,Title\nmug,"M"ug\n', "not-csv"),
        ("Handle," + ",".join(f"c{n}" for n in range(600)), "too-many-columns"),
        ("Handle,Title\nmug," + "x" * 200_000, "not-csv"),
    ],
)
async def test_a_file_that_is_none_is_refused_in_words(load, database, text, code):
    with pytest.raises(ImportFileUnreadable) as refused:
        await load(text=text)
    assert refused.value.extra["code"] == code
    assert await database.fetchval("SELECT count(*) FROM catalog_product") == 0


async def test_a_file_in_another_encoding_is_refused(database, catalog, sink, tmp_path):
    path = tmp_path / "gbk.csv"
    path.write_bytes("Handle,Title,Variant Price\nmug,杯子,1\n".encode("gbk"))
    importer = ImportProducts(database, catalog, sink)
    with (
        path.open(encoding="utf-8", newline="") as lines,
        pytest.raises(ImportFileUnreadable, match="not UTF-8") as refused,
    ):
        await importer.run(lines, currency="CNY")
    assert refused.value.extra["code"] == "not-utf-8"


async def test_what_came_before_an_unreadable_row_is_in(load, catalog):
    with pytest.raises(ImportFileUnreadable) as refused:
        await load(text='Handle,Title,Variant Price\nmug,Mug,1\ncup,Cup,2\n"broken')
    assert refused.value.extra["row"] == 4
    assert (await catalog.product_by_slug("mug")).name == {"en": "Mug"}


async def test_progress_is_told_after_each_product(database, catalog, sink):
    seen = []
    text = sheet(mug(), row("cup", title="Cup", price="1"))
    await ImportProducts(database, catalog, sink).run(
        io.StringIO(text, newline=""),
        currency="CNY",
        progress=lambda report: seen.append(report.products),
    )
    assert seen == [1, 2]


async def test_prices_are_in_the_currency_of_the_market(database, catalog, sink):
    lines = io.StringIO(sheet(mug(price="1200")), newline="")
    await ImportProducts(database, catalog, sink).run(lines, currency="JPY", language="ja")
    assert sink.prices == {"MUG": (1200, None)}
    assert (await catalog.product_by_slug("mug")).name == {"ja": "Mug"}
    assert Money.parse("1200", "JPY").amount == 1200
