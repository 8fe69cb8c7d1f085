"""The pages of promises, from the catalogue, the tests that are marked, and what a run recorded."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from reference_pages.reading import ROOT, cell

sys.path.insert(0, str(ROOT))

from tests.promises.catalogue import LATEST, catalogue, marked_tests

_PARTS = {
    "processes": ("Processes die", "进程崩溃"),
    "database": ("The database and the network", "数据库与网络"),
    "messages": ("Messages and jobs", "消息与任务"),
    "cache": ("The cache", "缓存"),
    "money": ("Money", "资金"),
    "stock": ("Stock and limits", "库存与限额"),
    "keys": ("Requests that are repeated", "重复的请求"),
    "time": ("Time", "时间"),
    "plugins": ("Plugins", "插件"),
    "whole": ("Everything at once", "综合"),
    "open": ("Not promised yet", "尚未承诺"),
}
_ENGLISH = """\
# What we promise, how it is tested, and what was seen last

[中文](zh/promises.md)

A shop breaks at the worst moment. Each row is a promise that holds then, the way it is tried, and what the last
recorded run saw. A test names the promise it proves with `@pytest.mark.promise`, so the links are never out of
date; a promise without a test says so. After each test the books are audited by the
[invariants](../how-to/test-with-a-database.md#the-books-are-audited-after-every-test) of
`commercekit doctor --invariants`.

`make test` tries each with the first of the two sizes (the quick profile), `make test-faults` with the second (the
full one, about 40 minutes on two cores). [How to break the shop yourself](../how-to/break-the-shop.md) says how to
run one of them, to add one, and to record a run.

Last recorded on {machine}.
"""
_CHINESE = """\
# 我们承诺什么、如何验证、上次结果如何

[English](../promises.md)

商店总在最坏的时刻出问题。每一行是一项届时仍然成立的承诺、验证方法，以及最近一次记录的结果。测试用
`@pytest.mark.promise` 标明它证明的承诺，因此链接不会过时；没有测试的承诺会如实写明。每个测试之后都用
`commercekit doctor --invariants` 的不变量审计账目。

`make test` 使用两个规模中的前者（快速），`make test-faults` 使用后者（完整，双核约 40 分钟）。
[亲手破坏商店](../../how-to/zh/break-the-shop.md)说明如何运行其中一项、添加一项以及记录一次运行。

最近一次记录所用机器：{machine}。
"""
_WORDS = {
    "en": {
        "head": "| | promise | how it is tried | seen last |",
        "untested": "**no test yet**",
        "unseen": "not recorded yet",
        "passed": "✓ {passed} passed",
        "failed": "✗ {failed} of {passed} failed",
        "partly": ", {unseen} of {tests} tests not recorded",
        "in": "{profile} profile",
    },
    "zh": {
        "head": "| | 承诺 | 验证方法 | 上次结果 |",
        "untested": "**尚无测试**",
        "unseen": "尚未记录",
        "passed": "✓ 通过 {passed} 项",
        "failed": "✗ {passed} 项中 {failed} 项失败",
        "partly": "，{tests} 个测试中 {unseen} 个未记录",
        "in": "{profile}",
    },
}
_PROFILES = {"zh": {"quick": "快速", "full": "完整"}, "en": {"quick": "quick", "full": "full"}}


def promises() -> str:
    """The page in English."""
    return _page("en", _ENGLISH)


def promises_zh() -> str:
    """The page in Chinese."""
    return _page("zh", _CHINESE)


def _page(language: str, introduction: str) -> str:
    recorded: dict[str, Any] = {"machine": "—", "tests": {}}
    if LATEST.exists():
        recorded = json.loads(LATEST.read_text(encoding="utf-8"))
    lines = [introduction.format(machine=recorded["machine"])]
    marked = marked_tests()
    for part, titles in _PARTS.items():
        rows = [number for number, one in catalogue().items() if one["part"] == part]
        lines += [
            f"## {titles[language == 'zh']}",
            "",
            _WORDS[language]["head"],
            "|---|---|---|---|",
        ]
        for number in rows:
            tests = marked.get(number, [])
            promise: Any = catalogue()[number]
            tried = f"{promise[f'tried_{language}']} {_links(tests, language)}".strip()
            seen = _seen(tests, recorded["tests"], language)
            lines.append(f"| {number} | {cell(promise[language])} | {cell(tried)} | {seen} |")
        lines.append("")
    return "\n".join(lines)


def _links(tests: list[str], language: str) -> str:
    folder = ROOT / "docs/explanation" / ("zh" if language == "zh" else "")
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    return ", ".join(
        f"[{file.removeprefix('tests/').removesuffix('.py')}]({os.path.relpath(ROOT / file, folder)})"
        for file in files
    )


def _seen(tests: list[str], recorded: dict[str, Any], language: str) -> str:
    words = _WORDS[language]
    if not tests:
        return words["untested"]
    runs = {test: recorded[test] for test in tests if test in recorded}
    if not runs:
        return words["unseen"]
    passed, failed = (sum(run[what] for run in runs.values()) for what in ("passed", "failed"))
    told = (
        words["failed"].format(failed=failed, passed=passed + failed)
        if failed
        else words["passed"].format(passed=passed)
    )
    if len(runs) < len(tests):
        told += words["partly"].format(unseen=len(tests) - len(runs), tests=len(tests))
    profiles = " + ".join(
        _PROFILES[language][profile]
        for profile in sorted({run["profile"] for run in runs.values()})
    )
    last = max(runs.values(), key=lambda run: run["date"])
    told += f", {words['in'].format(profile=profiles)}, {last['date']}, `{last['commit']}`"
    figures = {name: value for run in runs.values() for name, value in run["figures"].items()}
    if figures:
        told += "; " + ", ".join(
            f"{name}: {value:,}" if not isinstance(value, str) else f"{name}: {value}"
            for name, value in figures.items()
        )
    return told
