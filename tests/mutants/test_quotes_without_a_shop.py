"""The arithmetic of a quote alone, every figure and every step: what ``make mutants`` tries it against."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from commercekit.catalog import ProductStatus, SellableVariant
from commercekit.checkout.models import Basis, CartLine, PurchaseLimit, Quote
from commercekit.checkout.rules import (
    Priced,
    basket_of,
    build_quote,
    limit_message,
    merge_line,
    message,
    stock_messages,
)
from commercekit.fulfilment import ShippingOption
from commercekit.inventory import Availability
from commercekit.kernel import Money
from commercekit.markets import Market, Rounding
from commercekit.pricing import Price, TaxTable
from commercekit.pricing.models import TaxRate
from commercekit.promotions import (
    Adjustment,
    AdjustmentKind,
    CouponMessage,
    PromotionOutcome,
    Shopper,
)
from commercekit.promotions.models import CouponStatus, Explanation, RuleSource, Share, Verdict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ENGLISH, CHINESE = ("en",), ("zh",)
A, B = UUID(int=1), UUID(int=2)


def cny(amount: int) -> Money:
    return Money(amount, "CNY")


def market(*, included: bool = True, rounding: Rounding = Rounding.LINE) -> Market:
    return Market(
        id=UUID(int=9), code="cn", currency="CNY", languages=ENGLISH, countries=("CN",),
        prices_include_tax=included, default=True, version=1, updated_at=NOW,
        rounding=rounding,
    )  # fmt: skip


def variant(number: int, sku: str, **more: Any) -> SellableVariant:
    fields: dict[str, Any] = {
        "variant_id": UUID(int=10 + number), "product_id": UUID(int=20 + number), "sku": sku,
        "slug": sku.lower(), "status": ProductStatus.ACTIVE,
        "name": {"en": f"{sku} en", "zh": f"{sku} zh"},
        "options": (({"en": "Size", "zh": "尺寸"}, {"en": "Large", "zh": "大"}),),
        "tax_class": "standard", "weight_grams": 200, "requires_shipping": True,
        "image_url": "/a.jpg", "brand_id": UUID(int=30), "category_ids": (UUID(int=31),),
        "tags": ("new",), "type": "thing",
    }  # fmt: skip
    return SellableVariant(**{**fields, **more})


def priced(ones: int = 3) -> list[Priced]:
    """Three of one at 9.99, one of another at 5.00 that needs no parcel and is taxed less."""
    return [
        Priced(
            key=str(A),
            line=CartLine(A, "ONE", ones),
            variant=variant(1, "ONE"),
            price=Price(cny(999), price_list="base", min_quantity=2),
        ),
        Priced(
            key=str(B),
            line=CartLine(B, "TWO", 1),
            variant=variant(
                2, "TWO", tax_class="reduced", requires_shipping=False, weight_grams=50,
                brand_id=None,
            ),
            price=Price(cny(500)),
        ),
    ]  # fmt: skip


def table() -> TaxTable:
    def rate(tax_class: str, ppm: int) -> tuple[TaxRate, ...]:
        name = {"en": f"VAT {tax_class}", "zh": "增值税"}
        return (TaxRate(UUID(int=40), tax_class, "CN", None, ppm, name),)

    return TaxTable({"standard": rate("standard", 130_000), "reduced": rate("reduced", 60_000)})


def adjustment(
    kind: AdjustmentKind, amount: int, *shares: tuple[UUID, int], **more: Any
) -> Adjustment:
    return Adjustment(
        kind=kind, source=str(kind), rule=RuleSource("percent", "acme", "1.2"), promotion_version=7,
        label={"en": "Off", "zh": "优惠"}, amount=cny(amount),
        shares=tuple(Share(str(line), cny(part)) for line, part in shares), **more,
    )  # fmt: skip


def basis(languages: tuple[str, ...] = ENGLISH) -> Basis:
    return Basis(
        market="cn", languages=languages, lines=tuple(item.line for item in priced()),
        coupons=("SAVE",),
    )  # fmt: skip


OPTION = ShippingOption(
    code="post", label={"en": "Post", "zh": "邮政"}, amount=cny(1000), carrier="table",
    service="standard",
)  # fmt: skip


WHY = Explanation(promotion="ten", verdict=Verdict.APPLIED, reason={"en": "10 % off"})


def quoted(
    *,
    included: bool = True,
    rounding: Rounding = Rounding.LINE,
    ones: int = 3,
    languages: tuple[str, ...] = ENGLISH,
    option: Any = OPTION,
    **more: Any,
) -> Quote:
    shelf = priced(ones)
    basket = basket_of(basis(), shelf, market(), NOW, None)
    outcome = PromotionOutcome(
        adjustments=[
            adjustment(AdjustmentKind.LINE_DISCOUNT, -97, (A, -97), line_id=str(A)),
            adjustment(AdjustmentKind.ORDER_DISCOUNT, -340, (A, -290), (B, -50)),
            adjustment(AdjustmentKind.SHIPPING_DISCOUNT, -300),
        ],
        basket=basket,
        messages=[
            CouponMessage(code=CouponStatus.APPLIED, coupon="SAVE", text={"en": "Yes", "zh": "好"})
        ],
        explanation=[WHY],
    )
    return build_quote(
        basis=basis(languages), priced=shelf, outcome=outcome,
        market=market(included=included, rounding=rounding),
        option=option, tax_table=table(), now=NOW,
        messages=[message("not-for-sale", languages, sku="GONE")], **more,
    )  # fmt: skip


def plain(value: Any) -> Any:
    """Without money's wrapping: amounts alone."""
    told = msgspec.to_builtins(value)

    def strip(each: Any) -> Any:
        if isinstance(each, dict):
            if each.keys() == {"amount", "currency"}:
                assert each["currency"] == "CNY"
                return each["amount"]
            return {name: strip(inner) for name, inner in each.items()}
        return [strip(inner) for inner in each] if isinstance(each, list) else each

    return strip(told)


