"""Baskets to try promotions on: ordinary ones, and those that nobody thinks of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID, uuid5

from msgspec.structs import replace

from commercekit.kernel import Money
from commercekit.promotions import BasketLine, PricedBasket, Shopper

__all__ = [
    "basket_line",
    "curious_baskets",
    "odd_baskets",
    "priced_basket",
    "usual_baskets",
]

_NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
_SPACE: Final = UUID("01938a00-0000-7000-8000-0000000000cc")
_BAGS = ("bags", "leather", "new", "autumn", "gifts", "women", "travel")
_MANY = 200


def basket_line(
    name: str, price: int, quantity: int = 1, *, currency: str = "CNY", **more: Any
) -> BasketLine:
    """A line of ``quantity`` pieces at ``price`` minor units; ``more`` as in ``BasketLine``."""
    given = {"id": name, "sku": name.upper(), "product_id": uuid5(_SPACE, name), **more}
    return BasketLine(quantity=quantity, unit_price=Money(price, currency), **given)


def priced_basket(*lines: BasketLine, currency: str = "CNY", **more: Any) -> PricedBasket:
    """A basket at noon of a day in November, with freight of 8.00; ``more`` as in ``PricedBasket``."""
    given = {"now": _NOON, "shipping": Money(800, currency), **more}
    return PricedBasket(currency=currency, lines=lines, **given)


def usual_baskets(salt: int = 0) -> dict[str, PricedBasket]:
    """What is in carts every day, by name."""
    tail = f"-{salt}" if salt else ""

    def line(name: str, price: int, quantity: int = 1, **more: Any) -> BasketLine:
        return basket_line(f"{name}{tail}", price, quantity, **more)

    tagged: dict[str, Any] = {
        "categories": frozenset(_BAGS),
        "tags": frozenset(_BAGS),
        "brand": "acme",
    }
    return {
        "three lines": priced_basket(
            line("mug", 3990, 2), line("bag", 29900, **tagged), line("pen", 399, 25)
        ),
        "one piece": priced_basket(line("pen", 399)),
        "a dear one": priced_basket(line("watch", 1_299_900)),
        "equal lines": priced_basket(*(line(f"cap{n}", 1000) for n in range(3))),
        "lines of one product": priced_basket(
            *(line(f"bag{n}", 29900, n, sku="BAG", **tagged) for n in (1, 2, 3))
        ),
        "a customer with coupons": priced_basket(
            line("mug", 3990, 3),
            coupons=("WELCOME", "VIP"),
            shopper=Shopper(
                customer_id=uuid5(_SPACE, "customer"),
                segments=frozenset({"vip", "new", "wholesale", "staff"}),
                orders_placed=7,
            ),
        ),
        "no freight known": priced_basket(line("mug", 3990, 2), shipping=None),
        "two hundred lines": priced_basket(
            *(line(f"sku{n}", 100 + 37 * n, 1 + n % 5, **tagged) for n in range(_MANY))
        ),
    }


def odd_baskets() -> dict[str, PricedBasket]:
    """What is in carts once a year, by name."""
    return {
        "no lines": priced_basket(),
        "everything free": priced_basket(basket_line("gift", 0, 3), shipping=Money(0, "CNY")),
        "quantity zero": priced_basket(basket_line("mug", 3990, 0), basket_line("pen", 399, 0)),
        "one fen": priced_basket(basket_line("sticker", 1)),
        "a million pieces": priced_basket(basket_line("screw", 3, 1_000_000)),
        "a fortune": priced_basket(basket_line("ship", 10**12, 1000), basket_line("pen", 1)),
        "paid for by earlier promotions": priced_basket(
            basket_line("mug", 3990, 2, discount=7980), basket_line("pen", 399, discount=398)
        ),
        "yen": priced_basket(
            basket_line("mug", 980, 2, currency="JPY"),
            basket_line("pen", 55, 3, currency="JPY"),
            currency="JPY",
        ),
        "dinars": priced_basket(basket_line("mug", 9805, 2, currency="KWD"), currency="KWD"),
        "names from everywhere": priced_basket(
            basket_line("茶杯 🍵", 3990, 2, brand="\u202eevil", categories=frozenset({"", "类别"})),
            basket_line("'; DROP TABLE--", 399, tags=frozenset({"\x00", "é" * 300})),
        ),
        "a thousand coupons": priced_basket(
            basket_line("mug", 3990), coupons=tuple(f"CODE{n}" for n in range(1000))
        ),
        "the last day": priced_basket(
            basket_line("mug", 3990), now=datetime(2099, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
        ),
        "a leap day": priced_basket(
            basket_line("mug", 3990), now=datetime(2028, 2, 29, tzinfo=UTC)
        ),
    }


def curious_baskets(count: int = 40) -> Sequence[PricedBasket]:
    """Baskets that Hypothesis makes up, the same each time, the smallest first."""
    return [
        replace(basket, lines=tuple(replace(line) for line in basket.lines))
        for basket in _made_up(count)
    ]


@lru_cache(maxsize=2)
def _made_up(count: int) -> Sequence[PricedBasket]:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    names = st.text(max_size=12)
    amounts = st.one_of(st.integers(0, 500), st.integers(0, 10**9))
    line = st.tuples(
        amounts,
        st.one_of(st.integers(0, 5), st.integers(0, 10**6)),
        st.frozensets(names, max_size=4),
        st.one_of(st.none(), names),
        st.fractions(0, 1),
    )
    baskets: list[PricedBasket] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(line, max_size=12), st.sampled_from(["CNY", "EUR", "JPY", "KWD"]), st.data())
    def gather(drawn: list[Any], currency: str, data: Any) -> None:
        lines = [
            basket_line(
                f"line{n}",
                price,
                quantity,
                currency=currency,
                categories=labels,
                tags=labels,
                brand=brand,
                discount=int(price * quantity * off),
            )
            for n, (price, quantity, labels, brand, off) in enumerate(drawn)
        ]
        shipping = data.draw(st.one_of(st.none(), amounts))
        baskets.append(
            priced_basket(
                *lines,
                currency=currency,
                shipping=None if shipping is None else Money(shipping, currency),
                coupons=tuple(data.draw(st.lists(names, max_size=3))),
            )
        )

    gather()
    return sorted(baskets, key=lambda basket: len(basket.lines))
