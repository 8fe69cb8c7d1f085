"""The shop of the journeys, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from commercekit.app import ShopConfiguration, load_configuration
from tests.faults.journeys import SETTINGS
from tests.shop import piccolo_apps, shop

__all__ = ["configuration", "piccolo_apps", "shop"]


@pytest.fixture(scope="session")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> ShopConfiguration:
    """The settings of the journeys; the shop stands where its sandbox vendors look for it."""
    folder: Path = tmp_path_factory.mktemp("faults")
    file = folder / "commercekit.toml"
    file.write_text(SETTINGS + '\n[web]\nbase_url = "http://shop.test"\n', encoding="utf-8")
    return load_configuration(
        file,
        {
            "COMMERCEKIT_DATA": str(folder / "data"),
            "COMMERCEKIT_PLUGINS__NOTIFY_SANDBOX__FOLDER": str(folder / "messages"),
        },
    )
