"""Running promotions are announced on their own page and on those of the products they touch."""

from __future__ import annotations

import httpx

from commercekit.kernel import new_id
from commercekit.promotions import PromotionChanged, RunningPromotion, Scope
from commercekit.storefront import ReadLane


def promotion(code, ends_at=None, **scope):
    return RunningPromotion(
        code=code,
        name={"en": code.title(), "zh": "促销"},
        rule="percentage-off",
        description={"en": "10 % off"},
        starts_at=None,
        ends_at=ends_at,
        scope=Scope(**{key: frozenset(value) for key, value in scope.items()}),
    )


async def codes(client, slug):
    page = (await client.get(f"/store/products/{slug}")).json()
    return [note["code"] for note in page["promotions"]]


async def test_what_is_on_is_listed_in_the_readers_language(shop, store):
    assert (await store.get("/store/promotions")).json() == {"items": []}
    shop.running.on = [promotion("spring")]
    answer = await store.get("/store/promotions", headers={"accept-language": "zh"})
    assert answer.json() == {
        "items": [
            {
                "code": "spring",
                "name": "促销",
                "description": "10 % off",
                "starts_at": None,
                "ends_at": None,
            }
        ]
    }


async def test_a_product_page_names_those_that_touch_it(shop, store):
    brand = await shop.brand("kiln")
    mug = await shop.product("mug", brand_id=brand.id, tags=("tea",))
    await shop.product("rug")
    shop.running.on = [
        promotion("all"),
        promotion("by-sku", skus=["MUG"]),
        promotion("by-product", products=[mug.id]),
        promotion("by-brand", brands=[str(brand.id)]),
        promotion("by-tag", tags=["tea"]),
        promotion("other", skus=["PEN"]),
    ]
    assert await codes(store, "mug") == ["all", "by-sku", "by-product", "by-brand", "by-tag"]
    assert await codes(store, "rug") == ["all"]


async def test_a_changed_promotion_is_on_every_page_at_once(shop, lane):
    await shop.product("mug")
    assert await codes(lane, "mug") == []
    shop.running.on = [promotion("spring")]
    async with shop.db.unit_of_work() as uow:
        uow.publish(PromotionChanged(promotion_id=new_id(), code="spring"))
    assert await codes(lane, "mug") == ["spring"]


async def test_a_promotion_that_ends_leaves_the_pages_with_their_age(shop, clock):
    await shop.product("mug")
    shop.running.on = [promotion("spring", ends_at=clock.now())]
    old = ReadLane(shop.app, shop.freshness, languages=("en",), max_age=0.0)
    transport = httpx.ASGITransport(old)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        assert await codes(client, "mug") == []
        shop.running.on = [promotion("spring")]
        assert await codes(client, "mug") == ["spring"]
    assert old.counts.hits == 0
