"""What a run of tests says at its end about the rules of conformance kits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

__all__ = ["VERDICT_PROPERTY", "verdict_lines"]

VERDICT_PROPERTY: Final = "conformance"
"""The name under which a test's report carries ``(rule, verdict)``."""


def verdict_lines(reports: Iterable[Any]) -> list[str]:
    """For each class of tests the rules that were not asked, by what was missing, and how many were kept."""
    kept: dict[str, int] = defaultdict(int)
    missing: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    # A test has up to three reports, and what was noted stands in each that came after.
    told = {
        (report.nodeid, *said)
        for report in reports
        for name, said in getattr(report, "user_properties", ())
        if name == VERDICT_PROPERTY
    }
    for nodeid, rule, verdict in sorted(told):
        of = nodeid.rpartition("::")[0]
        _, not_asked, why = verdict.partition("not asked: ")
        if not_asked:
            missing[of][why].append(rule)
        else:
            kept[of] += 1
    lines = []
    for of, by_reason in sorted(missing.items()):
        count = sum(len(rules) for rules in by_reason.values())
        lines.append(f"{of}: {kept[of]} rules kept, {count} not asked")
        lines += [f"  {why}: {', '.join(sorted(rules))}" for why, rules in by_reason.items()]
    return lines
