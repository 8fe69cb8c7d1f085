from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec
import pytest

from commercekit.platform.plugins import (
    DuplicateProvider,
    InstalledPlugin,
    NoSettings,
    PluginContext,
    PluginError,
    PluginPolicy,
    PluginRegistry,
    ProviderNotFound,
    Registry,
    hookimpl,
    hookspec,
)
from commercekit.platform.plugins import hookspecs as platform_hooks


class Gateway(ABC):
    code: str

    @abstractmethod
    def pay(self) -> str: ...


class Sandbox(Gateway):
    def __init__(self, code: str = "sandbox") -> None:
        self.code = code

    def pay(self) -> str:
        return "paid"


class Strategy: ...


@hookspec
def register_gateways(ctx: PluginContext) -> Sequence[Gateway]:
    return ()


@hookspec
def choose_strategy(ctx: PluginContext) -> Strategy | None:
    return None


def nothing():
    return []


def strategy():
    return Strategy()


def room() -> ModuleType:
    module = ModuleType("shop.hookspecs")
    module.register_gateways = register_gateways
    module.choose_strategy = choose_strategy
    return module


def plugin(code: str = "payment-sandbox", **functions: Any) -> InstalledPlugin:
    module = ModuleType(code.replace("-", "_"))
    for name, function in functions.items():
        setattr(module, name, hookimpl(function))
    return InstalledPlugin(code, f"commercekit-{code}", "1.2", "Pays.", module)


def registry(*plugins: InstalledPlugin, **more: Any) -> PluginRegistry:
    return PluginRegistry([room()], installed=plugins, **({"development": True} | more))


def refused(*plugins: InstalledPlugin, **more: Any) -> str:
    with pytest.raises(PluginError) as caught:
        registry(*plugins, **more)
    return caught.value.detail


def test_what_a_plugin_brings_is_collected_with_its_name():
    gateway = Sandbox()
    plugins = registry(plugin(register_gateways=lambda: [gateway]))
    assert plugins.collect(register_gateways) == (("payment-sandbox", gateway),)


def test_a_plugin_that_asks_for_its_context_gets_its_own():
    seen = []

    def register(ctx):
        seen.append(ctx)
        return []

    plugins = registry(plugin("a", register_gateways=register), plugin("b"))
    plugins.collect(register_gateways, lambda code: SimpleNamespace(code=code))
    assert [ctx.code for ctx in seen] == ["a"]


def test_a_development_shop_enables_every_installed_plugin():
    assert registry(plugin("a"), plugin("b")).enabled == ("a", "b")


def test_a_shop_enables_what_it_names_only_and_a_production_shop_nothing_unnamed():
    policy = PluginPolicy(enabled=("b",))
    plugins = registry(plugin("a"), plugin("b"), policy=policy)
    assert plugins.enabled == ("b",)
    assert registry(plugin("a"), development=False).enabled == ()


def test_a_plugin_that_is_not_enabled_runs_no_code():
    entry = EntryPoint("off", "commercekit_no_such_module", "commercekit")
    off = InstalledPlugin("off", "commercekit-off", "1", "", entry)
    assert registry(off, development=False).views()[0].enabled is False


def test_an_allowed_plugin_that_is_missing_stops_the_start():
    assert refused(plugin("a"), policy=PluginPolicy(enabled=("b",))) == (
        "plugins.enabled names b, and that is not installed; "
        "install its distribution or take the name out (installed: a)"
    )


@pytest.mark.promise("R27")
def test_a_plugin_that_cannot_be_imported_stops_the_start():
    entry = EntryPoint("bad", "commercekit_no_such_module", "commercekit")
    sentence = refused(InstalledPlugin("bad", "commercekit-bad", "1", "", entry))
    assert sentence.startswith("The plugin 'bad' (commercekit-bad 1) cannot be imported from")
    assert "ModuleNotFoundError" in sentence


async def _async_hook():
    return []


def _unmarked() -> InstalledPlugin:
    made = plugin()
    made.entry.register_gateways = lambda: (Sandbox(),)
    return made


_ASYNC = "its register_gateways is async; hooks only register: write def, and work in the provider"


