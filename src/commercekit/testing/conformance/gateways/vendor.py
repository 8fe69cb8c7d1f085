"""The vendor's side of a trial: what an author's fake has to be able to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Protocol

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.payments import CreatePayment, CreateResult, DisputeState
from commercekit.platform.providers import RawRequest
from commercekit.testing.conformance.gateways.line import Fault

__all__ = ["CARD_NUMBER", "Asked", "InProcessVendor", "PaymentVendor", "VendorBooks"]

CARD_NUMBER: Final = "4242424242424242"
"""The card that shoppers pay with in a trial. Have the fake echo it where the vendor might."""


class Asked(Struct, frozen=True):
    """A payment that the gateway was asked for, and what it answered."""

    request: CreatePayment
    result: CreateResult

    @property
    def payment_id(self) -> str:
        """Ours."""
        return self.request.payment_id

    @property
    def provider_ref(self) -> str | None:
        """The vendor's, as the gateway told it."""
        return self.result.snapshot.provider_ref

    @property
    def amount(self) -> Money:
        """What was asked for."""
        return self.request.amount


class VendorBooks(Struct, frozen=True, kw_only=True):
    """One payment in the vendor's own books, by which the gateway's words are judged.

    Sums are minor units; what failed or was taken back does not count.
    """

    payments: int = 0
    """How many payments were opened under this id: 0 when the vendor never heard of it."""
    amount: Money | None = None
    """What the shopper is asked for; ``None`` while the vendor has not heard of it."""
    held: int = 0
    """Authorised and not taken yet."""
    captures: int = 0
    """How often money was taken; a payment that is taken at once counts as one."""
    captured: int = 0
    refunds: int = 0
    refunded: int = 0
    """Gone back, or on its way."""


class PaymentVendor(Protocol):
    """The vendor as the kit commands it: a fake in the same process, or a sandbox out there.

    The kit plays the network by itself: it stands between the gateway and ``context.http``, loses
    answers, breaks connections and hangs. The vendor only has to be a vendor.
    """

    async def pay(self, asked: Asked) -> None:
        """Have the shopper pay, with :data:`CARD_NUMBER` if it is by card.

        Under ``CaptureMode.MANUAL`` the money is held. Nothing happens to a payment that is over.
        """
        ...

    async def decline(self, asked: Asked) -> None:
        """Have the shopper's bank say no."""
        ...

    async def open(self, asked: Asked) -> None:
        """Have the shopper open what they were given, and not pay.

        Nothing by default. For vendors who meet a payment only then, and so cannot close it before.
        """

    async def books(self, payment_id: str) -> VendorBooks:
        """What the vendor knows; ``VendorBooks()`` for a payment it never heard of."""
        ...

    async def settle_refund(self, refund_id: str, *, succeeds: bool) -> None:
        """End a refund that is on its way, or was: banks give money back too.

        Asked only of gateways that declare ``refund_async``.
        """
        raise NotImplementedError

    async def dispute(self, asked: Asked, state: DisputeState) -> None:
        """Have the payer's bank ask for the money back, or bring what it asked to ``state``.

        Asked only of gateways that declare ``disputes``, of a payment that is paid, and never backwards.
        """
        raise NotImplementedError

    async def notifications(self, payment_id: str) -> Sequence[RawRequest]:
        """What the vendor tells of a payment, its refunds and disputes so far, oldest first.

        Each call is a delivery of its own: the same events under the same ids, signed anew at the
        time of the clock. Asked only of gateways that declare ``webhook``.
        """
        raise NotImplementedError

    def signed(self, body: bytes) -> RawRequest | None:
        """A notification with exactly this body, signed as the vendor signs.

        Where the signature is part of the body, put it there anew; ``None`` for a body that can have
        none.
        """
        return None


class InProcessVendor(PaymentVendor, Protocol):
    """A vendor that is not reached by HTTP, and so has to play the network as well."""

    faults: Collection[Fault]
    """What it can play."""

    def fail_next(self, fault: Fault) -> None:
        """Have the gateway's next call that moves something end like that."""
        ...
