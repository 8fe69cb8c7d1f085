from __future__ import annotations

import pytest

from commercekit.catalog import (
    CatalogService,
    NewImage,
    NewProduct,
    NewVariant,
    Option,
    OptionValue,
    ProductStatus,
)
from commercekit.testing import core_piccolo_apps


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("catalog")


@pytest.fixture
def told(database):
    """Every fact told, in order."""
    facts = []

    async def hear(_uow, events):
        facts.extend(events)

    database.on_flush(hear)
    return facts


@pytest.fixture
def catalog(database, clock, told):
    return CatalogService(database, clock)


def sizes(*codes):
    values = tuple(OptionValue(code, {"en": code}) for code in codes)
    return Option("Size", {"en": "Size", "zh": "尺寸"}, values)


@pytest.fixture
def shirt():
    """A product in two sizes, with two pictures."""
    return NewProduct(
        slug="blue-shirt",
        name={"en": "Blue shirt", "zh": "蓝衬衫"},
        status=ProductStatus.ACTIVE,
        options=(sizes("S", "M"),),
        images=(
            NewImage(url="https://pics.example/a.jpg"),
            NewImage(url="https://pics.example/b.jpg"),
        ),
        variants=(
            NewVariant(options={"Size": "S"}),
            NewVariant(sku="BS-M", options={"Size": "M"}, image_url="https://pics.example/b.jpg"),
        ),
    )
