"""The simulated shop: settings of its own, and the databases of the test run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from commercekit.app import ShopConfiguration, piccolo_apps
from commercekit.cli.simulation.stage import settings_for


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the settings of all stories lie."""
    return tmp_path_factory.mktemp("sim")


@pytest.fixture(scope="session")
def configuration(folder: Path) -> ShopConfiguration:
    """Any story's settings: they differ in their seed only."""
    return settings_for(0, folder)


@pytest.fixture(scope="session", name="piccolo_apps")
def apps(configuration: ShopConfiguration) -> Sequence[str]:
    """The tables of the simulated shop."""
    return piccolo_apps(configuration)
