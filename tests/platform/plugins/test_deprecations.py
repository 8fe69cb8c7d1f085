import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

import pytest
from msgspec import Struct

from commercekit import app
from commercekit.app.configuration import HOOK_ROOMS
from commercekit.platform.plugins import (
    Deprecation,
    InstalledPlugin,
    PluginRegistry,
    deprecated,
    deprecation_of,
    hookimpl,
    hookspec,
    since,
    since_of,
)
from commercekit.platform.plugins import hookspecs as platform_hooks
from tests.architecture.source import DOMAINS


class Request(Struct):
    amount: int
    note: str = ""
    """Came later: with a default, so that whoever makes or reads the old ones goes on."""


@since("0.1")
class Gateway(ABC):
    code = "x"

    @abstractmethod
    def pay(self) -> str: ...

    @deprecated("0.3", "fill pay")
    def charge(self) -> str:
        return ""

    @since("0.4")
    def refund(self) -> str:
        """Came later: with an answer for those who do not know it."""
        return "by hand"


@deprecated("0.3", "build on Gateway")
class OldGateway(Gateway): ...


@since("0.1")
@hookspec
def register_gateways(ctx: object, market: str) -> Sequence[Gateway]:
    """``market`` came later."""
    return ()


@deprecated("0.3", "fill register_gateways")
@hookspec
def register_payers() -> Sequence[Gateway]:
    return ()


def room():
    module = ModuleType("shop.hookspecs")
    module.register_gateways = register_gateways
    module.register_payers = register_payers
    return module


def registry(**functions):
    module = ModuleType("acme")
    for name, function in functions.items():
        setattr(module, name, hookimpl(function))
    plugin = InstalledPlugin("pay", "acme-pay", "1.2", "", module)
    return PluginRegistry([room()], installed=[plugin], development=True)


def nothing():
    return []


class Plain(Gateway):
    """Written when ``pay`` and ``charge`` were all there was."""

    def pay(self):
        return "paid"


def test_a_plugin_of_an_earlier_interface_works_with_all_that_was_added():
    plugins = registry(register_gateways=lambda ctx: [Plain()])
    ((_, gateway),) = plugins.collect(register_gateways, lambda code: code, market="cn")
    assert (gateway.pay(), gateway.refund()) == ("paid", "by hand")
    assert Request(5) == Request(amount=5, note="")
    assert plugins.warnings == ()


def test_a_deprecated_hook_is_told_at_the_start_with_plugin_and_cure():
    assert registry(register_payers=nothing).warnings == (
        "The plugin 'pay' (acme-pay 1.2) fills register_payers, which is deprecated since 0.3; "
        "fill register_gateways",
    )


def test_deprecated_bases_and_methods_are_told_once_they_are_brought():
    class Mine(OldGateway):
        def pay(self):
            return ""

        def charge(self):
            return ""

    plugins = registry(register_gateways=lambda: [Mine(), Mine()])
    assert plugins.warnings == ()
    assert len(plugins.collect(register_gateways)) == 2
    assert plugins.warnings == (
        "The plugin 'pay' (acme-pay 1.2) builds Mine on OldGateway, which is deprecated since 0.3; "
        "build on Gateway",
        "The plugin 'pay' (acme-pay 1.2) fills Gateway.charge in Mine, which is deprecated since 0.3; "
        "fill pay",
    )


def test_marks_are_not_inherited():
    assert since_of(Gateway) == "0.1"
    assert since_of(OldGateway) is None
    assert deprecation_of(OldGateway) == Deprecation("0.3", "build on Gateway")
    assert deprecation_of(Plain) is None


def hooks():
    for module in (platform_hooks, *HOOK_ROOMS):
        yield from (getattr(module, name) for name in module.__all__)


@pytest.mark.parametrize("hook", list(hooks()), ids=lambda hook: hook.__name__)
def test_every_hook_says_since_when_it_is_there(hook):
    assert since_of(hook) is not None


def test_every_interface_for_plugins_says_since_when_it_is_there():
    assert app is not None
    doors = [f"commercekit.{name}" for name in DOMAINS]
    doors += ["commercekit.platform.storage"]
    unmarked = []
    for door in doors:
        try:
            module = import_module(door)
        except ModuleNotFoundError:  # a domain that is still to come
            continue
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) and inspect.isabstract(thing) and since_of(thing) is None:
                unmarked.append(f"{door}.{name}")
    assert unmarked == []
