"""Many products at once: shown without writing, done once, whole or not at all each."""

from __future__ import annotations

import pytest

from commercekit.catalog import (
    BulkChanges,
    BulkFilter,
    BulkRequest,
    BulkRunNotFound,
    NewCategory,
    NewProduct,
    NewVariant,
    PriceRule,
    ProductBulk,
    ProductRefused,
    ProductStatus,
)
from commercekit.kernel import Money, PageRequest, new_id
from commercekit.platform.jobs import JobProgress, Jobs, JobState, Priority
from commercekit.testing import core_piccolo_apps


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform.jobs", "catalog")


class Prices:
    """In a table, so that what is undone with its transaction is seen."""

    def __init__(self, database):
        self.database = database

    async def current(self, skus):
        rows = await self.database.fetch("SELECT * FROM test_price WHERE sku = ANY ($1)", skus)
        return {row["sku"]: Money(row["amount"], "CNY") for row in rows}

    async def change(self, uow, sku, amount):
        await uow.execute("UPDATE test_price SET amount = $2 WHERE sku = $1", sku, amount.amount)


@pytest.fixture
def jobs(database, clock):
    return Jobs(database, clock)


@pytest.fixture
def bulk(database, catalog, jobs):
    made = ProductBulk(database, catalog, Prices(database), jobs)
    jobs.register(*made.job_kinds())
    return made


async def stock(catalog, database, *slugs, status=ProductStatus.ACTIVE):
    await database.execute("CREATE TABLE IF NOT EXISTS test_price (sku text, amount bigint)")
    for slug in slugs:
        await catalog.create_product(
            NewProduct(
                slug=slug, name={"en": slug}, status=status, tags=("old",),
                variants=(NewVariant(sku=slug.upper()),),
            )
        )  # fmt: skip
        await database.execute("INSERT INTO test_price VALUES ($1, 1000)", slug.upper())


async def prices(database):
    return {r["sku"]: r["amount"] for r in await database.fetch("SELECT * FROM test_price")}


def wanted(filter_=None, **changes):
    return BulkRequest(filter=filter_ or BulkFilter(), changes=BulkChanges(**changes))


async def test_a_preview_shows_and_writes_nothing(catalog, database, bulk, told):
    await stock(catalog, database, "a", "b")
    told.clear()
    shown = await bulk.preview(wanted(add_tags=("new",), price=PriceRule(basis_points=-1000)))
    assert shown.total == 2
    assert [(i.slug, i.fields) for i in shown.items] == [("b", ("tags",)), ("a", ("tags",))]
    (step,) = shown.items[0].prices
    assert (step.sku, step.before.amount, step.after.amount) == ("B", 1000, 900)
    assert told == []
    assert await prices(database) == {"A": 1000, "B": 1000}
    assert await database.fetchval("SELECT count(*) FROM catalog_bulk_run") == 0


async def test_a_run_changes_what_the_filter_means_and_nothing_else(catalog, database, bulk, jobs):
    await stock(catalog, database, "a", "b")
    await stock(catalog, database, "c", status=ProductStatus.DRAFT)
    shelf = await catalog.create_category(NewCategory(slug="sale", name={"en": "Sale"}))
    request = wanted(
        BulkFilter(status=ProductStatus.ACTIVE),
        status=ProductStatus.DRAFT,
        add_tags=("new",),
        remove_tags=("old",),
        add_category_ids=(shelf.id,),
        price=PriceRule(basis_points=550, amount=-5),
    )
    run = await bulk.start(request, actor="ann")
    assert (run.status, run.total, run.changed) == ("running", 2, 0)
    await jobs.run_due()
    run = await bulk.run(run.id)
    assert (run.status, run.changed, run.unchanged, run.failed) == ("done", 2, 0, 0)
    for slug in ("a", "b"):
        product = await catalog.product_by_slug(slug)
        assert (product.status, product.tags) == ("draft", ("new",))
        assert product.category_ids == (shelf.id,)
        assert (await catalog.history(product.id))[0].actor == "ann"
    assert (await catalog.product_by_slug("c")).tags == ("old",)
    assert await prices(database) == {"A": 1050, "B": 1050, "C": 1000}


async def test_the_same_run_asked_for_twice_changes_prices_once(catalog, database, bulk, jobs):
    await stock(catalog, database, "a")
    request = wanted(price=PriceRule(basis_points=1000))
    run_id = new_id()
    for _ in range(2):
        await bulk.start(request, run_id=run_id)
        await jobs.run_due()
    await bulk.work_on(run_id)
    assert await prices(database) == {"A": 1100}


