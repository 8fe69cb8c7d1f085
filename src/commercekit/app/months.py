"""Who moves the months of this shop: the families of its own tables and of its plugins'."""

from __future__ import annotations

from typing import TYPE_CHECKING

import commercekit
from commercekit.app.tables import piccolo_apps
from commercekit.platform.months import Archivist, families_of

if TYPE_CHECKING:
    from commercekit.app.shop import Shop

__all__ = ["archivist_of"]


def archivist_of(shop: Shop) -> Archivist:
    """Months of all families that stand beside the Piccolo apps of the core and of the plugins."""
    families = families_of(piccolo_apps(shop.configuration))
    return Archivist(shop.db, families, version=commercekit.__version__)
