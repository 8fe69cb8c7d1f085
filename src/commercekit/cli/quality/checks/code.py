"""How the plugin's code behaves, as far as reading it tells."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from commercekit.cli.quality.core import hooks
from commercekit.cli.quality.folder import PluginFolder
from commercekit.cli.quality.syntax import SourceFile, calls, dotted, names_in
from commercekit.errors import ConfigurationError
from commercekit.platform.texts import PluginTexts

__all__ = [
    "given_clock",
    "hooks_only_register",
    "leaves_retries_alone",
    "never_blocks",
    "no_shared_state",
    "own_names",
    "own_words_for_errors",
    "says_it_is_typed",
    "shops_client",
    "translated",
    "whole_amounts",
]

_BLOCKING: Final = re.compile(
    r"^(time\.sleep|input|open|os\.(system|popen|wait\w*)|subprocess\.\w+|socket\.\w+"
    r"|requests\.\w+|urllib\.request\.\w+|urllib3\.\w+|httpx\.(get|post|put|patch|delete|request"
    r"|stream|Client)|sqlite3\.\w+|shutil\.\w+)$"
)
_BLOCKING_METHODS: Final = re.compile(
    r"\.(read_text|write_text|read_bytes|write_bytes|run_sync|run_until_complete)$"
)
_IN_HOOKS: Final = re.compile(
    r"^(ctx\.(db|http|enqueue)(\.\w+)?|asyncio\.\w+|httpx\.\w+|threading\.Thread)$"
)
_CLOCK: Final = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns))$"
)
_MONEY: Final = re.compile(r"(^|_)(amount|price|total|money|cost|fee|discount|tax|subtotal)s?(_|$)")
_CLIENTS: Final = frozenset({"requests", "aiohttp", "urllib3", "http.client", "urllib.request"})
_OWN_PACE: Final = re.compile(
    r"^(asyncio\.(sleep|create_task|ensure_future|TaskGroup)|threading\.Thread"
    r"|(loop|.*get_running_loop\(\))\.(create_task|call_later))$"
)
_MUTATIONS: Final = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove",
     "setdefault", "update"}
)  # fmt: skip


def hooks_only_register(plugin: PluginFolder) -> Iterator[str]:
    """Hooks exist, are synchronous, and do no I/O; nor does importing the plugin."""
    for node in plugin.hooks.values():
        if plugin.entry is not None:
            yield from _misfits(plugin.entry, node)
    for file in plugin.modules:
        for statement in file.tree.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            for call in calls(statement, nested=False):
                if _blocks(call):
                    yield f"{file.at(call)}: importing it calls {dotted(call.func)}"


def _misfits(file: SourceFile, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    where, name = file.at(node), node.name
    known = hooks().get(name)
    if known is None:
        yield f"{where}: commercekit has no hook {name}"
        return
    unknown = [a.arg for a in node.args.args if a.arg not in known.arguments]
    if unknown:
        offers = ", ".join(known.arguments) or "no arguments"
        yield f"{where}: {name} asks for {', '.join(unknown)}; the hook offers {offers}"
    if isinstance(node, ast.AsyncFunctionDef):
        yield f"{where}: {name} is async; a hook registers, the object it returns works"
    for call in calls(node):
        what = dotted(call.func)
        if _blocks(call) or _IN_HOOKS.search(what):
            yield f"{file.at(call)}: {name} calls {what} while the shop starts"


def _blocks(call: ast.Call) -> bool:
    what = dotted(call.func)
    return bool(_BLOCKING.search(what) or _BLOCKING_METHODS.search(what))


def never_blocks(plugin: PluginFolder) -> Iterator[str]:
    """No coroutine calls what makes the whole shop wait."""
    for file, function in _coroutines(plugin):
        for call in calls(function, nested=False):
            if _blocks(call):
                what = dotted(call.func)
                yield f"{file.at(call)}: {what} blocks the event loop; use asyncio.to_thread"


def own_words_for_errors(plugin: PluginFolder) -> Iterator[str]:
    """No error disappears, and none leaves in words that the core cannot act on."""
    for file in plugin.modules:
        for node in ast.walk(file.tree):
            if isinstance(node, ast.ExceptHandler):
                caught = names_in(node.type) if node.type is not None else {"BaseException"}
                raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
                if raises:
                    continue
                if caught & {"BaseException", "CancelledError"}:
                    yield f"{file.at(node)}: swallows a cancelled call; let it through"
                elif "Exception" in caught and not _tells(node):
                    yield f"{file.at(node)}: swallows every error; catch what you expect, or log it"
            elif isinstance(node, ast.Raise) and node.exc is not None:
                raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                if dotted(raised) in {"Exception", "BaseException", "RuntimeError"}:
                    yield (
                        f"{file.at(node)}: raises {dotted(raised)}; ProviderRejected, "
                        "ProviderUnknown and ProviderUnavailable say what may be repeated"
                    )
            elif isinstance(node, ast.Call) and dotted(node.func).endswith("suppress"):
                suppressed = {name for argument in node.args for name in names_in(argument)}
                if suppressed & {"Exception", "BaseException"}:
                    yield f"{file.at(node)}: suppresses every error"


def _tells(handler: ast.ExceptHandler) -> bool:
    return any(
        re.search(r"(^|\.)(log|logger|_log)\b|\.(exception|warning|error)$", dotted(call.func))
        for call in calls(handler)
    )


def given_clock(plugin: PluginFolder) -> Iterator[str]:
    """Time comes from the clock that was handed in."""
    for file in plugin.modules:
        for call in calls(file.tree):
            if _CLOCK.search(dotted(call.func)):
                yield f"{file.at(call)}: {dotted(call.func)}; ask ctx.clock, which tests can turn"


def own_names(plugin: PluginFolder) -> Iterator[str]:
    """Tables, jobs and consumers carry the plugin's code, so that no two plugins meet."""
    prefix = plugin.code.replace("-", "_")
    for file in plugin.modules:
        for kind in file.classes.values():
            for word in kind.keywords:
                table = _text(file, word.value) if word.arg == "tablename" else None
                if table is not None and not table.startswith(f"{prefix}_"):
                    yield f"{file.at(kind)}: the table {table} is not {prefix}_…"
        for call in calls(file.tree):
            made = dotted(call.func).rpartition(".")[2]
            if made not in {"JobKind", "Subscription"}:
                continue
            name = _text(file, _first(call, "name" if made == "JobKind" else "consumer"))
            if name is not None and not re.match(rf"{re.escape(plugin.code)}[.:-]", name):
                yield f"{file.at(call)}: the {made} {name!r} does not begin with {plugin.code}."


