"""The plugins of this repository are on the scale, and a run shows what reading supposes."""

from __future__ import annotations

import pytest

from commercekit.cli.quality import Tier, judge
from tests.architecture.repository import distributions
from tests.architecture.source import ROOT

PLUGINS = [folder for folder in distributions() if folder != "."]
TRUSTED = [name for name in PLUGINS if judge(ROOT / name).promised in {"gold", "platinum"}]
"""Silver asks for tests, kits and types alone, which `make test` runs for every plugin anyway."""


@pytest.mark.parametrize("name", PLUGINS)
def test_every_plugin_here_is_silver_at_least(name):
    report = judge(ROOT / name)
    assert report.false_claims == ()
    assert Tier[report.promised.upper()] >= Tier.SILVER


@pytest.mark.parametrize("name", ["commercekit-carrier-sandbox", "commercekit-payment-sandbox"])
def test_the_sandboxes_are_gold(name):
    assert judge(ROOT / "plugins" / name).promised == "gold"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", TRUSTED)
def test_a_run_shows_what_a_plugin_promises(name):
    report = judge(ROOT / name, run=True)
    assert report.false_claims == ()
    assert report.tier == report.promised
