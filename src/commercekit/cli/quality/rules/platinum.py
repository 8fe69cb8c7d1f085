"""Platinum: as good as we know how."""

from __future__ import annotations

from typing import Final

from commercekit.cli.quality.checks import documents, packaging, tests
from commercekit.cli.quality.model import Rule, Tier, Words

__all__ = ["PLATINUM"]

PLATINUM: Final = (
    Rule(
        slug="properties",
        tier=Tier.PLATINUM,
        title=Words("What holds for every input is tested so", "对任意输入成立的性质有性质测试"),
        reason=Words(
            "Signing and verifying, mapping there and back, splitting and summing: an example proves one case, a property "
            "looks for the one that breaks.",
            "签名与验签、双向映射、拆分与求和：例子只证明一种情形，性质测试会去寻找反例。",
        ),
        example="""```python
from hypothesis import given
from hypothesis import strategies as st


@given(st.binary())
def test_reversing_twice_changes_nothing(body: bytes) -> None:
    assert body[::-1][::-1] == body


test_reversing_twice_changes_nothing()
```""",
        check=tests.properties,
    ),
    Rule(
        slug="figures",
        tier=Tier.PLATINUM,
        title=Words("It says what a call costs, measured", "给出实测开销"),
        reason=Words(
            "Operators plan with figures: how long a call takes here, apart from the vendor, and what it needs of memory.",
            "运营者需要数字来规划：除去服务商的时间，一次调用本身要多久，占用多少内存。",
        ),
        example="""```md
## Figures

Signing and mapping one payment takes 140 µs of CPU, reading a notification 95 µs (`tests/bench.py`, two cores).
```""",
        check=documents.figures,
        from_wheel=True,
    ),
    Rule(
        slug="bounded-dependencies",
        tier=Tier.PLATINUM,
        title=Words("Every dependency is bounded on both sides", "每个依赖都有上下限"),
        reason=Words(
            "An open upper bound lets a release that nobody here has seen into the process that takes payments.",
            "没有上限，就会让无人验证过的版本进入收款进程。",
        ),
        example="""```toml
dependencies = ["commercekit>=0.1,<0.2", "httpx>=0.27,<1"]
```""",
        exceptions=Words(
            "A dependency that promises never to break; the reason names it.",
            "承诺永不破坏兼容的依赖；理由中须点名。",
        ),
        check=packaging.bounded_dependencies,
        from_wheel=True,
    ),
    Rule(
        slug="core-range",
        tier=Tier.PLATINUM,
        title=Words("It is tested at both ends of its range", "在版本范围两端均经过测试"),
        reason=Words(
            "`commercekit>=0.1,<0.2` promises every version in between, and the oldest and newest Python.",
            "`commercekit>=0.1,<0.2` 承诺其间的每个版本，以及最旧和最新的 Python。",
        ),
        example="""```toml
# quality.toml
[rules]
core-range = { done = ".github/workflows/test.yml: Python 3.11 and 3.13, commercekit 0.1.0 and newest" }
```""",
    ),
    Rule(
        slug="reviewed",
        tier=Tier.PLATINUM,
        title=Words("Somebody else has read it for weaknesses", "由他人做过安全审阅"),
        reason=Words(
            "A plugin has all rights of the shop's process. Somebody who did not write it has read every line, asked what a "
            "liar could send, and written down what was found.",
            "插件拥有店铺进程的全部权限。须由作者以外的人通读每一行，设想骗子会发来什么，并记录发现的问题。",
        ),
        example="""```toml
# quality.toml
[rules]
reviewed = { done = "docs/review-2026-11.md, by Li Lei, of version 1.2.0" }
```""",
    ),
)
