"""Pages under change: nothing twice and nothing missed that stayed as it was, in every order and shape."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commercekit.catalog import NewCategory, ProductChange, ProductStatus
from commercekit.storefront import ListQuery, Sort
from commercekit.storefront.repository import lists
from commercekit.storefront.service import looking

SHELF = "shelf"


@pytest.fixture(params=[2, 1000])
def counted(request, monkeypatch):
    """Lists that are longer than what is counted, and lists that are not, without a thousand products."""
    for place in ("commercekit.storefront.repository", lists.__name__):
        monkeypatch.setattr(f"{place}.COUNTED", request.param)
    return request.param


async def stock_up(shop):
    """Twelve products; the clock moves on so that the order of their ids is that of their numbers."""
    shelf = await shop.catalog.create_category(NewCategory(slug=SHELF, name={"en": "Shelf"}))
    kiln = await shop.brand("kiln")
    made = {}
    for n in range(12):
        made[f"p{n}"] = await shop.product(
            f"p{n}",
            price=100 * (1 + n % 5),
            name={"en": f"Cup {'abcdefghijkl'[(7 * n) % 12]}"},
            category_ids=(shelf.id,) if n % 3 else (),
            brand_id=kiln.id if n % 2 else None,
        )
    await shop.storefront.tend()
    return made


async def made_once(shop):
    """The same products for every example, as the ones before have left them."""
    if not hasattr(shop, "made"):
        shop.made = await stock_up(shop)
    return shop.made


STEP = st.one_of(
    st.tuples(st.just("price"), st.integers(0, 11), st.integers(1, 700)),
    st.tuples(st.just("stock"), st.integers(0, 11), st.integers(0, 3)),
    st.tuples(st.just("hide"), st.integers(0, 11), st.booleans()),
    st.tuples(st.just("name"), st.integers(0, 11), st.sampled_from("AaZz蓝")),
)


async def change(shop, made, step):
    kind, number, value = step
    product = made[f"p{number}"]
    if kind == "price":
        await shop.price(f"P{number}", value)
    elif kind == "stock":
        await shop.stock(f"P{number}", value)
    elif kind == "hide":
        status = ProductStatus.DRAFT if value else ProductStatus.ACTIVE
        await shop.catalog.change_product(product.id, ProductChange(status=status))
    else:
        await shop.catalog.change_product(product.id, ProductChange(name={"en": f"Cup {value}"}))
    return product.slug


async def walk(shop, query, limit, between=()):
    """All pages of a list with changes between them: what was listed, and what was changed."""
    steps, listed, changed, after = list(between), [], set(), None
    while True:
        page = await shop.storefront.products(shop.market, "en", query, after=after, limit=limit)
        listed += [item.slug for item in page.items]
        if page.after is None:
            return listed, changed
        after = page.after
        if steps:
            changed.add(await steps.pop(0)())


QUERIES = st.builds(
    ListQuery,
    sort=st.sampled_from([None, Sort.NEWEST, Sort.PRICE, Sort.PRICE_DOWN, Sort.NAME]),
    category=st.sampled_from([None, None, SHELF]),
    brands=st.sampled_from([(), ("kiln",)]),
    q=st.sampled_from(["", "", "cup"]),
    max_price=st.sampled_from([None, 400]),
)


@given(query=QUERIES, limit=st.integers(1, 5), steps=st.lists(STEP, max_size=4))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_nothing_comes_twice_and_nothing_unchanged_is_missed(
    shop, counted, query, limit, steps
):
    made = await made_once(shop)
    before, _ = await walk(shop, query, 100)
    between = [lambda step=step: change(shop, made, step) for step in steps]
    listed, changed = await walk(shop, query, limit, between)
    still = [slug for slug in listed if slug not in changed]
    assert len(still) == len(set(still))
    by_relevance = query.q and query.sort is None
    if by_relevance and len(before) > counted:
        # Of more than are counted, the newest are ranked, and the list ends with them.
        assert len(before) == counted + 1
    else:
        assert set(before) - changed <= set(listed)
    if query.sort is Sort.NEWEST:
        assert len(listed) == len(set(listed))
        numbers = [int(slug[1:]) for slug in listed]
        assert numbers == sorted(numbers, reverse=True)


async def test_a_change_of_the_order_itself_moves_only_what_changed(shop):
    made = await stock_up(shop)
    first = await shop.storefront.products(shop.market, "en", ListQuery(sort=Sort.PRICE), limit=4)
    shown = [item.slug for item in first.items]
    assert shown == ["p0", "p5", "p10", "p1"]
    await change(shop, made, ("price", 0, 9999))
    await change(shop, made, ("price", 4, 1))
    second, _ = await walk_on(shop, ListQuery(sort=Sort.PRICE), first.after)
    assert second == ["p6", "p11", "p2", "p7", "p3", "p8", "p9", "p0"]


async def walk_on(shop, query, after):
    page = await shop.storefront.products(shop.market, "en", query, after=after, limit=100)
    return [item.slug for item in page.items], page.total


@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.PRICE, Sort.PRICE_DOWN, Sort.NAME])
async def test_both_ways_to_read_a_part_of_the_shop_give_the_same_pages(shop, monkeypatch, sort):
    await stock_up(shop)
    for query in (
        ListQuery(sort=sort, category=SHELF),
        ListQuery(sort=sort, q="cup"),
        ListQuery(sort=sort, q="cup", category=SHELF, max_price=400),
        ListQuery(sort=sort, brands=("kiln",), min_price=200),
        ListQuery(sort=sort, in_stock=True),
        ListQuery(sort=sort, in_stock=False),
    ):
        whole = await walk(shop, query, 100)
        total = (await shop.storefront.products(shop.market, "en", query)).total
        assert total == len(whole[0])
        with monkeypatch.context() as patch:
            for place in ("commercekit.storefront.repository", lists.__name__):
                patch.setattr(f"{place}.COUNTED", 1)
            for limit in (1, 3, 100):
                assert await walk(shop, query, limit) == whole
            if total > 1:
                listed = await shop.storefront.products(shop.market, "en", query)
                assert listed.total is None
            if query.q:
                # Words that are everywhere are met on the way through the order itself.
                patch.setattr(looking, "_is_frequent", lambda expected, documents: True)
                assert await walk(shop, query, 3) == whole
        if query.q:
            with monkeypatch.context() as patch:
                patch.setattr(looking, "_is_frequent", lambda expected, documents: True)
                assert await walk(shop, query, 3) == whole


async def test_words_that_are_everywhere_are_read_in_the_order_of_the_list(shop, monkeypatch):
    await stock_up(shop)
    asked = []

    async def page(db, where, **more):
        asked.append(where.frequent)
        return await lists.page(db, where, **more)

    monkeypatch.setattr("commercekit.storefront.repository.page", page)
    plain = await walk(shop, ListQuery(q="cup"), 5)
    assert asked
    assert not any(asked)
    monkeypatch.setattr("commercekit.storefront.repository.FREQUENT", 4)
    monkeypatch.setattr(f"{lists.__name__}.FREQUENT", 4)
    asked.clear()
    listed = await shop.storefront.products(shop.market, "en", ListQuery(q="cup"), limit=3)
    assert all(asked)
    assert [item.slug for item in listed.items] == plain[0][:3]
    assert listed.total is None
    rest, _ = await walk_on(shop, ListQuery(q="cup"), listed.after)
    assert rest == plain[0][3:4]
    # Rare in a part that was looked through: there are no others.
    few = ListQuery(q="cup", category=SHELF, max_price=100)
    asked.clear()
    listed = await shop.storefront.products(shop.market, "en", few)
    assert asked == [True]
    assert [item.slug for item in listed.items] == ["p10", "p5"]
    assert listed.total == 2
    # In a part that is too large for that, they are found by the words after all.
    monkeypatch.setattr(f"{lists.__name__}.WALKED", 1)
    asked.clear()
    listed = await shop.storefront.products(shop.market, "en", few)
    assert asked == [True, False]
    assert [item.slug for item in listed.items] == ["p10", "p5"]
    assert listed.total == 2


async def test_a_part_of_the_shop_is_gone_through_where_words_find_more_than_it_has(
    shop, monkeypatch
):
    await stock_up(shop)
    queries = [
        ListQuery(q="cup", sort=sort, **part)
        for sort in (None, Sort.NEWEST, Sort.PRICE, Sort.NAME)
        for part in (
            {"category": SHELF},
            {"brands": ("kiln",), "max_price": 400},
            {"in_stock": True, "min_price": 200},
        )
    ]
    by_words = [await walk(shop, query, 3) for query in queries]
    asked = []

    async def page(db, where, **more):
        asked.append(where.through)
        return await lists.page(db, where, **more)

    monkeypatch.setattr("commercekit.storefront.repository.page", page)
    assert [await walk(shop, query, 3) for query in queries] == by_words
    assert not any(asked)
    asked.clear()
    monkeypatch.setattr(looking, "_is_frequent", lambda expected, documents: False)
    monkeypatch.setattr("commercekit.storefront.repository.FREQUENT", 0)
    # The words are in twelve products, a part has six or eight.
    monkeypatch.setattr(looking, "_AS_LONG_AS", 1)
    assert [await walk(shop, query, 3) for query in queries[:2]] == by_words[:2]
    assert all(asked)
    # All twelve are in stock and cost that much or less: no part is gone through that has as many.
    asked.clear()
    await walk(shop, ListQuery(q="cup", in_stock=True), 3)
    assert not any(asked)
    monkeypatch.setattr(looking, "_AS_LONG_AS", 0.1)
    asked.clear()
    assert [await walk(shop, query, 3) for query in queries] == by_words
    assert all(asked)


@pytest.fixture
def looks(monkeypatch):
    """How each page of a search was read: whether past the newest, and past how many of them."""
    asked = []

    async def page(db, where, **more):
        asked.append((where.frequent, where.within))
        return await lists.page(db, where, **more)

    monkeypatch.setattr("commercekit.storefront.repository.page", page)
    for place in ("commercekit.storefront.repository", lists.__name__):
        monkeypatch.setattr(f"{place}.FREQUENT", 2)
    monkeypatch.setattr(looking, "_is_frequent", lambda expected, documents: False)
    return asked


async def test_one_word_is_looked_for_in_the_newest_sooner_than_others_are(
    shop, monkeypatch, looks
):
    await stock_up(shop)
    plain = await walk(shop, ListQuery(q="cup"), 100)
    assert not any(frequent for frequent, _ in looks)
    # Now there are more of it than are ranked otherwise.
    monkeypatch.setattr("commercekit.storefront.repository.COUNTED", 1)
    looks.clear()
    listed = await shop.storefront.products(shop.market, "en", ListQuery(q="cup"), limit=2)
    assert looks == [(True, 2500)]
    assert [item.slug for item in listed.items] == plain[0][:2]
    assert listed.total is None
    looks.clear()
    for query in (
        ListQuery(q="cup", category=SHELF),
        ListQuery(q="cup", in_stock=True),
        ListQuery(q="cup", sort=Sort.PRICE),
        ListQuery(q="cup kiln"),
    ):
        await shop.storefront.products(shop.market, "en", query)
    assert not any(frequent for frequent, _ in looks)


async def test_words_that_turn_out_to_be_rarer_are_looked_for_everywhere(shop, monkeypatch, looks):
    await stock_up(shop)
    plain = await walk(shop, ListQuery(q="cup"), 100)
    monkeypatch.setattr("commercekit.storefront.repository.COUNTED", 1)
    monkeypatch.setattr(looking, "_within", lambda expected, documents: 1)
    looks.clear()
    listed = await shop.storefront.products(shop.market, "en", ListQuery(q="cup"), limit=100)
    assert [frequent for frequent, _ in looks] == [True, False]
    assert [item.slug for item in listed.items] == plain[0]
    # The same where no product has all that is asked for: nothing is cut off.
    monkeypatch.setattr(looking, "_is_frequent", lambda expected, documents: True)
    looks.clear()
    listed = await shop.storefront.products(
        shop.market, "en", ListQuery(q="cup SKU-p10 SKU-p5"), limit=100
    )
    assert [frequent for frequent, _ in looks][-2:] == [True, False]
    assert {item.slug for item in listed.items} == set(plain[0])


@pytest.mark.parametrize(
    ("expected", "within"), [(100_000, 2_500), (30_000, 5_000), (15_000, 10_000), (2_000, 20_000)]
)
def test_nobody_passes_by_many_more_than_were_expected(expected, within):
    assert looking._within(expected, 100_000) == within
