"""Orders as a table that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import io

from commercekit.kernel import Money
from commercekit.orders.models import Order

__all__ = ["COLUMNS", "csv_line", "order_cells", "safe_cell"]

COLUMNS = (
    "number",
    "placed_at",
    "status",
    "payment_status",
    "fulfilment_status",
    "market",
    "currency",
    "items",
    "discount",
    "shipping",
    "tax",
    "total",
    "payment_method",
    "lines",
    "email",
    "name",
    "phone",
    "country",
    "region",
    "city",
    "postcode",
)


def order_cells(order: Order) -> list[str]:
    """One row; amounts in major units, as the order stands now, and lines that still stand."""
    totals, address = order.current_totals, order.address
    return [
        order.number,
        order.placed_at.isoformat(),
        order.status,
        order.payment_status,
        order.fulfilment_status,
        order.market,
        order.currency,
        _decimal(totals.items),
        _decimal(totals.discount),
        _decimal(totals.shipping),
        _decimal(totals.tax),
        _decimal(totals.total),
        order.payment_method,
        "; ".join(
            f"{line.sku} x {line.quantity - line.cancelled}"
            for line in order.lines
            if line.quantity > line.cancelled
        ),
        order.email,
        address.name,
        address.phone,
        address.country,
        address.region,
        address.city,
        address.postcode,
    ]


def csv_line(cells: list[str] | tuple[str, ...]) -> str:
    """One line of CSV (RFC 4180), every cell made safe."""
    text = io.StringIO()
    csv.writer(text).writerow([safe_cell(cell) for cell in cells])
    return text.getvalue()


def safe_cell(cell: str) -> str:
    """``cell`` with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "'")) else cell


def _decimal(amount: Money) -> str:
    return str(amount.to_decimal())
