"""Whatever bytes come, each reader either understands them or refuses them with its own error."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from commercekit.catalog.errors import ImportFileUnreadable
from commercekit.catalog.service.exporting import escaped_cell
from commercekit.catalog.service.importing.rows import COLUMNS, read_rows, unescaped_cell
from commercekit.errors import Malformed
from commercekit.platform.http import Cursors, behind_proxies, networks_of
from commercekit.platform.http.inputs import Input, decode
from commercekit.platform.http.problems import CardDataRefused, InvalidInput
from commercekit.platform.providers import SignatureInvalid
from commercekit.platform.security import find_card_number, redact
from commercekit.platform.storage.errors import EmptyFile, FileTooLarge, NoPicture
from commercekit.platform.storage.pictures import make_picture
from commercekit_payment_sandbox.signing import sign, verify
from tests.shop import TestShop

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


CELLS = st.text(alphabet='ab",;\n\r\t=+-@\x00é\ufeff中', max_size=12)
TITLES = st.sampled_from([*COLUMNS, "Title (zh)", "handle", "?"]) | CELLS


@FUZZ
@given(
    st.lists(TITLES, max_size=8), st.lists(st.lists(CELLS, max_size=8), max_size=5), st.booleans()
)
def test_a_file_of_products_is_rows_or_unreadable(titles, records, is_raw):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([titles, *records])
    lines = (
        text.getvalue() if not is_raw else "\n".join(",".join(row) for row in [titles, *records])
    )
    with contextlib.suppress(ImportFileUnreadable):
        for product in read_rows(lines.splitlines(keepends=True), []):
            assert product.rows
            assert all(isinstance(row.get("Handle"), str) for row in product.rows)


@FUZZ
@given(CELLS)
def test_a_cell_of_an_export_is_read_back_as_it_was(text):
    assert unescaped_cell(escaped_cell(text)) == text
    assert not escaped_cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def picture(kind, **options):
    content = io.BytesIO()
    Image.effect_noise((23, 17), 90).convert("RGB").save(content, kind, **options)
    return content.getvalue()


PICTURES = [
    picture("PNG"),
    picture("JPEG", comment=b"canary-comment"),
    picture("GIF"),
    picture("WEBP"),
]


@FUZZ
@given(
    st.sampled_from(PICTURES),
    st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=6)), max_size=4),
    st.integers(0, 5000) | st.just(1 << 30),
    st.binary(max_size=20),
)
def test_a_broken_picture_is_refused_or_made_anew(content, changes, length, tail):
    for offset, other in changes:
        place = offset % len(content)
        content = content[:place] + other + content[place + len(other) :]
    content = content[:length] + tail
    try:
        made = make_picture(content)
    except (NoPicture, FileTooLarge, EmptyFile):
        return
    for file in made.files:
        with Image.open(io.BytesIO(file.content)) as image:
            image.load()
        assert b"canary-comment" not in file.content


@FUZZ
@given(st.binary(max_size=60), st.integers(0, 200), st.integers(1, 255))
def test_a_signature_fits_the_bytes_that_were_signed_and_no_others(body, place, change):
    now = datetime.now(UTC)
    header = sign(b"k" * 32, body, now)
    verify([b"k" * 32], body, header, now)
    other = bytearray(body or b"x")
    other[place % len(other)] ^= change
    with pytest.raises(SignatureInvalid):
        verify([b"k" * 32], bytes(other), header, now)
    cut = place % len(header)
    with pytest.raises(SignatureInvalid):
        verify([b"k" * 32], body, header[:cut], now)


def made_up(strategy, number):
    """So many examples of a strategy, the same ones every time."""
    found = []

    @settings(FUZZ, max_examples=number, phases=[Phase.generate], database=None)
    @given(strategy)
    def note(example):
        found.append(example)

    note()
    return found


VISIBLE = st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=60)


async def test_whatever_is_shown_at_a_door_is_answered_in_words(shop: TestShop):
    async def ask(method, path, expected, **request):
        shop.client.cookies.clear()
        answer = await shop.client.request(method, path, **request)
        assert answer.status_code in expected, (path, request, answer.text)
        if answer.status_code >= 400:
            assert answer.headers["content-type"].startswith("application/problem+json")

    for text in made_up(VISIBLE, 40):
        shown = text.encode("latin-1").strip()
        for name in (b"ck_session=", b"ck_staff=", b""):
            await ask("GET", "/store/me", {401}, headers={b"Cookie": name + shown})
            await ask("GET", "/admin/auth/me", {401}, headers={b"Cookie": name + shown})
        await ask("GET", "/admin/orders", {401}, headers={b"Authorization": b"Bearer " + shown})
        await ask("GET", "/store/orders/X-1", {404}, headers={b"X-Order-Token": shown})
    placed = await shop.placed()
    before = await shop.read(placed)
    signatures = st.just(b"") | st.binary(max_size=40).map(lambda raw: raw.hex().encode())
    for body, signature in made_up(st.tuples(st.binary(max_size=200), signatures), 40):
        stamp = b"t=%d,v1=%s" % (shop.clock.now().timestamp(), signature)
        for path in ("payments/sandbox/default", "carriers/sandbox/default", "payments/x/y"):
            await ask(
                "POST",
                f"/webhooks/{path}",
                {400, 401, 404},
                content=body,
                headers={b"sandbox-signature": stamp, b"carrier-signature": stamp},
            )
    await shop.settle()
    assert await shop.read(placed) == before
