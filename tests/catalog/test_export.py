"""Out and in again: what is exported, imported into an empty shop, and exported, is the same bytes."""

from __future__ import annotations

import asyncio
import csv
import io
import random
import tracemalloc
from datetime import UTC, datetime

import pytest

from commercekit.catalog import (
    AttributeKind,
    CatalogService,
    ExportProducts,
    ImportProducts,
    NewAttribute,
    NewBrand,
    NewCategory,
    NewImage,
    NewProduct,
    NewVariant,
    Offer,
    Option,
    OptionValue,
    ProductStatus,
)
from commercekit.catalog.service.exporting import escaped_cell, tag_cell
from commercekit.catalog.service.importing.drafts import _tags
from commercekit.catalog.service.importing.rows import read_rows, unescaped_cell
from commercekit.kernel import Money

NASTY = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "'quoted",
    "''=twice",
    "'",
    'a "b", c',
    "two\nlines",
    "a\rb",
    "\t=tab",
    "emoji 🛍️ 零",
    "שלום",
    "comma, semicolon; tab\tend",
    "\ufeffmark",
    "{{7*7}} ${7*7}",
    "Default Title",
    "NULL",
    "1e9",
]


class Offers:
    """Prices and stock in dictionaries, for both ways."""

    def __init__(self):
        self.kept = {}

    async def offers(self, skus):
        return {sku: self.kept[sku] for sku in skus if sku in self.kept}

    async def take(self, uow, offers):
        changed = set()
        for said in offers:
            old = self.kept.get(said.sku, Offer(None, None, 0, allow_backorder=False))
            new = old
            if said.price is not None:
                new = new._replace(price=said.price, compare_at=said.compare_at)
            if said.new:
                new = new._replace(quantity=said.quantity, allow_backorder=said.allow_backorder)
            self.kept[said.sku] = new
            if new != old or said.new:
                changed.add(said.sku)
        return changed


@pytest.fixture
def offers():
    return Offers()


@pytest.fixture
def empty(database):
    """Makes the shop empty again."""

    async def run():
        await database.execute(
            "TRUNCATE catalog_product, catalog_attribute, catalog_brand, catalog_category, catalog_media CASCADE"
        )

    return run


@pytest.fixture
def export(database, catalog, offers):
    async def run(language="en"):
        exporter = ExportProducts(database, catalog, offers)
        return "".join([piece async for piece in exporter.text(language=language)])

    return run


@pytest.fixture
def load(database, catalog, offers):
    async def run(text, language="en", **options):
        lines = io.StringIO(text, newline="")
        importer = ImportProducts(database, catalog, offers)
        return await importer.run(lines, currency="CNY", language=language, **options)

    return run


async def same_again(export, load, empty, offers, language="en"):
    first = await export(language)
    await empty()
    offers.kept.clear()
    report = await load(first, language)
    assert (report.errors, report.warnings, report.ignored_columns) == ([], [], [])
    assert await export(language) == first
    assert (await load(first, language)).unchanged == report.created
    return first


def size(*codes, name=None, labels=None):
    values = tuple(OptionValue(c, (labels or {}).get(c, {"en": c})) for c in codes)
    return Option("Size", name or {"en": "Size"}, values)


