"""The quality scale of plugins, computed: ``commercekit plugins quality``.

::

    report = judge("plugins/commercekit-payment-acme")
    report.tier  # 'silver'
    report.missing  # what stands between it and gold

Authors find the same in :mod:`commercekit.testing.quality`, for a test of their own.
"""

from commercekit.cli.quality.folder import NotAPlugin, PluginFolder
from commercekit.cli.quality.judging import judge
from commercekit.cli.quality.model import Finding, Report, Rule, State, Tier, Words
from commercekit.cli.quality.rules import RULES

__all__ = [
    "RULES",
    "Finding",
    "NotAPlugin",
    "PluginFolder",
    "Report",
    "Rule",
    "State",
    "Tier",
    "Words",
    "judge",
]
