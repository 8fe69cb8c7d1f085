"""The composition root: settings → plugins → database → services → web."""

from commercekit.app.application import attended, build_application, create_app, database_of
from commercekit.app.archive import ArchiveReport, CatalogueArchive
from commercekit.app.configuration import (
    PluginTrust,
    ShopConfiguration,
    load_configuration,
    plugin_trust,
)
from commercekit.app.leftovers import Leftovers, PluginLeftovers
from commercekit.app.months import archivist_of
from commercekit.app.settings import Environment, ShopSettings
from commercekit.app.shop import Shop
from commercekit.app.tables import SEALED, piccolo_apps

__all__ = [
    "SEALED",
    "ArchiveReport",
    "CatalogueArchive",
    "Environment",
    "Leftovers",
    "PluginLeftovers",
    "PluginTrust",
    "Shop",
    "ShopConfiguration",
    "ShopSettings",
    "archivist_of",
    "attended",
    "build_application",
    "create_app",
    "database_of",
    "load_configuration",
    "piccolo_apps",
    "plugin_trust",
]