def test_every_figure_of_a_quote_with_tax_included() -> None:
    quote = quoted()
    # 13 % within 2610 and within 700, 6 % within 450.
    assert plain(quote.totals) == {
        "items": 3497, "discount": 737, "shipping": 1000, "tax": 300 + 25 + 81, "total": 3760,
    }  # fmt: skip
    assert [
        (line.sku, line.quantity, *map(plain, (line.unit_price, line.subtotal, line.discount)),
         *map(plain, (line.tax, line.total)))
        for line in quote.lines
    ] == [("ONE", 3, 999, 2997, 387, 300, 2610), ("TWO", 1, 500, 500, 50, 25, 450)]  # fmt: skip
    assert [(line.id, line.name, line.options, line.image_url) for line in quote.lines] == [
        (A, "ONE en", {"Size": "Large"}, "/a.jpg"),
        (B, "TWO en", {"Size": "Large"}, "/a.jpg"),
    ]
    assert (quote.currency, quote.prices_include_tax, quote.quoted_at) == ("CNY", True, NOW)
    assert (quote.weight_grams, quote.requires_shipping) == (650, True)
    assert plain(quote.shipping) == {"code": "post", "label": "Post", "amount": 1000}


def test_every_figure_of_a_quote_before_tax() -> None:
    quote = quoted(included=False)
    tax = 339 + 27 + 91
    assert plain(quote.totals) == {
        "items": 3497, "discount": 737, "shipping": 1000, "tax": tax, "total": 3760 + tax,
    }  # fmt: skip
    assert [plain(line.total) for line in quote.lines] == [2610 + 339, 450 + 27]
    assert quote.prices_include_tax is False
    assert quote.new_shipping is not None
    assert (quote.new_shipping.tax, quote.new_shipping.payable) == (91, 791)