async def test_a_run_that_dies_goes_on_behind_the_last_one(catalog, database, bulk, monkeypatch):
    await stock(catalog, database, "a", "b", "c")
    run = await bulk.start(wanted(price=PriceRule(amount=1)))
    change = Prices.change
    calls = []

    async def dies(self, uow, sku, amount):
        await change(self, uow, sku, amount)
        calls.append(sku)
        if len(calls) == 2:
            raise ConnectionError

    monkeypatch.setattr(Prices, "change", dies)
    with pytest.raises(ConnectionError):
        await bulk.work_on(run.id)
    assert await prices(database) == {"A": 1000, "B": 1000, "C": 1001}
    await bulk.work_on(run.id)
    assert await prices(database) == {"A": 1001, "B": 1001, "C": 1001}
    assert (await bulk.run(run.id)).changed == 3


async def test_one_that_is_refused_stays_whole_and_is_named(catalog, database, bulk, jobs):
    await stock(catalog, database, "a")
    bare = await catalog.create_product(NewProduct(slug="bare", name={"en": "Bare"}))
    run = await bulk.start(wanted(status=ProductStatus.ACTIVE, add_tags=("x",)))
    await jobs.run_due()
    run = await bulk.run(run.id)
    assert (run.changed, run.failed) == (1, 1)
    assert [(e.product_id, e.slug) for e in run.errors] == [(bare.id, "bare")]
    assert (await catalog.product(bare.id)).tags == ()


async def test_a_change_of_nothing_and_an_unknown_run_are_refused(bulk, database):
    for call in (bulk.preview, bulk.start):
        with pytest.raises(ProductRefused):
            await call(wanted())
    with pytest.raises(BulkRunNotFound):
        await bulk.run(new_id())
    assert await database.fetchval("SELECT count(*) FROM platform_job") == 0


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        (PriceRule(basis_points=-3333), 1000, 667),
        (PriceRule(basis_points=50), 100, 101),
        (PriceRule(basis_points=-50), 100, 100),
        (PriceRule(basis_points=-10_000), 999, 0),
        (PriceRule(amount=-5), 3, 0),
        (PriceRule(basis_points=1000, amount=-1), 10**12, 11 * 10**11 - 1),
    ],
)
def test_a_price_rule_counts_in_whole_minor_units(rule, before, after):
    assert rule.applied(Money(before, "CNY")) == Money(after, "CNY")


async def test_a_run_is_cancelled_between_two_products_and_goes_on_from_there_when_retried(
    bulk, catalog, database, jobs, monkeypatch
):
    await stock(catalog, database, "a", "b", "c")
    request = BulkRequest(changes=BulkChanges(add_tags=("sale",)), filter=BulkFilter())
    run = await bulk.start(request)
    (job,) = (await jobs.list(PageRequest())).items
    assert job.priority is Priority.LOW
    one = bulk._one

    async def and_then_cancelled(*arguments):
        await one(*arguments)
        monkeypatch.setattr(bulk, "_one", one)
        await jobs.cancel(job.id)
        # What the process sees at its next look.
        signs[0].cancelled = True

    signs = []
    work_on = bulk.work_on

    async def remembering(run_id, context):
        signs.append(context.signs)
        await work_on(run_id, context)

    monkeypatch.setattr(bulk, "_one", and_then_cancelled)
    monkeypatch.setattr(bulk, "work_on", remembering)
    assert await jobs.run_due() == 1
    stopped = await bulk.run(run.id)
    assert (stopped.status, stopped.changed, stopped.total) == ("cancelled", 1, 3)
    assert stopped.finished_at is not None
    seen = await jobs.get(job.id)
    assert (seen.state, seen.progress) == (JobState.CANCELLED, JobProgress(1, 3, None))

    await jobs.retry(job.id)
    assert await jobs.run_due() == 1
    done = await bulk.run(run.id)
    assert (done.status, done.changed, done.unchanged) == ("done", 3, 0)
    assert (await jobs.get(job.id)).progress == JobProgress(3, 3, None)


async def test_a_run_that_is_cancelled_before_it_began_changes_nothing(
    bulk, catalog, database, jobs
):
    await stock(catalog, database, "a")
    run = await bulk.start(
        BulkRequest(changes=BulkChanges(add_tags=("sale",)), filter=BulkFilter())
    )
    (job,) = (await jobs.list(PageRequest())).items
    await jobs.cancel(job.id)
    assert await jobs.run_due() == 0
    seen = await bulk.run(run.id)
    assert (seen.status, seen.changed) == ("cancelled", 0)
