"""Fields that plugins add to things of the core: declared by type, kept in the row, shown by code.

The platform knows no products and no orders: each domain names its own as
:class:`ExtensibleEntity`, and asks the :class:`FieldBook` what may be written and who sees what.
"""

from commercekit.platform.extensions.book import FieldBook, Fields
from commercekit.platform.extensions.doors import ExtensionDoor, PluginExtensions
from commercekit.platform.extensions.errors import ExtensionInvalid, ExtensionRefused
from commercekit.platform.extensions.filters import FieldCondition
from commercekit.platform.extensions.indexes import FieldIndexes, IndexChange
from commercekit.platform.extensions.models import (
    Audience,
    ExtensibleEntity,
    ExtensionField,
    FieldView,
    GivenValues,
    Values,
    Writer,
)
from commercekit.platform.extensions.removing import count_values, remove_values
from commercekit.platform.extensions.stored import read_values, write_values

__all__ = [
    "Audience",
    "ExtensibleEntity",
    "ExtensionDoor",
    "ExtensionField",
    "ExtensionInvalid",
    "ExtensionRefused",
    "FieldBook",
    "FieldCondition",
    "FieldIndexes",
    "FieldView",
    "Fields",
    "GivenValues",
    "IndexChange",
    "PluginExtensions",
    "Values",
    "Writer",
    "count_values",
    "read_values",
    "remove_values",
    "write_values",
]
