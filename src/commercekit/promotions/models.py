"""What a promotion is, what it is tried on, and what comes of it."""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Raw, Struct
from msgspec.structs import replace

from commercekit.kernel import CurrencyCode, Money

__all__ = [
    "Adjustment",
    "AdjustmentKind",
    "BasketLine",
    "CouponMessage",
    "CouponStatus",
    "Explanation",
    "Lane",
    "PricedBasket",
    "Promotion",
    "PromotionOutcome",
    "Proposal",
    "RuleSource",
    "RunningPromotion",
    "Scope",
    "Share",
    "Shopper",
    "Target",
    "Verdict",
]


class Lane(IntEnum):
    """The usual places of a promotion in the sequence; any number between them works too."""

    ITEM = 100
    ORDER = 200
    COUPON = 300
    SHIPPING = 400


class Target(StrEnum):
    """What a proposal lowers."""

    LINE = "line"
    ORDER = "order"
    SHIPPING = "shipping"


class AdjustmentKind(StrEnum):
    """What an adjustment is, as carts and orders show it."""

    LINE_DISCOUNT = "line-discount"
    ORDER_DISCOUNT = "order-discount"
    SHIPPING_DISCOUNT = "shipping-discount"


class BasketLine(Struct, frozen=True, kw_only=True, dict=True):
    """One line as promotions see it: ``unit_price`` from the list, ``discount`` what is off so far."""

    id: str
    sku: str
    product_id: UUID
    quantity: int
    unit_price: Money
    categories: frozenset[str] = frozenset()
    brand: str | None = None
    tags: frozenset[str] = frozenset()
    discount: int = 0
    """Minor units that earlier promotions took off; callers leave it at zero."""

    @cached_property
    def total(self) -> Money:
        """What the line costs now; never negative."""
        return Money(
            self.unit_price.amount * self.quantity - self.discount, self.unit_price.currency
        )


class Shopper(Struct, frozen=True, kw_only=True):
    """What promotions may know of who is buying."""

    customer_id: UUID | None = None
    segments: frozenset[str] = frozenset()
    orders_placed: int = 0


class PricedBasket(Struct, frozen=True, kw_only=True, dict=True):
    """Everything a promotion may depend on. A rule gets it narrowed to the lines in its scope."""

    currency: CurrencyCode
    now: datetime
    lines: tuple[BasketLine, ...]
    shipping: Money | None = None
    """What shipping costs now; ``None`` while it is not known."""
    shopper: Shopper = Shopper()
    coupons: tuple[str, ...] = ()
    """Codes as the shopper gave them; they are compared exactly."""
    market: str = "default"

    @cached_property
    def items_total(self) -> Money:
        """What the lines cost now."""
        return Money(sum(line.total.amount for line in self.lines), self.currency)

    @cached_property
    def quantity(self) -> int:
        """How many pieces the lines hold."""
        return sum(line.quantity for line in self.lines)

    def money(self, amount: int) -> Money:
        """So many minor units of the basket's currency."""
        return Money(amount, self.currency)

    def less(self, shares: "Sequence[Share]") -> "PricedBasket":
        """The basket with ``shares`` off its lines."""
        off: dict[str, int] = {}
        for share in shares:
            off[share.line_id] = off.get(share.line_id, 0) + share.amount.amount
        lines = tuple(
            replace(line, discount=line.discount - off[line.id]) if line.id in off else line
            for line in self.lines
        )
        return replace(self, lines=lines)


class Scope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a promotion counts, and which lines it looks at: those that any set of them names, else all."""

    products: frozenset[UUID] = frozenset()
    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    markets: Annotated[frozenset[Annotated[str, Meta(max_length=63)]], Meta(max_length=100)] = (
        frozenset()
    )
    """Codes of the markets in which it counts; everywhere when empty."""

    def is_in(self, market: str) -> bool:
        """Whether it counts in the market of this code."""
        return not self.markets or market in self.markets

    @property
    def is_everything(self) -> bool:
        """Whether it names no lines, and so means all."""
        return not (self.products or self.skus or self.categories or self.brands or self.tags)

    def has(self, line: BasketLine) -> bool:
        """Whether the line is in scope."""
        return (
            self.is_everything
            or line.sku in self.skus
            or line.product_id in self.products
            or line.brand in self.brands
            or not self.categories.isdisjoint(line.categories)
            or not self.tags.isdisjoint(line.tags)
        )


class Promotion(Struct, frozen=True, kw_only=True):
    """A rule with its settings, its scope, its period and its place in the sequence."""

    id: UUID
    code: str
    name: dict[str, str]
    rule: str
    """The code of the :class:`~commercekit.promotions.PromotionRule`."""
    config: Raw
    """JSON for the rule's ``config_type``."""
    priority: int = 0
    lane: int = Lane.ORDER
    exclusive: bool = False
    active: bool = True
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    coupons: tuple[str, ...] = ()
    """Codes of which the shopper must give one; none means that everybody gets it."""
    scope: Scope = Scope()
    version: int = 1

    def is_on(self, now: datetime) -> bool:
        """Whether it is switched on and ``now`` lies in its period (the end itself does not)."""
        return (
            self.active
            and (self.starts_at is None or self.starts_at <= now)
            and (self.ends_at is None or now < self.ends_at)
        )


