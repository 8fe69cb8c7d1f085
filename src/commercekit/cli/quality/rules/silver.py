"""Silver: a stranger can run it, read it, and change it."""

from __future__ import annotations

from typing import Final

from commercekit.cli.quality.checks import code, documents, settings
from commercekit.cli.quality.model import Rule, Tier, Words
from commercekit.cli.quality.running import strictly_typed

__all__ = ["SILVER"]

SILVER: Final = (
    Rule(
        slug="two-languages",
        tier=Tier.SILVER,
        title=Words("The README speaks English and Chinese", "README 有中英两种语言"),
        reason=Words(
            "Operators and staff of a shop read one of the two; a plugin that they cannot read is set up by guessing.",
            "店铺的运营与员工使用其中一种语言；看不懂的插件只能靠猜来配置。",
        ),
        example="""A part `## 中文` in `README.md`, or a `README.zh.md`, with at least what it is, how it is installed
(`pip install …`) and its limits (`限制`).""",
        check=documents.two_languages,
        from_wheel=True,
    ),
    Rule(
        slug="settings-listed",
        tier=Tier.SILVER,
        title=Words("The README has a row for every setting", "README 列出每一项设置"),
        reason=Words(
            "A setting that is not listed is found by reading the source. Generate the table from the types, so that it "
            "cannot fall behind.",
            "未列出的设置只能靠读源码发现。表格应由类型生成，才不会过时。",
        ),
        example="""```md
| setting | type | default | meaning |
|---|---|---|---|
| `plugins.payment-acme.merchant` | text | | The merchant number, as Acme writes it. |
```

`commercekit config explain plugins.payment-acme.merchant` shows the same.""",
        check=settings.settings_listed,
        from_wheel=True,
    ),
    Rule(
        slug="limits",
        tier=Tier.SILVER,
        title=Words("It says what it does not do", "说明做不到什么"),
        reason=Words(
            "What a plugin cannot do is learnt before it is chosen, or after the first order that needed it.",
            "插件做不到的事，要么在选用之前知道，要么在第一张需要它的订单之后才知道。",
        ),
        example="""```md
## Limits

Refunds take three days at Acme and cannot be withdrawn. Payments in instalments are not offered.
```""",
        check=documents.limits,
        from_wheel=True,
    ),
    Rule(
        slug="development",
        tier=Tier.SILVER,
        title=Words("It says how it is changed and tested", "说明如何修改与测试"),
        reason=Words(
            "Whoever mends a plugin at night should not have to find out how its tests are run.",
            "半夜修插件的人，不应再去摸索如何运行测试。",
        ),
        example="""```md
## Develop

    pip install -e ".[testing]"
    pytest tests
```""",
        check=documents.development,
        from_wheel=True,
    ),
    Rule(
        slug="changelog",
        tier=Tier.SILVER,
        title=Words("It tells what changed", "记录变更"),
        reason=Words(
            "Operators decide about an update by what it changes for them.",
            "运营者根据变更内容决定是否升级。",
        ),
        example="""```md
# Changes

## 0.1.0

First release: redirect and QR payments, refunds, notifications.
```""",
        check=documents.changelog,
    ),
    Rule(
        slug="strictly-typed",
        tier=Tier.SILVER,
        title=Words("It is typed, strictly", "严格的类型标注"),
        reason=Words(
            "Interfaces are typed so that a provider that forgets a case or returns the wrong thing is caught "
            "before it runs. `py.typed` lets others benefit.",
            "接口带有类型，遗漏情形或返回错误类型的实现在运行前就会被发现。`py.typed` 让使用者同样受益。",
        ),
        example="""An empty `src/commercekit_payment_acme/py.typed`, and `mypy --strict src` says nothing.""",
        check=code.says_it_is_typed,
        trial=strictly_typed,
    ),
    Rule(
        slug="never-blocks",
        tier=Tier.SILVER,
        title=Words("No coroutine blocks the event loop", "协程不阻塞事件循环"),
        reason=Words(
            "All requests of a process share one loop. Half a second of `time.sleep` in a provider is half a second for "
            "every shopper there is; the shop names the plugin in its log after 250 ms.",
            "进程内所有请求共用一个事件循环。实现里的半秒 `time.sleep` 会让所有顾客等半秒；超过 250 毫秒，店铺会在日志中点名该插件。",
        ),
        example="""```python
import asyncio
from pathlib import Path


async def certificate(path: Path) -> bytes:
    return await asyncio.to_thread(path.read_bytes)  # not path.read_bytes()
```""",
        exceptions=Words(
            "A plugin for development only, whose blocking calls the reason names.",
            "仅用于开发的插件，且理由中须写明哪些调用会阻塞。",
        ),
        check=code.never_blocks,
        from_wheel=True,
    ),
    Rule(
        slug="translated",
        tier=Tier.SILVER,
        title=Words("What people read is there in both languages", "面向用户的文字中英齐全"),
        reason=Words(
            "Shoppers and staff read labels, instructions and refusals; a missing language shows the other one.",
            "顾客和员工会读到标签、说明和拒绝原因；缺一种语言就只能显示另一种。",
        ),
        example="""```python
label = {"en": "Cash on delivery", "zh": "货到付款"}
```""",
        exceptions=Words(
            "A plugin for a vendor that serves one country, whose texts are in that country's language and English.",
            "只服务于单一国家的服务商插件，其文字使用该国语言和英文。",
        ),
        check=code.translated,
        from_wheel=True,
    ),
    Rule(
        slug="errors-in-our-words",
        tier=Tier.SILVER,
        title=Words(
            "Errors leave in the core's words, and none disappears",
            "错误用核心的词汇表达，绝不吞掉",
        ),
        reason=Words(
            "`ProviderRejected` (nothing happened), `ProviderUnknown` (nobody knows) and `ProviderUnavailable` (not reached) "
            "decide whether a call is repeated, asked about or given up. An error that is swallowed decides nothing.",
            "`ProviderRejected`（什么都没发生）、`ProviderUnknown`（结果不明）和 `ProviderUnavailable`（未能到达）"
            "决定调用是重试、查询还是放弃。被吞掉的错误什么也决定不了。",
        ),
        example="""```python
import httpx

from commercekit.platform.providers import ProviderUnknown


async def ask(client: httpx.AsyncClient, url: str) -> httpx.Response:
    try:
        return await client.post(url)
    except httpx.ReadTimeout as error:
        raise ProviderUnknown("timeout", "Acme did not answer; it may have paid") from error
```""",
        check=code.own_words_for_errors,
        from_wheel=True,
    ),
    Rule(
        slug="given-clock",
        tier=Tier.SILVER,
        title=Words("Time comes from the clock that was handed in", "时间取自传入的时钟"),
        reason=Words(
            "Expiry, signatures and retries are tested by turning a clock. What reads the machine's own is tested by "
            "waiting, or never.",
            "过期、签名和重试的测试靠拨动时钟。直接读系统时间的代码只能靠等待来测试，或者从不测试。",
        ),
        example="""```text
now = ctx.clock.now()        # not datetime.now(UTC)
```""",
        check=code.given_clock,
        from_wheel=True,
    ),
    Rule(
        slug="own-names",
        tier=Tier.SILVER,
        title=Words("Tables, jobs and consumers carry its code", "表、任务和消费者以插件代码命名"),
        reason=Words(
            "Two plugins that both call a table `charge` cannot live in one shop; and nobody knows whose a table is when "
            "its plugin has gone.",
            "两个插件都把表命名为 `charge` 就无法共存；插件卸载后，也没人知道表是谁的。",
        ),
        example="""The plugin `payment-acme` has a table `payment_acme_charge` and a job `payment-acme.settle`.""",
        check=code.own_names,
        from_wheel=True,
    ),
)
