"""These tests need a schema, not a shop's: that of the platform comes first and changes least."""

from __future__ import annotations

import pytest

from commercekit.testing import core_piccolo_apps


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform")
