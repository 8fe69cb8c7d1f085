from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from commercekit.kernel import Money, new_id
from commercekit.payments import DisputeState, StatementKind
from commercekit.platform.providers import ProviderConfigError, ProviderUnknown
from commercekit_payment_stripe.fake import Way
from commercekit_payment_stripe.fake.books import Intent, Transaction
from commercekit_payment_stripe.snapshots import PAYMENT, REFUND

OURS, REFUNDED = new_id().hex, new_id().hex


@pytest.fixture
def read(gateway, context, clock):
    async def reading(day=None):
        return [line async for line in gateway.reconcile(context, day or clock.now().date())]

    return reading


def _pay(vendor, way=Way.CARD, amount=49_90, currency="usd", metadata=None):
    intent = vendor.moves.open_intent(
        Intent(
            id=vendor.kept.name("pi"),
            secret="s",
            created=0,
            amount=amount,
            currency=currency,
            manual=False,
            metadata={PAYMENT: OURS} if metadata is None else metadata,
        )
    )
    vendor.moves.confirm(intent, way)
    return vendor.kept.charges[intent.charge]


def _refund(vendor, charge, amount, metadata):
    from commercekit_payment_stripe.fake.books import Refund

    made = Refund(
        id=vendor.kept.name("re"),
        charge=charge.id,
        intent=charge.intent,
        created=0,
        amount=amount,
        currency=charge.currency,
        status="pending",
        metadata=metadata,
    )
    return vendor.moves.refund(made)


def _moved(vendor, clock, **changes):
    given = {
        "id": vendor.kept.name("txn"),
        "created": int(clock.now().timestamp()),
        "amount": -100,
        "currency": "usd",
        "fee": 0,
        "type": "stripe_fee",
        "category": "fee",
        "source": None,
    }
    made = Transaction(**(given | changes))
    vendor.kept.transactions[made.id] = made
    return made


async def test_a_day_with_everything_in_it(vendor, read, clock):
    charge = _pay(vendor)
    ours = _refund(vendor, charge, 10_00, {PAYMENT: OURS, REFUND: REFUNDED})
    theirs = _refund(vendor, charge, 5_00, {})
    vendor.moves.settle_refund(ours, succeeds=False)
    vendor.moves.dispute(charge, DisputeState.WON)
    _moved(vendor, clock)
    _moved(vendor, clock, amount=-20_00, type="payout", category="payout", source="po_1")
    _moved(vendor, clock, amount=20_00, type="payout_failure", category="payout_reversal")
    _moved(vendor, clock, amount=7, type="something_new", category="other_adjustment")
    lines = (await read())[::-1]
    assert [(line.kind, line.amount.amount, line.fee and line.fee.amount) for line in lines] == [
        (StatementKind.CHARGE, 49_90, 1_74),
        (StatementKind.REFUND, -10_00, None),
        (StatementKind.REFUND, -5_00, None),
        (StatementKind.REFUND_REVERSAL, 10_00, None),
        (StatementKind.DISPUTE, -44_90, 15_00),
        (StatementKind.DISPUTE_REVERSAL, 44_90, None),
        (StatementKind.FEE, -1_00, None),
        (StatementKind.PAYOUT, -20_00, None),
        (StatementKind.PAYOUT, 20_00, None),
        (StatementKind.ADJUSTMENT, 7, None),
    ]
    assert {line.payment_id for line in lines[:6]} == {OURS}
    assert {line.payment_id for line in lines[6:]} == {None}
    assert [line.refund_id for line in lines[1:4]] == [REFUNDED, None, REFUNDED]
    assert lines[2].provider_ref == theirs.id
    [dispute] = vendor.kept.disputes
    assert {line.dispute_id for line in lines[4:6]} == {dispute}
    assert {line.settled for line in lines} == {None}
    assert lines[-1].text == "other_adjustment · something_new"