async def test_everything_we_hold_comes_back(catalog: CatalogService, export, load, empty, offers):
    home = await catalog.create_category(NewCategory(slug="home", name={"en": "Home", "zh": "家"}))
    cups = await catalog.create_category(
        NewCategory(slug="cups-2", name={"en": "Cups; a > b"}, parent_id=home.id)
    )
    sale = await catalog.create_category(NewCategory(slug="sale", name={"zh": "特价"}))
    brand = await catalog.create_brand(NewBrand(slug="k-co", name={"en": "Kiln & Co", "zh": "窑"}))
    await catalog.create_product(
        NewProduct(
            slug="mug",
            name={"en": "Mug", "zh": "马克杯", "pt-BR": "Caneca"},
            description={"en": "<p>Hot <b>tea</b></p>\n<p>x</p>", "zh": "<p>热</p>"},
            status=ProductStatus.ACTIVE,
            brand_id=brand.id,
            type="Drinkware",
            tags=("tea", "a, b", 'say "hi"', "=x"),
            category_ids=(cups.id, sale.id),
            seo_title={"en": "Mug!", "zh": "杯"},
            seo_description={"zh": "好"},
            options=(
                size("S", "XL", "L", name={"en": "Size", "zh": "尺寸"}),
                Option("color", {"en": "Colour"}, (OptionValue("r", {"en": "Red", "zh": "红"}),)),
            ),
            images=(
                NewImage(url="https://pics.example/b.jpg", alt={"en": "-B", "zh": "乙"}),
                NewImage(url="/media/a.jpg", alt={"zh": "甲"}),
                NewImage(url="https://pics.example/c.jpg"),
            ),
            variants=(
                NewVariant(
                    sku="'M-1",
                    options={"Size": "XL", "color": "r"},
                    barcode="=0012",
                    weight_grams=350,
                    tax_class="reduced",
                    requires_shipping=False,
                    image_url="https://pics.example/c.jpg",
                ),
                NewVariant(sku="-2", options={"Size": "S", "color": "r"}, tax_class="exempt"),
            ),
        )
    )
    await catalog.create_product(
        NewProduct(slug="draft", name={"zh": "只有中文"}, options=(size("only", "these"),))
    )
    await catalog.create_product(
        NewProduct(
            slug="title",
            name={"en": "T"},
            status=ProductStatus.ARCHIVED,
            options=(Option("Title", {"en": "Title"}, (OptionValue("Default Title"),)),),
            variants=(NewVariant(sku="T", options={"Title": "Default Title"}),),
        )
    )
    plain = await catalog.create_product(
        NewProduct(slug="plain", name={"en": "P"}, variants=(NewVariant(sku="P"),))
    )
    await catalog.define_attribute(
        NewAttribute(product_type="Cup", code="care", name={"en": "Care"}, kind=AttributeKind.TEXT)
    )
    await catalog.create_product(
        NewProduct(
            slug="a-cup",
            name={"en": "Cup"},
            type="Cup",
            attributes={"care": {"en": "=Wash", "zh": "洗"}},
            related_ids=(plain.id,),
            publish_at=datetime(2027, 1, 1, 8, 30, tzinfo=UTC),
            unpublish_at=datetime(2027, 2, 1, tzinfo=UTC),
        )
    )
    money = Money(1999, "CNY")
    offers.kept = {
        "'M-1": Offer(money, Money(2500, "CNY"), 7, allow_backorder=True),
        "-2": Offer(None, None, 0, allow_backorder=False),
        "T": Offer(money, None, None, allow_backorder=False),
        "P": Offer(Money(0, "CNY"), None, 0, allow_backorder=False),
    }
    before = dict(offers.kept)
    was = {p.slug: p for p in await catalog.products()}
    await same_again(export, load, empty, offers)
    assert offers.kept == before
    now = {p.slug: p for p in await catalog.products()}
    assert now["a-cup"].related_ids == (now["plain"].id,)
    assert now.keys() == was.keys()
    for slug, product in now.items():
        assert len(product.related_ids) == len(was[slug].related_ids)
        for field in (
            "attributes",
            "publish_at",
            "unpublish_at",
            "name",
            "description",
            "status",
            "type",
            "tags",
            "seo_title",
            "options",
        ):
            assert getattr(product, field) == getattr(was[slug], field), (slug, field)
        kept = [(i.url, i.alt, i.position) for i in was[slug].images]
        assert [(i.url, i.alt, i.position) for i in product.images] == kept
        plain = [(v.sku, v.options, v.barcode, v.tax_class) for v in was[slug].variants]
        assert [(v.sku, v.options, v.barcode, v.tax_class) for v in product.variants] == plain
    tree = {c.slug: c for c in await catalog.categories()}
    assert tree["cups-2"].parent_id == tree["home"].id
    assert tree["sale"].name == {"zh": "特价"}


