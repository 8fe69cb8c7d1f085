"""Facts of several versions of a shop: taken in, left to a newer process, or parked with a sentence."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

import msgspec
import pytest

from commercekit.errors import ConfigurationError
from commercekit.kernel import DomainEvent, Money, PageRequest
from commercekit.platform.bus import (
    Bus,
    FactOfTomorrow,
    FactTooOld,
    Subscription,
    decode_fact,
    told,
)


def _first():
    class Weighed(DomainEvent, frozen=True, kw_only=True):
        """As it was told first: grams, and a price in cents of a currency that everybody knew."""

        aggregate: ClassVar[str] = "crate"
        id_field: ClassVar[str] = "crate"
        crate: str
        grams: int
        cents: int

    return Weighed


def _second():
    def from_1(old):
        new = {key: value for key, value in old.items() if key != "cents"}
        return {**new, "price": {"amount": old["cents"], "currency": "EUR"}}

    class Weighed(DomainEvent, frozen=True, kw_only=True):
        """The price says its currency."""

        aggregate: ClassVar[str] = "crate"
        id_field: ClassVar[str] = "crate"
        version: ClassVar[int] = 2
        upgrades: ClassVar = {1: from_1}
        crate: str
        grams: int
        price: Money

    return Weighed


def _third():
    def from_2(old):
        return {**old, "milligrams": old.pop("grams") * 1000}

    class Weighed(DomainEvent, frozen=True, kw_only=True):
        """What is light is weighed as well; of version 1 nothing is left anywhere."""

        aggregate: ClassVar[str] = "crate"
        id_field: ClassVar[str] = "crate"
        version: ClassVar[int] = 3
        upgrades: ClassVar = {2: from_2}
        crate: str
        milligrams: int
        price: Money

    return Weighed


First, Second, Third = _first(), _second(), _third()
OLD = b'{"crate":"a","grams":250,"cents":1999}'
"""What a process of the first version wrote."""


def _noting(heard):
    async def react(_uow, fact, meta):
        heard.append((fact, meta.version, meta.sequence))

    return react


def _at_once(_attempt):
    return timedelta()


# -- one payload -----------------------------------------------------------------------------------


def test_an_old_payload_becomes_the_present_fact():
    assert msgspec.json.encode(First(crate="a", grams=250, cents=1999)) == OLD
    assert decode_fact(First, OLD, 1) == First(crate="a", grams=250, cents=1999)
    now = decode_fact(Second, OLD, 1)
    assert now == Second(crate="a", grams=250, price=Money(1999, "EUR"))
    assert decode_fact(Third, msgspec.json.encode(now), 2) == Third(
        crate="a", milligrams=250_000, price=Money(1999, "EUR")
    )


def test_an_optional_field_needs_no_version_in_either_direction():
    more = msgspec.defstruct(
        "Weighed", [("by", str, "")], bases=(First,), frozen=True, kw_only=True
    )
    assert decode_fact(more, OLD, 1).by == ""
    longer = msgspec.json.encode(more(crate="a", grams=1, cents=2, by="Zoë"))
    assert decode_fact(First, longer, 1) == First(crate="a", grams=1, cents=2)


def test_a_payload_that_is_not_of_its_version_is_refused():
    with pytest.raises(msgspec.ValidationError, match="price"):
        decode_fact(Second, b'{"crate":"a","grams":250}', 2)
    with pytest.raises(KeyError):
        decode_fact(Second, b'{"crate":"a","grams":250}', 1)


def test_versions_that_are_too_old_or_too_new_are_said_so():
    with pytest.raises(
        FactTooOld, match=r"crate\.Weighed was told in version 1, and the oldest .* 2:"
    ):
        decode_fact(Third, OLD, 1)
    with pytest.raises(FactOfTomorrow, match=r"version 3 of crate\.Weighed .* knows 2"):
        decode_fact(Second, b"{}", 3)


def test_a_fact_that_does_not_say_how_its_last_version_becomes_it_stops_the_start(make_bus):
    bare = msgspec.defstruct(
        "Weighed", [], bases=(First,), frozen=True, kw_only=True, namespace={"version": 2}
    )
    with pytest.raises(ConfigurationError, match="does not say how version 1 becomes it"):
        make_bus(Subscription("scales", bare, _noting([])))


# -- two versions of a shop, side by side ----------------------------------------------------------


async def test_what_waited_since_the_last_version_is_taken_in_by_the_next(make_bus, database, tell):
    heard = []
    old = make_bus(Subscription("scales", First, _noting(heard)))
    await old.drain()
    await tell(First(crate="a", grams=250, cents=1999))
    database._flush_hooks[:] = []
    new = make_bus(Subscription("scales", Second, _noting(heard)))
    await tell(Second(crate="a", grams=300, price=Money(5, "CNY")))
    await new.drain()
    assert heard == [
        (Second(crate="a", grams=250, price=Money(1999, "EUR")), 1, 1),
        (Second(crate="a", grams=300, price=Money(5, "CNY")), 2, 2),
    ]


async def test_a_fact_of_a_newer_version_waits_for_a_newer_process_without_counting_a_try(
    make_bus, database, tell, clock
):
    heard, late = [], []
    old = make_bus(Subscription("scales", Second, _noting(heard)), backoff=_at_once)
    await old.drain()
    await tell(Third(crate="a", milligrams=7, price=Money(5, "CNY")))
    await tell(Second(crate="a", grams=1, price=Money(5, "CNY")))
    await tell(Second(crate="b", grams=2, price=Money(5, "CNY")))
    for _ in range(12):
        await old.drain()
        clock.advance(minutes=1)
    assert [fact.crate for fact, _, _ in heard] == ["b"], "its own aggregate waits, others do not"
    (waiting, behind) = (await old.parked(PageRequest(10), waiting=True)).items
    assert (waiting.state, waiting.attempts, waiting.sequence) == ("waiting", 0, 1)
    assert "version 3 of crate.Weighed was told by a newer version of the shop" in waiting.error
    assert (behind.sequence, behind.error) == (2, None)

    new = Bus(database, clock, [Subscription("scales", Third, _noting(late))])
    await new.drain()
    assert [(fact.milligrams, sequence) for fact, _, sequence in late] == [(7, 1), (1000, 2)]
    assert (await new.backlog()).waiting == 0


async def test_a_fact_of_a_version_that_is_forgotten_is_parked_at_once_with_a_sentence(
    make_bus, database, tell, clock
):
    heard = []
    bus = make_bus(Subscription("scales", Third, _noting(heard)), backoff=_at_once)
    await bus.drain()
    await tell(First(crate="a", grams=250, cents=1999))
    await tell(Third(crate="b", milligrams=7, price=Money(5, "CNY")))
    await bus.drain()
    assert [fact.crate for fact, _, _ in heard] == ["b"]
    (parked,) = (await bus.parked()).items
    assert (parked.state, parked.attempts, parked.aggregate_id) == ("parked", 1, "a")
    assert parked.error.startswith(
        "FactTooOld: crate.Weighed was told in version 1, and the oldest that is understood here is 2"
    )


async def test_facts_of_the_past_are_read_in_the_present_version(make_bus, database, tell, clock):
    bus = make_bus()
    await tell(First(crate="a", grams=250, cents=1999))
    await bus.drain()
    day = timedelta(days=1)
    ((fact, meta),) = await told(
        database, {"crate.Weighed": Second}, clock.now() - day, clock.now() + day
    )
    assert (fact.price, meta.version) == (Money(1999, "EUR"), 1)
