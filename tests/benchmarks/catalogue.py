"""A catalogue as large as wanted and shaped like a real one: few words are everywhere, most are rare.

Only the read models are filled, since only they are read. Their rows are made by the functions that the
projection makes them with, from products that exist in memory only, and go in by the projection's own
statements, five hundred products at a time. The same number gives the same product in every size.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice

from commercekit.app import Shop
from commercekit.catalog import (
    Brand,
    Category,
    NewBrand,
    NewCategory,
    Option,
    OptionValue,
    Product,
    ProductDocument,
    ProductStatus,
    Variant,
)
from commercekit.inventory import Availability
from commercekit.kernel import Money, id_at
from commercekit.pricing import Price
from commercekit.storefront import repository
from commercekit.storefront.rules.rows import product_row, variant_row

__all__ = ["fill", "searches", "slug_of"]

_AT_ONCE = 500
_WORDS = 20_000
_BRANDS = 200
_SHELVES = 40
_SIZES = ("S", "M", "L", "XL")
_SOUNDS = "ba be bo ka ke ki lo lu ma mi na no pa pe ra ri ro sa se ta ti to va ve zo"
_SYLLABLES = _SOUNDS.split()
_SHARES = list(accumulate(1 / (rank + 10) for rank in range(_WORDS)))
_OPTION = Option(
    code="size",
    name={"en": "Size", "zh": "尺码"},
    values=tuple(OptionValue(code=size, label={"en": size}) for size in _SIZES),
)


def slug_of(number: int) -> str:
    """The address of the product of that number."""
    return f"item-{number:06d}"


def searches(products: int, count: int) -> list[str]:
    """What shoppers look for: one to three words of the name of some product, so frequent ones often."""
    chance = random.Random(7)
    found = []
    for _ in range(count):
        words = _name(random.Random(chance.randrange(products)))
        found.append(" ".join(chance.sample(words, chance.choice((1, 2, 2, 3)))))
    return found


async def fill(shop: Shop, products: int) -> None:
    """Put so many products with four variants each on sale in the default market."""
    market = await shop.markets.default()
    brands = [
        await shop.catalog.create_brand(NewBrand(slug=f"brand-{n}", name={"en": _word(n * 90)}))
        for n in range(_BRANDS)
    ]
    shelves = [
        await shop.catalog.create_category(
            NewCategory(slug=f"shelf-{n}", name={"en": _word(n * 300 + 7)})
        )
        for n in range(_SHELVES)
    ]
    by_id = {shelf.id: shelf for shelf in shelves}
    documents = _documents(products, brands, shelves)
    words: set[str] = set()
    while some := list(islice(documents, _AT_ONCE)):
        rows = [product_row(document, by_id) for document in some]
        words.update(term for _, said in rows for term in said.terms)
        offers = [_offer(document, market.currency) for document in some]
        variants = [
            variant_row(document, variant, *offer)
            for document, offer in zip(some, offers, strict=True)
            for variant in document.product.variants
        ]
        ids = [document.product.id for document in some]
        async with shop.db.unit_of_work() as uow:
            await repository.put_variants(uow, market.id, variants, ids)
            await repository.put_products(uow, market.id, [row for row, _ in rows])
            words_of = {each: said for each, (_, said) in zip(ids, rows, strict=True)}
            await repository.put_words(uow, market.id, words_of)
    async with shop.db.unit_of_work() as uow:
        await shop.storefront.vocabulary.learn(uow, market.id, sorted(words))
    await shop.storefront.vocabulary.recount(market.id)
    # Outside the pool, whose statements have ten seconds.
    async with shop.db.dedicated_connection() as connection:
        await connection.execute("VACUUM ANALYZE")


def _documents(
    products: int, brands: Sequence[Brand], shelves: Sequence[Category]
) -> Iterator[ProductDocument]:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(products):
        chance = random.Random(number)
        words = _name(chance)
        made = began + timedelta(seconds=number)
        brand = chance.choice(brands)
        # A tenth of the shelves holds half of the goods.
        shelf = shelves[int(len(shelves) * chance.random() ** 3)]
        product_id, slug = id_at(made), slug_of(number)
        product = Product(
            id=product_id,
            slug=slug,
            status=ProductStatus.ACTIVE,
            name={"en": " ".join(words).title(), "zh": f"商品 {number}"},
            description={"en": f"<p>{' '.join(_some(chance, 15))}</p>"},
            brand_id=brand.id,
            type=_word(chance.randrange(50)),
            tags=tuple(_some(chance, 2)),
            category_ids=(shelf.id,),
            seo_title={},
            seo_description={},
            options=(_OPTION,),
            images=(),
            variants=tuple(
                Variant(
                    id=id_at(made),
                    product_id=product_id,
                    sku=f"{slug.upper()}-{size}",
                    options={"size": size},
                    barcode="",
                    weight_grams=300,
                    tax_class="standard",
                    requires_shipping=True,
                    position=place,
                    image_id=None,
                    version=1,
                    created_at=made,
                    updated_at=made,
                )
                for place, size in enumerate(_SIZES, 1)
            ),
            version=1,
            created_at=made,
            updated_at=made,
        )
        yield ProductDocument(product=product, brand=brand, category_ids=(shelf.id,))


def _offer(document: ProductDocument, currency: str) -> tuple[Price, Availability]:
    """One in ten is sold out."""
    chance = random.Random(document.product.slug)
    shown = 0 if chance.random() < 0.1 else 20
    return (
        Price(amount=Money(100 + chance.randrange(50_000), currency), compare_at=None),
        Availability(available=shown, shown=shown),
    )


def _name(chance: random.Random) -> list[str]:
    return list(dict.fromkeys(_some(chance, 4)))


def _some(chance: random.Random, count: int) -> list[str]:
    return [_word(bisect(_SHARES, chance.random() * _SHARES[-1])) for _ in range(count)]


def _word(rank: int) -> str:
    """The word of that rank: of two to four syllables, no two alike."""
    rank += len(_SYLLABLES)
    parts = []
    while rank:
        rank, place = divmod(rank, len(_SYLLABLES))
        parts.append(_SYLLABLES[place])
    return "".join(parts)
