"""Gold: real money, real parcels and real people's data can be left to it."""

from __future__ import annotations

from typing import Final

from commercekit.cli.quality.checks import code, documents, settings, tests
from commercekit.cli.quality.model import Rule, Tier, Words
from commercekit.cli.quality.running import well_covered, wheel_works

__all__ = ["GOLD"]

GOLD: Final = (
    Rule(
        slug="vendor-fake",
        tier=Tier.GOLD,
        title=Words("Its tests speak to a fake of the vendor", "测试使用服务商的模拟实现"),
        reason=Words(
            "A vendor's own sandbox is slow, shared and sometimes down, and it never sends a forged message. A fake in "
            "the tests' own process does all that on demand.",
            "服务商的沙箱慢、多人共用、有时不可用，也不会发送伪造消息。测试进程内的模拟实现可以随时做到这一切。",
        ),
        example="""A fixture called `fake` or `vendor`, or a class `FakeAcme`, that answers as the vendor does: a small
Litestar application behind `httpx.ASGITransport` will do; so do `moto`, `respx` and their like.""",
        exceptions=Words(
            "A plugin without a vendor: one that decides by its settings and by what it is handed.",
            "没有服务商的插件：只依据设置和传入的内容作决定。",
        ),
        check=tests.vendor_fake,
    ),
    Rule(
        slug="bad-days",
        tier=Tier.GOLD,
        title=Words("Every bad day of the vendor has a test", "服务商的每种异常都有测试"),
        reason=Words(
            "The kit knows the bad days that all vendors share. Each has a few of its own: a code that means two things, "
            "a field that is sometimes missing, a second message that contradicts the first.",
            "一致性测试涵盖所有服务商共有的异常。每家还有自己的：一码两义、字段时有时无、第二条消息与第一条矛盾。",
        ),
        example="""```toml
# quality.toml
[rules]
bad-days = { done = "tests/test_bad_days.py, one test for each error code of Acme's manual" }
```""",
        exceptions=Words("A plugin without a vendor.", "没有服务商的插件。"),
    ),
    Rule(
        slug="covered",
        tier=Tier.GOLD,
        title=Words("Its own tests reach 90 % of it", "自身测试覆盖率达到 90%"),
        reason=Words(
            "Lines and branches, by the plugin's own tests and the kit. What no test reaches is where the next release "
            "breaks unseen.",
            "按行与分支计算，由插件自身的测试和一致性测试覆盖。测试未触及之处，就是下一版悄悄出错的地方。",
        ),
        example="""```sh
coverage run --branch --source=commercekit_payment_acme -m pytest tests
```""",
        exceptions=Words(
            "A plugin whose code runs in another process, where coverage cannot see it.",
            "代码在其他进程中运行、无法统计覆盖率的插件。",
        ),
        check=tests.has_tests,
        trial=well_covered,
    ),
    Rule(
        slug="whole-wheel",
        tier=Tier.GOLD,
        title=Words("It works from its wheel", "由 wheel 安装即可工作"),
        reason=Words(
            "Templates, migrations and `py.typed` that lie in the folder and not in the wheel are missed on the first "
            "day of production.",
            "留在文件夹里却未打进 wheel 的模板、迁移和 `py.typed`，会在上线第一天缺席。",
        ),
        example="""```toml
[tool.hatch.build.targets.wheel]
packages = ["src/commercekit_payment_acme"]
```""",
        trial=wheel_works,
    ),
    Rule(
        slug="shops-client",
        tier=Tier.GOLD,
        title=Words("It calls the outside through the shop's client", "通过店铺的客户端访问外部"),
        reason=Words(
            "`ctx.http` has time-outs, a cap on answers, and refuses addresses inside the house. A client of one's "
            "own has none of it, and leaks connections when the plugin is switched off.",
            "`ctx.http` 有超时、响应大小上限，并拒绝访问内网地址。自建客户端一样都没有，插件停用时还会泄漏连接。",
        ),
        example="""```text
answer = await ctx.http.post("https://api.acme.example/charges", content=body)
```""",
        exceptions=Words(
            "A vendor's SDK that brings a client of its own; the reason says which time-outs it was given.",
            "自带客户端的服务商 SDK；理由中须写明为其设置的超时。",
        ),
        check=code.shops_client,
        from_wheel=True,
    ),
    Rule(
        slug="whole-amounts",
        tier=Tier.GOLD,
        title=Words("Money never becomes a float", "金额绝不使用浮点数"),
        reason=Words(
            "19.99 is no float. Vendors that write amounts with a decimal point are read as text and counted in "
            "minor units.",
            "浮点数无法准确表示 19.99。服务商用小数写金额时，应按文本读取并换算为最小货币单位。",
        ),
        example="""```python
from commercekit import Money

assert Money.parse("19.99", "CNY") == Money(1999, "CNY")
```""",
        check=code.whole_amounts,
        from_wheel=True,
    ),
    Rule(
        slug="kept-data",
        tier=Tier.GOLD,
        title=Words("It says what it keeps and sends", "说明保存与发送哪些数据"),
        reason=Words(
            "Whoever runs a shop answers for every address and phone number in it, and for whom it is handed to. When the "
            "plugin goes, its tables stay until somebody deletes them.",
            "店主要对店里的每个地址和电话负责，包括交给了谁。插件卸载后，它的表会一直留着，直到有人删除。",
        ),
        example="""```md
## What it keeps

No personal data: amounts, states and Acme's numbers, in `payment_acme_charge`. Acme receives the order number and
the amount. `commercekit plugins remove-data payment-acme` deletes the table.
```""",
        check=documents.kept_data,
        from_wheel=True,
    ),
    Rule(
        slug="secrets-change",
        tier=Tier.GOLD,
        title=Words("Secrets can be changed while the shop serves", "可在营业中更换密钥"),
        reason=Words(
            "A key that cannot be changed without refusing genuine notifications is never changed.",
            "若更换密钥就会拒收真实通知，密钥便永远不会更换。",
        ),
        example="""A setting `previous_secret` beside `secret`, still accepted on what comes in; or a section *Changing the
key* that says in which order it is done at the vendor and here.""",
        check=settings.secrets_change,
        from_wheel=True,
    ),
    Rule(
        slug="no-shared-state",
        tier=Tier.GOLD,
        title=Words("Requests share nothing that changes", "请求之间不共享可变状态"),
        reason=Words(
            "One provider serves all requests of a process at once, and several processes serve one shop. What is "
            "remembered in a module is right for one request in one process.",
            "一个实现同时服务进程内的所有请求，多个进程又共同服务一家店铺。记在模块里的东西，只对一个进程的一次请求成立。",
        ),
        example="""Keep what lasts in a table, and what may be forgotten in a `TokenCache` of
`commercekit.platform.providers`.""",
        check=code.no_shared_state,
        from_wheel=True,
    ),
    Rule(
        slug="leaves-retries-alone",
        tier=Tier.GOLD,
        title=Words("It leaves deadlines and retries to the shop", "把超时与重试交给店铺"),
        reason=Words(
            "The shop knows the deadline, the failure policy that the operator chose, and what may be repeated. A "
            "provider that sleeps and tries again holds a request for longer than anybody allowed; a task it leaves "
            "behind is nobody's.",
            "店铺知道时限、运营者选择的失败策略以及哪些调用可以重复。自行等待重试的实现会超时占用请求；它留下的后台任务则无人负责。",
        ),
        example="""Raise `ProviderUnavailable` and be called again; for what comes later, `register_jobs` and `ctx.enqueue`.""",
        exceptions=Words(
            "A vendor's SDK that cannot be kept from retrying, within a bound that the reason names.",
            "无法关闭重试的服务商 SDK，理由中须写明上限。",
        ),
        check=code.leaves_retries_alone,
        from_wheel=True,
    ),
)
