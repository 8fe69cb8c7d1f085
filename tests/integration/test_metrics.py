from commercekit.app.sampling import sample
from tests.shop import MUG


async def told(shop) -> str:
    await sample(shop.shop)
    return (await shop.client.get("/metrics")).text


async def test_the_gauges_say_what_is_under_way_and_what_is_done(shop):
    await shop.order((MUG, 1))
    assert 'commercekit_queue_depth{queue="facts-unpublished"} 0.0' not in await told(shop)
    await shop.settle()
    after = await told(shop)
    assert 'commercekit_queue_depth{queue="facts-unpublished"} 0.0' in after
    assert 'commercekit_queue_depth{queue="facts-parked"} 0.0' in after
    assert "commercekit_outbox_lag_seconds 0.0" in after
    assert "commercekit_db_pool_in_use 0.0" in after