@pytest.mark.promise("R27")
@pytest.mark.parametrize(
    ("misfit", "sentence"),
    [
        (
            plugin(register_gatewais=nothing),
            "its register_gatewais fills no hook of this version; did you mean register_gateways?",
        ),
        (
            plugin(zzz=nothing),
            "its zzz fills no hook of this version; remove it or update commercekit",
        ),
        (plugin(register_gateways=_async_hook), _ASYNC),
        (
            plugin(register_gateways=lambda shop: []),
            "its register_gateways asks for shop; the hook offers ctx, name only these",
        ),
        (
            plugin(register_settings=lambda ctx: None),
            "its register_settings asks for ctx; the hook offers no arguments, name only these",
        ),
        (_unmarked(), "its register_gateways is not marked; put @hookimpl above it"),
    ],
)
def test_a_misfit_stops_the_start_with_plugin_hook_and_cure(misfit, sentence):
    assert refused(misfit) == (
        "The plugin 'payment-sandbox' (commercekit-payment-sandbox 1.2) does not fit: " + sentence
    )


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (None, "returned NoneType from register_gateways; the hook takes Sequence[Gateway]"),
        ("sandbox", "returned str from register_gateways; the hook takes Sequence[Gateway]"),
        (Sandbox(), "returned Sandbox from register_gateways; the hook takes Sequence[Gateway]"),
        ([3], "returned int from register_gateways; the hook takes Gateway"),
        ([Sandbox], "returned the class Sandbox instead of an instance from register_gateways"),
    ],
)
def test_a_wrong_answer_stops_the_start(answer, what):
    plugins = registry(plugin(register_gateways=lambda: answer))
    with pytest.raises(PluginError) as caught:
        plugins.collect(register_gateways)
    assert what in caught.value.detail
    assert "payment-sandbox" in caught.value.detail


def test_a_hook_that_raises_stops_the_start_and_names_the_plugin():
    def register():
        message = "no key"
        raise KeyError(message)

    plugins = registry(plugin("a", register_gateways=register), plugin("b"))
    with pytest.raises(PluginError, match="plugin 'a'.*failed in register_gateways: KeyError"):
        plugins.collect(register_gateways)


def test_a_hook_of_another_room_cannot_be_collected():
    @hookspec
    def register_gateways() -> Sequence[int]:
        return ()

    with pytest.raises(PluginError, match="no hook of the rooms"):
        registry().collect(register_gateways)


def test_a_hook_whose_types_are_not_there_at_run_time_is_refused():
    def register_things():
        return ()

    register_things.__annotations__["return"] = "Sequence[Absent]"

    module = ModuleType("broken.hookspecs")
    module.register_things = hookspec(register_things)
    with pytest.raises(PluginError, match="register_things takes cannot be checked.*Absent"):
        PluginRegistry([module], installed=())


# -- choosing -----------------------------------------------------------------------------------


def test_nobody_choosing_is_no_choice():
    assert registry(plugin("a", choose_strategy=lambda: None)).choose(choose_strategy) is None


def test_the_only_answer_is_chosen():
    only = Strategy()
    plugins = registry(plugin("a", choose_strategy=lambda: only), plugin("b"))
    assert plugins.choose(choose_strategy) is only


def test_two_answers_stop_the_start_unless_the_settings_name_one():
    first, second = Strategy(), Strategy()
    both = (plugin("a", choose_strategy=lambda: first), plugin("b", choose_strategy=lambda: second))
    with pytest.raises(PluginError, match=r'both answer choose_strategy.*choose_strategy = "a"'):
        registry(*both).choose(choose_strategy)
    policy = PluginPolicy(choose={"choose_strategy": "b"})
    assert registry(*both, policy=policy).choose(choose_strategy) is second


def test_the_settings_must_name_a_plugin_that_answers():
    policy = PluginPolicy(choose={"choose_strategy": "c"})
    plugins = registry(plugin("a", choose_strategy=strategy), policy=policy)
    with pytest.raises(PluginError, match="names 'c', which does not answer it.*: a"):
        plugins.choose(choose_strategy)


