"""``commercekit config``: the settings as the shop understood them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP, Failed
from commercekit.cli.output import as_json, print_json, print_table
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import configuration_of
from commercekit.platform.settings import (
    LoadedSettings,
    SettingDoc,
    SettingsSource,
    describe_settings,
    masked,
    value_at,
)

if TYPE_CHECKING:
    from commercekit.app import ShopSettings

__all__ = ["config", "settings_with_origins"]


@click.group(epilog=EXIT_CODES_HELP)
def config() -> None:
    """See the settings, where each comes from, and what it means. Secrets are never shown.

    \b
    commercekit config show
    commercekit config explain web.base_url
    """


def settings_with_origins(
    place: Place,
) -> tuple[LoadedSettings[ShopSettings], tuple[SettingDoc, ...]]:
    """The settings, and a description of every one there is."""
    from commercekit.app import ShopSettings

    configuration = configuration_of(place)
    sections = configuration.plugins.settings_sections()
    source = SettingsSource.read(configuration.file, place.environ)
    loaded = source.load(ShopSettings, sections=sections)
    return loaded, describe_settings(ShopSettings, sections=sections)


@config.command()
@as_json
@pass_place
def show(place: Place, *, json_output: bool) -> None:
    """Show every setting with its value and where that comes from."""
    loaded, docs = settings_with_origins(place)
    if json_output:
        print_json({**masked(loaded.tree), "plugins": _plugins(loaded)})
        return
    rows = [
        (doc.path, _text(_value(loaded, doc.path)), loaded.origin(doc.path))
        for doc in docs
        if "<name>" not in doc.path
    ]
    print_table(("setting", "value", "from"), rows, empty="There are no settings.")


def _plugins(loaded: LoadedSettings[ShopSettings]) -> dict[str, Any]:
    sections = {name: masked(section) for name, section in loaded.sections.items()}
    return {**masked(loaded.tree.plugins), **sections}


@config.command()
@click.argument("path")
@as_json
@pass_place
def explain(place: Place, *, path: str, json_output: bool) -> None:
    """Explain the setting PATH: meaning, type, default, variable, and the value here.

    \b
    commercekit config explain database.dsn
    """
    loaded, docs = settings_with_origins(place)
    by_path = {doc.path: doc for doc in docs}
    if path not in by_path:
        close = difflib.get_close_matches(path, by_path, n=1)
        meant = f"; did you mean {close[0]}?" if close else "; see: commercekit config show"
        message = f"There is no setting {path}{meant}"
        raise Failed(message)
    doc = by_path[path]
    told = {
        "setting": doc.path,
        "meaning": doc.doc,
        "type": doc.type,
        "default": doc.default or "none: it must be given",
        "variable": doc.variable,
        "value": masked(_value(loaded, path)) if "<name>" not in path else None,
        "from": loaded.origin(path),
    }
    if json_output:
        print_json(told)
    else:
        print_table(("", ""), [(key, _text(value)) for key, value in told.items()], empty="")


def _value(loaded: LoadedSettings[ShopSettings], path: str) -> Any:
    for name, section in loaded.sections.items():
        if path.startswith(f"plugins.{name}."):
            return value_at(section, path.removeprefix(f"plugins.{name}."))
    return value_at(loaded.tree, path)


def _text(value: Any) -> str:
    plain = masked(value)
    if isinstance(plain, list):
        return ", ".join(map(str, plain))
    return "" if plain is None else str(plain)
