"""Bronze: it can be installed, it fits, and it does what its kind must."""

from __future__ import annotations

from typing import Final

from commercekit.cli.quality.checks import code, documents, packaging, settings, tests
from commercekit.cli.quality.model import Rule, Tier, Words
from commercekit.cli.quality.running import all_pass, kit_passes

__all__ = ["BRONZE"]

BRONZE: Final = (
    Rule(
        slug="packaging",
        tier=Tier.BRONZE,
        title=Words("It is a distribution that can be found", "是一个可被发现的发行包"),
        reason=Words(
            "A shop finds plugins by one entry point, and enables them by its name. What has no licence, no "
            "description and no oldest Python cannot be installed by anybody who has to answer for it.",
            "店铺通过唯一的入口点发现插件，并按其名称启用。没有许可证、说明和最低 Python 版本的包，负责任的人无法安装。",
        ),
        example="""```toml
[project]
name = "commercekit-payment-acme"
description = "Acme payments for CommerceKit."
readme = "README.md"
requires-python = ">=3.11"
license = "Apache-2.0"

[project.entry-points.commercekit]
payment-acme = "commercekit_payment_acme.plugin"
```""",
        check=packaging.packaging,
        from_wheel=True,
    ),
    Rule(
        slug="bounded-core",
        tier=Tier.BRONZE,
        title=Words("It names the versions of the core it was written for", "声明所适配的核心版本"),
        reason=Words(
            "An upgrade of the core must not be able to break a shop silently. With an upper bound the installer "
            "refuses what nobody has tested, and with a lower one what never worked.",
            "核心升级不得悄悄弄坏店铺。有上限，安装器会拒绝未经测试的组合；有下限，则拒绝从未可用的组合。",
        ),
        example="""```toml
dependencies = ["commercekit>=0.1,<0.2"]
```""",
        check=packaging.bounded_core,
        from_wheel=True,
    ),
    Rule(
        slug="front-doors",
        tier=Tier.BRONZE,
        title=Words("It imports from front doors only", "只从公开入口导入"),
        reason=Words(
            "What stands in the `__all__` of a package is kept through two minor releases of warning; everything "
            "else may change in any release.",
            "包的 `__all__` 中的名称，变更前会预告两个小版本；其余内容随时可能改变。",
        ),
        example="""```python
from commercekit.payments import PaymentGateway  # not from commercekit.payments.providers.gateway
```""",
        check=packaging.front_doors,
        from_wheel=True,
    ),
    Rule(
        slug="stands-alone",
        tier=Tier.BRONZE,
        title=Words(
            "It needs only what it declares, and no other plugin",
            "只依赖已声明的包，不依赖其他插件",
        ),
        reason=Words(
            "One distribution is one vendor or one concern. Two plugins that import each other are installed, "
            "updated and switched off together, whether the operator wants it or not.",
            "一个发行包对应一个服务商或一件事。互相导入的插件只能一起安装、升级和停用，由不得运营者选择。",
        ),
        example="""```toml
dependencies = ["commercekit>=0.1,<0.2", "httpx>=0.27,<1"] # whatever src/ imports
```""",
        check=packaging.stands_alone,
        from_wheel=True,
    ),
    Rule(
        slug="hooks-only-register",
        tier=Tier.BRONZE,
        title=Words(
            "Hooks only register; nothing is done at the start", "钩子只登记，启动时不做任何事"
        ),
        reason=Words(
            "Hooks run once, while the shop starts: before the database is open, and for every process. A hook "
            "that calls a vendor makes the vendor's outage an outage of every deployment.",
            "钩子在店铺启动时运行一次，此时数据库尚未打开，且每个进程都会运行。在钩子里调用服务商，等于让对方的故障变成每次部署的故障。",
        ),
        example="""```python
from collections.abc import Sequence

from commercekit import PluginContext, hookimpl
from commercekit.payments import PaymentGateway


@hookimpl
def register_payment_gateways(ctx: PluginContext) -> Sequence[PaymentGateway]:
    return []  # [AcmeGateway(ctx)]: keep the context, use it when you are called
```""",
        check=code.hooks_only_register,
        from_wheel=True,
    ),
    Rule(
        slug="conformance",
        tier=Tier.BRONZE,
        title=Words("It passes the conformance kit of its kind", "通过该类插件的一致性测试"),
        reason=Words(
            "The kit asks what the core relies on: one effect for one key, refusals as values, unknown outcomes "
            "that can be asked about, forged messages that change nothing. A plugin that does not pass it loses "
            "money, parcels or messages sooner or later.",
            "一致性测试检验核心所依赖的一切：同一键只生效一次，拒绝是返回值，结果不明可以查询，伪造的消息不起作用。"
            "通不过的插件迟早会丢钱、丢件或丢消息。",
        ),
        example="""```text
class TestContract(PaymentGatewayContract):      # tests/test_contract.py
    @pytest.fixture
    def gateway(self, fake): return AcmeGateway(...)
```

No test of the kit may be replaced, skipped or expected to fail. With `--run` each rule must have been
collected and must have passed.""",
        check=tests.keeps_the_contract,
        trial=kit_passes,
    ),
    Rule(
        slug="tests-pass",
        tier=Tier.BRONZE,
        title=Words("It has tests, and they pass", "有测试，且全部通过"),
        reason=Words(
            "A test that is set aside is a promise that nobody keeps.",
            "被搁置的测试就是无人兑现的承诺。",
        ),
        example="""```sh
pytest tests
```""",
        check=tests.has_tests,
        trial=all_pass,
    ),
    Rule(
        slug="typed-settings",
        tier=Tier.BRONZE,
        title=Words("Every setting has a type and a sentence", "每项设置都有类型和说明"),
        reason=Words(
            "The core checks settings before the shop starts and names every mistake at once. It can do so only "
            "for types that say something; and `commercekit config explain` shows the sentence.",
            "核心在启动前检查设置，一次列出全部错误。这要求类型明确；`commercekit config explain` 会显示其说明。",
        ),
        example="""```python
from typing import Annotated

from msgspec import Meta, Struct


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    merchant: Annotated[str, Meta(description="The merchant number, as Acme writes it.")] = ""
    window: Annotated[int, Meta(ge=30, le=900, description="Seconds a signature holds.")] = 300
```""",
        check=settings.typed_settings,
        from_wheel=True,
    ),
    Rule(
        slug="secret-settings",
        tier=Tier.BRONZE,
        title=Words("What is secret has the type Secret", "机密使用 Secret 类型"),
        reason=Words(
            "A `Secret` prints as dots, in logs, in tracebacks and in `commercekit config show`, and may stand in a "
            "file of its own. Text ends up where everybody reads it.",
            "`Secret` 在日志、回溯和 `commercekit config show` 中都显示为圆点，也可存放于独立文件。普通文本总会出现在不该出现的地方。",
        ),
        example="""```python
from typing import Annotated

from msgspec import Meta, Struct

from commercekit.platform.settings import Secret


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    api_key: Annotated[Secret, Meta(description="From Acme's back office.")]
```""",
        check=settings.secret_settings,
        from_wheel=True,
    ),
    Rule(
        slug="readme",
        tier=Tier.BRONZE,
        title=Words(
            "The README says what it is and how it is installed", "README 说明用途与安装方法"
        ),
        reason=Words(
            "Whoever chooses a plugin reads its first paragraph; whoever enables it needs its name.",
            "挑选插件的人看第一段，启用插件的人需要它的名称。",
        ),
        example="""```md
# commercekit-payment-acme

Takes payments with Acme: cards and wallets, held or captured at once, refunded in parts.

Install it with `pip install commercekit-payment-acme`; a shop in production enables it by adding
`payment-acme` to `plugins.enabled`.
```""",
        check=documents.readme,
        from_wheel=True,
    ),
)
