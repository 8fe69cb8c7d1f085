"""A shop with plugins of the test's own beside those of the repository."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from commercekit.app import ShopConfiguration, load_configuration
from commercekit.platform.plugins import InstalledPlugin, hookimpl, installed_plugins
from commercekit.testing.clock import ManualClock
from tests.shop import SETTINGS, TestShop, open_shop

__all__ = ["bringing", "configured", "opened"]


def bringing(code: str = "acme", **hooks: Any) -> InstalledPlugin:
    """A plugin that fills these hooks: with a function, or with what it shall return."""

    def filled(answer: Any) -> Callable[..., Any]:
        return answer if callable(answer) and not isinstance(answer, type) else lambda: answer

    module = SimpleNamespace(
        **{name: hookimpl(filled(answer), specname=name) for name, answer in hooks.items()}
    )
    return InstalledPlugin(code, f"commercekit-{code}", "1.0", "", module)


def configured(
    folder: Path, *plugins: InstalledPlugin, first: str = "", more: str = ""
) -> ShopConfiguration:
    """The settings of the test shop with these plugins installed too, and so enabled."""
    file = folder / "commercekit.toml"
    file.write_text(first + SETTINGS + more, encoding="utf-8")
    environ = {
        "COMMERCEKIT_DATA": str(folder / "data"),
        "COMMERCEKIT_PLUGINS__NOTIFY_SANDBOX__FOLDER": str(folder / "messages"),
    }
    return load_configuration(file, environ, installed=(*installed_plugins(), *plugins))


@contextlib.asynccontextmanager
async def opened(
    dsn: str,
    clock: ManualClock,
    folder: Path,
    *plugins: InstalledPlugin,
    more: str = "",
    goods: bool = True,
) -> AsyncIterator[TestShop]:
    """That shop, with its goods or with what is there."""
    configuration = configured(folder, *plugins, more=more)
    async for shop in open_shop(dsn, clock, configuration, goods=goods):
        yield shop
