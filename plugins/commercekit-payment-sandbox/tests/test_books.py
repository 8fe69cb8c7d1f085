"""The sandbox's statement and its disputes, as the shop reconciles and books them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from commercekit.kernel import Money, PageRequest
from commercekit.payments import AttentionKind, DisputeState, StatementState
from commercekit_payment_sandbox.disputes import Disputes

FEE = 30  # 0.6 % of 49.90, rounded


def cny(amount):
    return Money(amount, "CNY")


@pytest.fixture(autouse=True)
def _noon(clock):
    """Nothing here happens around midnight, when days and their statements end."""
    now = clock.now()
    noon = datetime.combine(now.date() + timedelta(days=1), time(12), UTC)
    clock.advance(noon - now)


async def lines_of(shop, day):
    context = shop.payments._desk.gateways.account("sandbox", "default").context
    return [line async for line in shop.gateway.reconcile(context, day)]


async def balances(shop):
    return {one.account: one.balance for one in await shop.payments.balances()}


async def a_day_later(shop):
    shop.clock.advance(days=1)
    await shop.payments.reconcile_due()


async def test_a_day_is_stated_movement_by_movement_with_its_payout(shop):
    paid, other = await shop.paid(), await shop.paid(10_00)
    await shop.refund(other, 4_00)
    day = shop.clock.now().date()
    lines = await lines_of(shop, day)
    assert [(line.kind, line.amount, line.fee) for line in lines] == [
        ("charge", cny(49_90), cny(FEE)),
        ("charge", cny(10_00), cny(6)),
        ("refund", cny(-4_00), None),
        ("payout", cny(-(49_90 + 10_00 - 4_00 - FEE - 6)), None),
    ]
    assert lines[0].payment_id == paid.id.hex
    assert await lines_of(shop, day) == lines
    assert await lines_of(shop, day + timedelta(days=1)) == []


async def test_an_honest_day_reconciles_to_the_last_cent(shop):
    await shop.paid()
    other = await shop.paid(10_00)
    await shop.refund(other, 4_00)
    held = await shop.start(20_00, method="hold")
    await shop.press(held)
    await shop.jobs.run_due()
    await shop.payments.capture(held.id, cny(15_00))
    late = await shop.paid(66_10)  # nobody tells; the statement does
    await a_day_later(shop)
    [statement] = (await shop.payments.statement_page(PageRequest())).items
    assert (statement.state, statement.lines) == (StatementState.SETTLED, 6)
    assert (await shop.of(late)).status == "paid"
    books = await balances(shop)
    # All of it went to the bank; what is left at the sandbox is nothing.
    assert books["gateway:sandbox:default"] == 0
    fees = FEE + 6 + 9 + 40
    assert books["bank"] == 49_90 + 10_00 - 4_00 + 15_00 + 66_10 - fees
    assert books["fees:sandbox:default"] == fees
    assert sum(books.values()) == 0


async def test_a_refund_that_fails_later_is_stated_twice_and_agrees(shop):
    paid = await shop.paid(100_00)
    await shop.refund(paid, 66_24)
    await shop.settle()
    await a_day_later(shop)
    day = shop.clock.now().date() - timedelta(days=1)
    assert [line.kind.value for line in await lines_of(shop, day)] == [
        "charge",
        "refund",
        "refund_reversal",
        "payout",
    ]
    assert (await shop.payments.difference_page(PageRequest())).items == []
    assert (await balances(shop))["gateway:sandbox:default"] == 0


@pytest.mark.parametrize(
    ("amount", "steps", "left"),
    [
        (66_15, ["needs_response", "lost"], {"dispute-losses": 66_15, "disputed": 0}),
        (66_16, ["needs_response", "won"], {"dispute-losses": 0, "disputed": 0}),
        (66_17, ["inquiry", "closed"], {"dispute-losses": 0, "disputed": 0}),
    ],
)
async def test_a_magic_amount_is_disputed_a_while_later_and_decided(shop, amount, steps, left):
    paid = await shop.paid(amount)
    seen = []
    for _ in range(3):
        await shop.settle()
        for dispute in await shop.payments.disputes_on(paid.id):
            if dispute.state.value not in seen:
                seen.append(dispute.state.value)
    assert seen == steps
    books = await balances(shop)
    assert books.get("dispute-losses", 0) == left["dispute-losses"]
    assert books.get("disputed:sandbox:default", 0) == left["disputed"]
    await a_day_later(shop)
    assert (await shop.payments.difference_page(PageRequest())).items == []
    assert (await shop.payments.attention_counts())[AttentionKind.STATEMENT_DIFFERS] == 0


async def test_a_dispute_never_goes_backwards(shop):
    paid = await shop.paid()
    disputes = Disputes(shop.bank)
    for state in (DisputeState.LOST, DisputeState.NEEDS_RESPONSE, DisputeState.LOST):
        await disputes.bring(paid.id, state)
    await shop.jobs.run_due()
    [dispute] = await shop.payments.disputes_on(paid.id)
    assert (dispute.state, dispute.withdrawn) == (DisputeState.LOST, cny(49_90))
    assert await shop.count("movement") == 2
