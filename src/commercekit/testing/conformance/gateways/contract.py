"""The contract of :class:`commercekit.payments.PaymentGateway`, made of the rules by theme."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import ClassVar

import pytest
import pytest_asyncio

from commercekit.payments import CreatePayment, PaymentGateway
from commercekit.platform.providers import ProviderContext
from commercekit.testing import VERDICT_PROPERTY, ManualClock
from commercekit.testing.conformance.contract import Contract
from commercekit.testing.conformance.gateways.asking import AskingRules
from commercekit.testing.conformance.gateways.doubting import DoubtingRules
from commercekit.testing.conformance.gateways.hearing import HearingRules
from commercekit.testing.conformance.gateways.knowing import KnowingRules
from commercekit.testing.conformance.gateways.manners import MannersRules
from commercekit.testing.conformance.gateways.returning import ReturningRules
from commercekit.testing.conformance.gateways.rules import PAYMENT_GATEWAY_RULES
from commercekit.testing.conformance.gateways.secrecy import SecrecyRules
from commercekit.testing.conformance.gateways.stating import StatingRules
from commercekit.testing.conformance.gateways.taking import TakingRules
from commercekit.testing.conformance.gateways.trial import Trial
from commercekit.testing.conformance.gateways.vendor import PaymentVendor

__all__ = ["PaymentGatewayContract"]


class PaymentGatewayContract(
    AskingRules,
    TakingRules,
    ReturningRules,
    StatingRules,
    KnowingRules,
    HearingRules,
    DoubtingRules,
    SecrecyRules,
    MannersRules,
    Contract,
):
    """Inherit it in a test module, and give the fixtures ``gateway``, ``context`` and ``vendor``.

    A rule about something that the gateway does not declare (:attr:`PaymentGateway.capabilities`), or
    that the attributes below rule out, is *not asked*: its test passes, and the summary at the end of
    the run lists it with the reason, so that nobody takes it for a rule that was kept.
    """

    rules = PAYMENT_GATEWAY_RULES

    currency: ClassVar[str | None] = None
    """What the trial pays in; without it CNY, or the first that the gateway takes."""
    amount: ClassVar[int] = 49_90
    """What a payment costs, in minor units: at least a few hundred, so that it has parts."""
    replay_window: ClassVar[timedelta | None] = timedelta(minutes=5)
    """How old a notification's signature may be; ``None`` where the vendor signs no time."""
    verifies_by_secret: ClassVar[bool] = True
    """Whether notifications are verified with something that only this account has. ``False`` where
    the vendor signs all accounts' with one key pair."""
    fetches_keys: ClassVar[bool] = False
    """Whether reading a notification may fetch (GET) the vendor's public keys."""
    tells_of_declines: ClassVar[bool] = True
    """Whether the shop learns that a bank said no. ``False`` where that stays between shopper and
    vendor, as with wallets: the payment stays unpaid until its time is over."""
    speaks_http: ClassVar[bool] = True
    """Whether the vendor is reached by ``ctx.http``. ``False`` for one within the shop, which then
    plays the network itself (:class:`InProcessVendor`), or has none to play."""

    # ---------------------------------------------------------------- what a plugin's tests supply

    @pytest.fixture
    def gateway(self) -> PaymentGateway:
        """The gateway under test."""
        raise NotImplementedError

    @pytest.fixture
    def context(self) -> ProviderContext:
        """``provider_context(gateway, settings, http=..., clock=clock)``, ``http`` leading to the fake."""
        raise NotImplementedError

    @pytest.fixture
    def vendor(self) -> PaymentVendor | None:
        """The vendor's fake; ``None`` only where nobody outside is asked."""
        return None

    def payment_request(self, request: CreatePayment) -> CreatePayment:
        """``request`` as your vendor wants it; override it where that is more than others want."""
        return request

    # ------------------------------------------------------------------------------------ machinery

    @pytest_asyncio.fixture
    async def trial(
        self,
        request: pytest.FixtureRequest,
        gateway: PaymentGateway,
        context: ProviderContext,
        vendor: PaymentVendor | None,
        clock: ManualClock,
    ) -> AsyncIterator[Trial]:
        """What the rules work with; not meant to be overridden."""
        trial = Trial(self, gateway, context, vendor, clock)
        try:
            yield trial
        finally:
            await trial.end()
            for verdict in trial.verdicts.items():
                request.node.user_properties.append((VERDICT_PROPERTY, verdict))