def test_a_choice_of_the_wrong_type_stops_the_start():
    with pytest.raises(PluginError, match=r"returned int from choose_strategy.*Strategy \| None"):
        registry(plugin("a", choose_strategy=lambda: 3)).choose(choose_strategy)


# -- settings, views, registries ----------------------------------------------------------------


class Settings(msgspec.Struct):
    delay: int = 1


def test_each_plugin_declares_its_own_section():
    plugins = registry(
        plugin("a", register_settings=lambda: Settings),
        plugin("b"),
        plugin("c"),
        policy=PluginPolicy(enabled=("a", "b")),
    )
    assert plugins.settings_sections() == {"a": Settings, "b": NoSettings, "c": None}


def test_a_section_that_is_no_struct_stops_the_start():
    plugins = registry(plugin("a", register_settings=lambda: dict))
    with pytest.raises(PluginError, match="register_settings"):
        plugins.settings_sections()


def test_operators_see_every_installed_plugin_and_what_it_fills():
    plugins = registry(
        plugin("a", register_gateways=nothing, choose_strategy=strategy),
        plugin("b", register_gateways=nothing),
        policy=PluginPolicy(enabled=("a",)),
    )
    assert [msgspec.to_builtins(view) for view in plugins.views()] == [
        {
            "code": "a",
            "distribution": "commercekit-a",
            "version": "1.2",
            "summary": "Pays.",
            "enabled": True,
            "hooks": ["choose_strategy", "register_gateways"],
        },
        {
            "code": "b",
            "distribution": "commercekit-b",
            "version": "1.2",
            "summary": "Pays.",
            "enabled": False,
            "hooks": [],
        },
    ]


def gateways(*plugins: InstalledPlugin) -> Registry[Gateway]:
    return Registry("payment gateway", registry(*plugins).collect(register_gateways))


def test_providers_are_found_by_their_code():
    found = gateways(plugin("a", register_gateways=lambda: [Sandbox("x"), Sandbox("y")]))
    assert list(found) == ["x", "y"]
    assert found["y"].pay() == "paid"
    assert found.plugin_of("y") == "a"
    assert "z" not in found
    assert found.get("z") is None


def test_an_unknown_code_names_those_that_are_there():
    found = gateways(plugin("a", register_gateways=lambda: [Sandbox("x")]))
    with pytest.raises(ProviderNotFound, match=r"no payment gateway 'z'.*\(there: x\)"):
        found["z"]


@pytest.mark.promise("R27")
def test_two_providers_with_one_code_stop_the_start():
    with pytest.raises(DuplicateProvider) as caught:
        gateways(
            plugin("a", register_gateways=lambda: [Sandbox()]),
            plugin("b", register_gateways=lambda: [Sandbox()]),
        )
    assert caught.value.detail == (
        "The plugins 'a' and 'b' both bring the payment gateway 'sandbox'; enable one of them only"
    )


def test_a_provider_without_a_code_stops_the_start():
    with pytest.raises(PluginError, match="'a' brings a payment gateway without a code"):
        gateways(plugin("a", register_gateways=lambda: [Sandbox("")]))


def test_a_context_knows_the_addresses_of_its_plugin_and_its_settings():
    ctx = PluginContext(
        code="payment-sandbox",
        settings=Settings(delay=3),
        db=None,
        clock=None,
        http=None,
        sealer=None,
        base_url="https://shop.example",
        enqueue=None,
        log=None,
    )
    assert ctx.url("/pay/1") == "https://shop.example/plugins/payment-sandbox/pay/1"
    assert ctx.webhook_url("payments", "sandbox") == (
        "https://shop.example/webhooks/payments/sandbox/default"
    )
    assert ctx.section(Settings).delay == 3
    with pytest.raises(TypeError, match="payment-sandbox declared Settings, not NoSettings"):
        ctx.section(NoSettings)


@pytest.mark.parametrize("name", platform_hooks.__all__)
def test_every_platform_hook_says_when_it_is_called_and_what_it_returns(name):
    hook = getattr(platform_hooks, name)
    assert "Called" in hook.__doc__
    assert ":returns:" in hook.__doc__
    for argument in hook.__annotations__.keys() - {"return"}:
        assert f":param {argument}:" in hook.__doc__
