"""The tables of orders. The family is partitioned by month on the order's id."""

from piccolo.columns import (
    JSONB,
    UUID,
    BigInt,
    Boolean,
    Bytea,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = [
    "OrderAdjustmentTable",
    "OrderHistoryTable",
    "OrderLineTable",
    "OrderNoteTable",
    "OrderNumberTable",
    "OrderTable",
    "OrderTagTable",
    "RefundRequestTable",
    "ReturnLineTable",
    "ReturnTable",
]


class OrderTable(Table, db=ENGINE, tablename="orders_order"):
    """One placed order; personal fields are sealed."""

    id = UUID(primary_key=True, default=None)
    number = Text()
    market = Text()
    currency = Varchar(length=3)
    prices_include_tax = Boolean()
    locale = Text()
    status = Text()
    payment_status = Text()
    fulfilment_status = Text()
    email = Bytea()
    email_index = Bytea()
    address = Bytea()
    note = Bytea(null=True, default=None)
    items = BigInt()
    discount = BigInt()
    shipping = BigInt()
    tax = BigInt()
    total = BigInt()
    shipping_choice = JSONB(null=True, default=None)
    shipping_refunded = Boolean()
    freight_claim = UUID(null=True, default=None)
    payment_method = Text()
    collects_later = Boolean()
    placed_at = Timestamptz()
    expires_at = Timestamptz(null=True, default=None)
    closed_at = Timestamptz(null=True, default=None)
    version = Integer()
    withdrawn = BigInt()
    given_back = BigInt()
    phone_index = Bytea(null=True, default=None)
    customer_id = UUID(null=True, default=None)
    extensions = JSONB(null=True, default=None)


class OrderNumberTable(Table, db=ENGINE, tablename="orders_number"):
    """Keeps order numbers unique over all months."""

    number = Text(primary_key=True)
    order_id = UUID(default=None)


class OrderLineTable(Table, db=ENGINE, tablename="orders_line"):
    """SKU times quantity at the agreed price, with the counters of what became of the units."""

    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    position = Integer()
    sku = Text()
    variant_id = UUID(default=None)
    product_id = UUID(default=None)
    name = Text()
    options = JSONB()
    quantity = Integer()
    unit_price = BigInt()
    discount = BigInt()
    tax = BigInt()
    payable = BigInt()
    weight_grams = Integer()
    requires_shipping = Boolean()
    image_url = Text(null=True, default=None)
    cancelled = Integer()
    refunded = Integer()
    shipped = Integer()
    claimed = Integer()
    claimed_amount = BigInt()
    claimed_tax = BigInt()
    returned = Integer()
    withdrawn = Integer()
    withdrawn_amount = BigInt()
    withdrawn_tax = BigInt()


class OrderAdjustmentTable(Table, db=ENGINE, tablename="orders_adjustment"):
    """One signed change of the price, frozen at placing."""

    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    position = Integer()
    kind = Text()
    source = Text()
    rule = Text()
    rule_version = Text()
    label = JSONB()
    amount = BigInt()
    line_id = UUID(null=True, default=None)


class OrderHistoryTable(Table, db=ENGINE, tablename="orders_history"):
    """What happened to the order; append-only."""

    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    at = Timestamptz()
    actor_kind = Text()
    actor_id = Text()
    event = Text()
    reason = Text()
    """In clear only what the shop says itself, and what people said before reasons were sealed."""
    sealed_reason = Bytea(null=True, default=None)
    details = JSONB()


class OrderNoteTable(Table, db=ENGINE, tablename="orders_note"):
    """What staff wrote down about an order, for themselves or for the shopper; sealed."""

    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    at = Timestamptz()
    actor_kind = Text()
    actor_id = Text()
    visibility = Text()
    text = Bytea()


class OrderTagTable(Table, db=ENGINE, tablename="orders_tag"):
    """Words by which staff find orders again."""

    tag = Text(primary_key=True)
    order_id = UUID(default=None)


class RefundRequestTable(Table, db=ENGINE, tablename="orders_refund_request"):
    """The shopper's wish to get money back, and the decision."""

    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    status = Text()
    lines = JSONB()
    shipping = Boolean()
    amount = BigInt()
    currency = Varchar(length=3)
    reason = Text()
    sealed_reason = Bytea(null=True, default=None)
    created_at = Timestamptz()
    decided_at = Timestamptz(null=True, default=None)
    decided_by = Text()
    decision_reason = Text()
    version = Integer()
    reason_code = Text()
    asked = BigInt()
    parts = JSONB()
    review = JSONB(null=True, default=None)


class ReturnTable(Table, db=ENGINE, tablename="orders_return"):
    """Goods that come back; what the shopper wrote is sealed."""

    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    status = Text()
    shipping = Boolean()
    amount = BigInt()
    currency = Varchar(length=3)
    reason = Bytea()
    reason_code = Text()
    terms = JSONB(null=True, default=None)
    carrier = Text()
    tracking_number = Text()
    location = Text(null=True, default=None)
    created_at = Timestamptz()
    decided_at = Timestamptz(null=True, default=None)
    decided_by = Text()
    decision_reason = Text()
    sent_at = Timestamptz(null=True, default=None)
    received_at = Timestamptz(null=True, default=None)
    inspected_at = Timestamptz(null=True, default=None)
    closed_at = Timestamptz(null=True, default=None)
    refund = BigInt(null=True, default=None)
    parts = JSONB()
    review = JSONB(null=True, default=None)
    version = Integer()


class ReturnLineTable(Table, db=ENGINE, tablename="orders_return_line"):
    """Units of one line in a return, what they are worth, and how they arrived."""

    return_id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    line_id = UUID(default=None)
    position = Integer()
    sku = Text()
    quantity = Integer()
    amount = BigInt()
    tax = BigInt()
    received = Integer(null=True, default=None)
    sellable = Integer(null=True, default=None)
    damaged = Integer(null=True, default=None)
    missing = Integer(null=True, default=None)
