"""Files as people and machines break them: what is right comes in, what is wrong is named, memory stays."""

from __future__ import annotations

import codecs
import csv
import io
import logging
import random

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commercekit.catalog import ExportProducts, ImportFileUnreadable, ImportProducts, Offer
from commercekit.catalog.repository import lookups
from commercekit.kernel import Money

HEADER = "Handle,Title,Variant SKU,Variant Price,Tags\r\n"


class Shelf:
    """Prices and stock, in memory."""

    def __init__(self):
        self.kept = {}

    async def take(self, uow, offers):
        changed = set()
        for said in offers:
            now = Offer(said.price, said.compare_at, said.quantity, said.allow_backorder)
            if self.kept.get(said.sku) != now:
                self.kept[said.sku] = now
                changed.add(said.sku)
        return changed

    async def offers(self, skus):
        return {sku: self.kept[sku] for sku in skus if sku in self.kept}


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def load(database, catalog, shelf):
    async def run(content, **options):
        binary = io.BytesIO(content if isinstance(content, bytes) else content.encode())
        with io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as lines:
            return await ImportProducts(database, catalog, shelf).run(
                lines, currency="CNY", **options
            )

    return run


def counts(report):
    return (report.created, report.changed, report.unchanged, report.failed)


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + (HEADER + "mug,Mug,MUG,1.00,a\r\n").encode(),
        (HEADER + "mug,Mug,MUG,1.00,a\r\n").replace("\r\n", "\n").encode(),
        (HEADER + "mug,Mug,MUG,1.00,a\r\n").replace("\r\n", "\r").encode(),
        (HEADER + "mug,Mug,MUG,1.00,a").encode(),
        (HEADER + '"mug","Mug","MUG","1.00","a"\r\n').encode(),
        (HEADER + "\r\n,,,,\r\n  mug , Mug ,MUG, 1.00 ,a\r\n\r\n").encode(),
    ],
    ids=["mark", "lf", "cr", "no-end", "quoted", "blank"],
)
async def test_however_a_right_file_is_written_it_means_the_same(load, catalog, shelf, content):
    report = await load(content)
    assert counts(report) == (1, 0, 0, 0)
    made = await catalog.product_by_slug("mug")
    assert (made.name, made.tags) == ({"en": "Mug"}, ("a",))
    assert shelf.kept["MUG"].price == Money(100, "CNY")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ((HEADER + "mug,Müg,MUG,1.00,a\r\n").encode("latin-1"), "not-utf-8"),
        ((HEADER + "mug,杯子,MUG,1.00,a\r\n").encode("gb18030"), "not-utf-8"),
        ((HEADER + "mug,Mug,MUG,1.00,a\r\n").encode("utf-16"), "not-utf-8"),
        ((HEADER + 'mug,"Mug,MUG,1.00,a\r\n').encode(), "not-csv"),
        ((HEADER + 'mug,"Mug"s,MUG,1.00,a\r\n').encode(), "not-csv"),
        ((HEADER + f'mug,"{"x" * 140_000}",MUG,1.00,a\r\n').encode(), "not-csv"),
        (b"PK\x03\x04\x14\x00\x00\x00\x08\x00 a spreadsheet, not CSV", "no-header"),
        (HEADER.replace(",", ";").encode() + b"mug;Mug;MUG;1.00;a\r\n", "no-header"),
        (HEADER.replace(",", "\t").encode() + b"mug\tMug\tMUG\t1.00\ta\r\n", "no-header"),
        (b"Handle,Title,Handle\r\nmug,Mug,mug\r\n", "duplicate-column"),
        (b"\x00" * 100, "no-header"),
    ],
)
async def test_what_is_no_file_of_ours_is_refused_and_brings_nothing(load, catalog, content, code):
    with pytest.raises(ImportFileUnreadable) as refused:
        await load(content)
    assert refused.value.extra["code"] == code
    assert await catalog.products() == []


@pytest.mark.parametrize("cell", ["\x00", "M\x00ug", "Mug\x0b\x1f", "\x7fMug\x08"])
async def test_control_characters_are_left_out(load, catalog, cell):
    report = await load(f"{HEADER}mug,{cell}Mug,M\x00UG,1.00,a\r\n")
    assert counts(report) == (1, 0, 0, 0)
    made = await catalog.product_by_slug("mug")
    assert made.name["en"].replace("M", "").replace("ug", "") == ""
    assert made.variants[0].sku == "MUG"
    assert counts(await load(f"{HEADER}mug,{cell}Mug,M\x00UG,1.00,a\r\n")) == (0, 0, 1, 0)


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=12
) | st.sampled_from(
    ["=1+1", "'x", "a,b", 'a"b', "a\nb", "\ufeffx", "@SUM(A1)", "-1", "NULL", "é", "零"]
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(WORDS, WORDS, st.integers(0, 10**9), WORDS), min_size=1, max_size=6))
async def test_whatever_stands_in_cells_comes_back_the_same(database, catalog, shelf, cells):
    """In, out, into an empty shop, and out again: the same bytes; nothing raises, nothing is lost."""
    await database.execute("TRUNCATE catalog_product, catalog_brand, catalog_category CASCADE")
    shelf.kept.clear()
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["Handle", "Title", "Variant SKU", "Variant Price", "Tags", "Body (HTML)"])
    for number, (title, sku, price, tag) in enumerate(cells):
        writer.writerow([f"p-{number}", title, sku, f"{price / 100:.2f}", tag, f"<p>{tag}</p>"])

    async def load(text):
        importer = ImportProducts(database, catalog, shelf)
        return await importer.run(io.StringIO(text, newline=""), currency="CNY")

    async def export():
        exporter = ExportProducts(database, catalog, shelf)
        return "".join([piece async for piece in exporter.text()])

    first = await load(out.getvalue())
    assert first.created + first.failed == len(cells)
    text = await export()
    prices = dict(shelf.kept)
    await database.execute("TRUNCATE catalog_product, catalog_brand, catalog_category CASCADE")
    shelf.kept.clear()
    again = await load(text)
    assert (again.created, again.failed) == (first.created, 0)
    assert await export() == text
    assert shelf.kept == prices
    assert (await load(text)).unchanged == first.created


