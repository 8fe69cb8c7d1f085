"""Processes share pages, and none of them is ever given an old one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import timedelta

import pytest

from commercekit.catalog import CategoryChange, NewCategory, ProductChange, ProductStatus
from tests.storefront.nodes import DETAIL, LIST, Node


@pytest.fixture
async def node(shop, dsn, clock, cache_url):
    """Makes processes of the shop, ``mug`` at 1000 in it."""
    await shop.product("mug", price=1000, stock=9)
    async with contextlib.AsyncExitStack() as stack:

        async def make(**settings):
            return await stack.enter_async_context(Node(dsn, clock, cache_url, **settings).up())

        yield make


async def test_a_fresh_process_takes_the_pages_that_another_made(node):
    first = await node()
    made = {path: await first.get(path) for path in (DETAIL, LIST)}
    assert first.gate.made == 2
    second = await node()
    for path, page in made.items():
        taken = await second.get(path)
        assert taken.content == page.content
        assert {**taken.headers, "x-request-id": ""} == {**page.headers, "x-request-id": ""}
    assert second.gate.made == 0
    assert second.lane.counts.shared == 2
    for path in made:
        await second.get(path)
    assert second.lane.counts.hits == 2  # and keeps them in memory


async def test_a_page_is_shared_by_language_and_parameters_as_it_is_in_memory(node):
    first, second = await node(), await node()
    await first.get(DETAIL, **{"accept-language": "zh"})
    await first.get(LIST + "?limit=5&sort=newest")
    assert (await second.get(DETAIL, **{"accept-language": "zh-CN"})).headers[
        "content-language"
    ] == "zh"
    await second.get(LIST + "?sort=newest&limit=5")
    assert second.gate.made == 0
    await second.get(DETAIL, **{"accept-language": "en"})
    await second.get(LIST + "?sort=newest&limit=6")
    assert second.gate.made == 2


async def test_neither_the_process_that_changed_it_nor_one_that_heard_takes_the_old_page(node):
    first, second = await node(), await node()
    assert await second.price() == 1000
    await first.price("MUG", 1100)
    # The old page is still in the cache, and nobody has made a new one.
    assert await first.price() == 1100
    assert first.shared.refused == 1
    await second.until_heard(["mug"])
    assert await second.price() == 1100
    assert second.gate.made == 1  # taken from the first
    assert second.lane.counts.shared == 1


async def test_a_slow_reader_of_the_old_row_that_stores_after_the_change_is_refused(node):
    """It read before the change and stores after everybody has been told: there is no younger page."""
    slow, quick = await node(), await node()
    slow.gate.opened.clear()
    reading = asyncio.create_task(slow.price())
    await slow.gate.waiting.wait()  # it has read 1000
    await quick.price("MUG", 1100)
    await slow.until_heard(["mug"])
    slow.gate.opened.set()
    assert await reading == 1000  # asked before the change
    assert len(await pages(quick)) == 1  # and stored after it
    for process in (quick, slow, await node()):
        assert await process.price() == 1100
    assert quick.shared.refused == 1


async def test_a_slow_reader_never_takes_the_place_of_a_younger_page(node):
    slow, quick = await node(), await node(patience=0.0)
    slow.gate.opened.clear()
    reading = asyncio.create_task(slow.price())
    await slow.gate.waiting.wait()
    await quick.price("MUG", 1100)
    assert await quick.price() == 1100
    before = await pages(quick)
    slow.gate.opened.set()
    assert await reading == 1000
    await slow.shared.drained()
    assert await pages(quick) == before
    fresh = await node()
    assert await fresh.price() == 1100
    assert (fresh.gate.made, fresh.lane.counts.shared) == (0, 1)


async def test_one_whom_the_word_has_not_reached_shares_nothing_that_others_would_believe(node):
    """It does not know of the change when it stores the old page, and those who do are not taken in."""
    deaf = await node(hears=False)
    deaf.gate.opened.clear()
    reading = asyncio.create_task(deaf.price())
    await deaf.gate.waiting.wait()
    quick = await node()
    await quick.price("MUG", 1100)
    deaf.gate.opened.set()
    assert await reading == 1000
    assert await quick.price() == 1100
    fresh = await node()
    assert await fresh.price() == 1100


async def test_what_a_process_keeps_in_memory_does_not_make_an_old_page_look_young(node):
    """The name of a category is kept by every process; one has not heard that it is another one."""
    writer = await node()
    shelf = await writer.catalog.create_category(NewCategory(slug="cups", name={"en": "Cups"}))
    made = await writer.product("cup", category_ids=(shelf.id,))
    deaf = await node(hears=False)
    path = "/store/products/cup"
    assert (await deaf.get(path)).json()["categories"][0]["name"] == "Cups"
    await writer.catalog.change_category(shelf.id, CategoryChange(name={"en": "Mugs"}))
    await writer.cache.clear()
    deaf.lane.forget(Everything)  # its page, not what the page is made of
    deaf.freshness.log._taken -= 60  # its snapshot is as young as the change
    assert (await deaf.get(path)).json()["categories"][0]["name"] == "Mugs"
    fresh = await node()
    assert (await fresh.get(path)).json()["categories"][0]["name"] == "Mugs"
    assert fresh.gate.made == 0
    assert made.slug == "cup"


async def test_a_market_that_changes_is_on_no_shared_page_as_it_was(node):
    writer, reader = await node(), await node()
    await writer.markets.add("us", "CNY", ["en", "zh"])
    market = await writer.markets.by_code("us")
    async with writer.db.unit_of_work() as uow:
        from commercekit.kernel import Money

        await writer.pricing.set_price(uow, market, "MUG", Money(900, "CNY"))
    us = {"x-market": "us", "accept-language": "zh"}
    await reader.markets.by_code("us")
    assert (await reader.get(DETAIL, **us)).headers["content-language"] == "zh"
    await writer.markets.change("us", expected=1, languages=("en",))
    await asyncio.sleep(0.1)
    for process in (writer, reader, await node()):
        await process.markets.by_code("us")
        answer = await process.get(DETAIL, **us)
        assert answer.headers["content-language"] == "en"


async def test_what_is_withdrawn_is_gone_for_everybody_though_its_page_is_still_there(node):
    first, second = await node(), await node()
    await first.get(DETAIL)
    await second.get(LIST)
    product = await first.catalog.product_by_slug("mug")
    await first.catalog.change_product(product.id, ProductChange(status=ProductStatus.DRAFT))
    await second.until_heard(["mug"])
    for process in (first, second, await node()):
        assert (await process.get(DETAIL)).status_code == 404
        assert (await process.get(LIST)).json()["items"] == []


async def test_a_process_that_lost_the_broadcast_believes_nothing_until_it_has_read_the_log(
    node, database
):
    first, second = await node(), await node()
    assert await second.price() == 1000
    before = second.freshness.log.ledger.is_complete
    second.hears = False  # the word is lost with the connection
    await first.price("MUG", 1100)
    await database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'commercekit-dedicated' AND datname = current_database()"
    )
    for _ in range(300):
        if not second.broadcast.is_listening:
            break
        await asyncio.sleep(0.005)
    # While it hears nothing, it takes nothing that others share.
    second.lane.forget(Everything)
    taken = second.lane.counts.shared
    await second.get(DETAIL)
    assert second.lane.counts.shared == taken or second.broadcast.is_listening
    await second.broadcast.wait_until_listening()
    await first.broadcast.wait_until_listening()
    assert await second.price() == 1100
    assert before


async def test_one_of_all_processes_makes_a_page_and_the_others_wait_for_it(node):
    processes = [await node(patience=1.8) for _ in range(3)]
    for process in processes:
        process.gate.opened.clear()
    reading = [asyncio.create_task(process.price()) for process in processes for _ in range(5)]
    waiting = [asyncio.create_task(process.gate.waiting.wait()) for process in processes]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(0.05)
    assert sum(process.gate.made for process in processes) == 1
    for process in processes:
        process.gate.opened.set()
    assert await asyncio.gather(*reading) == [1000] * 15
    for task in waiting:
        task.cancel()
    assert sum(process.gate.made for process in processes) == 1


async def test_the_death_of_the_one_who_makes_a_page_costs_the_others_a_moment(node):
    dying, other = await node(), await node(patience=0.1)
    dying.gate.opened.clear()
    reading = asyncio.create_task(dying.price())
    await dying.gate.waiting.wait()
    began = time.perf_counter()
    assert await other.price() == 1000
    assert time.perf_counter() - began < 1.0  # the leave itself is for two seconds
    assert other.gate.made == 1
    reading.cancel()
    dying.gate.opened.set()


async def test_a_page_that_does_not_exist_gives_its_leave_back_and_is_not_stored(node):
    process = await node()
    for number in range(20):
        assert (await process.get(f"/store/products/none-{number}")).status_code == 404
    assert await process.stored() == {}


async def test_who_makes_an_old_page_is_not_waited_for_by_those_who_know_of_the_change(node):
    slow, quick = await node(), await node(patience=5.0)
    slow.gate.opened.clear()
    reading = asyncio.create_task(slow.price())
    await slow.gate.waiting.wait()
    await quick.price("MUG", 1100)
    began = time.perf_counter()
    assert await quick.price() == 1100
    assert time.perf_counter() - began < 2.0
    slow.gate.opened.set()
    await reading


async def test_nothing_of_a_reader_is_in_what_is_shared(node):
    process = await node()
    secrets = {
        "cookie": "session=c0ffee-of-ada",
        "authorization": "Bearer t0ken-of-ada",
        "x-request-id": "request-of-ada-1",
        "user-agent": "agent-of-ada",
    }
    for path in (DETAIL, LIST, LIST + "?q=ada@example.org", "/store/suggestions?q=ada"):
        await process.get(path, **secrets)
    stored = await process.stored()
    assert len(stored) == 4
    whole = b"".join([*stored, *stored.values()])
    for trace in (b"ada", b"c0ffee", b"t0ken", b"x-request-id", b"set-cookie"):
        assert trace not in whole


async def test_a_value_that_is_damaged_or_laid_out_otherwise_is_made_anew(node):
    process = await node()
    await process.get(DETAIL)
    (key,) = await process.stored()
    for damage in (b"", b"x", b"\xff" * 200, b"0" * 36 + b"\x94\xa1x\x00\x90\x90"):
        await process.cache._client.set(key, damage)
        process.forget_memory()
        assert await process.price() == 1000
    assert process.gate.made == 5


async def test_other_code_and_another_shop_do_not_share_pages(node):
    first = await node(version="1")
    await first.get(DETAIL)
    other = await node(version="2")
    third = await node(version="1", prefix="other")
    for process in (other, third):
        await process.get(DETAIL)
        assert process.lane.counts.shared == 0
    same = await node(version="1")
    await same.get(DETAIL)
    assert same.lane.counts.shared == 1


async def test_a_cache_that_is_emptied_or_stops_costs_nobody_an_answer(node, cache_server):
    process = await node(timeout=timedelta(milliseconds=250))
    assert await process.price() == 1000
    await process.cache._client.flushall()
    process.forget_memory()
    assert await process.price() == 1000
    cache_server.pause()
    try:
        process.forget_memory()
        began = time.perf_counter()
        assert await process.price() == 1000
        assert time.perf_counter() - began < 1.5
        spent = []
        for amount in range(1001, 1021):
            await process.price("MUG", amount)
            began = time.perf_counter()
            assert await process.price() == amount
            spent.append(time.perf_counter() - began)
        assert sorted(spent)[10] < 0.2  # nobody else waited for it
    finally:
        cache_server.resume()
    for _ in range(500):
        if process.cache.is_up:
            break
        await asyncio.sleep(0.01)
    assert await (await node()).price() == 1020


async def pages(process):
    return {key: value for key, value in (await process.stored()).items() if b":page:" in key}


class Everything:
    """Whatever a lane keeps."""

    slugs = None
    lists = True
