"""A change of a placed order: what is taken off, what is added at which price, and what comes of it."""

from uuid import UUID

from msgspec import Struct, field

from commercekit.kernel import Address, Money
from commercekit.orders.models.order import NewShipping, Totals
from commercekit.orders.models.placing import NewAdjustment, NewLine

__all__ = ["EditOutcome", "EditedLine", "OrderChange"]


class OrderChange(Struct, frozen=True, kw_only=True):
    """One edit, priced by whoever is above: orders know no price lists and no promotions."""

    take_off: dict[UUID, int] = field(default_factory=dict)
    """Units by line."""
    add: list[NewLine] = field(default_factory=list)
    adjustments: list[NewAdjustment] = field(default_factory=list)
    """What took money off the lines that are added."""
    added: Totals | None = None
    """The sums of the lines that are added; without them nothing is."""
    address: Address | None = None
    freight: NewShipping | None = None
    """What freight becomes; without it, it stays as it was agreed."""


class EditedLine(Struct, frozen=True, kw_only=True):
    """One line before and after; a line that is added has no id yet."""

    line_id: UUID | None
    sku: str
    name: str
    unit_price: Money
    before: int
    """Units that stood."""
    after: int
    total: Money
    """What the units that stand cost, tax included."""


class EditOutcome(Struct, frozen=True, kw_only=True):
    """What an edit makes of the order; the preview and the edit itself give the same, to the byte."""

    number: str
    lines: list[EditedLine]
    before: Totals
    after: Totals
    difference: Money
    """Above zero when the order costs more than before."""
    refund: Money
    """What goes back by its original route."""
    to_pay: Money
    """What is left to pay: by a further payment, or on delivery."""
    address_changed: bool
    freight_changed: bool = False