@pytest.mark.parametrize("seed", range(4))
async def test_any_texts_come_back(catalog, export, load, empty, offers, seed):
    chance = random.Random(seed)

    def text():
        return "".join(chance.sample(NASTY, chance.choice([1, 1, 2])))

    def texts():
        return {tag: text() for tag in ("en", "zh", "pt-BR") if chance.random() < 0.7} or {
            "en": "x"
        }

    for n in range(12):
        codes = list(dict.fromkeys(text().strip()[:100] for _ in range(3)))
        options = (Option("Größe", texts(), tuple(OptionValue(c, texts()) for c in codes)),)
        brand = await catalog.create_brand(NewBrand(slug=f"b{seed}-{n}", name=texts()))
        urls = [f"https://pics.example/{n}-{i}.jpg?a=b,c" for i in range(chance.randrange(5))]
        made = await catalog.create_product(
            NewProduct(
                slug=f"p{n}",
                name=texts(),
                description=texts(),
                brand_id=brand.id,
                type=text(),
                tags=tuple(text() for _ in range(3)),
                seo_title=texts(),
                seo_description=texts(),
                options=options if n % 3 else (),
                images=tuple(NewImage(url=url, alt=texts()) for url in urls),
                variants=tuple(
                    NewVariant(
                        options={"Größe": options[0].values[i].code} if n % 3 else {},
                        barcode=text()[:100],
                        image_url=chance.choice(["", *urls]),
                    )
                    for i in range(len(codes) if n % 3 else 1)
                ),
            )
        )
        for variant in made.variants:
            offers.kept[variant.sku] = Offer(
                Money(chance.randrange(10**9), "CNY"), None, chance.choice([None, 0, 9]), n % 2 == 0
            )
    await same_again(export, load, empty, offers, chance.choice(["en", "zh"]))


async def test_no_cell_is_a_formula(catalog, export):
    await catalog.create_product(
        NewProduct(
            slug="x",
            name={"en": "=1+1"},
            tags=("@x",),
            variants=(NewVariant(sku="=1", barcode="+2"),),
        )
    )
    cells = [cell for row in csv.reader(io.StringIO(await export())) for cell in row if cell]
    assert "'=1+1" in cells
    assert [cell for cell in cells if cell[0] in "=+-@\t\r"] == []


@pytest.mark.parametrize("text", [*NASTY, "=", "'=", "''", "'''+", "plain"])
def test_an_escape_is_taken_off_again(text):
    assert unescaped_cell(escaped_cell(text)) == text


@pytest.mark.parametrize(
    ("tags", "cell"),
    [
        (("a", "b"), "a, b"),
        (("a, b", "c"), '"a, b", c'),
        (('12" ruler',), '"12"" ruler"'),
        ((), ""),
    ],
)
def test_tags_with_commas_stay_whole(tags, cell):
    assert tag_cell(tags) == cell
    assert tuple(_tags(cell)) == tags


def test_tags_of_other_shops_are_read_as_before():
    assert list(_tags("tea, home ,tea,,")) == ["tea", "home", "tea"]
    assert list(_tags('12" ruler, x')) == ['12" ruler', "x"]


async def test_an_empty_shop_exports_its_columns(export, load):
    text = await export()
    assert text.startswith("Handle,Title,")
    assert text.count("\n") == 1
    assert (await load(text)).rows == 0


@pytest.mark.parametrize("cell", ["{", '[["x"]]', '[[["Bad Slug",{}]]]', "[" * 5000, "null5"])
async def test_cells_of_ours_that_were_tampered_with_are_refused(load, catalog, cell):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["Handle", "Title", "Variant Price", "Categories", "Options"])
    writer.writerow(["a", "A", "1.00", cell, ""])
    writer.writerow(["b", "B", "1.00", "", cell])
    report = await load(out.getvalue())
    assert [(e.row, e.column, e.code) for e in report.errors] == [
        (2, "Categories", "not-readable"),
        (3, "Options", "not-readable"),
    ]
    assert await catalog.products() == []


def mugs(number):
    yield "Handle,Title,Variant SKU,Variant Price\n"
    for n in range(number):
        yield f"mug-{n},Mug {n},SKU-{n},1.00\n"


