"""Each rule is held against the whole source, and against a piece of code that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

import pytest

from tests.architecture import rules
from tests.architecture.source import Module, core, none_of, plugins

Rule = Callable[[Module], Iterator[str]]

RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        rules.bare_transactions,
        rules.blocking_queries,
        rules.floats,
        rules.gathering,
        rules.loose_names,
        rules.own_clocks,
        rules.root_imports,
        rules.strangers,
        rules.too_long,
        rules.unexplained_silence,
        rules.unknown_rooms,
        rules.unsafe_formats,
        rules.vendors,
    )
}

BROKEN = [
    ("bare_transactions", "commercekit.orders.service", "async def f():\n async with DB.transaction(): ..."),
    ("blocking_queries", "commercekit.cli.db", "Row.select().run_sync()"),
    ("floats", "commercekit.pricing.rules", "x = float(amount)"),
    ("floats", "commercekit.pricing.models", "class Price:\n    amount: float"),
    ("floats", "commercekit.pricing.models", "def f(total: float | None): ..."),
    ("gathering", "commercekit.orders.service",
     "async def f():\n async with db.unit_of_work() as uow:\n  await asyncio.gather(a(), b())"),
    ("gathering", "commercekit.orders.service", "async def f(uow):\n await asyncio.gather(a(), b())"),
    ("loose_names", "commercekit.orders.utils", ""),
    ("loose_names", "commercekit_payment_cod.helpers", ""),
    ("own_clocks", "commercekit.orders.service", "x = datetime.now(UTC)"),
    ("own_clocks", "commercekit.orders.service", "x = datetime.datetime.utcnow()"),
    ("own_clocks", "commercekit.orders.rules", "x = time.time()"),
    ("root_imports", "commercekit.orders.service", "from commercekit import hookimpl"),
    ("strangers", "commercekit.orders.service", "import pluggy"),
    ("strangers", "commercekit.orders.service", "from asyncpg import Record"),
    ("strangers", "commercekit.orders.service", "from piccolo.table import Table"),
    ("strangers", "commercekit.orders.service", "from litestar import get"),
    ("strangers", "commercekit.payments.service", "import httpx"),
    ("strangers", "commercekit_payment_cod.gateway", "import pluggy"),
    ("too_long", "commercekit.orders.service", "x = 1\n" * 451),
    ("unexplained_silence", "commercekit.orders.service", "x = 1  # noqa"),
    ("unexplained_silence", "commercekit.orders.service", "x = 1  # noqa: S101"),
    ("unexplained_silence", "commercekit.orders.service", "x = 1  # type: ignore[misc]"),
    ("unexplained_silence", "commercekit.orders.service", "x = 1  # pragma: no cover"),
    ("unexplained_silence", "commercekit.orders.service",
     "x = 1  # type: ignore[misc]  # noqa: S101"),
    ("unknown_rooms", "commercekit.orders.machinery", ""),
    ("unsafe_formats", "commercekit.platform.bus.relay", "import pickle"),
    ("unsafe_formats", "commercekit_payment_cod.gateway", "from yaml import load"),
    ("vendors", "commercekit.payments.service", "if code == 'alipay': ..."),
    ("vendors", "commercekit.fulfilment.models", "# as FedEx does"),
]  # fmt: skip

FINE = [
    ("bare_transactions", "commercekit.platform.db.session", "x = connection.transaction()"),
    ("floats", "commercekit.platform.jobs.runner", "x = float(seconds)"),
    ("floats", "commercekit.fulfilment.rules", "def f(timeout: float): ..."),
    ("gathering", "commercekit.platform.bus.relay", "async def f():\n await asyncio.gather(a(), b())"),
    ("own_clocks", "commercekit.kernel.clock", "x = datetime.now(UTC)"),
    ("own_clocks", "commercekit.orders.service", "x = self._clock.now()"),
    ("own_clocks", "commercekit.payments.service", "x = time.monotonic()"),
    ("root_imports", "commercekit_payment_cod", "from commercekit import hookimpl"),
    ("strangers", "commercekit.orders.tables", "from piccolo.table import Table"),
    ("strangers", "commercekit.orders.api.store", "from litestar import get"),
    ("strangers", "commercekit_payment_sandbox.api", "from litestar import get"),
    ("too_long", "commercekit.orders.service", "x = 1\n" * 450),
    ("unexplained_silence", "commercekit.orders.service",
     "x = 1  # noqa: S101 - the caller has checked it"),
    ("unexplained_silence", "commercekit.orders.service",
     "x = 1  # type: ignore[misc]  # Piccolo types this as Any"),
    ("unknown_rooms", "commercekit.orders.service.place_order", ""),
    ("vendors", "commercekit_payment_alipay", "name = 'alipay'"),
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_house_keeps_the_rule(rule: Rule):
    assert none_of(chain.from_iterable(map(rule, (*core(), *plugins()))))


@pytest.mark.parametrize(("rule", "name", "code"), BROKEN)
def test_breaking_the_rule_is_seen(rule: str, name: str, code: str):
    assert len(list(RULES[rule](Module(name, code)))) == 1


@pytest.mark.parametrize(("rule", "name", "code"), FINE)
def test_keeping_the_rule_is_not_blamed(rule: str, name: str, code: str):
    assert list(RULES[rule](Module(name, code))) == []


def test_every_rule_has_a_piece_of_code_that_breaks_it():
    assert {rule for rule, _, _ in BROKEN} == set(RULES)
