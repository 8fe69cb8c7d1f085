"""An order as clients see it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from commercekit.fulfilment import ShipmentProgress, progress_of
from commercekit.kernel import Address, Money, pick
from commercekit.orders.models import (
    Adjustment,
    DraftedOrder,
    FulfilmentStatus,
    HistoryEntry,
    NewLine,
    Note,
    NoteVisibility,
    Order,
    OrderLine,
    OrderStatus,
    Return,
    Totals,
)
from commercekit.orders.rules import masked_address, masked_email
from commercekit.orders.service.keep_notes import INTERNAL_EVENTS
from commercekit.payments import Payment, Refund
from commercekit.platform.extensions import Values
from commercekit.platform.security import Principal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.orders.service import OrderService

__all__ = [
    "SHOW",
    "NoteView",
    "OrderView",
    "PaymentView",
    "RefundView",
    "StaffOrderView",
    "placed_view",
    "staff_view_of",
    "view_of",
]


SHOW = "personal:show"
"""The permission to see who a shopper is: names, addresses, telephone numbers, what they wrote."""


class OrderLineView(Struct, frozen=True, kw_only=True):
    """One line, with what became of its units."""

    id: UUID
    sku: str
    name: str
    options: dict[str, str]
    quantity: int
    unit_price: Money
    subtotal: Money
    discount: Money
    tax: Money
    total: Money
    shipped: int
    cancelled: int
    refunded: int
    image_url: str | None


class PaymentView(Struct, frozen=True, kw_only=True):
    """One payment; ``action`` says what the shopper has to do, right after it was started."""

    id: UUID
    method: str
    status: str
    amount: Money
    captured: Money
    refunded: Money
    disputed: Money
    """Held back, or kept, because the payer's bank asked for it."""
    created_at: datetime
    action: Any | UnsetType = UNSET


class RefundView(Struct, frozen=True, kw_only=True):
    """Money that went back or is on its way."""

    id: UUID
    amount: Money
    status: str
    reason: str
    created_at: datetime


class ReturnSummary(Struct, frozen=True, kw_only=True):
    """Goods that come back, in brief; ``/store/orders/{number}/returns`` has all of it."""

    id: UUID
    status: str
    amount: Money
    refund: Money | None
    created_at: datetime


class ShippingView(Struct, frozen=True, kw_only=True):
    """How it travels."""

    code: str
    amount: Money


class NoteView(Struct, frozen=True, kw_only=True):
    """What somebody wrote down beside the order."""

    id: UUID
    at: datetime
    visibility: NoteVisibility
    text: str


class OrderView(Struct, frozen=True, kw_only=True):
    """The order; ``token`` is told once, in the answer that placed it."""

    id: UUID
    number: str
    status: str
    payment_status: str
    fulfilment_status: str
    placed_at: datetime
    market: str
    currency: str
    email: str
    address: Address
    note: str
    lines: list[OrderLineView]
    adjustments: list[Adjustment]
    shipping: ShippingView | None
    totals: Totals
    """As agreed: at placing, and with the lines that were added since."""
    current_totals: Totals
    """Less what was taken off before shipping: what the order costs now."""
    payments: list[PaymentView]
    shipments: list[ShipmentProgress]
    refunds: list[RefundView]
    returns: list[ReturnSummary]
    history: list[HistoryEntry]
    notes: list[NoteView]
    """Only those for the shopper, unless staff read."""
    version: int
    extensions: Values | UnsetType = UNSET
    """What plugins keep beside it; absent where none adds fields to orders."""
    token: str | UnsetType = UNSET
    payment: PaymentView | UnsetType | None = UNSET
    """The payment just started; ``null`` when nothing is to be paid."""


class StaffOrderView(OrderView, frozen=True, kw_only=True):
    """The order as staff see it: with its tags, and with all notes and all of its history."""

    tags: list[str]
    expires_at: datetime | None
    """Unpaid until then it is closed."""
    is_masked: bool
    """Personal data is left out: whoever asks does not hold ``personal:show``."""


async def staff_view_of(
    orders: OrderService, order: Order, viewer: Principal, *, unmasked: bool = False
) -> StaffOrderView:
    """Gather everything that belongs to ``order``, with what only staff read.

    Who the shopper is, only whoever holds :data:`SHOW` is told; ``unmasked`` for one who said why.
    """
    view = await view_of(orders, order, for_staff=True)
    said = {name: getattr(view, name) for name in view.__struct_fields__}
    is_masked = not (unmasked or viewer.may(SHOW))
    if is_masked:
        said |= {
            "email": masked_email(order.email),
            "address": masked_address(order.address),
            "note": order.note and "***",
        }
    return StaffOrderView(
        **said,
        is_masked=is_masked,
        tags=await orders.tags(order.id),
        expires_at=order.expires_at,
    )


