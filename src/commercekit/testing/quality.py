"""The quality scale, for a test in a plugin's own suite.

::

    from pathlib import Path

    from commercekit.testing.quality import Tier, judge


    def test_we_are_gold_at_least():
        report = judge(Path(__file__).parents[1])
        assert report.rank >= Tier.GOLD, report.missing
"""

from commercekit.cli.quality import (
    RULES,
    Finding,
    NotAPlugin,
    Report,
    Rule,
    State,
    Tier,
    Words,
    judge,
)

__all__ = ["RULES", "Finding", "NotAPlugin", "Report", "Rule", "State", "Tier", "Words", "judge"]
