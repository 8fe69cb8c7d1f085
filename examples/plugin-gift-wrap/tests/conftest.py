"""The shop of the repository's tests with this plugin in it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from commercekit.app import ShopConfiguration
from commercekit.app import piccolo_apps as apps_of
from commercekit.platform.extensions import FieldIndexes
from commercekit.platform.plugins import InstalledPlugin
from commercekit.testing.clock import ManualClock
from tests.app.plugged import configured
from tests.shop import TestShop, open_shop

if importlib.util.find_spec("acme_gift_wrap") is None:  # read in place, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1] / "src"))


@pytest.fixture(scope="session")
def gift_configuration(tmp_path_factory: pytest.TempPathFactory) -> ShopConfiguration:
    """Its settings, with the plugin installed."""
    from acme_gift_wrap import plugin

    installed = InstalledPlugin("gift-wrap", "acme-gift-wrap", "1.0.0", "", plugin)
    return configured(tmp_path_factory.mktemp("gifts"), installed)


@pytest.fixture(scope="session")
def piccolo_apps(gift_configuration: ShopConfiguration) -> Sequence[str]:
    """The core's tables and the plugins', this one's too."""
    return apps_of(gift_configuration)


@pytest_asyncio.fixture
async def gift_shop(
    dsn: str, clock: ManualClock, gift_configuration: ShopConfiguration
) -> AsyncIterator[TestShop]:
    """The shop, with the indexes that an upgrade makes."""
    async for shop in open_shop(dsn, clock, gift_configuration):
        await FieldIndexes(shop.shop.db, shop.shop.fields).bring()
        yield shop
