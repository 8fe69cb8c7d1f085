"""Facets of a search: each under all filters but its own, however frequent the words are."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from commercekit.catalog import NewCategory
from commercekit.storefront import ListQuery
from commercekit.storefront.service import looking


@pytest.fixture(params=[False, True], ids=["rare", "frequent"])
def frequent(request, monkeypatch):
    """Words that the index of words is asked for, and words that are everywhere."""
    monkeypatch.setattr(looking, "_is_frequent", lambda expected, documents: request.param)
    return request.param


PRODUCTS = {
    # name, price, stock, brand, shelves
    "a": ("Red cup", 100, 1, "kiln", ("cups",)),
    "b": ("Blue cup", 200, 0, "kiln", ("cups", "sale")),
    "c": ("Red bowl", 300, 1, "moss", ("bowls",)),
    "d": ("Red cup and bowl", 400, 1, None, ("cups", "bowls")),
    "e": ("Red plate", 500, 0, "moss", ()),
}


async def stock_up(shop):
    shelves = {
        slug: await shop.catalog.create_category(NewCategory(slug=slug, name={"en": slug}))
        for slug in ("cups", "bowls", "sale")
    }
    brands = {slug: await shop.brand(slug) for slug in ("kiln", "moss")}
    for slug, (name, price, stock, brand, on) in PRODUCTS.items():
        await shop.product(
            slug,
            price=price,
            stock=stock,
            name={"en": name},
            brand_id=brands[brand].id if brand else None,
            category_ids=tuple(shelves[each].id for each in on),
        )
    await shop.product("hidden", price=None, name={"en": "Red cup"})
    await shop.storefront.tend()


def expected(word, category, brands, low, stocked):
    """The same, counted out in Python."""
    tests = {
        "word": lambda p: word in p[0].lower().split(),
        "category": lambda p: category is None or category in p[4],
        "brand": lambda p: not brands or p[3] in brands,
        "price": lambda p: low is None or p[1] >= low,
        "stock": lambda p: stocked is None or (p[2] > 0) == stocked,
    }

    def without(own):
        return [
            p
            for p in PRODUCTS.values()
            if all(test(p) for name, test in tests.items() if name != own)
        ]

    prices = [p[1] for p in without("price")]
    return (
        Counter(shelf for p in without("category") for shelf in p[4]),
        Counter(p[3] for p in without("brand") if p[3]),
        (min(prices), max(prices)) if prices else None,
        sum(p[2] > 0 for p in without("stock")),
    )


async def test_each_facet_counts_under_all_filters_but_its_own(shop, frequent):
    await stock_up(shop)
    asked = product(
        ("red", "cup", "bowl", "nowhere"),
        (None, "cups"),
        ((), ("kiln",)),
        (None, 200),
        (None, True, False),
    )
    for word, category, brands, low, stocked in asked:
        query = ListQuery(
            q=word, category=category, brands=brands, min_price=low, in_stock=stocked, facets=True
        )
        found = (await shop.storefront.products(shop.market, "en", query)).facets
        assert (
            {facet.slug: facet.count for facet in found.categories},
            {facet.slug: facet.count for facet in found.brands},
            found.price and (found.price.min.amount, found.price.max.amount),
            found.in_stock,
        ) == expected(word, category, brands, low, stocked), query


async def test_brands_are_named_and_the_most_frequent_comes_first(shop, frequent):
    await stock_up(shop)
    query = ListQuery(q="red", facets=True)
    found = (await shop.storefront.products(shop.market, "en", query)).facets
    assert [(facet.slug, facet.count) for facet in found.brands] == [("moss", 2), ("kiln", 1)]
    assert all(facet.name for facet in found.brands)
