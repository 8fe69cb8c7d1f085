"""Holding money, taking it, giving it up."""

from __future__ import annotations

import asyncio

from commercekit.kernel import Money
from commercekit.payments import PaymentSnapshot, PaymentState
from commercekit.platform.providers import ProviderError, ProviderRejected
from commercekit.testing.conformance.gateways.rules import hold, rule
from commercekit.testing.conformance.gateways.trial import Trial
from commercekit.testing.conformance.gateways.words import outcome

__all__ = ["TakingRules"]

_HELD = ("vendor", "manual_capture")


class TakingRules:
    """Rules of ``capture`` and ``void``."""

    @rule("holds-before-it-takes", needs=(*_HELD, "query"))
    async def test_money_is_held_before_it_is_taken(self, trial: Trial) -> None:
        """Rule ``holds-before-it-takes``: ``AUTHORISED``, and nothing captured."""
        asked = await trial.held()
        seen, books = await trial.query(asked), await trial.books(asked)
        told = seen.state is PaymentState.AUTHORISED and not (
            seen.captured and seen.captured.amount
        )
        hold("holds-before-it-takes", told, f"{seen}")
        held = (books.held, books.captured) == (asked.amount.amount, 0)
        hold("holds-before-it-takes", held, f"the vendor booked {books}")

    @rule("captures-once", needs=_HELD)
    async def test_capturing_again_captures_once(self, trial: Trial) -> None:
        """Rule ``captures-once``: ``PAID`` with all that was taken, and the same the second time."""
        asked = await trial.held()
        for _ in range(2):
            seen = await trial.capture(asked, asked.amount, "capture-once")
            _told("captures-once", seen, PaymentState.PAID, asked.amount)
        books = await trial.books(asked)
        once = (books.captures, books.captured) == (1, asked.amount.amount)
        hold("captures-once", once, f"the vendor booked {books}")

    @rule("captures-once-at-once", needs=_HELD)
    async def test_capturing_five_times_at_once_captures_once(self, trial: Trial) -> None:
        """Rule ``captures-once-at-once``."""
        asked = await trial.held()
        answers = await asyncio.gather(
            *(outcome(trial.capture(asked, asked.amount, "capture-at-once")) for _ in range(5))
        )
        refused = [answer for answer in answers if isinstance(answer, ProviderRejected)]
        done = [answer for answer in answers if not isinstance(answer, ProviderError)]
        hold("captures-once-at-once", bool(done) and not refused, f"{answers}")
        books = await trial.books(asked)
        once = (books.captures, books.captured) == (1, asked.amount.amount)
        hold("captures-once-at-once", once, f"the vendor booked {books}")

    @rule("captures-within-what-is-held", needs=_HELD)
    async def test_more_than_is_held_is_refused(self, trial: Trial) -> None:
        """Rule ``captures-within-what-is-held``: one unit more, or another currency."""
        asked = await trial.held()
        other = "USD" if asked.amount.currency != "USD" else "EUR"
        for amount in (
            Money(asked.amount.amount + 1, asked.amount.currency),
            Money(asked.amount.amount, other),
        ):
            answer = await outcome(trial.capture(asked, amount))
            refused = isinstance(answer, ProviderRejected)
            hold("captures-within-what-is-held", refused, f"{amount}: {answer!r}")
        books = await trial.books(asked)
        untouched = (books.captures, books.held) == (0, asked.amount.amount)
        hold("captures-within-what-is-held", untouched, f"the vendor booked {books}")

    @rule("captures-nothing-unauthorised", needs=_HELD)
    async def test_what_nobody_authorised_is_not_taken(self, trial: Trial) -> None:
        """Rule ``captures-nothing-unauthorised``."""
        from commercekit.payments import CaptureMode

        asked = await trial.asked(capture=CaptureMode.MANUAL)
        answer = await outcome(trial.capture(asked, asked.amount))
        refused = isinstance(answer, ProviderRejected)
        hold("captures-nothing-unauthorised", refused, f"{answer!r}")
        books = await trial.books(asked)
        hold("captures-nothing-unauthorised", not books.captured, f"the vendor booked {books}")

    @rule("captures-in-part", needs=(*_HELD, "partial_capture"))
    async def test_a_part_is_taken_and_the_rest_goes_free(self, trial: Trial) -> None:
        """Rule ``captures-in-part``: the last capture gives up what it leaves."""
        asked = await trial.held()
        part = _part(asked.amount, 2)
        seen = await trial.capture(asked, part)
        _told("captures-in-part", seen, PaymentState.PAID, part)
        books = await trial.books(asked)
        freed = (books.captured, books.held) == (part.amount, 0)
        hold("captures-in-part", freed, f"the vendor booked {books}")

    @rule("captures-in-parts", needs=(*_HELD, "multi_capture"))
    async def test_several_parts_are_taken(self, trial: Trial) -> None:
        """Rule ``captures-in-parts``: each answer tells the sum; one unit too many is refused."""
        asked = await trial.held()
        part, currency = _part(asked.amount, 4), asked.amount.currency
        sums = []
        for number in (1, 2):
            seen = await trial.capture(asked, part, final=False)
            sums.append(seen.captured)
            wanted = Money(number * part.amount, currency)
            _told("captures-in-parts", seen, PaymentState.AUTHORISED, wanted)
        left = asked.amount.amount - 2 * part.amount
        answer = await outcome(trial.capture(asked, Money(left + 1, currency)))
        refused = isinstance(answer, ProviderRejected)
        hold("captures-in-parts", refused, f"{left + 1} of {left} left: {answer!r}")
        seen = await trial.capture(asked, Money(left, currency))
        _told("captures-in-parts", seen, PaymentState.PAID, asked.amount)
        books = await trial.books(asked)
        taken = (books.captures, books.captured, books.held) == (3, asked.amount.amount, 0)
        hold("captures-in-parts", taken, f"the vendor booked {books}")

    @rule("voids-what-is-held", needs=(*_HELD, "void"))
    async def test_held_money_is_given_up_as_often_as_asked(self, trial: Trial) -> None:
        """Rule ``voids-what-is-held``: ``CLOSED``, and the shopper has it back."""
        asked = await trial.held()
        states = [(await trial.void(asked, "void-once")).state for _ in range(2)]
        hold("voids-what-is-held", states == [PaymentState.CLOSED] * 2, f"{states}")
        books = await trial.books(asked)
        hold("voids-what-is-held", not books.held + books.captured, f"the vendor booked {books}")

    @rule("voids-nothing-taken", needs=(*_HELD, "void"))
    async def test_money_that_was_taken_is_not_voided(self, trial: Trial) -> None:
        """Rule ``voids-nothing-taken``: refused, or answered with the ``PAID`` that it is."""
        asked = await trial.held()
        await trial.capture(asked, asked.amount)
        answer = await outcome(trial.void(asked))
        if isinstance(answer, PaymentSnapshot):
            _told("voids-nothing-taken", answer, PaymentState.PAID, asked.amount)
        else:
            hold("voids-nothing-taken", isinstance(answer, ProviderRejected), f"{answer!r}")
        books = await trial.books(asked)
        kept = books.captured == asked.amount.amount and not books.refunded
        hold("voids-nothing-taken", kept, f"the vendor booked {books}")

    @rule("captures-nothing-voided", needs=(*_HELD, "void"))
    async def test_what_was_given_up_is_not_taken(self, trial: Trial) -> None:
        """Rule ``captures-nothing-voided``."""
        asked = await trial.held()
        await trial.void(asked)
        answer = await outcome(trial.capture(asked, asked.amount))
        refused = isinstance(answer, ProviderRejected)
        hold("captures-nothing-voided", refused, f"{answer!r}")
        books = await trial.books(asked)
        hold("captures-nothing-voided", not books.captured, f"the vendor booked {books}")


def _told(rule: str, seen: PaymentSnapshot, state: PaymentState, taken: Money) -> None:
    fits = seen.state is state and seen.captured == taken
    hold(rule, fits, f"{seen.state} with {seen.captured} captured, not {state} with {taken}")


def _part(amount: Money, divisor: int) -> Money:
    """A part of ``amount``, in tens, as three-decimal currencies are taken by some networks."""
    return Money(max(amount.amount // divisor // 10 * 10, 1), amount.currency)