def test_what_an_order_keeps_of_its_quote() -> None:
    quote = quoted(languages=CHINESE)
    one, two = quote.new_lines
    assert (one.id, one.sku, one.variant_id, one.product_id) == (
        A, "ONE", UUID(int=11), UUID(int=21),
    )  # fmt: skip
    assert (one.name, one.options, one.quantity, one.unit_price) == (
        "ONE zh",
        {"尺寸": "大"},
        3,
        999,
    )
    assert (one.discount, one.tax, one.payable, one.weight_grams) == (387, 300, 2610, 200)
    assert (one.requires_shipping, two.requires_shipping, one.image_url) == (True, False, "/a.jpg")
    assert plain(quote.new_shipping) == {
        "code": "post", "label": {"en": "Post", "zh": "邮政"}, "carrier": "table",
        "service": "standard", "amount": 1000, "tax": 81, "payable": 700,
    }  # fmt: skip
    assert [
        (a.kind, a.source, a.label, a.amount, a.line_id, a.rule, a.rule_version)
        for a in quote.new_adjustments
    ] == [
        ("line-discount", "line-discount", {"en": "Off", "zh": "优惠"}, -97, A, "acme/percent", "1.2"),
        ("order-discount", "order-discount", {"en": "Off", "zh": "优惠"}, -340, None, "acme/percent", "1.2"),
        ("shipping-discount", "shipping-discount", {"en": "Off", "zh": "优惠"}, -300, None,
         "acme/percent", "1.2"),
    ]  # fmt: skip
    assert [(a.kind, a.source, a.label, plain(a.amount), a.line_id) for a in quote.adjustments] == [
        ("line-discount", "line-discount", "优惠", -97, A),
        ("order-discount", "order-discount", "优惠", -340, None),
        ("shipping-discount", "shipping-discount", "优惠", -300, None),
    ]
    assert [(m.code, m.text, m.sku, m.coupon) for m in quote.messages] == [
        ("not-for-sale", "GONE 已下架，未计入。", "GONE", None),
        ("coupon-applied", "好", None, "SAVE"),
    ]


def test_every_step_says_where_it_comes_from() -> None:
    steps = [plain(step) for step in quoted(explain=True).steps]
    assert [(s["step"], s["source"], s["label"], s["amount"], s["line_id"]) for s in steps] == [
        ("list-price", "market:cn", "ONE en", 2997, str(A)),
        ("list-price", "market:cn", "TWO en", 500, str(B)),
        ("promotion", "line-discount", "Off", -97, str(A)),
        ("promotion", "order-discount", "Off", -340, None),
        ("promotion", "shipping-discount", "Off", -300, None),
        ("shipping", "carrier:table", "Post", 1000, None),
        ("tax", "tax:standard", "VAT standard", 381, None),
        ("tax", "tax:reduced", "VAT reduced", 25, None),
        ("total", "checkout", "Total", 3760, None),
    ]
    assert steps[0]["details"] == {
        "sku": "ONE", "quantity": 3, "unit_price": 999, "price_list": "base", "min_quantity": 2,
    }  # fmt: skip
    assert steps[3]["details"] == {
        "kind": "order-discount", "rule": "percent", "plugin": "acme", "version": "1.2",
        "promotion_version": 7,
        "shares": [{"line_id": str(A), "amount": -290}, {"line_id": str(B), "amount": -50}],
    }  # fmt: skip
    assert steps[5]["details"] == {"code": "post", "service": "standard"}
    assert steps[6]["details"] == {
        "rate_ppm": 130_000, "net": 2929, "included": True, "code": "tax", "rounding": "line",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("languages", "label"),
    [(CHINESE, "合计"), (("fr",), "Total"), (("en", "zh"), "Total"), (("fr", "zh"), "合计")],
)
def test_the_total_is_called_so_in_a_language_the_reader_knows(
    languages: tuple[str, ...], label: str
) -> None:
    assert quoted(languages=languages, explain=True).steps[-1].label == label


def test_only_who_asks_is_told_the_steps_but_what_promotions_say_is_kept() -> None:
    assert (quoted().steps, quoted().promotions) == ([], [WHY])
    assert quoted(explain=True).promotions == [WHY]


@pytest.mark.parametrize(
    ("included", "rounding", "tax"),
    [
        (True, Rounding.LINE, 760),  # 13 % within 6606 is 759.98
        (True, Rounding.UNIT, 763),  # 13 % within a seventh of it is 108.57, seven times
        (False, Rounding.LINE, 859),  # 13 % on 6606 is 858.78
        (False, Rounding.UNIT, 861),  # 13 % on a seventh of it is 122.68, seven times
    ],
)
def test_tax_is_rounded_where_the_market_says(
    *, included: bool, rounding: Rounding, tax: int
) -> None:
    quote = quoted(ones=7, included=included, rounding=rounding)
    assert [plain(line.tax) for line in quote.lines] == [tax, 25 if included else 27]


def test_without_shipping_there_is_none_to_pay_or_to_tax() -> None:
    quote = quoted(option=None, explain=True)
    assert (quote.shipping, quote.new_shipping) == (None, None)
    assert plain(quote.totals)["shipping"] == 0
    assert [step.step for step in quote.steps].count("shipping") == 0


