"""What plugins bring for staff: permissions, pages of the console, fields, and texts."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from litestar import get, post

from commercekit.app.permissions import CORE_PERMISSIONS
from commercekit.app.surface import Surface
from commercekit.errors import ConfigurationError, Malformed
from commercekit.identity import NewToken
from commercekit.platform.extensions import ExtensionField
from commercekit.platform.http import Input
from commercekit.platform.plugins import ConsolePage
from commercekit.platform.security import Permission, Principal, requires
from tests.app.plugged import bringing, configured, opened
from tests.shop import given, refused

APPROVE = Permission("acme:approve", {"en": "Approve wraps", "zh": "批准包装"})
SEE = Permission("acme-wraps:read", {"en": "See wraps", "zh": "查看包装"})
WRAPS = {"en": "Wraps", "zh": "包装"}


class Wrap(Input):
    paper: str


def routes() -> list[Any]:
    @get("/wraps", guards=[requires("acme-wraps:read")], summary="Wraps")
    async def wraps() -> list[str]:
        return ["stars"]

    @post("/wraps", guards=[requires("acme:approve")], summary="Add a wrap")
    async def add(data: Wrap) -> dict[str, str]:
        return {"paper": data.paper}

    return [wraps, add]


def acme(**more):
    return bringing(register_permissions=[APPROVE, SEE], register_routes=routes, **more)


def page(**more):
    return ConsolePage(
        **{"path": "wraps", "title": WRAPS, "permission": "acme-wraps:read", "asset": "console.js"}
        | more
    )


async def test_a_permission_of_a_plugin_is_held_by_tokens_and_asked_for_by_its_routes(
    dsn, clock, tmp_path
):
    async with opened(dsn, clock, tmp_path, acme(), goods=False) as shop:
        may, other = await shop.token("acme-wraps:read"), await shop.token("orders:read")
        path = "/plugins/acme/wraps"
        assert given(await shop.client.get(path, headers=may)) == ["stars"]
        problem = refused(await shop.client.get(path, headers=other), 403, "forbidden")
        assert problem["required_scope"] == "acme-wraps:read"
        refused(await shop.client.get(path), 401, "unauthenticated")
        # One of them does not open the other, and a star opens both.
        refused(await shop.client.post(path, json={"paper": "x"}, headers=may), 403, "forbidden")
        both = await shop.token("acme:*")
        assert (await shop.client.post(path, json={"paper": "x"}, headers=both)).status_code == 201


async def test_errors_headers_limits_and_openapi_of_a_plugins_routes_are_the_shops(
    dsn, clock, tmp_path
):
    async with opened(dsn, clock, tmp_path, acme(), goods=False) as shop:
        all_of = await shop.token("*:*")
        ask, path = shop.client, "/plugins/acme/wraps"
        wrong = await ask.post(path, json={"paper": 3}, headers=all_of)
        assert refused(wrong, 400, "validation")["errors"][0]["pointer"] == "/paper"
        unknown = await ask.post(path, json={"paper": "x", "size": 1}, headers=all_of)
        assert refused(unknown, 400, "validation")["errors"][0]["code"] == "unknown-field"
        large = b'{"paper": "' + b"x" * 10_500_000 + b'"}'
        headers = {**all_of, "content-type": "application/json"}
        refused(await ask.post(path, content=large, headers=headers), 413, "too-large")
        refused(await ask.get("/plugins/acme/nothing"), 404, "not-found")
        refused(await ask.get("/plugins/other/wraps"), 404, "not-found")
        fine = await ask.get(path, headers=all_of)
        assert fine.headers["x-content-type-options"] == "nosniff"
        assert fine.headers["x-request-id"]
        document = given(await ask.get("/openapi.json"))
        operation = document["paths"][path]["post"]
        assert operation["x-required-scope"] == "acme:approve"
        assert operation["security"] == [{"staffToken": []}, {"staffSession": []}]
        assert {"400", "401", "403", "413"} <= operation["responses"].keys()
        assert operation["tags"] == ["plugins acme"]


async def test_a_token_for_something_that_nobody_asks_for_is_not_made(dsn, clock, tmp_path):
    async with opened(dsn, clock, tmp_path, acme(), goods=False) as shop:
        body = {"name": "x", "scopes": ["acme:aprove"]}
        problem = refused(await shop.admin("POST", "/admin/tokens", json=body), 400, "malformed")
        assert problem["errors"] == [
            {
                "pointer": "/scopes",
                "code": "unknown-permission",
                "message": "Nothing in this shop asks for the permission 'acme:aprove'; did you mean "
                "acme:approve?",
            }
        ]
        body["scopes"] = ["acme:approve", "*:read", "orders:*"]
        given(await shop.admin("POST", "/admin/tokens", json=body), 201)
    async with opened(dsn, clock, tmp_path, goods=False) as shop:
        with pytest.raises(Malformed, match="'acme:approve'"):
            await shop.shop.identity.create_token(
                Principal.system("test"), NewToken(name="x", scopes=frozenset({"acme:approve"}))
            )


@pytest.mark.parametrize(
    ("hooks", "sentence"),
    [
        (
            {"register_permissions": [Permission("orders:wrap", WRAPS)]},
            "The plugin 'acme' brings the permission 'orders:wrap'; its own begin with acme: or acme-",
        ),
        (
            {"register_permissions": [Permission("acmex:read", WRAPS)]},
            "its own begin with acme: or acme-",
        ),
        (
            {"register_permissions": [Permission("acme:*", WRAPS)]},
            "its own begin with acme: or acme-",
        ),
        ({"register_permissions": [Permission("acme", WRAPS)]}, "'acme' is no scope"),
        ({"register_permissions": [APPROVE, APPROVE]}, "which is there already"),
        (
            {"register_permissions": [Permission("acme:a", {"zh": "批"})]},
            "without an English label",
        ),
        ({"register_console_pages": [page()]}, "Nothing in this shop asks for the permission"),
        ({"register_console_pages": [page(permission="orders:*")]}, "for 'orders:*'"),
    ],
)
def test_a_permission_that_does_not_fit_stops_the_start(tmp_path, hooks, sentence):
    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        Surface(configured(tmp_path, bringing(**hooks)).plugins)


async def test_a_route_that_asks_for_a_permission_of_nobodys_stops_the_start(dsn, clock, tmp_path):
    with pytest.raises(ConfigurationError) as stopped:
        async with opened(dsn, clock, tmp_path, bringing(register_routes=routes), goods=False):
            pass
    told = stopped.value.detail
    assert (
        "GET /plugins/acme/wraps: Nothing in this shop asks for the permission 'acme-wraps:read'"
        in told
    )
    assert "bring it by register_permissions" in told


async def test_core_permissions_are_those_that_the_core_asks_for(dsn, clock, tmp_path):
    async with opened(dsn, clock, tmp_path, goods=False) as shop:
        document = given(await shop.client.get("/openapi.json"))
    asked = {
        operation["x-required-scope"]
        for path, item in document["paths"].items()
        for operation in item.values()
        if "x-required-scope" in operation and not path.startswith("/plugins/")
    }
    # What decides about fields, not about doors.
    asked.add("personal:show")
    assert {each.scope for each in CORE_PERMISSIONS} == asked
    assert all(each.label.keys() == {"en", "zh"} for each in CORE_PERMISSIONS)


async def test_pages_are_told_to_whoever_may_see_them(dsn, clock, tmp_path):
    pages = [
        page(),
        page(
            path="wraps/settings", permission="acme:approve", asset=None, schema={"type": "object"}
        ),
        page(
            path="stars",
            section="orders",
            asset=None,
            iframe="https://stars.example/x",
            icon="star",
        ),
    ]
    async with opened(
        dsn, clock, tmp_path, acme(register_console_pages=pages), goods=False
    ) as shop:
        told = given(await shop.admin("GET", "/admin/console/pages"))
        assert told == [
            {
                "plugin": "acme",
                "path": "/plugins/acme/stars",
                "title": WRAPS,
                "permission": "acme-wraps:read",
                "icon": "star",
                "section": "orders",
                "kind": "iframe",
                "iframe": "https://stars.example/x",
            },
            {
                "plugin": "acme",
                "path": "/plugins/acme/wraps",
                "title": WRAPS,
                "permission": "acme-wraps:read",
                "icon": "puzzle",
                "section": "plugins",
                "kind": "asset",
                "asset": "/plugins/acme/console.js",
            },
            {
                "plugin": "acme",
                "path": "/plugins/acme/wraps/settings",
                "title": WRAPS,
                "permission": "acme:approve",
                "icon": "puzzle",
                "section": "plugins",
                "kind": "schema",
                "schema": {"type": "object"},
            },
        ]
        some = await shop.token("console:read", "acme:approve")
        told = given(await shop.client.get("/admin/console/pages", headers=some))
        assert [each["path"] for each in told] == ["/plugins/acme/wraps/settings"]
        none = await shop.token("console:read")
        assert given(await shop.client.get("/admin/console/pages", headers=none)) == []
        closed = await shop.token("acme:approve")
        refused(await shop.client.get("/admin/console/pages", headers=closed), 403, "forbidden")
        permissions = given(await shop.admin("GET", "/admin/console/permissions"))
        approve = {"scope": "acme:approve", "label": APPROVE.label, "plugin": "acme"}
        assert {**approve, "step_up": False} in permissions
        assert sum(each["plugin"] is None for each in permissions) == len(CORE_PERMISSIONS)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"path": "/wraps"}, "write its path as wraps/settings"),
        ({"path": "../admin"}, "write its path as wraps/settings"),
        ({"title": {"zh": "包"}}, "without an English title"),
        ({"asset": None}, "it needs one of asset, iframe and schema"),
        ({"iframe": "x.html"}, "it needs one of asset, iframe and schema"),
        ({"asset": "../../store/x.js"}, "its asset is a path among the plugin's own routes"),
        (
            {"asset": "https://evil.example/x.js"},
            "its asset is a path among the plugin's own routes",
        ),
        ({"asset": None, "iframe": "javascript:alert(1)"}, "or an https address"),
        ({"asset": None, "iframe": "http://stars.example/"}, "or an https address"),
        ({"asset": None, "iframe": "//stars.example/"}, "or an https address"),
    ],
)
def test_a_page_that_does_not_fit_stops_the_start(tmp_path, wrong, sentence):
    plugin = bringing(register_permissions=[SEE], register_console_pages=[page(**wrong)])
    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        Surface(configured(tmp_path, plugin).plugins)


def test_one_path_is_one_page(tmp_path):
    plugin = bringing(register_permissions=[SEE], register_console_pages=[page(), page()])
    with pytest.raises(ConfigurationError, match="'wraps' twice; give one of them another path"):
        Surface(configured(tmp_path, plugin).plugins)


async def test_fields_are_told_with_their_schemas(dsn, clock, tmp_path):
    weight = ExtensionField(
        entity="product",
        name="grams",
        type=int,
        label={"en": "Weight", "zh": "重量"},
        default=5,
    )
    plugin = bringing(register_extension_fields=[weight])
    async with opened(dsn, clock, tmp_path, plugin, goods=False) as shop:
        assert given(await shop.admin("GET", "/admin/console/fields")) == [
            {
                "entity": "product",
                "plugin": "acme",
                "name": "grams",
                "label": {"en": "Weight", "zh": "重量"},
                "schema": {"type": "integer"},
                "required": False,
                "default": 5,
                "indexed": False,
                "visible": "admin",
                "writable": "admin",
            }
        ]


# ------------------------------------------------------------------------------------------- texts

ENGLISH = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "hello"
msgstr "Hello, {name}"

msgid "gifts"
msgid_plural "gifts"
msgstr[0] "{count} gift"
msgstr[1] "{count} gifts"

msgid "only-english"
msgstr "Only here"
"""
CHINESE = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

