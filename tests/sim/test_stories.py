"""Stories from seeds: the books are right whatever happens, and a wrong shop is found and shown again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from commercekit.cli.simulation.failures import Broken
from commercekit.cli.simulation.stage import settings_for
from commercekit.cli.simulation.story import Story
from commercekit.testing import TestServer

pytestmark = pytest.mark.timeout(600)

QUICK = (1, 2, 3)
MANY = range(100, 200)


async def tell(seed: int, steps: int, dsn: str, folder: Path) -> list[str]:
    """The diary of a story."""
    lines: list[str] = []
    await Story(seed, steps, lines.append).play(settings_for(seed, folder), dsn)
    return lines


@asynccontextmanager
async def another_database(
    postgres: TestServer, apps: Sequence[str], name: str
) -> AsyncIterator[str]:
    """One more than the fixture gives."""
    unique = f"sim_{os.getpid()}_{name}"
    yield await asyncio.to_thread(postgres.create, unique, apps)
    await asyncio.to_thread(postgres.drop, unique)


@pytest.mark.promise("R40")
@pytest.mark.parametrize("seed", QUICK)
async def test_the_books_are_right_when_the_story_is_over(
    seed: int, dsn: str, folder: Path
) -> None:
    lines = await tell(seed, 60, dsn, folder)
    assert lines[-1].split(": ")[0].endswith("books")


@pytest.mark.faults
@pytest.mark.promise("R40")
@pytest.mark.parametrize("seed", MANY)
async def test_the_books_are_right_after_a_hundred_stories(
    seed: int, dsn: str, folder: Path
) -> None:
    await tell(seed, 300, dsn, folder)


async def test_the_same_seed_tells_the_same_story_and_another_seed_another(
    dsn: str, postgres: TestServer, piccolo_apps: Sequence[str], folder: Path
) -> None:
    first = await tell(7, 30, dsn, folder)
    async with another_database(postgres, piccolo_apps, "again") as again:
        assert await tell(7, 30, again, folder) == first
    async with another_database(postgres, piccolo_apps, "other") as other:
        assert await tell(8, 30, other, folder) != first


async def test_a_shorter_story_is_the_beginning_of_a_longer_one(
    dsn: str, postgres: TestServer, piccolo_apps: Sequence[str], folder: Path
) -> None:
    long = await tell(5, 40, dsn, folder)
    async with another_database(postgres, piccolo_apps, "short") as database:
        short = await tell(5, 20, database, folder)
    played = [line for line in long if int(line[:5]) <= 20]
    told = [line for line in short if ": " in line and not line.split(" ", 3)[3].startswith(
        ("books", "staff: retry", "staff: confirm"))]  # fmt: skip
    assert told == played[: len(told)]
    assert len(told) >= 20


@pytest.mark.breaks_the_books
async def test_a_shop_that_loses_stock_when_orders_are_cancelled_is_found(
    dsn: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forget(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr("commercekit.inventory.InventoryService.release", forget)
    story = Story(1, 120, lambda _: None)
    with pytest.raises(Broken, match="holds no stock|cancelled-orders-hold-no-stock"):
        await story.play(settings_for(1, folder), dsn)
    assert 1 <= story.reached <= 120


@pytest.mark.breaks_the_books
async def test_a_shop_that_answers_with_an_error_is_found(
    dsn: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("commercekit.orders.OrderService.request_refund", stumble)
    lines: list[str] = []
    with pytest.raises(Broken, match=r"POST .*/refund-requests answered 500"):
        await Story(1, 200, lines.append).play(settings_for(1, folder), dsn)
    assert "BROKEN" in lines[-1]
