"""Where a story is played: settings of its own, and a database that nobody else sees."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from commercekit.app import load_configuration, piccolo_apps
from commercekit.platform.db import Migrator
from commercekit.platform.db.embedded import EmbeddedServer, reachable_folder

if TYPE_CHECKING:
    from commercekit.app import ShopConfiguration

__all__ = ["Stage", "settings_for"]

_NEEDED: Final = (
    "carrier-sandbox",
    "carrier-table-rate",
    "payment-cod",
    "payment-sandbox",
    "promotions-standard",
)
_SETTINGS: Final = """
name = "Simulated shop"

[web]
base_url = "http://shop.test"

[market]
currency = "CNY"
languages = ["en"]
countries = ["CN"]

[[taxes]]
country = "CN"
rate_ppm = 130000
name = {{ en = "VAT" }}

[plugins]
enabled = [{enabled}]

[plugins.payment-sandbox.lies]
seed = {seed}
share = 0.05
late_seconds = 120.0


[payments.methods.sandbox]
gateway = "sandbox"

[payments.methods.sandbox-hold]
gateway = "sandbox"
capture = "manual"

[payments.methods.cod]
gateway = "cod"

[[fulfilment.accounts.table-rate.default.rates]]
amount = 1000
free_above = 100000

[[fulfilment.accounts.table-rate.default.rates]]
service = "pickup"
amount = 0
"""


def settings_for(seed: int, folder: Path) -> ShopConfiguration:
    """The simulated shop's settings, with a gateway that lies by ``seed``; its files are in ``folder``.

    Raises :class:`~commercekit.errors.ConfigurationError` naming the sandbox plugins that are missing.
    """
    enabled = ", ".join(f'"{code}"' for code in _NEEDED)
    file = folder / f"commercekit-{seed}.toml"
    file.write_text(_SETTINGS.format(enabled=enabled, seed=seed), encoding="utf-8")
    return load_configuration(file, {"COMMERCEKIT_DATA": str(folder / "data")})


class Stage:
    """An embedded PostgreSQL in a folder that goes away, with a fresh database for each story."""

    def __init__(self, folder: Path, server: EmbeddedServer) -> None:
        self.folder = folder
        self._server = server
        self._template = ""

    @classmethod
    @contextlib.contextmanager
    def set_up(cls) -> Iterator[Stage]:
        """Start the server; its data needs to survive nothing, so it does not wait for the disk."""
        usual = Path(tempfile.gettempdir())
        place = usual if reachable_folder(usual) == usual else Path("/var/tmp")  # noqa: S108 - where every account gets
        with tempfile.TemporaryDirectory(prefix="commercekit-sim-", dir=place) as name:
            folder = Path(name)
            folder.chmod(0o755)
            careless = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
            with EmbeddedServer(folder / "database", settings=careless) as server:
                yield cls(folder, server)

    @contextlib.asynccontextmanager
    async def database(self, configuration: ShopConfiguration) -> AsyncIterator[str]:
        """A migrated database of its own; gives its DSN."""
        import asyncio

        if not self._template:
            made = await asyncio.to_thread(self._server.create_database, "template")
            await Migrator(made, piccolo_apps(configuration)).forwards()
            self._template = "template"
        dsn = await asyncio.to_thread(
            self._server.create_database, "story", template=self._template
        )
        try:
            yield dsn
        finally:
            await asyncio.to_thread(self._server.drop_database, "story")
