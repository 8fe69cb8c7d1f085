from __future__ import annotations

import httpx
import pytest_asyncio

from tests.platform.http.sample import sample


def client_of(app, **options):
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://shop.example",
        **options,
    )


@pytest_asyncio.fixture
async def client():
    async with client_of(sample()) as opened:
        yield opened
