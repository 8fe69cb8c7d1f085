from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from commercekit.errors import Conflict
from commercekit.kernel import PageRequest
from commercekit.platform.db import schema_drift
from commercekit.promotions import (
    DuplicatePromotion,
    PromotionChanged,
    Scope,
    UnacceptablePromotion,
    UnknownPromotion,
)
from commercekit.promotions.piccolo_app import APP_CONFIG
from tests.promotions.sample import NOW, amounts, basket, line, promotion, service_on


async def test_a_promotion_is_read_as_it_was_made(promotions, told):
    made = promotion(
        "spring",
        percent=10,
        lane=150,
        priority=3,
        coupons=["A", "B"],
        starts_at=NOW,
        ends_at=NOW + timedelta(days=1),
        scope=Scope(skus={"sku-a"}, brands={"acme"}),
    )
    created = await promotions.created(made)
    read = await promotions.promotion("spring")
    assert read == created
    assert (read.id, read.coupons, read.scope) == (made.id, ("A", "B"), made.scope)
    assert (read.lane, read.priority, read.starts_at) == (150, 3, NOW)
    assert msgspec.json.decode(read.config) == {
        "amount": 0,
        "percent": 10,
        "target": "order",
        "minimum": 0,
    }
    assert told == [PromotionChanged(promotion_id=made.id, code="spring")]


async def test_making_it_again_under_the_same_id_makes_it_once(promotions, told):
    made = promotion("spring", percent=10)
    first = await promotions.created(made)
    assert await promotions.created(made) == first
    assert len(told) == 1
    other = msgspec.structs.replace(promotion("other"), code="spring")
    with pytest.raises(DuplicatePromotion):
        await promotions.created(other)
    assert await promotions.promotion("spring") == first


async def test_what_the_rule_does_not_accept_is_refused_with_its_place(promotions, told):
    with pytest.raises(UnacceptablePromotion) as caught:
        await promotions.created(promotion("odd", target="moon"))
    assert caught.value.errors[0].pointer == "/config/target"
    with pytest.raises(UnacceptablePromotion) as caught:
        await promotions.created(promotion("odd", rule="uninstalled"))
    assert caught.value.errors[0].pointer == "/rule"
    assert caught.value.errors[0].message == "No plugin brings it; there are: off."
    with pytest.raises(UnacceptablePromotion) as caught:
        await promotions.created(promotion("odd", starts_at=NOW, ends_at=NOW))
    assert caught.value.errors[0].pointer == "/ends_at"
    with pytest.raises(UnknownPromotion):
        await promotions.promotion("odd")
    assert told == []


async def test_a_committed_change_counts_at_once_in_every_process(promotions, database, clock):
    here, there = promotions, service_on(database, clock)
    where = basket(line("a", 1000))
    assert amounts(await there.evaluate(where)) == []
    await here.created(promotion("spring", percent=10))
    assert amounts(await there.evaluate(where)) == [("spring", -100)]
    await here.change(promotion("spring", percent=20), expected=1)
    assert amounts(await there.evaluate(where)) == [("spring", -200)]
    assert (await there.evaluate(where)).adjustments[0].promotion_version == 2
    await here.delete("spring", expected=2)
    assert amounts(await there.evaluate(where)) == []


async def test_what_was_rolled_back_is_never_applied(promotions, database, told):
    where = basket(line("a", 1000))

    async def make_and_fail():
        async with database.unit_of_work() as uow:
            await promotions.create(uow, promotion("ghost", percent=90))
            inside = await promotions.evaluate(where)
            assert amounts(inside) == [("ghost", -900)]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await make_and_fail()
    assert amounts(await promotions.evaluate(where)) == []
    await promotions.created(promotion("real", percent=10))
    assert amounts(await promotions.evaluate(where)) == [("real", -100)]
    assert [fact.code for fact in told] == ["real"]


async def test_a_promotion_is_changed_and_deleted_only_from_the_version_seen(promotions, told):
    await promotions.created(promotion("spring", percent=10))
    changed = await promotions.change(promotion("spring", percent=20), expected=1)
    assert changed.version == 2
    with pytest.raises(Conflict):
        await promotions.change(promotion("spring", percent=90), expected=1)
    with pytest.raises(Conflict):
        await promotions.delete("spring", expected=1)
    assert await promotions.promotion("spring") == changed
    await promotions.delete("spring", expected=2)
    with pytest.raises(UnknownPromotion):
        await promotions.delete("spring", expected=2)
    assert [fact.deleted for fact in told] == [False, False, True]


async def test_the_storefront_announces_what_is_on_for_everybody(promotions, clock):
    soon = clock.now() + timedelta(hours=1)
    await promotions.created(promotion("now", percent=10, ends_at=soon))
    await promotions.created(promotion("soon", percent=10, starts_at=soon))
    await promotions.created(promotion("off", percent=10, active=False))
    await promotions.created(promotion("secret", percent=10, coupons=["SECRET"]))
    running = await promotions.running(clock.now())
    assert [(each.code, each.description, each.ends_at) for each in running] == [
        ("now", {"en": "Off"}, soon)
    ]
    assert [each.code for each in await promotions.running(soon)] == ["soon"]
    assert [each.code for each in await promotions.applicable(soon)] == ["secret", "soon"]


async def test_an_explanation_names_every_promotion(promotions):
    await promotions.created(promotion("yes", percent=10))
    await promotions.created(promotion("no", percent=5, minimum=9000))
    outcome = await promotions.evaluate(basket(line("a", 1000)), explain=True)
    assert [(e.promotion, str(e.verdict), e.reason["zh"]) for e in outcome.explanation] == [
        ("no", "not-met", "未满足条件。"),
        ("yes", "applied", "已应用。"),
    ]
    assert (await promotions.evaluate(basket(line("a", 1000)))).explanation == []


async def test_promotions_come_in_pages_by_code(promotions):
    for code in ("c", "a", "b"):
        await promotions.created(promotion(code, percent=10, active=False))
    first = await promotions.promotions(PageRequest(limit=2))
    assert ([p.code for p in first.items], first.next_cursor) == (["a", "b"], "b")
    rest = await promotions.promotions(PageRequest(limit=2, after=("b",)))
    assert ([p.code for p in rest.items], rest.next_cursor) == (["c"], None)


async def test_the_tables_are_what_the_migration_makes(database):
    async with database.dedicated_connection() as connection:
        assert await schema_drift(connection, APP_CONFIG.table_classes) == []
