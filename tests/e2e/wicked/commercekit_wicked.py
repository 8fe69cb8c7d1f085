"""A provider of every kind that does well, until a file says what to do wrong instead."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct, structs

from commercekit.fulfilment import Carrier, CarrierCapabilities, RateQuote
from commercekit.inventory import AllocationPlan, AllocationStrategy
from commercekit.kernel import Money
from commercekit.notifications import Channel, Notifier, Outcome
from commercekit.orders import Answer, RefundRule, RuleAnswer
from commercekit.payments import (
    Capabilities,
    CreateResult,
    Flow,
    PaymentGateway,
    PaymentSnapshot,
    PaymentState,
    Redirect,
)
from commercekit.platform.plugins import hookimpl
from commercekit.platform.storage import Storage
from commercekit.pricing import TaxComponent, TaxProvider
from commercekit.promotions import PromotionRule, Proposal

SWITCHES = Path(os.environ["WICKED_SWITCHES"])
MINUTE = 60.0


def wanted(verb: str) -> str:
    """What to do wrong in ``verb``; ``once:`` at its head takes the switch away first."""
    try:
        word = (SWITCHES / verb).read_text()
    except FileNotFoundError:
        return ""
    if word.startswith("once:"):
        (SWITCHES / verb).unlink(missing_ok=True)
        return word.removeprefix("once:")
    return word


def misbehave(word: str, honest: Any) -> Any:
    """What can be done wrong without waiting; gives the answer to give."""
    if word == "raise":
        message = "card 4111111111111111 of somebody"
        raise KeyError(message)
    if word == "leave":
        raise SystemExit(3)
    if word == "block":
        time.sleep(0.7)
    if word == "spin":
        while True:
            pass
    if word == "exit":
        os._exit(7)
    if word == "segfault":
        ctypes.string_at(0)
    answers = {"none": None, "other": 42, "huge": "x" * 10_000_000, "nonsense": nonsense(honest)}
    return answers.get(word, honest)


def nonsense(honest: Any) -> Any:
    """Of the promised type, with rubbish inside."""
    if isinstance(honest, list) and honest:
        return [nonsense(honest[0])]
    if isinstance(honest, Struct):
        first = honest.__struct_fields__[0]
        return structs.replace(honest, **{first: object()})
    return object()


async def answer(verb: str, honest: Any) -> Any:
    """The honest answer, unless a switch says otherwise."""
    word = wanted(verb)
    if word == "hang":
        await asyncio.sleep(MINUTE)
    if word == "deaf":
        until = time.monotonic() + MINUTE
        while time.monotonic() < until:
            try:
                await asyncio.sleep(MINUTE)
            except asyncio.CancelledError:
                continue
    if word == "leak":
        asyncio.get_running_loop().create_task(forever())
    return misbehave(word, honest)


async def forever() -> None:
    await asyncio.sleep(10 * MINUTE)


def answer_at_once(verb: str, honest: Any) -> Any:
    return misbehave(wanted(verb), honest)


class NoConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to set."""


class Gateway(PaymentGateway):
    code = "wicked"
    config_type = NoConfig
    capabilities = Capabilities(flows=frozenset({Flow.REDIRECT}), webhook=True, query=False)

    async def create(self, ctx, req):
        snapshot = PaymentSnapshot(
            payment_id=req.payment_id, state=PaymentState.PENDING, amount=req.amount
        )
        return await answer("payments.create", CreateResult(snapshot, Redirect("https://pay.test")))

    async def parse_notification(self, ctx, req):
        return await answer("payments.parse_notification", None)

    async def query(self, *_args, **_options): ...
    async def capture(self, *_args, **_options): ...
    async def void(self, *_args, **_options): ...
    async def close(self, ctx, payment_id, provider_ref): ...
    async def refund(self, *_args, **_options): ...
    async def query_refund(self, *_args, **_options): ...


class OneCarrier(Carrier):
    config_type = NoConfig
    capabilities = CarrierCapabilities(rates=True)

    def __init__(self, code):
        self.code = code

    async def rates(self, ctx, r):
        honest = [RateQuote(service="express", amount=Money(700, r.currency))]
        return await answer(f"fulfilment.rates.{self.code}", honest)

    async def create(self, *_args): ...
    async def find(self, *_args): ...
    async def cancel(self, *_args): ...
    async def label(self, *_args): ...
    async def track(self, *_args): ...
    async def subscribe(self, *_args): ...
    async def parse_notification(self, *_args): ...


class Rule(PromotionRule[NoConfig]):
    code = "wicked"
    config_type = NoConfig
    name: ClassVar = {"en": "Wicked", "zh": "坏"}

    def evaluate(self, config, basket):
        honest = [Proposal(amount=Money(100, basket.currency))]
        return answer_at_once("promotion-rule.evaluate", honest)


class Taxes(TaxProvider):
    code = "wicked"

    async def rates(self, request):
        honest = [TaxComponent(tax_class="standard", rate_ppm=50_000)]
        return await answer("tax.rates", honest)


class Postman(Notifier):
    code = "wicked"
    config_type = NoConfig
    channels = frozenset({Channel.EMAIL})

    async def send(self, ctx, message):
        return await answer("notifications.send", Outcome.SENT)

    async def parse_receipt(self, ctx, req): ...


class Strategy(AllocationStrategy):
    code = "wicked"

    def plan(self, request):
        return answer_at_once("allocation.plan", AllocationPlan())


class Refunds(RefundRule):
    code = "wicked"
    name: ClassVar = {"en": "Wicked", "zh": "坏"}

    def review(self, case):
        return answer_at_once("refund-rule.review", Answer(answer=RuleAnswer.ABSTAIN))


class Place(Storage):
    code = "wicked"
    kept: ClassVar[dict[str, bytes]] = {}

    async def put(self, name, content):
        self.kept[name] = content
        return await answer("storage.put", None)

    async def get(self, name):
        return await answer("storage.get", self.kept.get(name, b"picture"))

    async def delete(self, name):
        return await answer("storage.delete", None)


@hookimpl
def register_payment_gateways():
    return [Gateway()]


@hookimpl
def register_carriers():
    return [OneCarrier("wicked"), OneCarrier("strict")]


@hookimpl
def register_promotion_rules():
    return [Rule()]


@hookimpl
def register_tax_providers():
    return [Taxes()]


@hookimpl
def register_notifiers():
    return [Postman()]


@hookimpl
def choose_allocation_strategy(code):
    return Strategy() if code == "wicked" else None


@hookimpl
def register_refund_rules():
    return [Refunds()]


@hookimpl
def register_media_storages():
    return [Place()]