msgid "hello"
msgstr "你好,{name}"

msgid "gifts"
msgid_plural "gifts"
msgstr[0] "{count} 件礼物"

#, fuzzy
msgid "only-english"
msgstr "也许"
"""


def locales(tmp_path, **texts):
    for language, text in texts.items():
        (tmp_path / "locales" / language).mkdir(parents=True)
        (tmp_path / "locales" / language / "messages.po").write_text(text, encoding="utf-8")
    return tmp_path / "locales"


def test_a_text_is_found_for_the_reader_and_falls_back(tmp_path):
    folder = locales(tmp_path, en=ENGLISH, zh=CHINESE)
    surface = Surface(configured(tmp_path, bringing(register_translations=[folder])).plugins)
    text = surface.texts_of("acme").text
    assert text("hello", ["zh-CN", "en"], name="Li") == "你好,Li"
    assert text("hello", ["fr", "en"], name="Li") == "Hello, Li"
    assert text("hello", [], name="Li") == "Hello, Li"
    assert [text("gifts", ["en"], count=n) for n in (0, 1, 2)] == ["0 gifts", "1 gift", "2 gifts"]
    assert text("gifts", ["zh"], count=2) == "2 件礼物"
    # What nobody has looked at is not a translation.
    assert text("only-english", ["zh"]) == "Only here"
    assert text("nowhere", ["zh"]) == "nowhere"
    assert surface.texts_of("other").text("hello") == "hello"


def test_what_one_language_lacks_is_said_at_the_start_and_stops_nothing(tmp_path, caplog):
    folder = locales(tmp_path, en=ENGLISH, zh=CHINESE)
    plugin = bringing(
        register_translations=[folder],
        register_permissions=[Permission("acme:a", {"en": "A"})],
    )
    surface = Surface(configured(tmp_path, plugin).plugins)
    assert surface.missing_texts() == {
        "acme": ["zh: only-english", "zh: the label of the permission acme:a"]
    }


def test_a_catalogue_that_cannot_be_read_stops_the_start(tmp_path):
    folder = locales(tmp_path, en="msgid nothing")
    with pytest.raises(ConfigurationError, match="'acme' brings texts that cannot be used"):
        Surface(configured(tmp_path, bringing(register_translations=[folder])).plugins)
    with pytest.raises(ConfigurationError, match="no catalogue"):
        Surface(configured(tmp_path, bringing(register_translations=[tmp_path / "none"])).plugins)


def test_who_only_declares_something_loads_neither_a_web_framework_nor_catalogues():
    code = (
        "import sys; from commercekit import hookimpl, PluginContext;"
        " from commercekit.platform.extensions import ExtensionField;"
        " print([name for name in ('litestar', 'babel') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
