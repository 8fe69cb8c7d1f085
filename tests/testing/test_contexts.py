from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from msgspec import Struct

from commercekit.platform.plugins import NoSettings
from commercekit.platform.providers import ProviderConfigError
from commercekit.platform.settings import Secret
from commercekit.testing import (
    Enqueued,
    JobList,
    ManualClock,
    plugin_context,
    provider_context,
    raw_request,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Account(Struct, frozen=True):
    key: Secret
    other: Secret | None = None


class Gateway:
    code = "acme"


async def test_provider_is_handed_its_account_and_the_clock_of_the_test():
    clock = ManualClock(NOON)
    async with httpx.AsyncClient() as http:
        ctx = provider_context(Gateway(), Account(Secret("s3")), http=http, clock=clock)
        assert (ctx.account_id, ctx.http) == ("default", http)
        assert ctx.secrets.read("key") == "s3"
        with pytest.raises(ProviderConfigError, match=r"acme\.default\.other is not set"):
            ctx.secrets.read("other")
        clock.advance(timedelta(hours=1))
        assert ctx.now() == NOON + timedelta(hours=1)


def test_plugin_is_handed_what_the_test_gave_and_hears_what_it_did_not():
    ctx = plugin_context("acme")
    assert (ctx.code, ctx.settings) == ("acme", NoSettings())
    assert ctx.webhook_url("payments", "acme") == "https://shop.test/webhooks/payments/acme/default"
    for missing in ("db", "http", "sealer"):
        with pytest.raises(AttributeError, match=rf"gave no {missing}: .*{missing}=\.\.\."):
            _ = getattr(ctx, missing).anything


async def test_jobs_that_a_plugin_asked_for_are_listed_and_not_done():
    jobs = JobList()
    ctx = plugin_context("acme", enqueue=jobs, production=True)
    first = await ctx.enqueue(None, "acme.tell", None, unique_key="one")
    second = await ctx.enqueue(None, "acme.tell", due_at=NOON)
    assert first != second
    assert jobs.entries == [
        Enqueued("acme.tell", None, None, "one"),
        Enqueued("acme.tell", None, NOON, None),
    ]
    assert ctx.production is True


def test_raw_request_keeps_the_bytes_and_lowers_the_names_of_headers():
    sent = httpx.Request(
        "POST", "https://shop.test/hook?a=1&a=2", content=b'{"a":  1}', headers={"X-Sign": "AbC"}
    )
    raw = raw_request(sent, at=NOON)
    assert (raw.method, raw.path, raw.query) == ("POST", "/hook", [("a", "1"), ("a", "2")])
    assert (raw.body, raw.headers["x-sign"], raw.header("X-SIGN")) == (b'{"a":  1}', "AbC", "AbC")
    assert raw.received_at == NOON
