"""The vendor's interface, as far as it has things done: of what form, in which state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from commercekit_payment_stripe.fake.books import Books, Intent, Refund, Session, Way
from commercekit_payment_stripe.fake.moves import Moves
from commercekit_payment_stripe.fake.params import Params, Refused
from commercekit_payment_stripe.fake.reading import found, no_such_path
from commercekit_payment_stripe.money import CURRENCIES, LIMITS

__all__ = ["Api"]

_HALF_AN_HOUR: Final = 1800
_A_DAY: Final = 86_400
_EIGHT_DIGITS: Final = 99_999_999
_THOUSANDTHS: Final = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_HUNDREDTHS_OF_NOTHING: Final = frozenset({"isk", "ugx"})
_CANCELABLE: Final = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
)
_TEST_CARDS: Final = {
    # https://docs.stripe.com/testing: payment methods for code
    "pm_card_visa": Way.CARD,
    "pm_card_visa_chargeDeclinedInsufficientFunds": Way.DECLINED,
    "pm_card_chargeDeclined": Way.DECLINED,
    "pm_card_pendingRefund": Way.REFUND_PENDING,
    "pm_card_refundFail": Way.REFUND_FAILS,
    "pm_card_createDispute": Way.DISPUTED,
}


class Api:
    """Answers POST; gives JSON, or raise :class:`Refused`."""

    def __init__(self, moves: Moves, now: Callable[[], int]) -> None:
        self._moves = moves
        self._books: Books = moves.books
        self._now = now

    def post(self, path: list[str], asked: Params) -> dict[str, Any]:
        """Have something done."""
        expand = asked.texts("expand")
        match path:
            case ["checkout", "sessions"]:
                done = self._open_session(asked)
            case ["checkout", "sessions", key, "expire"]:
                done = self._expire(found(self._books.sessions, "checkout session", key), asked)
            case ["payment_intents"]:
                done = self._open_intent(asked)
            case ["payment_intents", key, "confirm"]:
                done = self._confirm(found(self._books.intents, "payment_intent", key), asked)
            case ["payment_intents", key, "capture"]:
                done = self._capture(found(self._books.intents, "payment_intent", key), asked)
            case ["payment_intents", key, "cancel"]:
                done = self._cancel(found(self._books.intents, "payment_intent", key), asked)
            case ["refunds"]:
                done = self._refund(asked)
            case _:
                raise no_such_path(path)
        return self._moves.objects.of(done, expand)

    # -------------------------------------------------------------------------------------- sessions

    def _open_session(self, asked: Params) -> str:
        if asked.must("mode") != "payment":
            raise Refused(400, "This fake opens sessions for payments only.", param="mode")
        asked.one_of("ui_mode", "hosted_page")
        success_url, cancel_url = (
            _url(asked, "success_url", required=True),
            _url(asked, "cancel_url"),
        )
        amount, currency, name = self._lines(asked)
        asked.part("adaptive_pricing").flag("enabled")
        asked.text("customer")
        inner = asked.part("payment_intent_data")
        session = Session(
            id="",
            created=self._now(),
            expires_at=self._expiry(asked),
            amount=amount,
            currency=currency,
            name=name,
            success_url=success_url or "",
            cancel_url=cancel_url,
            reference=asked.text("client_reference_id", most=200),
            locale=asked.text("locale") or "auto",
            manual=_is_manual(inner),
            description=inner.text("description", most=1000),
            methods=asked.texts("allowed_payment_method_types") or ["card", "sepa_debit"],
            metadata=asked.metadata(),
            intent_metadata=inner.metadata(),
        )
        inner.done()
        asked.done()
        session.id = self._books.name("cs_test")
        self._books.sessions[session.id] = session
        return session.id

    def _lines(self, asked: Params) -> tuple[int, str, str]:
        total, currency, names = 0, "", []
        for line in asked.parts("line_items"):
            price = line.part("price_data")
            mine = _currency(price)
            unit = price.whole("unit_amount", required=True) or 0
            product = price.part("product_data")
            names.append(product.must("name", most=1500))
            quantity = line.whole("quantity", required=True) or 0
            if unit < 0 or quantity < 1:
                message = "A line has at least one of something that costs no less than nothing."
                raise Refused(400, message, param=line.named("quantity"))
            for each in (product, price, line):
                each.done()
            if currency not in ("", mine):
                message = "All items of a session have one currency."
                raise Refused(400, message, param=price.named("currency"))
            currency, total = mine, total + unit * quantity
        _check_amount(total, currency, "line_items")
        return total, currency, names[0]

    def _expiry(self, asked: Params) -> int:
        wanted = asked.whole("expires_at")
        if wanted is None:
            return self._now() + _A_DAY
        if not _HALF_AN_HOUR <= wanted - self._now() <= _A_DAY:
            message = (
                "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from"
                " Checkout Session creation."
            )
            raise Refused(400, message, param="expires_at")
        return wanted

    def _expire(self, session: Session, asked: Params) -> str:
        asked.done()
        if session.status != "open":
            message = (
                'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout'
                f" Session has a status of `{session.status}`."
            )
            raise Refused(400, message, begun=True)
        self._moves.expire(session)
        return session.id

    # --------------------------------------------------------------------------------------- intents

    def _open_intent(self, asked: Params) -> str:
        amount = asked.whole("amount", required=True) or 0
        currency = _currency(asked)
        _check_amount(amount, currency, "amount")
        automatic = asked.part("automatic_payment_methods")
        automatic.flag("enabled")
        automatic.one_of("allow_redirects", "always", "never")
        automatic.done()
        types = asked.texts("allowed_payment_method_types")
        if asked.texts("payment_method_types"):
            raise Refused(
                400,
                "payment_method_types is not supported any more; use allowed_payment_method_types.",
                code="payment_method_types_no_longer_supported",
                param="payment_method_types",
            )
        asked.text("customer")
        intent = Intent(
            id="",
            secret="",
            created=self._now(),
            amount=amount,
            currency=currency,
            manual=_is_manual(asked),
            description=asked.text("description", most=1000),
            methods=types or ["card"],
            metadata=asked.metadata(),
        )
        method, now = asked.text("payment_method"), asked.flag("confirm")
        asked.done()
        intent.id = self._books.name("pi")
        intent.secret = f"{intent.id}_secret_{self._books.name('x')}"
        self._moves.open_intent(intent)
        if now:
            self._pay(intent, method)
        return intent.id

    def _confirm(self, intent: Intent, asked: Params) -> str:
        method = asked.text("payment_method")
        asked.text("return_url")
        shown = asked.text("client_secret")
        asked.done()
        if shown is not None and shown != intent.secret:
            raise Refused(400, "The client_secret provided does not match.", param="client_secret")
        if intent.status not in ("requires_payment_method", "requires_confirmation"):
            raise _unexpected(intent, "confirm", ("requires_payment_method",))
        self._pay(intent, method)
        return intent.id

    def _pay(self, intent: Intent, method: str | None) -> None:
        way = _TEST_CARDS.get(method or "")
        if way is None:
            message = f"No such PaymentMethod: '{method}'"
            raise Refused(400, message, code="resource_missing", param="payment_method")
        self._moves.confirm(intent, way)
        if intent.error:
            raise Refused(
                402,
                "Your card has insufficient funds.",
                code="card_declined",
                decline_code=intent.error["decline_code"],
                kind="card_error",
                begun=True,
            )

    def _capture(self, intent: Intent, asked: Params) -> str:
        amount = asked.whole("amount_to_capture")
        asked.done()
        if intent.status != "requires_capture":
            raise _unexpected(intent, "capture", ("requires_capture",))
        wanted = intent.amount if amount is None else amount
        if not 0 < wanted <= intent.amount:
            raise Refused(
                400,
                f"Amount to capture ({wanted}) is greater than the capturable amount ({intent.amount})",
                code="amount_too_large",
                param="amount_to_capture",
                begun=True,
            )
        _check_steps(wanted, intent.currency, "amount_to_capture")
        self._moves.capture(intent, wanted)
        return intent.id

    def _cancel(self, intent: Intent, asked: Params) -> str:
        asked.one_of(
            "cancellation_reason", "duplicate", "fraudulent", "requested_by_customer", "abandoned"
        )
        asked.done()
        if intent.session and intent.status != "requires_capture":
            message = (
                "You cannot perform this action on PaymentIntents created by Checkout. Expire the"
                " Checkout Session instead."
            )
            raise Refused(400, message, begun=True)
        if intent.status not in _CANCELABLE:
            raise _unexpected(intent, "cancel", _CANCELABLE)
        self._moves.cancel(intent)
        return intent.id

    # --------------------------------------------------------------------------------------- refunds

    def _refund(self, asked: Params) -> str:
        key, charge_key = asked.text("payment_intent"), asked.text("charge")
        amount = asked.whole("amount")
        reason = asked.one_of("reason", "duplicate", "fraudulent", "requested_by_customer")
        metadata = asked.metadata()
        asked.done()
        if key is None and charge_key is None:
            message = "One of the following params should be provided: payment_intent or charge."
            raise Refused(400, message)
        if key is not None:
            intent = found(self._books.intents, "payment_intent", key, "payment_intent")
            charge_key = intent.charge
            if charge_key is None or intent.status != "succeeded":
                message = f"This PaymentIntent ({key}) does not have a successful charge to refund."
                raise Refused(400, message, code="payment_intent_unexpected_state", begun=True)
        charge = found(self._books.charges, "charge", charge_key or "", "charge")
        left = charge.captured - charge.refunded
        if not left:
            message = f"Charge {charge.id} has already been refunded."
            raise Refused(400, message, code="charge_already_refunded", begun=True)
        dispute = self._books.disputes.get(charge.dispute or "")
        if dispute is not None and dispute.transactions and dispute.status != "won":
            message = f"Charge {charge.id} has been charged back; cannot issue a refund."
            raise Refused(400, message, code="charge_disputed", begun=True)
        wanted = left if amount is None else amount
        if not 0 < wanted <= left:
            message = (
                f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({left})"
            )
            raise Refused(400, message, param="amount", begun=True)
        _check_steps(wanted, charge.currency, "amount")
        made = Refund(
            id=self._books.name("re"),
            charge=charge.id,
            intent=charge.intent,
            created=self._now(),
            amount=wanted,
            currency=charge.currency,
            status="pending",
            reason=reason,
            metadata=metadata,
        )
        return self._moves.refund(made).id


def _unexpected(intent: Intent, verb: str, allowed: tuple[str, ...]) -> Refused:
    message = (
        f"You cannot {verb} this PaymentIntent because it has a status of {intent.status}. Only a"
        f" PaymentIntent with one of the following statuses may: {', '.join(allowed)}."
    )
    return Refused(400, message, code="payment_intent_unexpected_state", begun=True)


def _is_manual(asked: Params) -> bool:
    return asked.one_of("capture_method", "automatic", "automatic_async", "manual") == "manual"


def _url(asked: Params, name: str, *, required: bool = False) -> str | None:
    url = asked.text(name, required=required)
    if url is not None and not url.startswith(("http://", "https://")):
        raise Refused(400, "Not a valid URL", code="url_invalid", param=asked.named(name))
    return url


def _currency(asked: Params) -> str:
    currency = asked.must("currency").lower()
    if currency.upper() not in CURRENCIES:
        raise Refused(400, f"Invalid currency: {currency}", param=asked.named("currency"))
    return currency


def _check_amount(amount: int, currency: str, param: str) -> None:
    least = LIMITS[currency.upper()].least if currency.upper() in LIMITS else 1
    if amount < least:
        message = f"The amount must be at least {least} {currency}."
        raise Refused(400, message, code="amount_too_small", param=param)
    if amount > _EIGHT_DIGITS:
        message = f"The amount must be no more than {_EIGHT_DIGITS} {currency}."
        raise Refused(400, message, code="amount_too_large", param=param)
    _check_steps(amount, currency, param)


def _check_steps(amount: int, currency: str, param: str) -> None:
    step = 10 if currency in _THOUSANDTHS else 100 if currency in _HUNDREDTHS_OF_NOTHING else 1
    if amount % step:
        message = f"Amounts in {currency} are multiples of {step}."
        raise Refused(400, message, param=param)
