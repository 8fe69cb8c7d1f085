"""Rules of the house that look at one module at a time. Each yields a sentence per violation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.source import Module

ROOMS = frozenset(
    {
        "__init__", "api", "errors", "events", "hookspecs", "invariants", "jobs", "models",
        "months", "piccolo_app", "piccolo_migrations", "providers", "repository", "rules", "service", "settings",
        "subscribers", "tables", "templates",
    }
)  # fmt: skip
"""The rooms of a domain.

``jobs`` is the sister of ``subscribers``: reactions to time instead of facts. ``settings`` is the
domain's section of the typed tree. ``invariants`` holds the queries that audit its tables,
``months`` what moves together when a month of theirs is over, and what keeps it from being over.
"""

ROOMS_OF_ONE = {
    # Pages as bytes in front of the application, in memory and shared, and who must forget which of them.
    "storefront": frozenset({"freshness", "lane", "sharing"}),
}
"""What only one domain has: each with its reason, and not more than fit on this page."""

FORBIDDEN_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "shared"})

HOMES: dict[str, tuple[str, ...]] = {
    "pluggy": (r"commercekit\.platform\.plugins(\..*)?",),
    "asyncpg": (r"commercekit\.platform\.db(\..*)?",),
    "aio_pika": (r"commercekit\.platform\.bus\.rabbitmq(\.[a-z_]+)?",),
    "aiormq": (r"commercekit\.platform\.bus\.rabbitmq(\.[a-z_]+)?",),
    "valkey": (r"commercekit\.platform\.cache(\.[a-z_]+)?",),
    "piccolo": (
        r"commercekit\.platform\.db(\..*)?",
        r".*\.(tables|repository|piccolo_migrations)(\..*)?",
        r".*\.piccolo_app",
    ),
    "litestar": (
        r"commercekit\.(app|web|testing)(\..*)?",
        r"commercekit\.platform\.(http|security)(\..*)?",
        r".*\.api(\..*)?",
    ),
    "httpx": (
        r"commercekit\.platform\.(fakes|http)(\..*)?",
        # These are handed the shop's client, and make none.
        r"commercekit\.(app\..*|platform\.(plugins|providers)\.context)",
        r"commercekit_.*",
        r"commercekit\.(cli|testing)(\..*)?",
    ),
    # Where connections to checked addresses are opened.
    "httpcore": (r"commercekit\.platform\.http\.outbound\.[a-z]+",),
    "granian": (r"commercekit\.cli(\..*)?",),
    "prometheus_client": (r"commercekit\.platform\.(http|telemetry)(\..*)?",),
    "cryptography": (r"commercekit\.platform\.security(\..*)?", r"commercekit_.*"),
}

FORBIDDEN_IMPORTS = frozenset({"pickle", "cPickle", "dill", "marshal", "shelve", "yaml"})

VENDORS = re.compile(
    r"alipay|wechat|weixin|wxpay|stripe|paypal|adyen|klarna|unionpay|braintree|mollie|razorpay"
    r"|sf.?express|kuaidi|cainiao|fedex|\bups\b|\bdhl\b|usps|royal.?mail"
    r"|salesforce|hubspot|zoho|mailchimp|sendgrid|twilio|aliyun|tencent",
    re.IGNORECASE,
)

OWN_CLOCK = re.compile(r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns))$")

REASON = re.compile(
    r"#\s*(?P<what>noqa(:\s*[A-Z0-9, ]+)?|type:\s*ignore(\[[^\]]*\])?|pragma:\s*no cover"
    r"|fmt:\s*(off|skip))(?P<why>.*)$",
    re.IGNORECASE,
)


def strangers(module: Module) -> Iterator[str]:
    """Third-party packages outside of their homes."""
    for taken in module.imports:
        homes = HOMES.get(taken.module.split(".")[0])
        if homes and not any(re.fullmatch(home, module.name) for home in homes):
            yield f"{module.at(taken.line)} imports {taken.module}, which does not live here"


def unsafe_formats(module: Module) -> Iterator[str]:
    """Formats that run code or guess types when they are read."""
    if module.name == "commercekit.testing.conformance.twins":
        return  # a test hands a provider to its own child, and nobody else writes to that pipe
    for taken in module.imports:
        if taken.module.split(".")[0] in FORBIDDEN_IMPORTS:
            yield f"{module.at(taken.line)} imports {taken.module}; msgspec only"


def root_imports(module: Module) -> Iterator[str]:
    """The front door of the whole is for plugins; inside the house it would close a circle."""
    if module.is_plugin or module.name == "commercekit":
        return
    for taken in module.imports:
        if taken.module == "commercekit" and taken.name in {"hookimpl", "create_app"}:
            yield f"{module.at(taken.line)} imports from the root package"


def bare_transactions(module: Module) -> Iterator[str]:
    """Piccolo's own transactions lose connections and atomicity: see docs/decisions/0002."""
    if module.name.startswith("commercekit.platform.db"):
        return
    for call in _calls(module.tree):
        if _last_name(call.func) in {"transaction", "atomic"}:
            yield f"{module.at(call.lineno)} opens a transaction; use a unit of work"


