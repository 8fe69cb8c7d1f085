"""Facts of a newer version of the shop, through RabbitMQ: they wait in the database, and nothing is lost."""

from __future__ import annotations

from commercekit.kernel import Money, PageRequest
from commercekit.platform.bus import Subscription
from tests.platform.bus.test_versions import First, Second, Third, _noting


async def test_old_facts_are_upgraded_and_those_of_tomorrow_wait_without_counting_a_try(
    make_bus, database, tell, clock
):
    heard, late = [], []
    old = make_bus(Subscription("scales", Second, _noting(heard)))
    await old.drain()
    await tell(First(crate="a", grams=250, cents=1999))
    await tell(Third(crate="b", milligrams=7, price=Money(5, "CNY")))
    await tell(Second(crate="c", grams=2, price=Money(5, "CNY")))
    await old.drain()
    assert [(fact.crate, fact.price.currency) for fact, _, _ in heard] == [
        ("a", "EUR"),
        ("c", "CNY"),
    ]
    (waiting,) = (await old.parked(PageRequest(10), waiting=True)).items
    assert (waiting.state, waiting.attempts, waiting.aggregate_id) == ("waiting", 0, "b")
    assert "version 3 of crate.Weighed was told by a newer version of the shop" in waiting.error

    clock.advance(minutes=1)
    new = make_bus(Subscription("scales", Third, _noting(late)))
    await new.drain()
    assert [(fact.crate, fact.milligrams) for fact, _, _ in late] == [("b", 7)]
