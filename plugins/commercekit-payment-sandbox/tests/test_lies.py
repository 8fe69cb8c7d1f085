from __future__ import annotations

import msgspec
import pytest

from commercekit.errors import ConfigurationError
from commercekit.kernel import Money
from commercekit.payments import PaymentState, PaymentStatus, RefundState, RefundStatus
from commercekit.platform.providers import ProviderUnavailable, ProviderUnknown
from commercekit_payment_sandbox.bank import Bank
from commercekit_payment_sandbox.lies import Liar
from commercekit_payment_sandbox.lying import LyingGateway
from commercekit_payment_sandbox.plugin import register_payment_gateways
from commercekit_payment_sandbox.scenarios import Lie, RefundScenario, Scenario
from commercekit_payment_sandbox.settings import Lies, Settings

ALWAYS = Lies(seed=1, share=1.0)


def story(seed, place="", turns=40):
    liar = Liar(Lies(seed=seed, share=0.5), place)
    return [lie for _ in range(turns) for lie in Lie if liar.tells(lie)]


def test_the_same_seed_tells_the_same_lies():
    assert story(7) == story(7)
    assert story(7) != story(8)
    assert story(7) != story(7, "page")


def test_asking_more_often_about_one_kind_changes_nothing_for_the_others():
    calm, busy = Liar(Lies(seed=3, share=0.5)), Liar(Lies(seed=3, share=0.5))
    plain = [calm.tells(Lie.DROP) for _ in range(30)]
    mixed = []
    for _ in range(30):
        busy.tells(Lie.DOUBLE)
        mixed.append(busy.tells(Lie.DROP))
    assert mixed == plain


def test_without_a_seed_nothing_is_lied_unless_forced():
    liar = Liar(Lies(share=1.0))
    assert not any(liar.tells(lie) for lie in Lie)
    liar.force(Lie.DROP, 2)
    assert [liar.tells(Lie.DROP) for _ in range(3)] == [True, True, False]
    assert liar.told == [Lie.DROP, Lie.DROP]


def test_single_kinds_have_shares_of_their_own():
    liar = Liar(Lies(seed=1, share=1.0, shares={Lie.DROP: 0.0}))
    assert (liar.tells(Lie.DROP), liar.tells(Lie.DOUBLE)) == (False, True)


async def test_a_call_is_refused_or_lost_before_or_after_it_is_carried_out():
    done = []

    async def work():
        done.append(True)
        return "answer"

    for lie, error, carried_out in (
        (Lie.UNAVAILABLE, ProviderUnavailable, 0),
        (Lie.UNHEARD, ProviderUnknown, 0),
        (Lie.UNANSWERED, ProviderUnknown, 1),
    ):
        liar = Liar()
        liar.force(lie)
        done.clear()
        with pytest.raises(error):
            await liar.call(work)
        assert len(done) == carried_out
        assert await liar.call(work) == "answer"


def test_magic_amounts_keep_their_course():
    liar = Liar(ALWAYS)
    assert liar.payment(Scenario.LATE) is Scenario.LATE
    assert liar.payment(Scenario.APPROVE) is Scenario.DECLINE
    assert liar.refund(RefundScenario.TIMEOUT) is RefundScenario.TIMEOUT
    assert liar.refund(RefundScenario.SUCCEED) is RefundScenario.PENDING


def test_questions_are_answered_with_what_held_earlier():
    liar = Liar(ALWAYS)
    assert liar.state(PaymentState.PAID) is PaymentState.PENDING
    assert liar.state(PaymentState.AUTHORISED) is PaymentState.AUTHORISED
    assert liar.refund_state(RefundState.SUCCEEDED) is RefundState.UNKNOWN


@pytest.fixture
def liar(shop):
    """The shop's own gateway and page, made to lie on demand."""
    liar = Liar()
    shop.bank.liar = liar
    gateway = LyingGateway(shop.bank)
    for verb in ("create", "query", "capture", "void", "close", "refund", "query_refund"):
        setattr(shop.gateway, verb, getattr(gateway, verb))
    return liar


async def test_a_dropped_notification_is_found_out_by_asking(shop, liar):
    payment = await shop.start()
    liar.force(Lie.DROP)
    await shop.press(payment)
    await shop.jobs.run_due()
    assert (await shop.of(payment)).status is PaymentStatus.PENDING
    shop.clock.advance(seconds=30)
    await shop.payments.sweep()
    assert (await shop.of(payment)).status is PaymentStatus.PAID


async def test_a_doubled_notification_is_booked_once(shop, liar):
    liar.force(Lie.DOUBLE)
    payment = await shop.paid()
    assert payment.status is PaymentStatus.PAID
    assert shop.told.count("PaymentPaid") == 1


