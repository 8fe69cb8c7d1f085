"""The whole shop, asked about checkout."""

import pytest

from commercekit.checkout.service.cart_changes import CartChanges
from tests.checkout.carts import process_of
from tests.shop import TestShop, configuration, piccolo_apps, shop

__all__ = ["configuration", "here", "piccolo_apps", "shop", "there"]


@pytest.fixture
def here(shop: TestShop) -> CartChanges:
    return process_of(shop)


@pytest.fixture
def there(shop: TestShop) -> CartChanges:
    return process_of(shop)