def _first(call: ast.Call, keyword: str) -> ast.expr | None:
    named = next((word.value for word in call.keywords if word.arg == keyword), None)
    return named or (call.args[0] if call.args else None)


def _text(file: SourceFile, node: ast.expr | None) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return file.constants.get(node.id) if isinstance(node, ast.Name) else None


def shops_client(plugin: PluginFolder) -> Iterator[str]:
    """Calls to the outside go through the client that the shop hands over."""
    for file in plugin.modules:
        for taken in file.imports:
            full = f"{taken.module}.{taken.name}" if taken.name else taken.module
            found = _CLIENTS & {taken.module, full, taken.module.split(".")[0]}
            if found:
                yield f"{file.at(taken.line)}: {min(found)}; use ctx.http"
        for call in calls(file.tree):
            what = dotted(call.func)
            if re.fullmatch(
                r"httpx\.(AsyncClient|Client|get|post|put|delete|request|stream)", what
            ):
                yield f"{file.at(call)}: {what}; use ctx.http, which knows what it must not reach"


def whole_amounts(plugin: PluginFolder) -> Iterator[str]:
    """Money is whole minor units, from the vendor's message to ours."""
    for file in plugin.modules:
        for node in ast.walk(file.tree):
            if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
                name = node.arg if isinstance(node, ast.arg) else dotted(node.target)
                if _MONEY.search(name) and "float" in names_in(node.annotation):
                    yield f"{file.at(node)}: {name} is a float"
            elif isinstance(node, ast.Call) and dotted(node.func) == "float" and _of_money(node):
                yield f"{file.at(node)}: makes a float of money"
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and _of_money(node):
                yield f"{file.at(node)}: divides money by /; use // or Money.split"