async def view_of(
    orders: OrderService,
    order: Order,
    *,
    token: str | UnsetType = UNSET,
    started: Payment | UnsetType | None = UNSET,
    just_placed: bool = False,
    for_staff: bool = False,
) -> OrderView:
    """Gather everything that belongs to ``order``; what only staff read, ``for_staff`` only.

    One that was ``just_placed`` has the payment that was ``started``, and nothing shipped or refunded.
    """
    if just_placed:
        payments = [started] if isinstance(started, Payment) else []
    else:
        payments = await orders.payments(order)
    current: PaymentView | UnsetType | None = UNSET
    if started is None:
        current = None
    elif not isinstance(started, UnsetType):
        current = payment_view(started, with_action=True)
    return OrderView(
        id=order.id,
        number=order.number,
        status=order.status,
        payment_status=order.payment_status,
        fulfilment_status=order.fulfilment_status,
        placed_at=order.placed_at,
        market=order.market,
        currency=order.currency,
        email=order.email,
        address=order.address,
        note=order.note,
        lines=[_line(line) for line in order.lines],
        adjustments=list(order.adjustments),
        shipping=(
            ShippingView(
                code=order.shipping.code, amount=Money(order.shipping.amount, order.currency)
            )
            if order.shipping
            else None
        ),
        totals=order.totals,
        current_totals=order.current_totals,
        payments=[payment_view(payment) for payment in payments],
        shipments=[]
        if just_placed
        else [progress_of(each) for each in await orders.shipments(order)],
        refunds=[] if just_placed else _refunds(await orders.refunds(order)),
        returns=[] if just_placed else [_return(item) for item in await orders.returns_of(order)],
        history=[
            entry
            for entry in await orders.history(order)
            if for_staff or entry.event not in INTERNAL_EVENTS
        ],
        notes=[] if just_placed else await _notes(orders, order, for_staff=for_staff),
        version=order.version,
        extensions=_extensions(orders, order.extensions, for_staff=for_staff),
        token=token,
        payment=current,
    )


def placed_view(
    draft: DraftedOrder,
    payment: Payment | None,
    *,
    token: str,
    languages: Sequence[str],
    orders: OrderService | None = None,
) -> OrderView:
    """The order as the call that places it answers, before it is written."""
    new = draft.new
    return OrderView(
        id=new.id,
        number=new.number,
        status=OrderStatus.PLACED,
        payment_status=draft.payment_status,
        fulfilment_status=FulfilmentStatus.UNFULFILLED,
        placed_at=new.placed_at,
        market=new.market,
        currency=new.currency,
        email=new.email,
        address=new.address,
        note=new.note,
        lines=[_new_line(line, new.currency) for line in new.lines],
        adjustments=[
            Adjustment(
                kind=item.kind,
                source=item.source,
                label=pick(item.label, languages),
                amount=Money(item.amount, new.currency),
                line_id=item.line_id,
            )
            for item in new.adjustments
        ],
        shipping=(
            ShippingView(code=new.shipping.code, amount=Money(new.shipping.amount, new.currency))
            if new.shipping
            else None
        ),
        totals=new.totals,
        current_totals=new.totals,
        payments=[] if payment is None else [payment_view(payment)],
        shipments=[],
        refunds=[],
        returns=[],
        notes=[],
        history=list(draft.history),
        version=1,
        extensions=UNSET if orders is None else _extensions(orders, new.extensions),
        token=token,
        payment=None if payment is None else payment_view(payment, with_action=True),
    )


def payment_view(payment: Payment, *, with_action: bool = False) -> PaymentView:
    """One payment for a client."""
    return PaymentView(
        id=payment.id,
        method=payment.method,
        status=payment.status,
        amount=payment.amount,
        captured=payment.captured,
        refunded=payment.refunded,
        disputed=payment.disputed,
        created_at=payment.created_at,
        action=payment.action if with_action else UNSET,
    )


def _extensions(
    orders: OrderService, values: Values, *, for_staff: bool = False
) -> Values | UnsetType:
    shown = orders.extensions_shown(values, for_staff=for_staff)
    return UNSET if shown is None else shown


async def _notes(orders: OrderService, order: Order, *, for_staff: bool) -> list[NoteView]:
    return [
        note_view(note)
        for note in await orders.notes(order.id)
        if for_staff or note.visibility is NoteVisibility.SHOPPER
    ]


def note_view(note: Note) -> NoteView:
    """One note for a client."""
    return NoteView(id=note.id, at=note.at, visibility=note.visibility, text=note.text)


def _new_line(line: NewLine, currency: str) -> OrderLineView:
    return OrderLineView(
        id=line.id,
        sku=line.sku,
        name=line.name,
        options=line.options,
        quantity=line.quantity,
        unit_price=Money(line.unit_price, currency),
        subtotal=Money(line.unit_price * line.quantity, currency),
        discount=Money(line.discount, currency),
        tax=Money(line.tax, currency),
        total=Money(line.payable, currency),
        shipped=0,
        cancelled=0,
        refunded=0,
        image_url=line.image_url,
    )


def _line(line: OrderLine) -> OrderLineView:
    return OrderLineView(
        id=line.id,
        sku=line.sku,
        name=line.name,
        options=line.options,
        quantity=line.quantity,
        unit_price=line.unit_price,
        subtotal=line.subtotal,
        discount=line.discount,
        tax=line.tax,
        total=line.total,
        shipped=line.shipped,
        cancelled=line.cancelled,
        refunded=line.refunded,
        image_url=line.image_url,
    )


def _return(found: Return) -> ReturnSummary:
    return ReturnSummary(
        id=found.id,
        status=found.status,
        amount=found.amount,
        refund=found.refund,
        created_at=found.created_at,
    )


def _refunds(refunds: Sequence[Refund]) -> list[RefundView]:
    return [
        RefundView(
            id=refund.id,
            amount=refund.amount,
            status=refund.status,
            reason=refund.reason,
            created_at=refund.created_at,
        )
        for refund in refunds
    ]