FAULTS = {
    "price": ("bad-{n},Bad,B-{n},{wrong},x\r\n", "not-a-number"),
    "sku": ("twice-{n},Bad,GOOD-0,1.00,x\r\n", "duplicate-sku"),
    "title": ("none-{n},,N-{n},1.00,x\r\n", "missing-title"),
    "handle": (",Bad,H-{n},1.00,x\r\n", "missing-handle"),
    "long": ("long-{n},{long},L-{n},1.00,x\r\n", "too-long"),
    "surplus": ("more-{n},Bad,M-{n},1.00,x,surplus\r\n", "surplus-cells"),
}
WRONG = ["=1+1", "1e9", "-5", "1,00", "NaN", "０", "--", "1.005", "free", "9" * 20]


def hostile(rows, every):
    """One right product in ``every`` rows, the others wrong in turn."""
    chance = random.Random(3)
    kinds = list(FAULTS.values())
    long = "x" * 600
    yield "\ufeff" + HEADER
    for n in range(rows):
        if n % every == 0:
            yield f'good-{n},"Good, ""{n}""",GOOD-{n},{n % 999}.00,"a, \'=b"\r\n'
        else:
            pattern, _ = kinds[n % len(kinds)]
            yield pattern.format(n=n, wrong=f'"{chance.choice(WRONG)}"', long=long)


async def run_hostile(database, catalog, shelf, rows, every, through=iter):
    importer = ImportProducts(database, catalog, shelf)
    report = await importer.run(through(hostile(rows, every)), currency="CNY")
    good = -(-rows // every)
    assert counts(report) == (good, 0, 0, rows - good)
    assert report.rows == rows
    assert len(report.errors) == min(1000, len(report.errors) + report.unlisted)
    assert {fault.code for fault in report.errors} >= {
        "duplicate-sku", "missing-title", "missing-handle", "too-long", "surplus-cells",
    }  # fmt: skip
    assert await database.fetchval("SELECT count(*) FROM catalog_product") == good
    assert len(shelf.kept) == good
    return report


async def test_a_hostile_file_brings_what_is_right_in_it(database, catalog, shelf):
    report = await run_hostile(database, catalog, shelf, 1_201, 12)
    assert report.unlisted > 0


async def test_the_faults_of_a_file_are_written_when_there_are_new_ones(
    database, catalog, shelf, monkeypatch
):
    """The place is written with every batch, two thousand faults are not; both are there to go on from."""
    written = []
    keep = lookups.keep_import

    async def keeping(uow, digest, report, faults):
        written.append(faults is not None)
        await keep(uow, digest, report, faults)

    def lines(cut):
        yield HEADER
        yield "bad,Bad,BAD,free,x\r\n"
        yield from (f"mug-{n},Mug,MUG-{n},1.00,x\r\n" for n in range(350))
        if cut:
            raise ConnectionError
        yield "worse,Worse,WORSE,dear,x\r\n"

    monkeypatch.setattr(lookups, "keep_import", keeping)
    importer = ImportProducts(database, catalog, shelf)
    with pytest.raises(ConnectionError):
        await importer.run(lines(cut=True), currency="CNY", key="file")
    assert written == [True, False, False, False]
    report = await importer.run(lines(cut=False), currency="CNY", key="file", resume=True)
    assert counts(report) == (350, 0, 0, 2)
    assert [(fault.row, fault.code) for fault in report.errors] == [
        (2, "not-a-number"), (353, "not-a-number"),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_a_million_hostile_rows_are_judged_in_little_memory(database, catalog, shelf):
    process = psutil.Process()
    before = highest = process.memory_info().rss

    def watched(lines):
        nonlocal highest
        for number, line in enumerate(lines):
            if number % 5_000 == 0:
                highest = max(highest, process.memory_info().rss)
            yield line

    await run_hostile(database, catalog, shelf, 1_000_000, 1_000, through=watched)
    highest = max(highest, process.memory_info().rss)
    grown = (highest - before) / 1024**2
    logging.getLogger(__name__).info("peak %.0f MB, grown %.0f", highest / 1024**2, grown)
    # Of each handle its first row, twice, and nothing of the rows themselves: seen were 58.
    assert grown < 120, f"{grown:.0f} MB"