def blocking_queries(module: Module) -> Iterator[str]:
    """``run_sync`` starts a second event loop, which breaks the pool of the first."""
    for call in _calls(module.tree):
        if _last_name(call.func) == "run_sync":
            yield f"{module.at(call.lineno)} calls run_sync"


def gathering(module: Module) -> Iterator[str]:
    """One connection answers one query at a time: no ``gather`` inside a unit of work."""
    for node in ast.walk(module.tree):
        inside = False
        if isinstance(node, ast.AsyncWith):
            inside = any(
                isinstance(item.context_expr, ast.Call)
                and _last_name(item.context_expr.func) in {"unit_of_work", "nested"}
                for item in node.items
            )
        elif isinstance(node, ast.AsyncFunctionDef):
            arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            inside = any(argument.arg == "uow" for argument in arguments)
        if inside:
            for call in _calls(node):
                if _last_name(call.func) in {"gather", "TaskGroup", "create_task"}:
                    yield f"{module.at(call.lineno)} runs tasks inside a unit of work"


def floats(module: Module) -> Iterator[str]:
    """Money is whole: no domain makes a float, or says that something is one."""
    if not (module.in_domain or module.name == "commercekit.kernel.money"):
        return
    for call in _calls(module.tree):
        if isinstance(call.func, ast.Name) and call.func.id == "float":
            yield f"{module.at(call.lineno)} makes a float"
    for node in ast.walk(module.tree):
        words = ()
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            name = node.arg if isinstance(node, ast.arg) else getattr(node.target, "id", "")
            words = tuple(_annotation_names(node.annotation)) if _is_money(name) else ()
        if "float" in words:
            yield f"{module.at(node.lineno)} keeps money as a float"


def own_clocks(module: Module) -> Iterator[str]:
    """Time comes from the clock that was handed in; ``monotonic`` may measure how long it took."""
    if not module.in_domain:
        return
    for call in _calls(module.tree):
        source = ast.unparse(call.func)
        if re.search(
            r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns))$", source
        ):
            yield f"{module.at(call.lineno)} reads the machine's clock"


def loose_names(module: Module) -> Iterator[str]:
    """A name that says nothing collects everything."""
    for part in module.parts:
        if part in FORBIDDEN_NAMES:
            yield f"{module.path} is called {part}"


def unknown_rooms(module: Module) -> Iterator[str]:
    """Whoever knows one domain knows them all: the rooms have the same names everywhere."""
    rooms = ROOMS | ROOMS_OF_ONE.get(module.area, frozenset())
    if module.in_domain and module.room and module.room not in rooms:
        yield f"{module.path} is no room of a domain"


def vendors(module: Module) -> Iterator[str]:
    """The core names no vendor; what knows one is a plugin."""
    if module.is_plugin:
        return
    for number, line in enumerate(module.text.splitlines(), start=1):
        found = VENDORS.search(line)
        if found:
            yield f"{module.at(number)} names {found.group()}"


def unexplained_silence(module: Module) -> Iterator[str]:
    """A rule may be silenced where there is a reason, and the reason stands beside it."""
    for number, line in enumerate(module.text.splitlines(), start=1):
        found = REASON.search(line)
        if found is None or found["what"].lower().startswith("fmt"):
            continue
        if found["what"].lower() == "noqa":
            yield f"{module.at(number)} silences every rule"
        elif len(re.sub(r"[^A-Za-z]", "", _reason(found["why"]))) < 5:
            yield f"{module.at(number)} gives no reason beside {found['what'].strip()}"


def too_long(module: Module, limit: int = 450) -> Iterator[str]:
    """A room that grows past a few hundred lines becomes a package of the same name."""
    length = module.text.count("\n")
    if length > limit and "piccolo_migrations" not in module.parts:
        yield f"{module.path} has {length} lines, more than {limit}"


def _reason(text: str) -> str:
    # Two marks on one line share the reason that stands at its end.
    nested = REASON.search(text)
    return _reason(nested["why"]) if nested else text


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_money(name: str) -> bool:
    return bool(re.search(r"amount|price|total|money|cost|fee|discount|tax|subtotal", name))


def _annotation_names(node: ast.expr) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
