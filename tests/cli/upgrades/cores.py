"""Two versions of a small core, and a plugin that was written for the first."""

from __future__ import annotations

import textwrap
import zipfile
from pathlib import Path

from commercekit.cli.upgrades.model import PublicApi
from commercekit.cli.upgrades.reading import read_source

__all__ = ["FIRST", "PLUGIN", "SECOND", "core", "wheel"]

_MARKERS = """
    def since(version): ...
    def deprecated(since, instead): ...
    def hookspec(function): ...
    def hookimpl(function): ...
"""
_PLATFORM = {
    "__init__.py": '__all__ = ["hookimpl"]\nfrom commercekit.platform.plugins import hookimpl\n',
    "platform/__init__.py": "",
    "platform/plugins/__init__.py": "from commercekit.platform.plugins.markers import *\n"
    "from commercekit.platform.plugins.context import PluginContext\n"
    '__all__ = ["PluginContext", "deprecated", "hookimpl", "hookspec", "since"]\n',
    "platform/plugins/markers.py": _MARKERS,
    "kernel/__init__.py": "",
    "kernel/events.py": "from msgspec import Struct\nclass DomainEvent(Struct): ...\n",
    "app/__init__.py": "",
}

FIRST = _PLATFORM | {
    "platform/plugins/context.py": """
        class PluginContext:
            code: str
            base_url: str
            def url(self, path: str = "") -> str: ...
    """,
    "app/settings.py": """
        from msgspec import Struct
        class Web(Struct):
            base_url: str = "x"
            processes: int = 2
        class Method(Struct):
            gateway: str
            flow: str = ""
        class ShopSettings(Struct):
            name: str = "Shop"
            web: Web = Web()
            methods: dict[str, Method] = {}
    """,
    "payments/__init__.py": """
        from commercekit.payments.gateway import Gateway, OldGateway, Refund, make_charge
        from commercekit.payments.events import OrderPaid, OrderShipped
        from commercekit.payments.models import State
        __all__ = ["Gateway", "OldGateway", "OrderPaid", "OrderShipped", "Refund", "State",
                   "make_charge"]
    """,
    "payments/models.py": """
        from enum import StrEnum
        class State(StrEnum):
            PAID = "paid"
    """,
    "payments/events.py": """
        from commercekit.kernel.events import DomainEvent
        class OrderPaid(DomainEvent):
            order: str
            amount: int
        class OrderShipped(DomainEvent):
            order: str
    """,
    "payments/gateway.py": """
        from abc import ABC, abstractmethod
        from msgspec import Struct
        from commercekit.platform.plugins import since
        class Refund(Struct, kw_only=True):
            key: str
            amount: int
            note: str = ""
        @since("0.1")
        class Gateway(ABC):
            code: str = ""
            @abstractmethod
            async def refund(self, refund: Refund) -> str: ...
            def close(self, id: str) -> None: ...
        class OldGateway(Gateway): ...
        def make_charge(amount: int, currency: str = "CNY") -> str: ...
    """,
    "payments/hookspecs.py": """
        from commercekit.platform.plugins import PluginContext, hookspec, since
        @since("0.1")
        @hookspec
        def register_gateways(ctx: PluginContext, market: str): ...
        @hookspec
        def register_payers(): ...
    """,
}
"""By path in the package."""

SECOND = FIRST | {
    "platform/plugins/context.py": FIRST["platform/plugins/context.py"].replace(
        "base_url: str", "public_url: str"
    ),
    "app/settings.py": FIRST["app/settings.py"]
    .replace("            processes: int = 2\n", "            workers: int = 2\n")
    .replace('            flow: str = ""\n', ""),
    "payments/__init__.py": """
        from commercekit.payments.gateway import Gateway, OldGateway, Refund, create_charge
        from commercekit.payments.events import OrderPaid
        from commercekit.payments.models import State
        __all__ = ["Gateway", "OldGateway", "OrderPaid", "Refund", "State", "create_charge"]
    """,
    "payments/events.py": """
        from commercekit.kernel.events import DomainEvent
        class OrderPaid(DomainEvent):
            order: str
            total: int
    """,
    "payments/gateway.py": """
        from abc import ABC, abstractmethod
        from msgspec import Struct
        from commercekit.platform.plugins import deprecated, since
        class Refund(Struct, kw_only=True):
            key: str
            total: int
            reason: str
            note: str = ""
        @since("0.1")
        class Gateway(ABC):
            code: str = ""
            @abstractmethod
            async def refund(self, refund: Refund, *, final: bool) -> str: ...
            @abstractmethod
            async def query(self, id: str) -> str: ...
            def added(self) -> str:
                return "an addition with a default breaks nobody"
        @deprecated("0.2", "build on Gateway")
        class OldGateway(Gateway): ...
        def create_charge(amount: int, currency: str = "CNY") -> str: ...
    """,
    "payments/hookspecs.py": """
        from commercekit.platform.plugins import PluginContext, deprecated, hookspec, since
        @since("0.1")
        @deprecated(since="0.2", instead="fill register_payment_gateways")
        @hookspec
        def register_gateways(ctx: PluginContext, markets: list[str]): ...
        @hookspec
        def register_payer(): ...
    """,
}

PLUGIN = """\
from commercekit import hookimpl
from commercekit import payments
from commercekit.payments import (
    Gateway,
    OrderPaid,
    OrderShipped,
    Refund,
    State,
    make_charge,
)
from commercekit.payments.gateway import OldGateway
from commercekit.platform.plugins import PluginContext


class Acme(Gateway):
    code = "acme"

    def __init__(self, ctx: PluginContext) -> None:
        self._ctx = ctx

    async def refund(self, refund):
        Refund(key="1", amount=5)
        return self._ctx.base_url + self._ctx.url("/x")

    def close(self, id):
        return payments.make_charge(1)


class Fine(Gateway):
    async def refund(self, refund, **more):
        return State.PAID.value

    async def query(self, id):
        return ""


@hookimpl
def register_gateways(ctx, market):
    return [Acme(ctx)]


@hookimpl
def register_payers():
    return []


async def paid(uow, event: OrderPaid, meta) -> None:
    print(event.order, event.amount)
"""


def core(folder: Path, files: dict[str, str], version: str) -> PublicApi:
    """The public interface of such a core."""
    _write(folder, files)
    return read_source(folder, version=version)


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / "commercekit" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


def wheel(file: Path, files: dict[str, str], version: str) -> Path:
    """Such a core as a wheel."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"commercekit/{name}", textwrap.dedent(text))
        archive.writestr(
            f"commercekit-{version}.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: commercekit\nVersion: {version}\n",
        )
    return file
