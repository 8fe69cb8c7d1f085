"""Which carriers there are, under which accounts, and what shoppers may choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from commercekit.fulfilment.errors import CarrierUnknown
from commercekit.fulfilment.models import FulfilmentSettings, MethodSettings, ShippingOption
from commercekit.fulfilment.providers import SERVICE_LABEL, Carrier, RateQuote
from commercekit.kernel import pick
from commercekit.platform.providers import ProviderCaller, ProviderContext
from commercekit.platform.settings import Section, SettingProblem, SettingsError

__all__ = ["CarrierAccount", "Carriers", "ContextFactory"]

ContextFactory = Callable[[str, str, Struct], ProviderContext]
"""Makes the context of (carrier code, account, its decoded settings)."""


@dataclass(frozen=True, slots=True)
class CarrierAccount:
    """One account at one carrier."""

    carrier: Carrier
    account: str
    context: ProviderContext


class Carriers:
    """The carriers of this shop, made once at start-up.

    Raises :class:`~commercekit.platform.settings.SettingsError` with everything that is wrong in
    ``[fulfilment]``.
    """

    def __init__(
        self,
        carriers: Sequence[Carrier],
        settings: FulfilmentSettings,
        make_context: ContextFactory,
        caller: ProviderCaller | None = None,
    ) -> None:
        self._caller = caller or ProviderCaller()
        self._accounts: dict[tuple[str, str], CarrierAccount] = {}
        self._methods: dict[str, MethodSettings] = dict(settings.methods)
        by_code = {carrier.code: carrier for carrier in carriers}
        problems = [
            _unknown(f"fulfilment.accounts.{code}", code, by_code)
            for code in sorted(settings.accounts.keys() - by_code.keys())
        ]
        for code, carrier in by_code.items():
            named = settings.accounts.get(code, {})
            for account, section in named.items():
                self._open(carrier, account, section, make_context, problems)
            if "default" not in named:
                # An account that needs no settings is there without being named.
                self._open(carrier, "default", Section(), make_context, [])
        for code, method in self._methods.items():
            path = f"fulfilment.methods.{code}"
            if method.carrier not in by_code:
                problems.append(_unknown(f"{path}.carrier", method.carrier, by_code))
            elif (method.carrier, method.account) not in self._accounts and (
                method.account not in settings.accounts.get(method.carrier, {})
            ):
                wanted = f"fulfilment.accounts.{method.carrier}.{method.account}"
                problem = f"there is no account {method.account!r}; add [{wanted}]"
                problems.append(SettingProblem(f"{path}.account", problem))
        if problems:
            raise SettingsError(problems)

    def account(self, carrier: str, account: str = "default") -> CarrierAccount:
        """The account, or :class:`~commercekit.fulfilment.errors.CarrierUnknown`."""
        found = self.find(carrier, account)
        if found is None:
            message = f"This shop has no account {account!r} at a carrier {carrier!r}."
            raise CarrierUnknown(message)
        return found

    def find(self, carrier: str, account: str = "default") -> CarrierAccount | None:
        """The account, if there is one."""
        return self._accounts.get((carrier, account))

    def quoting(self, option: str | None = None) -> list[CarrierAccount]:
        """Whom to ask for a price: those that the methods name, or everyone.

        With the code of an ``option`` only who may offer that one.
        """
        if option is not None:
            method = self._methods.get(option)
            return [
                entry
                for entry in self.quoting()
                if (
                    (entry.carrier.code, entry.account) == (method.carrier, method.account)
                    if method is not None
                    else not self._methods and option.startswith(f"{entry.carrier.code}-")
                )
            ]
        asked = {(method.carrier, method.account) for method in self._methods.values()}
        return [
            entry
            for key, entry in self._accounts.items()
            if entry.carrier.capabilities.rates and (not self._methods or key in asked)
        ]

    def account_for(self, carrier: str, service: str) -> CarrierAccount | None:
        """Who sends ``service``: the account that a method names for it, else the default one."""
        for method in self._methods.values():
            if (method.carrier, method.service) == (carrier, service):
                return self.find(carrier, method.account)
        return self.find(carrier)

    def options(
        self, quotes: Sequence[tuple[CarrierAccount, Sequence[RateQuote]]]
    ) -> list[ShippingOption]:
        """What the shopper may choose, in the order of the settings, else cheapest first."""
        found = {
            (entry.carrier.code, entry.account, quote.service): (entry, quote)
            for entry, offered in quotes
            for quote in offered
        }
        if not self._methods:
            options = [
                self._option(f"{carrier}-{service}", entry, quote, {})
                for (carrier, _, service), (entry, quote) in found.items()
            ]
            return sorted(options, key=lambda option: (option.amount.amount, option.code))
        return [
            self._option(code, *hit, label=method.label)
            for code, method in self._methods.items()
            if (hit := found.get((method.carrier, method.account, method.service))) is not None
        ]

    def name_of(self, entry: CarrierAccount, service: str, languages: Sequence[str] = ()) -> str:
        """What people read for a carrier's service."""
        for method in self._methods.values():
            if (method.carrier, method.account, method.service) == (
                entry.carrier.code,
                entry.account,
                service,
            ) and method.label:
                return pick(method.label, languages)
        return pick(self._label(entry, service), languages)

    def _label(self, entry: CarrierAccount, service: str) -> Mapping[str, str]:
        carrier = entry.carrier
        return self._caller.call_sync(
            SERVICE_LABEL,
            carrier.code,
            lambda: carrier.service_label(entry.context, service),
            instead={"en": service},
        )

    def _option(
        self, code: str, entry: CarrierAccount, quote: RateQuote, label: dict[str, str]
    ) -> ShippingOption:
        return ShippingOption(
            code=code,
            label=label or dict(self._label(entry, quote.service)),
            amount=quote.amount,
            carrier=entry.carrier.code,
            account=entry.account,
            service=quote.service,
            min_days=quote.min_days,
            max_days=quote.max_days,
        )

    def _open(
        self,
        carrier: Carrier,
        account: str,
        section: Section,
        make_context: ContextFactory,
        problems: list[SettingProblem],
    ) -> None:
        try:
            config = section.read(carrier.config_type)
        except SettingsError as error:
            problems.extend(error.problems)
            return
        self._accounts[carrier.code, account] = CarrierAccount(
            carrier=carrier,
            account=account,
            context=make_context(carrier.code, account, config),
        )


def _unknown(path: str, code: str, known: dict[str, Carrier]) -> SettingProblem:
    installed = ", ".join(sorted(known)) or "none"
    return SettingProblem(path, f"no carrier {code!r} is installed; installed: {installed}")
