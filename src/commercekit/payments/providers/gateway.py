"""The class that a payment plugin implements."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from datetime import date
from typing import ClassVar

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.payments.providers.messages import (
    Capabilities,
    CreatePayment,
    CreateResult,
    Notification,
    PaymentSnapshot,
    RefundRequest,
    RefundSnapshot,
    StatementLine,
)
from commercekit.platform.plugins import since
from commercekit.platform.providers import ProviderContext, RawRequest

__all__ = ["PaymentGateway"]


@since("0.1")
class PaymentGateway(ABC):
    """Moves money at one payment provider. Instances are shared: keep no state of a request.

    Every method gets the context of one merchant account: its decoded settings, secrets, an HTTP
    client, the clock. Amounts and currencies in answers are those the provider stated.
    """

    code: ClassVar[str]
    """Stable and unique, such as ``sandbox``; part of the webhook address."""
    config_type: ClassVar[type[Struct]]
    """Settings of one merchant account; decoded strictly, every error stops the start."""
    capabilities: ClassVar[Capabilities]
    label: ClassVar[Mapping[str, str]] = {}
    """What shoppers read where the shop's settings give the method no label, by language."""
    collects_later: ClassVar[bool] = False
    """Money comes after the goods, as cash on delivery does: an order may ship unpaid."""

    def merchant_account(self, config: Struct) -> str | None:
        """The provider's id of the account ``config`` describes; ``None`` when events carry none.

        :param config: an instance of ``config_type``.
        :returns: the id that :attr:`GatewayEvent.merchant_account` has to equal.
        """
        return None

    @abstractmethod
    async def create(self, ctx: ProviderContext, req: CreatePayment) -> CreateResult:
        """Ask the shopper for ``req.amount``.

        Repeating an idempotency key returns the first outcome and asks for nothing more. A gateway
        whose only flow is ``OFFLINE`` asks nobody outside: it is called before the order is written, for
        orders too that then are not placed, and must have no effect of its own.

        :param ctx: the merchant account to use.
        :param req: what to ask for.
        :returns: the payment's state and what the shopper has to do; a decline is a value.
        :raises ProviderUnknown: no answer; the core asks :meth:`query` before it repeats.
        :raises ProviderRejected: the request can never succeed as it is.
        """

    @abstractmethod
    async def query(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """Say what the provider knows about a payment now.

        A payment the provider has not met yet (the shopper did not open the page) is ``PENDING``, not
        an error and never ``FAILED``; its amount is ``Money.zero("XXX")``, ISO's code for no currency.

        :param ctx: the merchant account the payment was made with.
        :param payment_id: ours.
        :param provider_ref: the provider's, once it told one.
        :returns: the truth; it wins over notifications.
        :raises ProviderUnknown: no answer.
        """

    @abstractmethod
    async def capture(
        self,
        ctx: ProviderContext,
        payment_id: str,
        provider_ref: str | None,
        amount: Money,
        idempotency_key: str,
        *,
        final: bool = True,
    ) -> PaymentSnapshot:
        """Take ``amount`` of what is authorised.

        :param ctx: the merchant account the payment was made with.
        :param payment_id: ours.
        :param provider_ref: the provider's.
        :param amount: at most what is still held.
        :param idempotency_key: repeating it captures once.
        :param final: what is left of the authorisation is given up. Only a gateway that says
            ``multi_capture`` is ever asked with ``False``: more may be taken later.
        :returns: ``PAID`` with ``captured``, all that was taken so far; ``AUTHORISED`` with
            ``captured`` after a capture that is not the last; declines are values.
        :raises ProviderRejected: more than authorised, or nothing is.
        :raises ProviderUnknown: no answer.
        """

    @abstractmethod
    async def void(
        self,
        ctx: ProviderContext,
        payment_id: str,
        provider_ref: str | None,
        idempotency_key: str,
    ) -> PaymentSnapshot:
        """Give an authorisation, or what is left of it, up without taking money.

        :param ctx: the merchant account the payment was made with.
        :param payment_id: ours.
        :param provider_ref: the provider's.
        :param idempotency_key: repeating it changes nothing.
        :returns: ``CLOSED``; ``PAID`` with ``captured`` when a part was taken before.
        :raises ProviderRejected: it is captured already.
        :raises ProviderUnknown: no answer.
        """

    @abstractmethod
    async def close(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """End an unpaid payment so that nobody can pay it any more; one that was declined too.

        A payment the provider has not met is ``CLOSED``, with the amount ``Money.zero("XXX")``.

        :param ctx: the merchant account the payment was made with.
        :param payment_id: ours.
        :param provider_ref: the provider's, if any.
        :returns: ``CLOSED``; or ``PAID`` when the shopper was faster.
        :raises ProviderUnknown: no answer.
        """

    @abstractmethod
    async def refund(self, ctx: ProviderContext, req: RefundRequest) -> RefundSnapshot:
        """Send money back.

        Repeating ``req.refund_id`` never sends it twice.

        :param ctx: the merchant account the payment was made with.
        :param req: what goes back.
        :returns: ``SUCCEEDED``, ``PENDING`` when it settles later, or ``FAILED`` with its code.
        :raises ProviderUnknown: no answer; the core asks :meth:`query_refund` before it repeats.
        :raises ProviderRejected: the request can never succeed as it is.
        """

    @abstractmethod
    async def query_refund(
        self,
        ctx: ProviderContext,
        refund_id: str,
        payment_id: str,
        provider_ref: str | None,
    ) -> RefundSnapshot:
        """Say what the provider knows about a refund now.

        :param ctx: the merchant account the payment was made with.
        :param refund_id: ours.
        :param payment_id: ours.
        :param provider_ref: the refund's at the provider, if told.
        :returns: ``UNKNOWN`` for a refund the provider has not met.
        :raises ProviderUnknown: no answer.
        """

    @abstractmethod
    async def parse_notification(self, ctx: ProviderContext, req: RawRequest) -> Notification:
        """Verify a notification and say what it tells. No side effects, no look at the database.

        :param ctx: the merchant account its address names.
        :param req: the request exactly as it arrived.
        :returns: events and the answers to give.
        :raises SignatureInvalid: not the provider's, altered, or older than its window allows.
        """

    def reconcile(self, ctx: ProviderContext, day: date) -> AsyncIterator[StatementLine]:
        """Read the provider's statement of ``day``. For gateways that declare ``statement``.

        Read again it gives the same lines, whatever their order. Write it as an asynchronous generator:
        a day may have a hundred thousand lines. A movement of the account that is not of this shop
        belongs to it too.

        :param ctx: the merchant account.
        :param day: by the provider's own midnight (:attr:`StatementPlan.utc_offset`).
        :returns: every movement of that day; none for a day without any.
        :raises ProviderUnavailable: the statement is not there yet; the core comes back later.
        :raises ProviderUnknown: no answer, or one that stops in the middle.
        """
        message = f"{self.code} gives no statement"
        raise NotImplementedError(message)
