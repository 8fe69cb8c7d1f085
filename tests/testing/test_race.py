"""Staged races happen where they are staged, in a unit of work of their own, or the test fails."""

from __future__ import annotations

import pytest

from commercekit.platform.db import UnitOfWork, current_unit_of_work
from commercekit.testing import Race

log: list[str] = []


async def step(name: str) -> str:
    log.append(name)
    return name.upper()


class Stock:
    async def take(self) -> str:
        return await step("take")

    @staticmethod
    async def count() -> str:
        return await step("count")

    def price(self) -> int:
        return 1


@pytest.fixture(autouse=True)
def _empty_log():
    log.clear()


async def test_a_rival_runs_once_before_the_first_call(race):
    rival = race.before(f"{__name__}.step", lambda: rival_of("rival"))
    assert await step("one") == "ONE"
    assert await step("two") == "TWO"
    assert log == ["rival", "one", "two"]
    assert await rival.result() == "done"


async def rival_of(name: str) -> str:
    log.append(name)
    return "done"


async def test_a_rival_runs_after_methods_and_static_methods(race):
    race.after(f"{__name__}.Stock.take", lambda: rival_of("after take"))
    race.before(f"{__name__}.Stock.count", lambda: rival_of("before count"))
    assert await Stock().take() == "TAKE"
    assert await Stock.count() == "COUNT"
    assert await Stock().count() == "COUNT"
    assert log == ["take", "after take", "before count", "count", "count"]


async def test_everything_is_put_back():
    original = step
    staged = Race()
    staged.before(f"{__name__}.step", lambda: rival_of("rival"))
    await step("one")
    await staged.finish()
    assert step is original


async def test_a_race_that_never_took_place_fails():
    staged = Race()
    rival = staged.before(f"{__name__}.step", lambda: rival_of("rival"))
    with pytest.raises(AssertionError, match="never called"):
        await rival.result()
    with pytest.raises(AssertionError, match="never called, so the race did not take place"):
        await staged.finish()


async def test_what_is_not_asynchronous_is_refused(race):
    with pytest.raises(TypeError, match="no asynchronous function"):
        race.before(f"{__name__}.Stock.price", lambda: rival_of("rival"))
    with pytest.raises(ImportError):
        race.before("no_such_module.thing", lambda: rival_of("rival"))


async def test_a_rival_has_its_own_unit_of_work_and_waits_for_locks(race, database):
    order: list[str] = []

    async def rival() -> str:
        assert current_unit_of_work() is None
        async with database.unit_of_work() as uow:
            await uow.lock("till")
            order.append("rival")
        return "second"

    async def write(uow: UnitOfWork) -> None:
        await uow.execute("SELECT 1")
        order.append("first")

    globals()["write"] = write
    staged = race.before(f"{__name__}.write", rival)
    async with database.unit_of_work() as uow:
        await uow.lock("till")
        await globals()["write"](uow)
        assert order == ["first"]
    assert await staged.result() == "second"
    assert order == ["first", "rival"]
