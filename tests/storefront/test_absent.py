"""An address that names nothing is not looked for twice, and never a moment too long."""

from __future__ import annotations

from uuid import UUID

import pytest

from commercekit.catalog import ProductChange, ProductNotFound, ProductStatus
from commercekit.storefront import Freshness, Stale
from commercekit.storefront.service.absent import Absent

MARKET, OTHER = UUID(int=1), UUID(int=2)


@pytest.fixture
def freshness():
    return Freshness()


class Time:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def absent(freshness, time):
    return Absent(freshness, most=3, seconds=5, now=time)


def test_what_was_not_there_is_absent_for_a_while_in_its_market(absent, time):
    absent.note(MARKET, "cup", absent.round)
    assert absent.has(MARKET, "cup")
    assert not absent.has(OTHER, "cup")
    time.now += 5
    assert not absent.has(MARKET, "cup")


def test_a_word_about_it_ends_it_at_once_and_leaves_others(absent, freshness):
    for slug in ("cup", "jug"):
        absent.note(MARKET, slug, absent.round)
    freshness._tell(Stale(("cup",), lists=False))
    assert not absent.has(MARKET, "cup")
    assert absent.has(MARKET, "jug")
    freshness.forget_all()
    assert not absent.has(MARKET, "jug")


def test_what_turned_up_while_it_was_looked_for_is_not_noted(absent, freshness):
    begun = absent.round
    freshness._tell(Stale(("cup",), lists=False))
    absent.note(MARKET, "cup", begun)
    assert not absent.has(MARKET, "cup")


def test_made_up_addresses_drive_out_nothing_but_each_other(absent):
    for number in range(1000):
        absent.note(MARKET, f"none-{number}", absent.round)
    assert len(absent) == 3
    assert absent.has(MARKET, "none-999")
    assert not absent.has(MARKET, "none-996")


async def test_a_product_that_is_published_is_there_at_once(shop, monkeypatch):
    made = await shop.product("mug", status=ProductStatus.DRAFT)
    fetched = []
    fetch = shop.db.fetchrow

    async def counted(sql, *args):
        fetched.append(sql)
        return await fetch(sql, *args)

    monkeypatch.setattr(shop.db, "fetchrow", counted)
    for _ in range(5):
        with pytest.raises(ProductNotFound):
            await shop.storefront.product(shop.market, "en", "mug")
    asked = len(fetched)
    assert asked <= 1
    await shop.catalog.change_product(made.id, ProductChange(status=ProductStatus.ACTIVE))
    assert (await shop.storefront.product(shop.market, "en", "mug")).slug == "mug"