def _of_money(node: ast.Call | ast.BinOp) -> bool:
    meant = node.left if isinstance(node, ast.BinOp) else node
    return any(_MONEY.search(name) for name in names_in(meant))


def translated(plugin: PluginFolder) -> Iterator[str]:
    """What people read stands there in English and in Chinese."""
    # A catalogue lies in locales/<language>/, wherever in the package that folder is.
    for catalogue in sorted((plugin.base / plugin.package).rglob("en/*.po")):
        folder = catalogue.parent.parent
        try:
            gaps = PluginTexts([folder]).missing
        except ConfigurationError as error:
            yield error.detail
            continue
        for language, key in gaps:
            yield f"{folder.relative_to(plugin.base)}: {key!r} is not there in {language}"
    for file in plugin.modules:
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Dict):
                texts = {
                    key.value: value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant)
                }
                # What a vendor says in English is not ours to translate: only texts written here.
                written = isinstance(texts.get("en"), ast.Constant | ast.JoinedStr)
                if written and "zh" not in texts:
                    yield f"{file.at(node)}: a text in English has no Chinese beside it"
            elif isinstance(node, ast.ClassDef):
                names = {dotted(t) for one in node.body for t in getattr(one, "targets", ())}
                if "title" in names and "slug" in names and "title_zh" not in names:
                    yield f"{file.at(node)}: {node.name} has a title and no title_zh"


def no_shared_state(plugin: PluginFolder) -> Iterator[str]:
    """Two requests at once never see each other's values."""
    for file in plugin.modules:
        shared = _mutable_globals(file)
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Global):
                yield f"{file.at(node)}: changes {', '.join(node.names)} for all requests"
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = dotted(node.func.value)
                if owner in shared and node.func.attr in _MUTATIONS:
                    yield f"{file.at(node)}: changes {owner}, which all requests share"
            elif isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
                targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
                for target in targets:
                    if isinstance(target, ast.Subscript) and dotted(target.value) in shared:
                        yield f"{file.at(node)}: changes {dotted(target.value)}, which is shared"


def _mutable_globals(file: SourceFile) -> set[str]:
    kinds = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    made = {"dict", "list", "set", "defaultdict", "deque", "OrderedDict", "Counter"}
    found = set()
    for node in file.tree.body:
        value = getattr(node, "value", None)
        is_call = isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] in made
        if isinstance(value, kinds) or is_call:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[attr-defined]  # what has a value here has a target
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def leaves_retries_alone(plugin: PluginFolder) -> Iterator[str]:
    """How long, how often and by whom it is tried again is the shop's decision."""
    for file, function in _coroutines(plugin):
        for call in calls(function, nested=False):
            what = dotted(call.func) or ast.unparse(call.func)
            if _OWN_PACE.search(what):
                yield f"{file.at(call)}: {what}; the shop repeats calls, jobs do what comes later"


def _coroutines(plugin: PluginFolder) -> Iterator[tuple[SourceFile, ast.AsyncFunctionDef]]:
    for file in plugin.modules:
        for node in ast.walk(file.tree):
            if isinstance(node, ast.AsyncFunctionDef):
                yield file, node


def says_it_is_typed(plugin: PluginFolder) -> Iterator[str]:
    """Its types count for whoever imports it, and none is waved through without a reason."""
    if not (plugin.base / plugin.package / "py.typed").is_file():
        yield f"{plugin.package}/py.typed is missing"
    for file in plugin.modules:
        for number, line in enumerate(file.path.read_text(encoding="utf-8").splitlines(), start=1):
            found = re.search(r"#\s*type:\s*ignore(\[[^\]]*\])?(?P<why>.*)", line)
            if found and len(re.sub(r"\W", "", found["why"])) < 5:
                yield f"{file.at(number)}: type: ignore without a reason beside it"
