"""A plugin folder that keeps every rule of the scale, and ways to break one rule at a time."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

PACKAGE = "src/commercekit_carrier_acme"

FILES = {
    "pyproject.toml": """
        [build-system]
        requires = ["hatchling>=1.27,<2"]
        build-backend = "hatchling.build"

        [project]
        name = "commercekit-carrier-acme"
        version = "1.2.0"
        description = "Acme's vans for CommerceKit."
        readme = "README.md"
        requires-python = ">=3.11"
        license = "Apache-2.0"
        dependencies = ["commercekit>=0.1,<0.2", "msgspec>=0.19,<1", "piccolo>=1.38,<2"]

        [project.entry-points.commercekit]
        carrier-acme = "commercekit_carrier_acme.plugin"

        [tool.hatch.build.targets.wheel]
        packages = ["src/commercekit_carrier_acme"]
        """,
    "quality.toml": """
        tier = "platinum"

        [rules]
        bad-days = { done = "tests/test_bad_days.py has each error of the manual" }
        core-range = { done = "ci.yml tests with Python 3.11 and 3.13" }
        reviewed = { done = "review.md, by somebody else, of version 1.2.0" }
        """,
    "README.md": """
        # commercekit-carrier-acme

        Ships with Acme: labels, tracking by push and by poll, and the prices of the account.

        Install it with `pip install commercekit-carrier-acme`; a shop in production enables it by adding
        `carrier-acme` to `plugins.enabled`.

        | setting | meaning |
        |---|---|
        | `plugins.carrier-acme.secret` | Signs notifications. |
        | `plugins.carrier-acme.previous_secret` | Accepted while it changes. |
        | `customer` | The customer number. |

        ## What it keeps

        Tracking numbers, no addresses; `commercekit plugins remove-data carrier-acme` deletes them.

        ## Limits

        Acme does not deliver on islands, and takes no parcel above thirty kilograms.

        ## Figures

        A label takes 140 µs of CPU here.

        ## Develop

            pytest tests

        ## 中文

        使用 Acme 发货：打印面单，推送与轮询两种方式跟踪物流，并按账户协议价计算运费。用 `pip install
        commercekit-carrier-acme` 安装：`pip install commercekit-carrier-acme`；生产店铺需将 `carrier-acme` 加入
        `plugins.enabled` 才会启用。密钥可以在营业中更换，旧密钥在更换期间仍然有效，因此不会漏收任何一条物流通知。

        ### 限制

        Acme 不配送岛屿，也不接受超过三十公斤的包裹；上门取件需要提前一天预约，暂不支持货到付款。
        """,
    "CHANGELOG.md": """
        # Changes

        ## 1.2.0

        Labels as PDF.
        """,
    f"{PACKAGE}/__init__.py": '"""Acme."""\n',
    f"{PACKAGE}/py.typed": "",
    f"{PACKAGE}/plugin.py": """
        from __future__ import annotations

        from collections.abc import Sequence

        from msgspec import Struct

        from commercekit import PluginContext, hookimpl
        from commercekit.fulfilment import Carrier
        from commercekit.platform.jobs import JobKind
        from commercekit_carrier_acme.carrier import AcmeCarrier
        from commercekit_carrier_acme.settings import Settings


        @hookimpl
        def register_settings() -> type[Struct]:
            return Settings


        @hookimpl
        def register_piccolo_apps() -> Sequence[str]:
            return ["commercekit_carrier_acme.tables"]


        @hookimpl
        def register_carriers(ctx: PluginContext) -> Sequence[Carrier]:
            return [AcmeCarrier(ctx)]


        @hookimpl
        def register_jobs(ctx: PluginContext) -> Sequence[JobKind]:
            return [JobKind("carrier-acme.poll", AcmeCarrier(ctx).poll)]
        """,
    f"{PACKAGE}/settings.py": """
        from typing import Annotated

        from msgspec import Meta, Struct

        from commercekit.platform.settings import Secret


        class Settings(Struct, frozen=True, kw_only=True):
            secret: Annotated[Secret | None, Meta(description="Signs notifications.")] = None
            previous_secret: Annotated[
                Secret | None, Meta(description="Accepted while it changes.")
            ] = None


        class Account(Struct, frozen=True, kw_only=True):
            customer: Annotated[str, Meta(description="The customer number.")] = ""
        """,
    f"{PACKAGE}/tables.py": """
        from __future__ import annotations

        from piccolo.columns import Text
        from piccolo.table import Table

        from commercekit.platform.db import ENGINE


        class ParcelRow(Table, db=ENGINE, tablename="carrier_acme_parcel"):
            number = Text(default=None)
        """,
    f"{PACKAGE}/carrier.py": """
        from __future__ import annotations

        import asyncio
        from collections.abc import Mapping
        from typing import Any, ClassVar

        from msgspec import Struct

        from commercekit import PluginContext
        from commercekit.platform.providers import ProviderUnavailable
        from commercekit_carrier_acme.settings import Account

        SERVICES = {"van": {"en": "Van", "zh": "货车"}}


        class AcmeCarrier:
            code: ClassVar[str] = "acme"
            config_type: ClassVar[type[Struct]] = Account
            label: ClassVar[Mapping[str, str]] = {"en": "Acme", "zh": "埃克米"}

            def __init__(self, ctx: PluginContext) -> None:
                self._ctx = ctx

            async def poll(self, job: Any) -> None:
                now = self._ctx.clock.now()
                try:
                    await self._ctx.http.get(f"https://api.acme.example/?since={now}")
                except OSError as error:
                    message = "Acme is not reached"
                    raise ProviderUnavailable(detail=message) from error

            async def price(self, weight: int) -> int:
                return await asyncio.to_thread(price_of, weight)


        def price_of(weight: int) -> int:
            amount = 800 * weight
            return amount // 1000
        """,
    "tests/conftest.py": """
        import pytest


        class FakeAcme:
            pass


        @pytest.fixture
        def fake():
            return FakeAcme()
        """,
    "tests/test_contract.py": """
        import pytest

        from commercekit.testing.conformance import CarrierContract


        class TestContract(CarrierContract):
            @pytest.fixture
            def carrier(self, fake):
                return fake
        """,
    "tests/test_price.py": """
        from hypothesis import given
        from hypothesis import strategies as st

        from commercekit_carrier_acme.carrier import price_of


        @given(st.integers(0, 30000))
        def test_a_price_is_never_below_zero(weight):
            assert price_of(weight) >= 0
        """,
}


def write(root: Path, **changes: str) -> Path:
    """The plugin under ``root``; ``changes`` replace a file by its name, with ``None`` it is left out."""
    for name, text in {**FILES, **changes}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return root


def change(root: Path, name: str, old: str, new: str) -> None:
    """One passage of one file; it has to be there."""
    path = root / name
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    assert old in text, f"{name} does not have {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def append(root: Path, name: str, text: str) -> None:
    """More at the end of one file."""
    path = root / name
    path.write_text(path.read_text(encoding="utf-8") + "\n\n" + dedent(text), encoding="utf-8")
