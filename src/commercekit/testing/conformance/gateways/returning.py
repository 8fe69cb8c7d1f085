"""Money that goes back."""

from __future__ import annotations

import asyncio

import msgspec

from commercekit.kernel import Money, new_id
from commercekit.payments import RefundRequest, RefundSnapshot, RefundState
from commercekit.platform.providers import ProviderError, ProviderRejected, ProviderUnknown
from commercekit.testing.conformance.gateways.rules import hold, rule
from commercekit.testing.conformance.gateways.trial import Trial
from commercekit.testing.conformance.gateways.words import outcome

__all__ = ["ReturningRules"]

_BACK = ("vendor", "refund")
_GOING = (RefundState.SUCCEEDED, RefundState.PENDING)
_REFUSED = (RefundState.FAILED, RefundState.CLOSED)


class ReturningRules:
    """Rules of ``refund`` and ``query_refund``."""

    @rule("refunds-once", needs=_BACK)
    async def test_refunding_again_refunds_once(self, trial: Trial) -> None:
        """Rule ``refunds-once``: the same id and key, the same refund."""
        asked = await trial.paid()
        request = trial.refund_request(asked)
        for _ in range(2):
            _going("refunds-once", await trial.refund(request), request)
        books = await trial.books(asked)
        once = (books.refunds, books.refunded) == (1, asked.amount.amount)
        hold("refunds-once", once, f"the vendor booked {books}")

    @rule("refunds-once-at-once", needs=_BACK)
    async def test_refunding_five_times_at_once_refunds_once(self, trial: Trial) -> None:
        """Rule ``refunds-once-at-once``: of a part, so that the sum refuses nothing."""
        asked = await trial.paid()
        request = trial.refund_request(asked, self._part(trial, asked.amount))
        answers = await asyncio.gather(*(outcome(trial.refund(request)) for _ in range(5)))
        refused = [answer for answer in answers if isinstance(answer, ProviderRejected)]
        done = [answer for answer in answers if not isinstance(answer, ProviderError)]
        hold("refunds-once-at-once", bool(done) and not refused, f"{answers}")
        books = await trial.books(asked)
        once = (books.refunds, books.refunded) == (1, request.amount.amount)
        hold("refunds-once-at-once", once, f"the vendor booked {books}")

    @rule("refunds-within-what-was-taken", needs=_BACK)
    async def test_more_than_was_taken_does_not_go_back(self, trial: Trial) -> None:
        """Rule ``refunds-within-what-was-taken``: one unit more is refused."""
        asked = await trial.paid()
        more = Money(asked.amount.amount + 1, asked.amount.currency)
        _refused(
            "refunds-within-what-was-taken",
            await outcome(trial.refund(trial.refund_request(asked, more))),
        )
        books = await trial.books(asked)
        hold("refunds-within-what-was-taken", not books.refunded, f"the vendor booked {books}")

    @rule("refunds-nothing-unpaid", needs=_BACK)
    async def test_what_was_never_paid_does_not_go_back(self, trial: Trial) -> None:
        """Rule ``refunds-nothing-unpaid``."""
        asked = await trial.asked()
        _refused("refunds-nothing-unpaid", await outcome(trial.refund(trial.refund_request(asked))))
        books = await trial.books(asked)
        hold("refunds-nothing-unpaid", not books.refunded, f"the vendor booked {books}")

    @rule("refunds-in-parts", needs=(*_BACK, "partial_refund", "multi_refund"))
    async def test_parts_go_back_until_nothing_is_left(self, trial: Trial) -> None:
        """Rule ``refunds-in-parts``: two parts, one unit too many refused, then the rest."""
        asked = await trial.paid()
        part, currency = self._part(trial, asked.amount), asked.amount.currency
        for _ in range(2):
            request = trial.refund_request(asked, part)
            _going("refunds-in-parts", await trial.refund(request), request)
        left = asked.amount.amount - 2 * part.amount
        more = trial.refund_request(asked, Money(left + 1, currency))
        _refused("refunds-in-parts", await outcome(trial.refund(more)))
        rest = trial.refund_request(asked, Money(left, currency))
        _going("refunds-in-parts", await trial.refund(rest), rest)
        books = await trial.books(asked)
        all_back = (books.refunds, books.refunded) == (3, asked.amount.amount)
        hold("refunds-in-parts", all_back, f"the vendor booked {books}")

    @rule("names-this-refund-alone", needs=(*_BACK, "partial_refund", "multi_refund"))
    async def test_an_answer_names_this_refund_and_not_their_sum(self, trial: Trial) -> None:
        """Rule ``names-this-refund-alone``: in the answer and when asked afterwards."""
        asked = await trial.paid()
        part = self._part(trial, asked.amount)
        for _ in range(2):
            request = trial.refund_request(asked, part)
            for seen in (await trial.refund(request), await trial.query_refund(request)):
                alone = seen.amount is None or seen.amount == part
                hold("names-this-refund-alone", alone, f"{seen.amount} for a refund of {part}")
                known = seen.refund_id == request.refund_id
                hold("names-this-refund-alone", known, f"the id is {seen.refund_id!r}")

    @rule("gives-one-refund-one-amount", needs=(*_BACK, "partial_refund"))
    async def test_a_refund_id_does_not_change_its_amount(self, trial: Trial) -> None:
        """Rule ``gives-one-refund-one-amount``: refused, unknown, or the first outcome again."""
        asked = await trial.paid()
        request = trial.refund_request(asked, self._part(trial, asked.amount))
        await trial.refund(request)
        other = Money(request.amount.amount + 10, request.amount.currency)
        answer = await outcome(trial.refund(msgspec.structs.replace(request, amount=other)))
        if isinstance(answer, RefundSnapshot):
            first = answer.state in _REFUSED or answer.amount in (None, request.amount)
            hold("gives-one-refund-one-amount", first, f"{answer}")
        else:
            refused = isinstance(answer, ProviderRejected | ProviderUnknown)
            hold("gives-one-refund-one-amount", refused, f"{answer!r}")
        books = await trial.books(asked)
        once = (books.refunds, books.refunded) == (1, request.amount.amount)
        hold("gives-one-refund-one-amount", once, f"the vendor booked {books}")

    @rule("knows-no-stranger-refund", needs=(*_BACK, "query"))
    async def test_a_refund_never_sent_is_unknown(self, trial: Trial) -> None:
        """Rule ``knows-no-stranger-refund``: ``UNKNOWN``, so that it is sent."""
        asked = await trial.paid()
        seen = await trial.query_refund(trial.refund_request(asked))
        hold("knows-no-stranger-refund", seen.state is RefundState.UNKNOWN, f"{seen.state}")

    @rule("settles-refunds-later", needs=(*_BACK, "refund_async"))
    async def test_a_refund_on_its_way_is_followed_to_its_end(self, trial: Trial) -> None:
        """Rule ``settles-refunds-later``: to ``SUCCEEDED``, or to ``FAILED`` with a code."""
        for succeeds, wanted in ((True, RefundState.SUCCEEDED), (False, RefundState.FAILED)):
            asked = await trial.paid()
            request = trial.refund_request(asked)
            _going("settles-refunds-later", await trial.refund(request), request)
            await trial.vendor.settle_refund(request.refund_id, succeeds=succeeds)
            seen = await trial.query_refund(request)
            hold("settles-refunds-later", seen.state is wanted, f"{seen.state}, not {wanted}")
            said = succeeds or bool(seen.failure_code)
            hold("settles-refunds-later", said, "it failed without a code")

    @rule("tries-a-failed-refund-again", needs=(*_BACK, "refund_async"))
    async def test_a_refund_that_failed_is_sent_again(self, trial: Trial) -> None:
        """Rule ``tries-a-failed-refund-again``: the same id under a new key; it moves once."""
        asked = await trial.paid()
        request = trial.refund_request(asked)
        await trial.refund(request)
        await trial.vendor.settle_refund(request.refund_id, succeeds=False)
        again = msgspec.structs.replace(request, idempotency_key=f"again-{new_id().hex}")
        for _ in range(2):
            _going("tries-a-failed-refund-again", await trial.refund(again), again)
        books = await trial.books(asked)
        once = books.refunded == asked.amount.amount
        hold("tries-a-failed-refund-again", once, f"the vendor booked {books}")

    @staticmethod
    def _part(trial: Trial, amount: Money) -> Money:
        part = amount.amount // 4 // 10 * 10 if trial.able.partial_refund else amount.amount
        return Money(max(part, 1), amount.currency)


def _going(rule: str, seen: RefundSnapshot, request: RefundRequest) -> None:
    fits = seen.state in _GOING and seen.payment_id == request.payment_id
    hold(rule, fits, f"a refund of {request.amount} ended as {seen}")


def _refused(rule: str, answer: RefundSnapshot | ProviderError) -> None:
    no = isinstance(answer, ProviderRejected) or (
        isinstance(answer, RefundSnapshot) and answer.state in _REFUSED
    )
    hold(rule, no, f"{answer!r}")
