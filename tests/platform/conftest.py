"""The machines know no commerce: their tests need no tables but their own."""

from __future__ import annotations

import pytest

from commercekit.testing import core_piccolo_apps


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform")
