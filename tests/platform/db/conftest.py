"""Piccolo apps made up on the spot, so that tests can break them."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def make_app(tmp_path, monkeypatch):
    """``make_app("shelf", {"1": ("CREATE …", "DROP …")}, needs=["…"])`` gives a module path."""

    def make(name, steps, *, needs=(), module=None, tables=()):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for number, (forwards, backwards) in steps.items():
            write_step(folder, name, number, forwards, backwards)
        from piccolo.conf.apps import AppConfig

        path = module or f"made_up_{name}"
        made = ModuleType(path)
        made.APP_CONFIG = AppConfig(
            app_name=name,
            migrations_folder_path=str(folder),
            migration_dependencies=list(needs),
            table_classes=list(tables),
        )
        monkeypatch.setitem(sys.modules, path, made)
        return path

    return make


def write_step(folder: Path, app: str, number: str, forwards: object, backwards: object) -> None:
    (folder / f"{app}_{number}.py").write_text(
        textwrap.dedent(f"""
            from commercekit.platform.db import sql_migration
            ID = "{number}"
            VERSION = "1.38.0"
            DESCRIPTION = "step {number}"
            forwards = sql_migration(
                ID, app_name="{app}", forwards={forwards!r}, backwards={backwards!r}
            )
        """)
    )


@pytest.fixture
def piccolo_apps():
    """An empty database: these tests migrate it themselves."""
    return []
