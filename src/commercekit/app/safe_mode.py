"""What a shop does without the plugins that its settings name: it starts, and says what it lacks.

Outside of safe mode every name that nobody brings stops the start, because a shop that silently sells
without one of its ways to pay is worse than none. In safe mode an operator has decided otherwise: pages,
carts, staff and books work, what needs an absent plugin is not offered or answers 503, and work that
would call one waits for the next ordinary start. Nothing is lost: facts are kept for absent consumers,
and jobs stay on the list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final, Never, TypeVar

import structlog
from msgspec.structs import replace

from commercekit.errors import NotFound, Unavailable
from commercekit.platform.providers import ProviderUnavailable
from commercekit.platform.storage import Storage
from commercekit.pricing import TaxComponent, TaxProvider, TaxRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from commercekit.fulfilment import FulfilmentSettings
    from commercekit.notifications import NotificationSettings
    from commercekit.orders import OrdersSettings
    from commercekit.payments import PaymentsSettings
    from commercekit.platform.jobs import JobKind
    from commercekit.platform.plugins import PluginRegistry
    from commercekit.platform.providers import Ack, RawRequest
    from commercekit.web import Receiver

__all__ = ["SafeMode"]

_WAITING: Final = ("orders.", "payments.", "fulfilment.", "notifications.")
"""Work of these domains may call providers."""
_RETRY_AFTER: Final = 60
_WORDS: Final = "This shop runs in safe mode, without the plugin that does this; try again later."

T = TypeVar("T")


class SafeMode:
    """Turns settings into such as the plugins that are there can fill.

    Made for every shop; while ``active`` is false everything passes through unchanged.
    """

    def __init__(self, plugins: PluginRegistry) -> None:
        self.active = plugins.safe_mode
        self._lacking: list[str] = []
        self._log = structlog.get_logger("commercekit.plugins")
        for code, sentence in plugins.left_out.items():
            self._log.warning("plugin_left_out", plugin=code, reason=sentence)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Paths of settings that name what is not there, such as ``payments.methods.card``."""
        return tuple(self._lacking)

    def payments(self, settings: PaymentsSettings, gateways: Collection[str]) -> PaymentsSettings:
        """Only methods and accounts of ``gateways``."""
        methods = {
            code: method
            for code, method in settings.methods.items()
            if self._there(f"payments.methods.{code}", method.gateway in gateways)
        }
        if self.active and settings.methods and not methods:
            # Without any method every gateway would be offered, and nobody has asked for that.
            first = next(iter(settings.methods.values()))
            methods = {code: replace(first, gateway=code, currencies=[]) for code in gateways}
        accounts = self._known("payments.accounts", settings.accounts, gateways)
        return replace(settings, methods=methods, accounts=accounts) if self.active else settings

    def fulfilment(
        self, settings: FulfilmentSettings, carriers: Collection[str]
    ) -> FulfilmentSettings:
        """Only methods and accounts of ``carriers``."""
        methods = {
            code: method
            for code, method in settings.methods.items()
            if self._there(f"fulfilment.methods.{code}", method.carrier in carriers)
        }
        accounts = self._known("fulfilment.accounts", settings.accounts, carriers)
        return replace(settings, methods=methods, accounts=accounts) if self.active else settings

    def notifications(
        self, settings: NotificationSettings, notifiers: Collection[str]
    ) -> NotificationSettings:
        """Only routes and accounts of ``notifiers``."""
        routes = {
            channel: route
            for channel, route in settings.routes.items()
            if self._there(f"notifications.routes.{channel}", route.notifier in notifiers)
        }
        accounts = self._known("notifications.accounts", settings.accounts, notifiers)
        return replace(settings, routes=routes, accounts=accounts) if self.active else settings

    def orders(self, settings: OrdersSettings, rules: Collection[str]) -> OrdersSettings:
        """Only refund rules that are there; what the others would have decided a person decides."""
        named = tuple(
            code
            for code in settings.refund_rules
            if self._there(f"orders.refund_rules: {code}", code in rules)
        )
        return replace(settings, refund_rules=named) if self.active else settings

    def tax_providers(
        self, wanted: str | None, there: Mapping[str, TaxProvider]
    ) -> dict[str, TaxProvider]:
        """With a stand-in for the one that is ``wanted``: it never answers, as the settings foresee."""
        providers = dict(there)
        if wanted is not None and not self._there("pricing.tax_provider", wanted in providers):
            providers[wanted] = _NoTaxProvider(wanted)
        return providers

    def storage(self, code: str) -> Storage | None:
        """A stand-in for the place of pictures, or None when its plugin has to be there."""
        return None if self._there("media.storage", thing=not self.active) else _NoStorage(code)

    def strategy(self) -> str | None:
        """What stands in for the strategy that nobody brings."""
        return None if self._there("inventory.strategy", thing=not self.active) else "priority"

    def working(self, kinds: Iterable[JobKind]) -> list[JobKind]:
        """The kinds of job that need no provider; the others stay on the list."""
        return [kind for kind in kinds if not (self.active and kind.name.startswith(_WAITING))]

    def receiving(self, receivers: Mapping[str, Receiver]) -> dict[str, Receiver]:
        """Webhooks of absent providers are asked to come again: their vendors then repeat them."""
        return {
            kind: self._patient(receiver) if self.active else receiver
            for kind, receiver in receivers.items()
        }

    @staticmethod
    def _patient(receiver: Receiver) -> Receiver:
        async def receive(
            provider: str, account: str, secret: str | None, request: RawRequest
        ) -> Ack:
            try:
                return await receiver(provider, account, secret, request)
            except NotFound as absent:
                raise Unavailable(_WORDS, retry_after=_RETRY_AFTER) from absent

        return receive

    def _known(self, path: str, accounts: Mapping[str, T], there: Collection[str]) -> dict[str, T]:
        return {
            code: account
            for code, account in accounts.items()
            if self._there(f"{path}.{code}", code in there)
        }

    def _there(self, path: str, thing: bool) -> bool:  # noqa: FBT001 - the answer to a question
        if self.active and not thing:
            self._lacking.append(path)
            self._log.warning("not_in_safe_mode", setting=path)
        return thing


class _NoTaxProvider(TaxProvider):
    """In the place of a provider whose plugin was left out."""

    def __init__(self, code: str) -> None:
        self.code = code  # type: ignore[misc]  # a ClassVar of those who have one name

    async def rates(self, request: TaxRequest) -> list[TaxComponent]:
        raise ProviderUnavailable(_RETRY_AFTER, _WORDS)


class _NoStorage(Storage):
    """In the place of a storage whose plugin was left out: neither there nor gone for good."""

    def __init__(self, code: str) -> None:
        self.code = code  # type: ignore[misc]  # a ClassVar of those who have one name

    async def put(self, name: str, content: bytes) -> None:
        self._refuse()

    async def get(self, name: str) -> bytes | None:
        self._refuse()

    async def delete(self, name: str) -> None:
        self._refuse()

    @staticmethod
    def _refuse() -> Never:
        raise Unavailable(_WORDS, retry_after=_RETRY_AFTER)
