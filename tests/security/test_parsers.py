"""Whatever bytes come, each reader either understands them or refuses them with its own error."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commercekit.errors import Malformed
from commercekit.platform.http import Cursors, behind_proxies, networks_of
from commercekit.platform.http.inputs import Input, decode
from commercekit.platform.http.problems import CardDataRefused, InvalidInput
from commercekit.platform.security import find_card_number, redact

FUZZ = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
CURSORS = Cursors(b"k" * 32)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


class Basket(Input):
    sku: str
    quantity: int


@FUZZ
@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_a_body_is_a_basket_or_a_problem(body):
    with contextlib.suppress(Malformed, CardDataRefused):
        assert isinstance(decode(body, Basket), Basket)


@FUZZ
@given(st.text(max_size=120))
def test_a_cursor_that_was_not_made_here_is_refused(cursor):
    with pytest.raises(InvalidInput):
        CURSORS.open("list", cursor)


@FUZZ
@given(st.lists(st.text(max_size=40), max_size=4), st.text(max_size=20), st.integers(0, 400))
def test_a_cursor_leads_where_it_was_made_for_and_nowhere_else(after, binding, place):
    cursor = CURSORS.seal(binding, after)
    assert CURSORS.open(binding, cursor) == tuple(after)
    with pytest.raises(InvalidInput):
        CURSORS.open(binding + "x", cursor)
    changed = cursor[: place % len(cursor)]
    with pytest.raises(InvalidInput):
        CURSORS.open(binding, changed)


@FUZZ
@given(st.binary(max_size=200))
def test_whatever_a_proxy_forwards_the_client_is_an_address(told):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["client"])

    scope = {
        "type": "http",
        "client": ("10.0.0.1", 5),
        "headers": [(b"x-forwarded-for", told)],
    }
    asyncio.run(behind_proxies(app, networks_of(["10.0.0.0/8"]))(scope, None, None))
    networks_of([seen[0][0].partition("%")[0]])


@FUZZ
@given(st.text(max_size=200))
def test_masking_never_fails_and_leaves_no_card(text):
    masked = redact(text)
    assert not find_card_number(masked)
    assert redact(masked) == masked
