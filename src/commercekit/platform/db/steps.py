"""The steps there are: which apps, in which order, and what Piccolo has to be told to run them."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import CycleError
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from commercekit.errors import ConfigurationError
from commercekit.platform.db.engine import ShopEngine, current_unit_of_work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from piccolo.apps.migrations.auto.migration_manager import MigrationManager
    from piccolo.conf.apps import AppConfig

__all__ = ["MigrationStep", "Step", "in_order", "piccolo_configured", "sql_migration", "steps_of"]

_CONF = "commercekit_piccolo_conf"


@dataclass(frozen=True)
class MigrationStep:
    """One step of one app's schema."""

    app_name: str
    id: str
    description: str = ""

    def __str__(self) -> str:
        return f"{self.app_name} {self.id}"


def sql_migration(
    id: str,
    *,
    app_name: str,
    forwards: str | Sequence[str],
    backwards: str | Sequence[str],
    description: str = "",
) -> Callable[[], Awaitable[MigrationManager]]:
    """A migration written in SQL, as the ``forwards`` of a migration module.

    ``forwards`` and ``backwards`` are scripts of any number of statements. They run in one
    transaction, so nothing in them may need to run outside one. An empty ``backwards`` means that
    nothing needs to be undone. ::

        ID = "2026-11-22T00:00:00:000000"
        DESCRIPTION = "what it brings"
        forwards = sql_migration(ID, app_name="acme_gifts", forwards="CREATE …", backwards="DROP …")
    """

    async def build() -> MigrationManager:
        from piccolo.apps.migrations.auto.migration_manager import (  # noqa: PLC0415 - imports black
            MigrationManager,
        )

        manager = MigrationManager(migration_id=id, app_name=app_name, description=description)
        manager.add_raw(_script(forwards))
        manager.add_raw_backwards(_script(backwards))
        return manager

    return build


@dataclass(frozen=True)
class Step:
    """A step and the module that takes it."""

    told: MigrationStep
    module: Any

    @property
    def key(self) -> tuple[str, str]:
        """What the step is recorded under."""
        return self.told.app_name, self.told.id


class _JoiningEngine(ShopEngine):
    """For migrations only: Piccolo opens a transaction around each, and ours is open already."""

    def transaction(  # type: ignore[override] # the base class refuses by never returning
        self,
        allow_nested: bool = True,  # noqa: FBT001, FBT002 - the signature is Piccolo's
    ) -> AbstractAsyncContextManager[None]:
        return contextlib.nullcontext()


_engine = _JoiningEngine()


@contextmanager
def piccolo_configured() -> Iterator[None]:
    """Let Piccolo find its configuration: a module of our own making, for as long as it is needed."""
    module = ModuleType(_CONF, "Made at run time: Piccolo insists on finding a module by name.")
    module.DB = _engine  # type: ignore[attr-defined] # modules are open by nature
    before = os.environ.get("PICCOLO_CONF")
    sys.modules[_CONF] = module
    os.environ["PICCOLO_CONF"] = _CONF
    try:
        yield
    finally:
        del sys.modules[_CONF]
        if before is None:
            del os.environ["PICCOLO_CONF"]
        else:
            os.environ["PICCOLO_CONF"] = before


def _script(sql: str | Sequence[str]) -> Callable[[], Awaitable[None]]:
    statements = [sql] if isinstance(sql, str) else list(sql)

    async def run() -> None:
        uow = current_unit_of_work()
        if uow is None:
            message = "run migrations with `commercekit db migrate`, which opens the transaction"
            raise RuntimeError(message)
        for statement in statements:
            await uow.connection.execute(statement)

    return run


def in_order(paths: Sequence[str]) -> list[AppConfig]:
    """The apps with all that they depend on, lower ones first, each once."""
    from piccolo.conf.apps import Finder  # noqa: PLC0415 - imports black

    found: dict[str, AppConfig] = {}
    homes: dict[str, str] = {}
    waiting = list(paths)
    while waiting:
        path = waiting.pop(0)
        try:
            app: AppConfig = importlib.import_module(path).APP_CONFIG
        except (ImportError, AttributeError) as error:
            message = f"{path} is no Piccolo app: {error}"
            raise ConfigurationError(message) from error
        if homes.setdefault(app.app_name, path) != path:
            message = (
                f"two Piccolo apps are called {app.app_name}: {homes[app.app_name]} and {path}; rename "
                "the plugin's"
            )
            raise ConfigurationError(message)
        if app.app_name not in found:
            found[app.app_name] = app
            waiting += app.migration_dependencies
    try:
        return Finder().sort_app_configs([found[name] for name in sorted(found)])
    except CycleError as error:
        message = f"these Piccolo apps depend on each other in a ring: {' -> '.join(error.args[1])}"
        raise ConfigurationError(message) from None


def steps_of(app: AppConfig) -> dict[str, Step]:
    """The migration modules of one app by id, oldest first."""
    folder = Path(app.resolved_migrations_folder_path)
    steps: dict[str, Step] = {}
    for path in sorted(folder.glob("*.py")):
        if path.name == "__init__.py":
            continue
        module = _load(path, f"{_CONF}_{app.app_name}_{path.stem}")
        name = getattr(module, "ID", None)
        if not isinstance(name, str) or not hasattr(module, "forwards"):
            message = f"{path.name} of {app.app_name} is no migration: it needs ID and forwards"
            raise ConfigurationError(message)
        if name in steps:
            message = f"{app.app_name} has two migrations with the id {name}"
            raise ConfigurationError(message)
        told = MigrationStep(app.app_name, name, getattr(module, "DESCRIPTION", ""))
        steps[name] = Step(told, module)
    return dict(sorted(steps.items()))


def _load(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        message = f"{path} cannot be loaded"
        raise ConfigurationError(message)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and the like look their module up
    spec.loader.exec_module(module)
    return module
