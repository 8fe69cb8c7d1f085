"""A quote that nothing is taken off, put together of lines reckoned one by one: the same to the letter."""

from __future__ import annotations

from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from commercekit.checkout.models import Basis, CartLine
from commercekit.checkout.rules import (
    Priced,
    basket_of,
    build_quote,
    message,
    plain_line,
    plain_quote,
)
from commercekit.fulfilment import ShippingOption
from commercekit.markets import Rounding
from commercekit.pricing import Price, TaxTable
from commercekit.pricing.models import TaxRate
from commercekit.promotions import PromotionOutcome
from tests.mutants.test_quotes_without_a_shop import NOW, OPTION, cny, market, variant

ELSEWHERE = UUID(int=99)


def rate(name: str, ppm: int, *, compound: bool = False) -> TaxRate:
    label = {"en": f"Tax {name}", "zh": "税"}
    return TaxRate(UUID(int=40), name, "CN", None, ppm, label, code=name, compound=compound)


TABLE = TaxTable(
    {
        "standard": (rate("standard", 130_000),),
        "twofold": (rate("first", 50_000), rate("second", 99_750, compound=True)),
    }
)


@st.composite
def goods(draw: st.DrawFn) -> list[Priced]:
    return [
        Priced(
            key=str(UUID(int=number + 1)),
            line=CartLine(UUID(int=number + 1), f"SKU-{number}", draw(st.integers(1, 60))),
            variant=variant(
                number,
                f"SKU-{number}",
                tax_class=draw(st.sampled_from(["standard", "twofold", "untaxed"])),
                weight_grams=draw(st.integers(0, 900)),
                requires_shipping=draw(st.booleans()),
            ),
            price=Price(cny(draw(st.integers(0, 99_999)))),
        )
        for number in range(draw(st.integers(0, 5)))
    ]


@settings(max_examples=50)
@given(
    priced=goods(),
    included=st.booleans(),
    rounding=st.sampled_from([Rounding.LINE, Rounding.UNIT]),
    option=st.sampled_from([None, OPTION]),
    languages=st.sampled_from([("en",), ("zh", "en"), ()]),
)
def test_lines_reckoned_alone_and_anywhere_make_the_same_quote(
    priced: list[Priced],
    included: bool,
    rounding: Rounding,
    option: ShippingOption | None,
    languages: tuple[str, ...],
) -> None:
    where = market(included=included, rounding=rounding)
    basis = Basis(market="cn", languages=languages, lines=tuple(each.line for each in priced))
    said = [message("not-for-sale", languages, sku="GONE")]
    together = build_quote(
        basis=basis, priced=priced, market=where, option=option, tax_table=TABLE, messages=said,
        outcome=PromotionOutcome(
            adjustments=[], basket=basket_of(basis, priced, where, NOW, None)
        ),
        now=NOW,
    )  # fmt: skip
    # As another cart had it reckoned: its line has another id.
    alone = [
        plain_line(
            CartLine(ELSEWHERE, each.line.sku, each.line.quantity),
            each.variant, each.price, TABLE, where, languages,
        )
        for each in priced
    ]  # fmt: skip
    one_by_one = plain_quote(
        basis=basis,
        lines=[line.under(each.line.id) for line, each in zip(alone, priced, strict=True)],
        market=where, option=option, tax_table=TABLE, messages=said, now=NOW,
    )  # fmt: skip
    assert msgspec.to_builtins(one_by_one) == msgspec.to_builtins(together)
    assert [line.shown.id for line in alone] == [ELSEWHERE] * len(priced), "the other cart's stays"
    assert [line.ordered.id for line in alone] == [ELSEWHERE] * len(priced)


@settings(max_examples=50)
@given(
    priced=goods(),
    other=st.integers(1, 60),
    included=st.booleans(),
    rounding=st.sampled_from([Rounding.LINE, Rounding.UNIT]),
)
def test_a_line_of_another_quantity_comes_to_what_it_would_alone(
    priced: list[Priced], other: int, included: bool, rounding: Rounding
) -> None:
    where = market(included=included, rounding=rounding)
    for each in priced:
        wanted = CartLine(ELSEWHERE, each.line.sku, other)
        first, alone = (
            plain_line(line, each.variant, each.price, TABLE, where, ("en",))
            for line in (each.line, wanted)
        )
        assert first.times(wanted, each.variant.tax_class, TABLE, where) == alone
        assert first.shown.quantity == each.line.quantity, "the first stays"


def test_under_its_own_id_a_line_is_not_even_copied() -> None:
    line = CartLine(ELSEWHERE, "ONE", 3)
    plain = plain_line(line, variant(1, "ONE"), Price(cny(999)), TABLE, market(), ("en",))
    assert plain.under(ELSEWHERE) is plain
    assert (plain.shown.subtotal, plain.shown.discount) == (cny(2997), cny(0))
    assert (plain.shown.tax, plain.shown.total) == (cny(345), cny(2997))