async def test_an_import_whose_file_breaks_off_goes_on_where_it_was(database, catalog, offers):
    importer = ImportProducts(database, catalog, offers)

    def until(last):
        for number, line in enumerate(mugs(150)):
            if number > last:
                raise ConnectionError
            yield line

    with pytest.raises(ConnectionError):
        await importer.run(until(130), currency="CNY", key="file")
    assert len(await catalog.products(limit=200)) == 129
    taken = heard(offers)
    report = await importer.run(mugs(150), currency="CNY", key="file", resume=True)
    assert taken == [f"SKU-{n}" for n in range(129, 150)]
    assert (report.created, report.unchanged, report.failed, report.rows) == (150, 0, 0, 150)
    assert await database.fetchval("SELECT count(*) FROM catalog_import_run") == 0
    taken.clear()
    again = await importer.run(mugs(150), currency="CNY", key="file", resume=True)
    assert (again.unchanged, len(taken)) == (150, 150)


class Death(BaseException):
    """Nothing in the code under test expects it, as nothing expects to be killed."""


@pytest.mark.parametrize(("broken", "written"), [(137, 100), (237, 200)])
@pytest.mark.parametrize("error", [Death, RuntimeError])
async def test_an_import_that_ends_in_a_batch_leaves_nothing_of_it_and_goes_on_there(
    database, catalog, offers, broken, written, error
):
    """The place is kept in the transaction of the batch: it is never behind what came in, nor ahead of it."""
    importer = ImportProducts(database, catalog, offers)
    take = offers.take
    tried = []

    async def ending(uow, said):
        tried.append(said[0].sku)
        if any(offer.sku == f"SKU-{broken}" for offer in said):
            raise error
        return await take(uow, said)

    offers.take = ending
    with pytest.raises(error):
        await importer.run(mugs(250), currency="CNY", key="file")
    assert tried == [f"SKU-{n}" for n in range(0, written + 1, 100)]
    assert len(await catalog.products(limit=500)) == written
    offers.take = take
    taken = heard(offers)
    report = await importer.run(mugs(250), currency="CNY", key="file", resume=True)
    assert taken == [f"SKU-{n}" for n in range(written, 250)]
    assert (report.created, report.unchanged, report.failed, report.rows) == (250, 0, 0, 250)
    assert len(await catalog.products(limit=500)) == 250


async def test_an_import_that_is_given_up_undoes_what_was_under_way(database, catalog, offers):
    importer = ImportProducts(database, catalog, offers)
    take = offers.take
    begun = asyncio.Event()

    async def stuck(uow, said):
        await take(uow, said)
        begun.set()
        await asyncio.Event().wait()

    offers.take = stuck
    running = asyncio.create_task(importer.run(mugs(250), currency="CNY", key="file"))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await catalog.products(limit=500) == []
    offers.take = take
    report = await importer.run(mugs(250), currency="CNY", key="file", resume=True)
    assert (report.created, report.unchanged) == (250, 0)


def heard(offers):
    """The SKUs that are offered from now on."""
    taken = []
    take = offers.take

    async def hearing(uow, said):
        taken.extend(offer.sku for offer in said)
        return await take(uow, said)

    offers.take = hearing
    return taken


async def test_what_was_refused_before_the_cut_is_still_told(database, catalog, offers):
    importer = ImportProducts(database, catalog, offers)

    def lines(cut):
        yield "Handle,Title,Variant SKU,Variant Price\n"
        yield "bad,Bad,B,free\n"
        for n in range(25):
            yield f"mug-{n},Mug,SKU-{n},1.00\n"
        if cut:
            raise ConnectionError
        yield "twin,Twin,SKU-0,1.00\n"

    with pytest.raises(ConnectionError):
        await importer.run(lines(cut=True), currency="CNY", key="file")
    report = await importer.run(lines(cut=False), currency="CNY", key="file", resume=True)
    assert [(e.row, e.code) for e in report.errors] == [(2, "not-a-number"), (28, "duplicate-sku")]
    assert report.failed == 2


async def test_a_dry_run_keeps_no_place(database, catalog, offers):
    importer = ImportProducts(database, catalog, offers)
    await importer.run(mugs(30), currency="CNY", key="file", dry_run=True, resume=True)
    assert await database.fetchval("SELECT count(*) FROM catalog_import_run") == 0


def test_a_large_file_is_read_in_little_memory():
    number = 60_000
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_rows(mugs(number), [])) == number
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A number for each handle, and nothing of the rows themselves.
    assert peak < number * 150
