"""A placed order as the SQL function ``orders_write`` takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from commercekit.kernel import new_id
from commercekit.orders.models import HistoryEntry, NewOrder, PaymentStatus

if TYPE_CHECKING:
    from commercekit.platform.security import Sealer

__all__ = ["order_row"]

TABLE = "orders_order"


def order_row(
    sealer: Sealer, new: NewOrder, status: PaymentStatus, history: Sequence[HistoryEntry]
) -> dict[str, Any]:
    """``new`` with its family; personal fields sealed, as PostgreSQL's hexadecimal."""
    totals = new.totals
    return {
        "id": new.id,
        "number": new.number,
        "market": new.market,
        "currency": new.currency,
        "prices_include_tax": new.prices_include_tax,
        "locale": new.locale,
        "payment_status": status,
        "email": _hex(sealer.seal(TABLE, "email", new.id, new.email)),
        "email_index": _hex(sealer.blind_index(TABLE, "email", new.email)),
        "phone_index": _hex(sealer.blind_index(TABLE, "phone", new.address.phone)),
        "customer_id": new.customer_id,
        "address": _hex(sealer.seal(TABLE, "address", new.id, new.address)),
        "note": _hex(sealer.seal(TABLE, "note", new.id, new.note)) if new.note else None,
        "items": totals.items.amount,
        "discount": totals.discount.amount,
        "shipping": totals.shipping.amount,
        "tax": totals.tax.amount,
        "total": totals.total.amount,
        "shipping_choice": new.shipping,
        "payment_method": new.payment_method,
        "collects_later": new.collects_later,
        "placed_at": new.placed_at,
        "expires_at": new.expires_at,
        "lines": [
            {
                "id": line.id,
                "position": position,
                "sku": line.sku,
                "variant_id": line.variant_id,
                "product_id": line.product_id,
                "name": line.name,
                "options": line.options,
                "quantity": line.quantity,
                "unit_price": line.unit_price,
                "discount": line.discount,
                "tax": line.tax,
                "payable": line.payable,
                "weight_grams": line.weight_grams,
                "requires_shipping": line.requires_shipping,
                "image_url": line.image_url,
            }
            for position, line in enumerate(new.lines)
        ],
        "adjustments": [
            {
                "id": new_id(),
                "position": position,
                "kind": item.kind,
                "source": item.source,
                "rule": item.rule,
                "rule_version": item.rule_version,
                "label": item.label,
                "amount": item.amount,
                "line_id": item.line_id,
            }
            for position, item in enumerate(new.adjustments)
        ],
        "history": [
            {
                "id": new_id(),
                "at": entry.at,
                "actor_kind": entry.actor.kind,
                "actor_id": entry.actor.id,
                "event": entry.event,
                "details": entry.details,
            }
            for entry in history
        ],
    }


def _hex(value: bytes) -> str:
    return "\\x" + value.hex()