def test_a_basket_shows_promotions_what_they_may_see() -> None:
    basket = basket_of(basis(), priced(), market(), NOW, cny(1000))
    assert (basket.currency, basket.now, basket.market) == ("CNY", NOW, "cn")
    assert (basket.shipping, basket.coupons) == (cny(1000), ("SAVE",))
    one, two = basket.lines
    assert (one.id, one.sku, one.product_id, one.quantity) == (str(A), "ONE", UUID(int=21), 3)
    assert (one.unit_price, one.categories, one.brand, one.tags) == (
        cny(999), frozenset({str(UUID(int=31))}), str(UUID(int=30)), frozenset({"new"}),
    )  # fmt: skip
    assert two.brand is None


def test_a_basket_says_who_shops_and_of_which_segments_they_are() -> None:
    guest = basket_of(basis(), priced(), market(), NOW, None)
    assert guest.shopper == Shopper(customer_id=None, segments=frozenset())
    owned = msgspec.structs.replace(basis(), owner_id=UUID(int=7))
    known = basket_of(owned, priced(), market(), NOW, None, ["vip", "staff"])
    assert known.shopper == Shopper(customer_id=UUID(int=7), segments=frozenset({"vip", "staff"}))


def test_a_line_is_set_in_its_place_or_added_at_the_end() -> None:
    lines = (CartLine(A, "ONE", 1), CartLine(B, "TWO", 2))
    assert merge_line(lines, "TWO", 5, UUID(int=3)) == (
        CartLine(A, "ONE", 1),
        CartLine(B, "TWO", 5),
    )
    new = UUID(int=3)
    assert merge_line(lines, "NEW", 4, new) == (*lines, CartLine(new, "NEW", 4))


@pytest.mark.parametrize(
    ("quantity", "stock", "told"),
    [
        (3, Availability(3, 3), []),
        (4, Availability(3, 3), [3]),
        (31, Availability(30, 20), [20]),
        (4, Availability(0, 20, tracked=False), []),
        (4, None, []),
    ],
)
def test_what_is_short_is_told_with_the_number_every_page_shows(
    quantity: int, stock: Availability | None, told: list[int]
) -> None:
    found = {} if stock is None else {"ONE": stock}
    line = CartLine(A, "ONE", quantity)
    other = CartLine(B, "TWO", 1)
    said = stock_messages([line, other], {**found, "TWO": Availability(0, 0)}, ENGLISH)
    assert [m.available for m in said if m.line_id == A] == told
    assert [(m.code, m.sku, m.available) for m in said if m.line_id == B] == [
        ("insufficient-stock", "TWO", 0)
    ]


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        (
            "quantity-reduced",
            "Only 2 of ONE are available; the quantity was reduced.",
            "ONE 仅剩 2 件，已调整数量。",
        ),
        ("insufficient-stock", "Only 2 of ONE are available.", "ONE 仅剩 2 件。"),
        ("not-for-sale", "ONE is not for sale any more and was left out.", "ONE 已下架，未计入。"),
        (
            "shipping-unavailable",
            "The chosen shipping is not available to this address; choose again.",
            "所选配送方式不适用于该地址，请重新选择。",
        ),
    ],
)
def test_messages_speak_both_languages(code: str, english: str, chinese: str) -> None:
    for language, text in ((ENGLISH, english), (CHINESE, chinese)):
        said = message(code, language, line_id=A, sku="ONE", available=2)
        assert (said.code, said.text, said.line_id) == (code, text, A)
        assert (said.sku, said.available, said.coupon) == ("ONE", 2, None)


@pytest.mark.parametrize(
    ("days", "wanted", "code", "english", "chinese"),
    [
        (None, 2, "purchase-limit", "At most 2 of ONE per customer.", "ONE 每位顾客限购 2 件。"),
        (
            30,
            3,
            "purchase-limit-exceeded",
            "At most 2 of ONE per customer within 30 days; take 1 out to order.",
            "ONE 每位顾客每 30 天限购 2 件，请减少 1 件后再下单。",
        ),
    ],
)
def test_a_limit_says_how_many_and_how_many_too_many(
    days: int | None, wanted: int, code: str, english: str, chinese: str
) -> None:
    limit = PurchaseLimit(
        id=A, sku="ONE", variant_id=None, product_id=None, quantity=2, days=days, created_at=NOW
    )
    for language, text in ((ENGLISH, english), (CHINESE, chinese)):
        said = limit_message(limit, "ONE", wanted, language)
        assert (said.code, said.text, said.sku) == (code, text, "ONE")
        assert (said.limit, said.days, said.available) == (2, days, None)