async def test_read_again_it_says_the_same(vendor, read):
    charge = _pay(vendor)
    _refund(vendor, charge, 10_00, {})
    first = await read()
    assert await read() == first
    assert len({line.line_id for line in first}) == 2


async def test_days_end_at_midnight_by_utc(vendor, read, clock):
    today = clock.now().date()
    clock.advance(clock.now().replace(hour=23, minute=59, second=59) - clock.now())
    _pay(vendor)
    clock.advance(seconds=1)
    _pay(vendor)
    _pay(vendor)
    assert (clock.now().date(), len(await read(today))) == (today + timedelta(days=1), 1)
    assert len(await read(today + timedelta(days=1))) == 2
    assert await read(today + timedelta(days=2)) == []


async def test_more_than_a_page_is_read_to_its_end(vendor, read):
    for _ in range(250):
        _pay(vendor, amount=100)
    lines = await read()
    assert len({line.line_id for line in lines}) == 250


async def test_an_account_in_another_currency_says_both(vendor, read, clock):
    charge = _pay(vendor, currency="jpy", amount=5_000)
    [movement] = vendor.kept.transactions.values()
    movement.amount, movement.currency, movement.fee = 30_75, "eur", 1_19
    refund = _refund(vendor, charge, 1_000, {PAYMENT: OURS, REFUND: REFUNDED})
    back = vendor.kept.transactions[refund.transaction]
    back.amount, back.currency = -6_15, "eur"
    [gone, came] = await read()
    assert (came.amount, came.settled, came.fee) == (
        Money(5_000, "JPY"),
        Money(30_75, "EUR"),
        Money(1_19, "EUR"),
    )
    assert (gone.amount, gone.settled) == (Money(-1_000, "JPY"), Money(-6_15, "EUR"))


async def test_what_was_held_and_taken_in_part_is_one_capture(vendor, read, clock):
    """The vendor writes down all of it, and takes the rest back."""
    charge = _pay(vendor)
    back = {"type": "refund", "category": "partial_capture_reversal", "source": charge.id}
    _moved(vendor, clock, amount=-29_90, fee=-87, **back)
    [line] = await read()
    assert (line.kind, line.amount, line.fee) == (
        StatementKind.CHARGE,
        Money(20_00, "USD"),
        Money(87, "USD"),
    )
    assert (line.payment_id, line.provider_ref) == (OURS, charge.id)


async def test_what_is_taken_back_of_an_earlier_day_stands_alone(vendor, read, clock):
    charge = _pay(vendor)
    clock.advance(days=1)
    back = {"type": "refund", "category": "partial_capture_reversal", "source": charge.id}
    _moved(vendor, clock, amount=-29_90, **back)
    [line] = await read()
    assert (line.kind, line.amount.amount, line.payment_id) == (StatementKind.CHARGE, -29_90, OURS)


async def test_another_systems_movements_belong_to_it_too(vendor, read):
    _pay(vendor, metadata={"order": "7"})
    [line] = await read()
    assert (line.kind, line.payment_id) == (StatementKind.CHARGE, None)
    assert line.provider_ref in vendor.kept.charges


async def test_a_statement_that_breaks_off_is_no_statement(vendor, read):
    for _ in range(150):
        _pay(vendor, amount=100)
    real = type(vendor).__mro__[1].answer
    answered = []

    def fault(request):
        answered.append(request)
        return real(vendor, request) if len(answered) == 1 else httpx.Response(502)

    vendor.fault = fault
    with pytest.raises(ProviderUnknown):
        await read()


async def test_a_movement_that_cannot_be_read_is_not_passed_over(vendor, read, clock):
    _moved(vendor, clock, currency="zzz")
    with pytest.raises(ProviderUnknown):
        await read()


async def test_a_key_without_the_permission_calls_an_operator(vendor, read):
    error = {"type": "invalid_request_error", "code": None, "message": "rk_ does not have it"}
    vendor.fault = lambda _: httpx.Response(403, json={"error": error})
    with pytest.raises(ProviderConfigError, match="api_key"):
        await read()