class Proposal(Struct, frozen=True, kw_only=True):
    """What a rule offers: take ``amount`` (positive) off a line, the lines together, or shipping."""

    amount: Money
    target: Target = Target.ORDER
    line_id: str | None = None
    """The line, for :attr:`Target.LINE`."""
    label: dict[str, str] | None = None
    """What the shopper reads; the promotion's name when left out."""


class Share(Struct, frozen=True):
    """The part of an adjustment that falls on one line; signed like the adjustment."""

    line_id: str
    amount: Money


class RuleSource(Struct, frozen=True):
    """Which rule decided, of which plugin in which version."""

    rule: str
    plugin: str
    version: str


class Adjustment(Struct, frozen=True, kw_only=True):
    """One change of the price, negative for a discount, with where it comes from.

    ``shares`` say what of it falls on which line and sum to ``amount`` exactly; a change of shipping has
    none.
    """

    kind: AdjustmentKind
    source: str
    """The promotion's code."""
    rule: RuleSource
    promotion_version: int
    label: dict[str, str]
    amount: Money
    line_id: str | None = None
    shares: tuple[Share, ...] = ()
    coupon: str | None = None
    """The code the shopper gave for it, if it needs one."""


class Verdict(StrEnum):
    """Why a promotion counts, or does not."""

    APPLIED = "applied"
    NOT_ON = "not-on"
    COUPON_MISSING = "coupon-missing"
    OUT_OF_SCOPE = "out-of-scope"
    OTHER_MARKET = "other-market"
    NOT_MET = "not-met"
    BEATEN = "beaten"
    EXCLUDED = "excluded"
    RULE_MISSING = "rule-missing"
    RULE_FAILED = "rule-failed"
    CONFIG_INVALID = "config-invalid"


class Explanation(Struct, frozen=True, kw_only=True):
    """What became of one promotion."""

    promotion: str
    verdict: Verdict
    reason: dict[str, str]
    """The verdict in words, and what the rule adds to it."""
    by: str | None = None
    """The promotion that beat or excluded it."""


class CouponStatus(StrEnum):
    """What became of a code the shopper gave."""

    APPLIED = "coupon-applied"
    UNKNOWN = "coupon-unknown"
    EXPIRED = "coupon-expired"
    NOT_YET = "coupon-not-yet"
    WITHOUT_EFFECT = "coupon-without-effect"


class CouponMessage(Struct, frozen=True, kw_only=True):
    """What the cart says about a code; never an error."""

    code: CouponStatus
    coupon: str
    text: dict[str, str]


class PromotionOutcome(Struct, frozen=True, kw_only=True):
    """Adjustments in the order they were made, and the basket after them."""

    adjustments: list[Adjustment]
    basket: PricedBasket
    messages: list[CouponMessage] = []
    explanation: list[Explanation] = []
    """Filled on demand only."""

    @property
    def discount(self) -> Money:
        """The sum of all adjustments: zero or negative."""
        return Money.total((a.amount for a in self.adjustments), self.basket.currency)

    def line_discounts(self) -> dict[str, Money]:
        """What all adjustments together take off each line, zero or negative, by line id."""
        off = {line.id: self.basket.money(0) for line in self.basket.lines}
        for adjustment in self.adjustments:
            for share in adjustment.shares:
                off[share.line_id] = off[share.line_id] + share.amount
        return off


class RunningPromotion(Struct, frozen=True, kw_only=True):
    """A promotion that is on now and needs no coupon, as the storefront shows it."""

    code: str
    name: dict[str, str]
    rule: str
    description: dict[str, str]
    """What the rule says of its settings, such as "10 % off"."""
    starts_at: datetime | None
    ends_at: datetime | None
    scope: Scope


PromotionCode = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
