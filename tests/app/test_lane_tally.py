"""What the read lane answers stands in the metrics, each request once."""

from __future__ import annotations

import httpx
from prometheus_client import CollectorRegistry

from commercekit.app.sampling import cache_tally, lane_tally
from commercekit.platform.cache import MemoryCache
from commercekit.platform.http import RequestMetrics
from commercekit.platform.telemetry import ShopMetrics
from commercekit.storefront import Freshness, read_lane


async def application(scope, receive, send):
    """Answers everything with a page that may be kept."""
    headers = [(b"etag", b'"1"'), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


async def test_hits_misses_and_dropped_pages_are_handed_over_once():
    registry = CollectorRegistry()
    freshness = Freshness()
    lane = read_lane(application, freshness, languages=("en",))
    hand_over = lane_tally(lane, ShopMetrics(registry), RequestMetrics(registry))

    def told(outcome):
        return registry.get_sample_value("commercekit_read_lane_total", {"outcome": outcome})

    def requests(status):
        labels = {"method": "GET", "route": "/store/products/{slug}", "status": str(status)}
        return registry.get_sample_value("commercekit_http_requests_total", labels)

    transport = httpx.ASGITransport(lane)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as web:
        for _ in range(4):
            await web.get("/store/products/mug")
        await web.get("/store/products/mug", headers={"if-none-match": '"1"'})
        hand_over()
        hand_over()
        assert (told("hits"), told("misses"), told("joined"), told("dropped")) == (4, 1, 0, 0)
        # The application counts its own answers: the miss is none of these.
        assert (requests(200), requests(304)) == (3, 1)
        freshness.forget_all()
        await web.get("/store/products/mug")
        await web.get("/store/products/mug")
        hand_over()
    assert (told("hits"), told("misses"), told("dropped")) == (5, 2, 1)
    assert (requests(200), requests(304)) == (4, 1)


async def test_what_the_cache_was_asked_for_is_handed_over_once():
    registry = CollectorRegistry()
    cache = MemoryCache()
    hand_over = cache_tally(cache, ShopMetrics(registry), None)
    await cache.set_many({"a": b"1"}, seconds=60)
    await cache.get_many(["a", "b", "c"])
    hand_over()
    hand_over()

    def told(outcome):
        return registry.get_sample_value("commercekit_cache_total", {"outcome": outcome})

    assert (told("hits"), told("misses"), told("writes"), told("stale")) == (1, 2, 1, 0)
    assert registry.get_sample_value("commercekit_cache_breaker_open") == 0
