"""What a gateway says of itself, and asking for money."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    Action,
    AppParams,
    Capabilities,
    CaptureMode,
    ClientSecret,
    Flow,
    FormPost,
    Instructions,
    JsApi,
    NoAction,
    PaymentGateway,
    PaymentSnapshot,
    PaymentState,
    QrCode,
    Redirect,
)
from commercekit.platform.providers import (
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)
from commercekit.testing.conformance.contract import RuleBroken
from commercekit.testing.conformance.gateways.rules import fail, hold, rule
from commercekit.testing.conformance.gateways.trial import Trial
from commercekit.testing.conformance.gateways.words import outcome
from commercekit.testing.conformance.verdicts import NotAsked

__all__ = ["AskingRules"]

_CODE = re.compile(r"[a-z][a-z0-9-]{0,62}")
_ACTIONS: Final[dict[Flow, tuple[type[Any], ...]]] = {
    Flow.REDIRECT: (Redirect,),
    Flow.FORM: (FormPost,),
    Flow.QR: (QrCode,),
    Flow.JSAPI: (JsApi,),
    Flow.H5: (Redirect,),
    Flow.APP: (AppParams,),
    Flow.CLIENT_SECRET: (ClientSecret,),
    Flow.OFFLINE: (Instructions, NoAction),
}
_ENDED = (PaymentState.PAID, PaymentState.AUTHORISED, PaymentState.FAILED, PaymentState.CLOSED)
_AMOUNTS: Final = (("CNY", 49_90), ("USD", 19_99), ("JPY", 1_501), ("KWD", 12_340))
"""With two decimals, none and three; the last of three is zero, as some networks want it."""


class AskingRules:
    """Rules of ``create``, ``query`` and ``close``."""

    @rule("declares-itself")
    async def test_it_declares_itself(self, trial: Trial) -> None:
        """Rule ``declares-itself``: code, settings, capabilities and what shoppers read."""
        gateway = trial.gateway
        hold("declares-itself", isinstance(gateway, PaymentGateway), f"{gateway!r} is no gateway")
        code: Any = gateway.code
        fits = isinstance(code, str) and _CODE.fullmatch(code) is not None
        hold("declares-itself", fits, f"code is {code!r}")
        config: Any = gateway.config_type
        known = isinstance(config, type) and issubclass(config, Struct)
        hold("declares-itself", known, f"config_type is {config!r}")
        able: Any = gateway.capabilities
        hold("declares-itself", isinstance(able, Capabilities), f"capabilities are {able!r}")
        hold("declares-itself", bool(able.flows), "it has no flow: nobody can pay by it")
        takes = able.auto_capture or able.manual_capture
        hold("declares-itself", takes, "it takes money neither at once nor later")
        held = able.manual_capture or not (able.partial_capture or able.multi_capture or able.void)
        hold("declares-itself", held, "it captures in part or voids what it never holds")
        label = gateway.label
        hold("declares-itself", not label or bool(label.get("en")), f"its label reads {label!r}")
        fits = isinstance(trial.context.config, config)
        hold("declares-itself", fits, f"the context's settings are no {config.__name__}")

    @rule("fails-in-our-words")
    async def test_nonsense_fails_in_our_words(self, trial: Trial) -> None:
        """Rule ``fails-in-our-words``: refused or done, and never a stranger's exception."""
        odd: tuple[dict[str, Any], ...] = (
            {"subject": "订单 261122 <&> \U0001f9e2", "lines": []},
            {"subject": "x" * 300},
            {"return_url": None, "cancel_url": None, "expires_at": None, "customer_ip": None},
            {"metadata": {}},
            {"metadata": {"locale": "xx-nowhere"}},
        )
        for changes in odd:
            await outcome(trial.asked(**changes))
        stranger = new_id().hex
        await outcome(trial.query_id(stranger))
        if trial.able.close:
            call = trial.gateway.close(trial.context, stranger, None)
            await outcome(trial.spoken(call, PaymentSnapshot))

    @rule("answers-in-our-words")
    async def test_answers_are_of_the_types_promised(self, trial: Trial) -> None:
        """Rule ``answers-in-our-words``: structs of the core with values of the types they name."""
        asked = await trial.asked()
        if trial.able.query:
            await trial.query(asked)
        if trial.able.close:
            await trial.close(asked)

    @rule("goes-the-whole-way")
    async def test_an_ordinary_day_goes_well(self, trial: Trial) -> None:
        """Rule ``goes-the-whole-way``: everything that is declared, once, without a mishap."""
        await trial.course()

    @rule("says-what-it-cannot")
    async def test_what_is_not_declared_is_refused_in_words(self, trial: Trial) -> None:
        """Rule ``says-what-it-cannot``: ``ProviderRejected``, not ``NotImplementedError``."""
        asked = await trial.asked()
        able, half = trial.able, asked.amount
        undeclared: dict[str, Any] = {}
        if not able.query:
            undeclared["query"] = lambda: trial.query(asked)
        if not able.close:
            undeclared["close"] = lambda: trial.close(asked)
        if not able.manual_capture:
            undeclared["capture"] = lambda: trial.capture(asked, half)
        if not able.void:
            undeclared["void"] = lambda: trial.void(asked)
        if not able.refund:
            undeclared["refund"] = lambda: trial.refund(trial.refund_request(asked))
        if not undeclared:
            message = "it declares that it can do everything"
            raise NotAsked(message)
        for verb, call in undeclared.items():
            try:
                await outcome(call())
            except RuleBroken as stranger:
                fail("says-what-it-cannot", f"{verb}: {stranger.detail}", stranger)

    # ------------------------------------------------------------------------------------- asking

    @rule("answers-what-was-asked")
    async def test_each_answer_is_about_its_own_payment(self, trial: Trial) -> None:
        """Rule ``answers-what-was-asked``: one by one, repeated, and five at once."""
        requests = [trial.request() for _ in range(5)]
        answers = await asyncio.gather(*(trial.create(request) for request in requests))
        for asked in [*answers, await trial.create(requests[0])]:
            told = asked.result.snapshot.payment_id
            hold("answers-what-was-asked", told == asked.payment_id, f"{told!r}")
        if trial.able.query:
            seen = await asyncio.gather(*(trial.query(asked) for asked in answers))
            ids = [snapshot.payment_id for snapshot in seen]
            wanted = [request.payment_id for request in requests]
            hold("answers-what-was-asked", ids == wanted, f"asked about {wanted}, got {ids}")

    @rule("gives-what-the-flow-needs")
    async def test_the_shopper_gets_what_the_flow_needs(self, trial: Trial) -> None:
        """Rule ``gives-what-the-flow-needs``: a link for a redirect, a code for a QR."""
        for flow in sorted(trial.able.flows):
            result = (await trial.asked(flow=flow)).result
            done = isinstance(result.action, NoAction) and result.snapshot.state in _ENDED
            fits = done or isinstance(result.action, _ACTIONS[flow])
            hold("gives-what-the-flow-needs", fits, f"{flow} brought {result.action!r}")
            url = _url_of(result.action)
            web = url is None or url.startswith(("https://", "http://"))
            hold("gives-what-the-flow-needs", web, f"{flow} leads to {url!r}")

    @rule("asks-once", needs=("vendor",))
    async def test_asking_again_asks_once(self, trial: Trial) -> None:
        """Rule ``asks-once``: the same key, the same payment."""
        request = trial.request()
        first, again = await trial.create(request), await trial.create(request)
        refs = (first.provider_ref, again.provider_ref)
        hold("asks-once", refs[0] == refs[1], f"the vendor's id was {refs[0]}, then {refs[1]}")
        for asked in (first, again):
            await trial.vendor.pay(asked)
        books = await trial.books(first)
        hold("asks-once", books.payments == 1, f"the vendor has {books.payments} payments")
        charged = books.captured + books.held
        hold("asks-once", charged == request.amount.amount, f"the shopper was charged {charged}")

    @rule("asks-once-at-once", needs=("vendor",))
    async def test_asking_five_times_at_once_asks_once(self, trial: Trial) -> None:
        """Rule ``asks-once-at-once``."""
        request = trial.request()
        answers = await asyncio.gather(*(outcome(trial.create(request)) for _ in range(5)))
        # Who is told that another is at it has an answer as well: it comes back.
        made = [answer for answer in answers if not isinstance(answer, ProviderError)]
        busy = [answer for answer in answers if isinstance(answer, ProviderError)]
        waits = all(isinstance(e, ProviderUnknown | ProviderUnavailable) for e in busy)
        hold("asks-once-at-once", bool(made) and waits, f"{[*made, *busy]}")
        for asked in made:
            await trial.vendor.pay(asked)
        books = await trial.books(made[0])
        hold("asks-once-at-once", books.payments == 1, f"the vendor has {books.payments} payments")

    @rule("gives-one-key-one-meaning", needs=("vendor",))
    async def test_a_key_does_not_change_its_meaning(self, trial: Trial) -> None:
        """Rule ``gives-one-key-one-meaning``: refused, unknown, or the first outcome again."""
        request = trial.request()
        first = await trial.create(request)
        heard = (await trial.books(first)).payments
        more = Money(request.amount.amount + 100, request.amount.currency)
        second = await outcome(trial.create(msgspec.structs.replace(request, amount=more)))
        if not isinstance(second, ProviderRejected | ProviderUnknown):
            if isinstance(second, ProviderError):
                raise second
            stated = second.result.snapshot.amount
            # Where asking calls nobody, only the vendor's page can refuse the second.
            same = not heard or stated == request.amount
            hold("gives-one-key-one-meaning", same, f"asked for {request.amount}, then {stated}")
        await trial.vendor.pay(first)
        if not isinstance(second, ProviderError):
            await trial.vendor.pay(second)
        books = await trial.books(first)
        once = books.payments == 1 and books.captured + books.held == request.amount.amount
        hold("gives-one-key-one-meaning", once, f"the vendor booked {books}")

    @rule("states-the-amount-asked")
    async def test_amounts_and_currencies_arrive_as_they_were_sent(self, trial: Trial) -> None:
        """Rule ``states-the-amount-asked``: there, back, and in what is told."""
        for currency, units in _AMOUNTS:
            least = trial.able.limits(currency).least
            amount = Money(units + (10 * least if least > 1 else 0), currency)
            if not trial.able.takes(amount):
                continue
            asked = await trial.asked(amount=amount)
            _states("asked", amount, asked.result.snapshot)
            if trial.lacks(("vendor",)):
                continue
            await trial.vendor.pay(asked)
            books = await trial.books(asked)
            same = books.amount == amount and books.captured + books.held == amount.amount
            hold("states-the-amount-asked", same, f"asked for {amount}, the vendor has {books}")
            if trial.able.query:
                _states("queried", amount, await trial.query(asked))
            for raw in await trial.told(asked) if trial.able.webhook else ():
                for event in (await trial.read(raw)).events:
                    if event.payment is not None:
                        _states("told", amount, event.payment)

    @rule("refuses-other-currencies", needs=("currencies", "vendor"))
    async def test_a_currency_it_does_not_take_is_refused(self, trial: Trial) -> None:
        """Rule ``refuses-other-currencies``: with ``ProviderRejected``, before anybody is called."""
        takes = trial.able.currencies or frozenset()
        other = next(
            code for code in ("KWD", "JPY", "NOK", "PEN", "XAF", "KPW") if code not in takes
        )
        request = trial.request(amount=Money(trial.amount.amount, other))
        before = len(trial.line.requests)
        answer = await outcome(trial.create(request))
        refused = isinstance(answer, ProviderRejected)
        hold("refuses-other-currencies", refused, f"{other}: {answer!r}")
        calls = trial.line.requests[before:]
        hold("refuses-other-currencies", not calls, f"{other} was sent to {calls[0:1]}")

    # ----------------------------------------------------------------------------- what became of it

    @rule("tells-when-it-is-paid", needs=("vendor", "query"))
    async def test_a_payment_that_is_paid_is_told_to_be_paid(self, trial: Trial) -> None:
        """Rule ``tells-when-it-is-paid``: pending before, ``PAID`` with all of it after."""
        asked = await trial.asked()
        before = (await trial.query(asked)).state
        hold("tells-when-it-is-paid", before not in _ENDED, f"{before} before anybody paid")
        await trial.vendor.pay(asked)
        if asked.request.capture is CaptureMode.MANUAL:
            await trial.capture(asked, asked.amount)
        seen = await trial.query(asked)
        taken = seen.captured or seen.amount
        paid = seen.state is PaymentState.PAID and taken == asked.amount
        hold("tells-when-it-is-paid", paid, f"{seen}")

    @rule("declines-as-a-value", needs=("vendor", "query", "declines"))
    async def test_a_decline_is_a_value(self, trial: Trial) -> None:
        """Rule ``declines-as-a-value``: ``FAILED`` with a code, and nothing was taken."""
        asked = await trial.asked()
        await trial.vendor.decline(asked)
        seen = await trial.query(asked)
        told = seen.state is PaymentState.FAILED and bool(seen.failure_code)
        hold("declines-as-a-value", told, f"{seen.state} with code {seen.failure_code!r}")
        books = await trial.books(asked)
        hold("declines-as-a-value", not books.captured + books.held, f"the vendor booked {books}")

    @rule("fails-no-stranger", needs=("vendor", "query"))
    async def test_a_payment_nobody_met_has_not_failed(self, trial: Trial) -> None:
        """Rule ``fails-no-stranger``: pending, whatever the vendor calls what it does not know."""
        seen = await trial.query_id(new_id().hex)
        hold("fails-no-stranger", seen.state not in _ENDED, f"{seen.state}")

    @rule("closes-what-is-unpaid", needs=("vendor", "close"))
    async def test_a_closed_payment_cannot_be_paid(self, trial: Trial) -> None:
        """Rule ``closes-what-is-unpaid``: as often as asked, and the shopper is too late."""
        asked = await trial.asked()
        await trial.vendor.open(asked)
        states = [(await trial.close(asked)).state for _ in range(2)]
        hold("closes-what-is-unpaid", states == [PaymentState.CLOSED] * 2, f"{states}")
        await trial.vendor.pay(asked)
        books = await trial.books(asked)
        nothing = books.captured + books.held
        hold("closes-what-is-unpaid", not nothing, f"the vendor took {nothing} afterwards")

    @rule("believes-who-was-faster", needs=("vendor", "close"))
    async def test_closing_tells_of_money_that_came_first(self, trial: Trial) -> None:
        """Rule ``believes-who-was-faster``: ``PAID`` (or held), and the money stays."""
        asked = await trial.asked()
        await trial.vendor.pay(asked)
        before = await trial.books(asked)
        seen = await trial.close(asked)
        manual = asked.request.capture is CaptureMode.MANUAL
        wanted = PaymentState.AUTHORISED if manual else PaymentState.PAID
        hold("believes-who-was-faster", seen.state is wanted, f"{seen.state}")
        after = await trial.books(asked)
        hold("believes-who-was-faster", before == after, f"{before}, then {after}")


def _url_of(action: Action) -> str | None:
    return action.url if isinstance(action, Redirect | FormPost) else None


def _states(when: str, amount: Money, seen: PaymentSnapshot) -> None:
    name = "states-the-amount-asked"
    hold(name, seen.amount == amount, f"{when}: {seen.amount}, not {amount}")
    taken = seen.captured
    fits = taken is None or taken == amount or not taken.amount
    hold(name, fits, f"{when}: captured {taken} of {amount}")
