"""The plugins of this repository are on the scale, and a run shows what reading supposes."""

from __future__ import annotations

import pytest

from commercekit.cli.quality import Tier, judge
from commercekit.cli.scaffold import Answers, kinds, rendered, write
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


@pytest.mark.parametrize("kind", kinds())
def test_what_is_begun_with_plugins_new_is_silver_at_once(kind, tmp_path):
    answers = Answers.of(
        kinds()[kind], "acme", title="", distribution="", author="", licence="MIT", core="0.1.0"
    )
    write(rendered(answers), tmp_path / "acme")
    report = judge(tmp_path / "acme")
    assert (report.tier, report.false_claims) == ("silver", ())


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", TRUSTED)
def test_a_run_shows_what_a_plugin_promises(name):
    report = judge(ROOT / name, run=True)
    assert report.false_claims == ()
    assert report.tier == report.promised
