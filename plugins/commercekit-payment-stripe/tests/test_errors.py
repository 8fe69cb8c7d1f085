"""What the vendor refuses, in the words of the core: every row of the table."""

from __future__ import annotations

import re

import httpx
import msgspec
import pytest

from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)
from commercekit.platform.settings import Secret
from commercekit.testing import provider_context
from commercekit_payment_stripe.errors import CODES, STATUSES, TYPES, Meaning

_BECOMES = {
    Meaning.REJECTED: ProviderRejected,
    Meaning.LATER: ProviderUnavailable,
    Meaning.UNKNOWN: ProviderUnknown,
    Meaning.OPERATOR: ProviderConfigError,
}


@pytest.mark.parametrize(
    ("status", "error", "meaning"),
    [
        *(
            (400, {"type": "invalid_request_error", "code": code}, means)
            for code, means in CODES.items()
        ),
        *((400, {"type": kind}, means) for kind, means in TYPES.items()),
        *((status, {"type": "invalid_request_error"}, means) for status, means in STATUSES.items()),
        (402, {"type": "card_error", "decline_code": "stolen_card"}, Meaning.REJECTED),
        (404, {"type": "invalid_request_error", "code": "resource_missing"}, Meaning.REJECTED),
        (500, {"type": "api_error"}, Meaning.UNKNOWN),
        (503, {"type": "invalid_request_error"}, Meaning.UNKNOWN),
        (400, {"type": "something_new"}, Meaning.UNKNOWN),
    ],
)
async def test_what_the_vendor_answers_is_said_in_words_of_the_core(
    ask, vendor, status, error, meaning
):
    said = {"error": {"message": "No such thing as sk_test_1234.", **error}}
    vendor.fault = lambda _: httpx.Response(status, headers={"retry-after": "7"}, json=said)
    with pytest.raises(_BECOMES[meaning]) as refused:
        await ask()
    assert "No such thing" not in repr(vars(refused.value)) + str(refused.value)
    if meaning is Meaning.LATER:
        assert refused.value.retry_after == 7


@pytest.mark.parametrize("status", [301, 400, 404, 418])
async def test_what_is_not_the_vendors_own_answer_is_unknown(ask, vendor, status):
    vendor.fault = lambda _: httpx.Response(status, text="<h1>proxy</h1>")
    with pytest.raises(ProviderUnknown):
        await ask()


async def test_a_wrong_key_calls_an_operator_and_is_not_shown(gateway, vendor, clock, account, ask):
    wrong = msgspec.structs.replace(account, api_key=Secret("sk_test_" + "0" * 24))
    async with httpx.AsyncClient(transport=httpx.MockTransport(vendor.answer)) as http:
        at = provider_context(gateway, wrong, http=http, clock=clock)
        with pytest.raises(ProviderConfigError, match="api_key") as refused:
            await ask(at=at)
    assert not re.search(r"0{5}", str(refused.value))
    assert vendor.kept.sessions == {}