async def test_a_late_notification_comes_late(shop, liar):
    payment = await shop.start()
    liar.force(Lie.DELAY)
    await shop.press(payment)
    await shop.jobs.run_due()
    assert shop.answers == []
    shop.clock.advance(seconds=120)
    await shop.jobs.run_due()
    assert shop.answers == [200]


async def test_a_failed_payment_whose_money_comes_all_the_same_is_booked(shop, liar):
    payment = await shop.start()
    liar.force(Lie.DECLINE)
    liar.force(Lie.LATE_SUCCESS)
    await shop.press(payment)
    await shop.jobs.run_due()
    assert (await shop.of(payment)).status is PaymentStatus.FAILED
    await shop.settle()
    await shop.settle()
    assert (await shop.of(payment)).status is PaymentStatus.PAID
    assert shop.told.count("PaymentPaidLate") == 1


async def test_a_closed_payment_whose_money_comes_all_the_same_is_booked(shop, liar):
    payment = await shop.start(66_02)
    await shop.press(payment)
    liar.force(Lie.PAID_AFTER_CLOSE)
    closed = await shop.payments.close(payment.id)
    assert closed.status is PaymentStatus.CLOSED
    await shop.settle()
    await shop.settle()
    assert (await shop.of(payment)).status is PaymentStatus.PAID


async def test_a_wrong_amount_is_quarantined(shop, liar):
    liar.force(Lie.WRONG_AMOUNT)
    payment = await shop.paid()
    assert payment.status is PaymentStatus.MISMATCH
    assert payment.received == Money(49_89, "CNY")


@pytest.mark.parametrize("lie", [Lie.UNHEARD, Lie.UNANSWERED, Lie.UNAVAILABLE])
async def test_a_refund_without_an_answer_goes_back_once(shop, liar, lie):
    payment = await shop.paid()
    liar.force(lie)
    refund = await shop.refund(payment, 10_00)
    assert refund.status is RefundStatus.PENDING
    shop.clock.advance(minutes=10)
    await shop.payments.sweep()
    assert (await shop.payments.refund(refund.id)).status is RefundStatus.SUCCEEDED
    assert (await shop.bank.charge(payment.id)).refunded == 10_00


async def test_a_question_about_a_refund_that_is_answered_wrongly_sends_it_once(shop, liar):
    payment = await shop.paid()
    liar.force(Lie.UNANSWERED)
    refund = await shop.refund(payment, 10_00)
    liar.force(Lie.STALE)
    shop.clock.advance(minutes=10)
    await shop.payments.sweep()
    assert (await shop.payments.refund(refund.id)).status is RefundStatus.SUCCEEDED
    assert (await shop.bank.charge(payment.id)).refunded == 10_00


async def test_a_refund_can_fail_after_it_had_succeeded(shop, liar):
    payment = await shop.paid()
    liar.force(Lie.REFUND_FAIL_LATER)
    refund = await shop.refund(payment, 10_00)
    assert refund.status is RefundStatus.SUCCEEDED
    await shop.settle()
    await shop.settle()
    assert (await shop.payments.refund(refund.id)).status is RefundStatus.FAILED
    assert (await shop.of(payment)).refunded == Money(0, "CNY")


async def test_a_seed_makes_the_registered_gateway_lie_but_never_in_production(shop):
    settings = Settings(lies=Lies(seed=1))
    lying = _context(shop.ctx, settings=settings)
    [gateway] = register_payment_gateways(lying)
    assert isinstance(gateway, LyingGateway)
    assert gateway.code == "sandbox"
    [honest] = register_payment_gateways(shop.ctx)
    assert not isinstance(honest, LyingGateway)
    rehearsal = Settings(lies=Lies(seed=1), allow_in_production=True)
    with pytest.raises(ConfigurationError, match="never for a shop in production"):
        register_payment_gateways(_context(shop.ctx, settings=rehearsal, production=True))


async def test_a_production_shop_gives_nothing_away_unless_it_is_a_rehearsal(shop):
    with pytest.raises(ConfigurationError, match="gets the goods for nothing"):
        register_payment_gateways(_context(shop.ctx, settings=Settings(), production=True))
    rehearsal = Settings(allow_in_production=True)
    [gateway] = register_payment_gateways(_context(shop.ctx, settings=rehearsal, production=True))
    assert gateway.code == "sandbox"


def test_settings_say_which_lies_how_often():
    lies = msgspec.convert({"seed": 1, "shares": {"drop": 0.5}}, Lies)
    assert (lies.rate(Lie.DROP), lies.rate(Lie.DOUBLE)) == (0.5, 0.1)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"shares": {"steal": 0.5}}, Lies)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"shares": {"drop": 2.0}}, Lies)


def _context(ctx, **change):
    import dataclasses

    return dataclasses.replace(ctx, **change)


def test_a_bank_is_honest_by_default(shop):
    assert not Bank(shop.ctx).liar.lying
