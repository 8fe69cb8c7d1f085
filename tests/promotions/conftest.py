from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def piccolo_apps():
    return ["commercekit.promotions.piccolo_app"]
