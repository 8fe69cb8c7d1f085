"""The merchant accounts of this shop and the ways to pay it offers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.payments.errors import PaymentMethodUnknown, WebhookUnknown
from commercekit.payments.models import PaymentMethod
from commercekit.payments.providers import (
    PAYMENT_GATEWAYS,
    CaptureMode,
    Flow,
    PaymentGateway,
)
from commercekit.payments.settings import MethodSettings, PaymentsSettings
from commercekit.platform.providers import ProviderCaller, ProviderContext
from commercekit.platform.settings import Section, SettingProblem, SettingsError

__all__ = ["ContextFactory", "GatewayAccount", "Gateways"]

ContextFactory = Callable[[str, str, Struct], ProviderContext]
"""Makes the context of (gateway code, account, its decoded settings)."""

T = TypeVar("T")

_VERBS = {verb.name: verb for verb in PAYMENT_GATEWAYS.verbs}


@dataclass(frozen=True, slots=True)
class GatewayAccount:
    """One merchant account at one gateway."""

    gateway: PaymentGateway
    account: str
    context: ProviderContext
    merchant: str | None
    """What the provider calls this account in its events, if it does."""


@dataclass(frozen=True, slots=True)
class _Offer:
    method: PaymentMethod
    settings: MethodSettings


class Gateways:
    """Which gateways there are, under which accounts, and what shoppers may choose.

    Made once at start-up; raises :class:`~commercekit.platform.settings.SettingsError` with everything
    that is wrong in ``[payments]``.
    """

    def __init__(
        self,
        gateways: Sequence[PaymentGateway],
        settings: PaymentsSettings,
        make_context: ContextFactory,
        caller: ProviderCaller,
    ) -> None:
        self._caller = caller
        self._accounts: dict[tuple[str, str], GatewayAccount] = {}
        self._offers: dict[str, _Offer] = {}
        by_code = {gateway.code: gateway for gateway in gateways}
        problems: list[SettingProblem] = []
        sections = {code: dict(accounts) for code, accounts in settings.accounts.items()}
        problems += [
            _unknown_gateway(f"payments.accounts.{code}", code, by_code)
            for code in sorted(sections.keys() - by_code.keys())
        ]
        for code, gateway in by_code.items():
            named = sections.get(code, {})
            for account, section in named.items():
                self._open(gateway, account, section, make_context, problems)
            if "default" not in named:
                # An account that needs no settings is there without being named.
                self._open(gateway, "default", Section(), make_context, [])
        methods = settings.methods or {
            code: MethodSettings(gateway=code)
            for code in by_code
            if (code, "default") in self._accounts
        }
        for code, method in methods.items():
            self._offer(code, method, by_code, sections, problems)
        if problems:
            raise SettingsError(problems)

    def account(self, gateway: str, account: str) -> GatewayAccount:
        """The account, or :class:`~commercekit.payments.errors.WebhookUnknown`."""
        try:
            return self._accounts[gateway, account]
        except KeyError:
            message = f"This shop has no account {account!r} at a payment gateway {gateway!r}."
            raise WebhookUnknown(message) from None

    def accounts(self) -> list[GatewayAccount]:
        """Every merchant account of this shop."""
        return list(self._accounts.values())

    async def ask(self, account: GatewayAccount, verb: str, work: Callable[[], Awaitable[T]]) -> T:
        """The gateway's answer, within a deadline and behind its breaker."""
        answer: T = await self._caller.call(_VERBS[verb], account.gateway.code, work)
        return answer

    def methods(self, currency: str, amount: int) -> list[PaymentMethod]:
        """Ways to pay ``amount`` of ``currency``, in the order of the settings."""
        return [
            offer.method for offer in self._offers.values() if self._fits(offer, currency, amount)
        ]

    def method(self, code: str, amount: Money) -> PaymentMethod:
        """The way to pay ``amount``, or :class:`~commercekit.payments.errors.PaymentMethodUnknown`."""
        offer = self._offers.get(code)
        if offer is None or not self._fits(offer, amount.currency, amount.amount):
            offered = [method.code for method in self.methods(amount.currency, amount.amount)]
            raise PaymentMethodUnknown(code, offered)
        return offer.method

    def _fits(self, offer: _Offer, currency: str, amount: int) -> bool:
        settings = offer.settings
        able = self._accounts[offer.method.gateway, offer.method.account].gateway.capabilities
        return (
            (settings.currencies is None or currency in settings.currencies)
            and amount >= (settings.min_amount or 1)
            and (settings.max_amount is None or amount <= settings.max_amount)
            and able.takes(Money(amount, currency))
        )

    def _open(
        self,
        gateway: PaymentGateway,
        account: str,
        section: Section,
        make_context: ContextFactory,
        problems: list[SettingProblem],
    ) -> None:
        try:
            config = section.read(gateway.config_type)
        except SettingsError as error:
            problems.extend(error.problems)
            return
        self._accounts[gateway.code, account] = GatewayAccount(
            gateway=gateway,
            account=account,
            context=make_context(gateway.code, account, config),
            merchant=gateway.merchant_account(config),
        )

    def _offer(
        self,
        code: str,
        settings: MethodSettings,
        by_code: Mapping[str, PaymentGateway],
        sections: Mapping[str, Mapping[str, Section]],
        problems: list[SettingProblem],
    ) -> None:
        path = f"payments.methods.{code}"
        gateway = by_code.get(settings.gateway)
        if gateway is None:
            problems.append(_unknown_gateway(f"{path}.gateway", settings.gateway, by_code))
            return
        if (gateway.code, settings.account) not in self._accounts:
            if settings.account not in sections.get(gateway.code, {}):
                wanted = f"payments.accounts.{gateway.code}.{settings.account}"
                problem = f"there is no account {settings.account!r}; add [{wanted}]"
                problems.append(SettingProblem(f"{path}.account", problem))
            return
        able = gateway.capabilities
        if settings.flow is not None and settings.flow not in able.flows:
            known = ", ".join(sorted(able.flows))
            problems.append(SettingProblem(f"{path}.flow", f"{gateway.code} offers {known}"))
        captures = {CaptureMode.AUTO: able.auto_capture, CaptureMode.MANUAL: able.manual_capture}
        if not captures[settings.capture]:
            problem = f"{gateway.code} cannot capture {settings.capture}"
            problems.append(SettingProblem(f"{path}.capture", problem))
        method = PaymentMethod(
            code=code,
            label=dict(settings.label or gateway.label) or {"en": code},
            gateway=gateway.code,
            account=settings.account,
            capture=settings.capture,
            flows=_flows(settings.flow, able.flows),
            collects_later=gateway.collects_later,
        )
        self._offers[code] = _Offer(method, settings)


def _flows(first: Flow | None, able: frozenset[Flow]) -> list[Flow]:
    rest = [flow for flow in Flow if flow in able and flow is not first]
    return rest if first is None else [first, *rest]


def _unknown_gateway(path: str, code: str, by_code: Mapping[str, PaymentGateway]) -> SettingProblem:
    known = ", ".join(sorted(by_code)) or "none"
    return SettingProblem(path, f"no enabled plugin brings a gateway {code!r}; there are: {known}")
