"""The plugins of one shop: which are there, which work, and what they bring."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import pluggy
from msgspec import Struct

from commercekit.platform.plugins import deprecations, hookspecs
from commercekit.platform.plugins.context import PluginContext
from commercekit.platform.plugins.discovery import InstalledPlugin, installed_plugins
from commercekit.platform.plugins.errors import DuplicateProvider, PluginError, ProviderNotFound
from commercekit.platform.plugins.lock import PinnedPlugin, PluginLock, examine
from commercekit.platform.plugins.markers import GROUP
from commercekit.platform.plugins.policy import NoSettings, PluginPolicy
from commercekit.platform.plugins.requirements import refuse_unmet
from commercekit.platform.plugins.specs import Spec, read_specs, refuse_misfits
from commercekit.platform.providers import fits, type_words

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Offered", "PluginRegistry", "PluginView", "Registry"]

T = TypeVar("T")
ContextOf = Callable[[str], PluginContext]
"""The context of a plugin, by its code."""


class Offered(NamedTuple, Generic[T]):
    """One thing that a plugin brought."""

    plugin: str
    item: T


class PluginView(Struct, frozen=True):
    """A plugin as operators see it."""

    code: str
    distribution: str
    version: str
    summary: str
    enabled: bool
    hooks: list[str]
    """Those it fills; empty while it is not enabled, because its code is not run then."""


@dataclass(frozen=True, slots=True)
class _Enabled:
    plugin: InstalledPlugin
    module: Any
    hooks: tuple[str, ...]


class PluginRegistry:
    """Loads what the policy enables and checks it before anything of it runs.

    ``rooms`` are the modules with the domains' hook specifications: the platform knows its own only.
    Nothing here is called while the shop serves; what hooks return lives in the domains' registries.
    """

    def __init__(
        self,
        rooms: Iterable[ModuleType],
        *,
        policy: PluginPolicy | None = None,
        development: bool = False,
        installed: Sequence[InstalledPlugin] | None = None,
        lock: PluginLock | None = None,
    ) -> None:
        """In production ``lock`` has to allow every enabled plugin, file by file.

        All of them are judged before anything of one of them is imported. In safe mode one that is
        refused is left out instead.
        """
        self._policy = policy or PluginPolicy()
        self._installed = installed_plugins() if installed is None else tuple(installed)
        self._pm = pluggy.PluginManager(GROUP)
        self._specs = read_specs(self._pm, [hookspecs, *rooms])
        self._enabled: dict[str, _Enabled] = {}
        self._left_out: dict[str, str] = {}
        self._warnings: dict[str, None] = {}
        self._collected: dict[str, dict[str, list[Any]]] = {}
        allowed = None if development else (lock or PluginLock()).plugins
        wanted = [
            plugin
            for plugin in self.wanted(self._policy, self._installed, development=development)
            if self._passes(plugin, partial(_judge, plugin, allowed))
        ]
        with _nothing_collected():
            for plugin in wanted:
                self._passes(plugin, partial(self._take_in, plugin))

    def _passes(self, plugin: InstalledPlugin, step: Callable[[], None]) -> bool:
        """Whether the plugin stays; outside of safe mode what is wrong with it stops the start."""
        try:
            step()
        except PluginError as error:
            if not self.safe_mode:
                raise
            self._left_out[plugin.code] = error.detail
            return False
        return True

    def _take_in(self, plugin: InstalledPlugin) -> None:
        module = plugin.load()
        hooks = refuse_misfits(self._pm, plugin, module, self._specs)
        self._pm.register(module, name=plugin.code)
        self._enabled[plugin.code] = _Enabled(plugin, module, hooks)
        for hook in hooks:
            self._warn(deprecations.of_hook(plugin.origin, self._specs[hook].function))

    def _warn(self, sentences: Iterable[str]) -> None:
        self._warnings.update(dict.fromkeys(sentences))

    @staticmethod
    def wanted(
        policy: PluginPolicy, installed: Sequence[InstalledPlugin], *, development: bool
    ) -> list[InstalledPlugin]:
        """Which of ``installed`` the policy enables; in safe mode those of them that it calls safe."""
        allowed = policy.enabled
        by_code = {plugin.code: plugin for plugin in installed}
        if policy.safe_mode:
            return [
                by_code[code]
                for code in dict.fromkeys(policy.safe)
                if code in by_code and (development if allowed is None else code in allowed)
            ]
        if allowed is None:
            return list(installed) if development else []
        missing = [code for code in allowed if code not in by_code]
        if missing:
            there = ", ".join(by_code) or "none"
            message = (
                f"plugins.enabled names {', '.join(missing)}, and that is not installed; "
                f"install its distribution or take the name out (installed: {there})"
            )
            raise PluginError(message)
        return [by_code[code] for code in dict.fromkeys(allowed)]

    # -- who is there -------------------------------------------------------------------------

    @property
    def safe_mode(self) -> bool:
        """Whether only what the settings call safe was taken in."""
        return self._policy.safe_mode

    @property
    def warnings(self) -> tuple[str, ...]:
        """What enabled plugins still use and will have to do without: one sentence each."""
        return tuple(self._warnings)

    @property
    def left_out(self) -> Mapping[str, str]:
        """In safe mode: why a plugin that is called safe does not work; by code."""
        return self._left_out

    @property
    def enabled(self) -> tuple[str, ...]:
        """Codes of the plugins that work in this shop."""
        return tuple(self._enabled)

    def views(self) -> tuple[PluginView, ...]:
        """Every installed plugin, enabled or not."""
        return tuple(
            PluginView(
                plugin.code,
                plugin.distribution,
                plugin.version,
                plugin.summary,
                plugin.code in self._enabled,
                list(self._enabled[plugin.code].hooks) if plugin.code in self._enabled else [],
            )
            for plugin in self._installed
        )

    def owner_of(self, item: object) -> str:
        """Which enabled plugin's code makes up ``item``; empty for the core's own."""
        top = type(item).__module__.partition(".")[0]
        for code, enabled in self._enabled.items():
            name = getattr(enabled.module, "__name__", "")
            if str(name).partition(".")[0] == top:
                return code
        return ""

    def folders(self) -> dict[str, Path]:
        """Where each enabled plugin's code lies, a package or a single file: code is named by it."""
        found = {}
        for code, enabled in self._enabled.items():
            name = getattr(enabled.module, "__name__", None) or type(enabled.module).__module__
            module = sys.modules.get(str(name).partition(".")[0])
            file = getattr(module, "__file__", None)
            if file:
                path = Path(file)
                found[code] = path.parent if path.name == "__init__.py" else path
        return found

    def settings_sections(self) -> dict[str, type[Struct] | None]:
        """The type of each plugin's section, for ``load_settings``; None while it is not enabled."""
        sections: dict[str, type[Struct] | None] = {p.code: None for p in self._installed}
        if (
            self.safe_mode
        ):  # a plugin that was uninstalled in need must not stop the start by its table
            sections |= dict.fromkeys(self._policy.enabled or ())
        for code in self._enabled:
            sections[code] = NoSettings
        for plugin, answer in self._answers(self._spec(hookspecs.register_settings), None, {}):
            if answer is None:
                continue
            if not (isinstance(answer, type) and issubclass(answer, Struct)):
                self._refuse_return(plugin, "register_settings", answer, "type[Struct] | None")
            sections[plugin.code] = answer
        return sections

    # -- what they bring ------------------------------------------------------------------------

    def collect(
        self,
        spec: Callable[..., Sequence[T]],
        context: ContextOf | None = None,
        **arguments: Any,
    ) -> tuple[Offered[T], ...]:
        """What every enabled plugin brings for the hook ``spec``, checked against its annotation.

        ``context`` gives each plugin its own :class:`PluginContext` for hooks that offer ``ctx``.
        """
        known = self._spec(spec)
        offered: list[Offered[T]] = []
        seen = self._collected[known.name] = {}
        for plugin, answer in self._answers(known, context, arguments):
            if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
                self._refuse_return(plugin, known.name, answer, type_words(known.returns))
            for item in answer:
                if not fits(item, known.item):
                    self._refuse_return(plugin, known.name, item, type_words(known.item))
                self._warn(deprecations.of_provider(plugin.origin, item))
                offered.append(Offered(plugin.code, item))
                seen.setdefault(plugin.code, []).append(item)
        return tuple(offered)

    def collected(self, plugin: str) -> dict[str, Sequence[Any]]:
        """What ``plugin`` answered when each hook was last asked, by the hook's name."""
        return {hook: found[plugin] for hook, found in self._collected.items() if plugin in found}

    def choose(
        self,
        spec: Callable[..., T | None],
        context: ContextOf | None = None,
        **arguments: Any,
    ) -> T | None:
        """The one answer to a ``choose_*`` hook; two stop the start unless the settings name one."""
        known = self._spec(spec)
        answers: dict[str, T] = {}
        for plugin, answer in self._answers(known, context, arguments):
            if not fits(answer, known.returns):
                self._refuse_return(plugin, known.name, answer, type_words(known.returns))
            if answer is not None:
                self._warn(deprecations.of_provider(plugin.origin, answer))
                answers[plugin.code] = answer
        named = self._policy.choose.get(known.name)
        if named is not None and (named in answers or not self.safe_mode):
            if named not in answers:
                message = (
                    f"plugins.choose.{known.name} names {named!r}, which does not answer it; "
                    f"those who do: {', '.join(answers) or 'none'}"
                )
                raise PluginError(message)
            return answers[named]
        if len(answers) > 1:
            first = next(iter(answers))
            message = (
                f"The plugins {' and '.join(answers)} both answer {known.name}; name one of them in "
                f'the settings: plugins.choose.{known.name} = "{first}"'
            )
            raise PluginError(message)
        return next(iter(answers.values()), None)

    def _spec(self, function: Callable[..., Any]) -> Spec:
        name = getattr(function, "__name__", str(function))
        spec = self._specs.get(name)
        if spec is None or spec.function is not function:
            message = f"{name} is no hook of the rooms this registry was made with"
            raise PluginError(message)
        return spec

    def _answers(
        self, spec: Spec, context: ContextOf | None, arguments: Mapping[str, Any]
    ) -> Iterator[tuple[InstalledPlugin, Any]]:
        """Each implementation's answer. Called one by one: one that raises silences no other."""
        for implementation in self._pm.hook.__getattribute__(spec.name).get_hookimpls():
            plugin = self._enabled[implementation.plugin_name].plugin
            given = dict(arguments)
            if context is not None and "ctx" in spec.arguments:
                given["ctx"] = context(plugin.code)
            try:
                answer = implementation.function(*(given[n] for n in implementation.argnames))
            except Exception as error:  # a plugin may raise anything
                message = (
                    f"The {plugin.origin} failed in {spec.name}: {type(error).__name__}: {error}; "
                    "mend it, or take it out of plugins.enabled"
                )
                if self.safe_mode:
                    self._left_out[plugin.code] = message
                    continue
                raise PluginError(message) from error
            yield plugin, answer

    @staticmethod
    def _refuse_return(plugin: InstalledPlugin, hook: str, returned: Any, promised: str) -> None:
        what = returned.__name__ if isinstance(returned, type) else type(returned).__name__
        kind = f"the class {what} instead of an instance" if isinstance(returned, type) else what
        message = (
            f"The {plugin.origin} returned {kind} from {hook}; the hook takes {promised}: "
            "return that, or an empty sequence for nothing"
        )
        raise PluginError(message)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """What is imported stays: looking through all of it for garbage again and again takes longer than it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _judge(plugin: InstalledPlugin, allowed: Mapping[str, PinnedPlugin] | None) -> None:
    """Refuse what must not or cannot run. Imports nothing of it."""
    plugin.refuse_name()
    if allowed is not None:
        examine(plugin, allowed.get(plugin.code)).insist()
    refuse_unmet(plugin)


class Registry(Mapping[str, T]):
    """Providers of one family by their ``code``.

    ::

        gateways = Registry("payment gateway", plugins.collect(register_payment_gateways))
        gateways["sandbox"]
    """

    def __init__(self, family: str, offered: Iterable[Offered[T]] = ()) -> None:
        self._family = family
        self._items: dict[str, Offered[T]] = {}
        for each in offered:
            code = getattr(each.item, "code", None)
            if not isinstance(code, str) or not code:
                message = (
                    f"The plugin {each.plugin!r} brings a {family} without a code; "
                    f'give the class {type(each.item).__name__} one, such as code = "sandbox"'
                )
                raise PluginError(message)
            earlier = self._items.setdefault(code, each)
            if earlier is not each:
                message = (
                    f"The plugins {earlier.plugin!r} and {each.plugin!r} both bring the {family} "
                    f"{code!r}; enable one of them only"
                )
                raise DuplicateProvider(message)

    def __getitem__(self, code: str) -> T:
        if code not in self._items:
            there = ", ".join(self._items) or "none"
            message = (
                f"There is no {self._family} {code!r}; enable the plugin that brings it or name "
                f"another (there: {there})"
            )
            raise ProviderNotFound(message)
        return self._items[code].item

    def __contains__(self, code: object) -> bool:
        return code in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def get(self, code: str, default: Any = None) -> Any:
        """The provider, or ``default`` when there is none."""
        return self._items[code].item if code in self._items else default

    def plugin_of(self, code: str) -> str:
        """Which plugin brought it."""
        self[code]
        return self._items[code].plugin
