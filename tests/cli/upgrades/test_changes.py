import pytest
from msgspec.structs import replace

from commercekit.cli.upgrades.changes import (
    Change,
    changes_between,
    fits_calls,
    fits_overrides,
    unwarned,
)
from tests.cli.upgrades.cores import FIRST, SECOND, core


@pytest.fixture(scope="module")
def apis(tmp_path_factory):
    return (
        core(tmp_path_factory.mktemp("first"), FIRST, "0.1.0"),
        core(tmp_path_factory.mktemp("second"), SECOND, "0.2.0"),
    )


def test_nothing_differs_from_itself(apis):
    assert changes_between(apis[0], apis[0]) == []


def test_what_breaks_and_what_does_not(apis):
    changes = changes_between(*apis)
    assert {each.name.removeprefix("commercekit.") for each in changes if each.breaks} == {
        "payments.OldGateway.close",
        "payments.OldGateway.query",
        "payments.OldGateway.refund",
        "payments.Gateway.close",
        "payments.Gateway.query",
        "payments.Gateway.refund",
        "payments.OrderPaid.amount",
        "payments.OrderPaid.total",
        "payments.OrderShipped",
        "payments.Refund.amount",
        "payments.Refund.reason",
        "payments.Refund.total",
        "payments.make_charge",
        "platform.plugins.PluginContext.base_url",
        "platform.plugins.PluginContext.public_url",
        "register_gateways",
        "register_payers",
        "web.processes",
        "methods.<name>.flow",
    }
    assert {each.sentence for each in changes if not each.breaks} == {
        "commercekit.payments.Gateway.added is new",
        "commercekit.payments.OldGateway.added is new",
        "commercekit.payments.OldGateway is deprecated since 0.2: build on Gateway",
        "commercekit.payments.create_charge is new",
        "register_payer is new",
        "web.workers is new",
    }


ADDITIONS = {
    "a name": ("payments/__init__.py", '"State",', '"State", "extra",'),
    "a method with a body": (
        "payments/gateway.py",
        "def close(self, id: str) -> None: ...",
        "def close(self, id: str) -> None: ...\n            def later(self) -> int: ...",
    ),
    "a field with a default": (
        "payments/gateway.py",
        'note: str = ""',
        'note: str = ""\n            later: int = 0',
    ),
    "an argument of a hook": (
        "payments/hookspecs.py",
        "(ctx: PluginContext, market: str)",
        "(ctx: PluginContext, market: str, later: int)",
    ),
    "an argument with a default": (
        "payments/gateway.py",
        'currency: str = "CNY"',
        'currency: str = "CNY", later: int = 0',
    ),
    "a setting with a default": (
        "app/settings.py",
        "processes: int = 2",
        "processes: int = 2\n            later: int = 0",
    ),
    "a hook": (
        "payments/hookspecs.py",
        "@hookspec\n        def register_payers",
        "@hookspec\n        def register_more(): ...\n        @hookspec\n        def register_payers",
    ),
}


@pytest.mark.parametrize("what", ADDITIONS)
def test_an_addition_breaks_nobody(tmp_path, apis, what):
    file, before, after = ADDITIONS[what]
    assert before in FIRST[file]
    changed = FIRST | {file: FIRST[file].replace(before, after)}
    changes = changes_between(apis[0], core(tmp_path, changed, "0.1.1"))
    assert changes
    assert [each.sentence for each in changes if each.breaks] == []


@pytest.mark.parametrize(
    ("before", "after", "calls", "overrides"),
    [
        ("(a: int) -> str", "(a: int, b: int = 1) -> str", True, False),
        ("(a: int, **more: int)", "(a: int, b: int = 1, **more: int)", True, True),
        ("(a: int)", "(a: int, b: int)", False, False),
        ("(a: int, b: int = 1)", "(a: int)", False, True),
        ("(a: int)", "async (a: int)", False, False),
        ("(a: int, b: int)", "(b: int, a: int)", False, True),
        ("(a: int)", "(*, a: int)", False, True),
        ("(*, a: int = 1)", "(*, a: int)", False, True),
        ("(a, /)", "(a, /, b=1)", True, False),
        ("(*a)", "(*a)", True, True),
    ],
)
def test_signatures_fit_callers_and_overrides_by_different_rules(before, after, calls, overrides):
    assert (fits_calls(before, after), fits_overrides(before, after)) == (calls, overrides)


@pytest.mark.parametrize(
    ("deprecated", "version", "allowed"),
    [
        ("", "0.9.0", False),
        ("0.3: use y", "0.4.0", False),
        ("0.3: use y", "0.5.0", True),
        ("0.3: use y", "1.0.0", True),
        ("1.3: use y", "1.5.2", True),
        ("1.3: use y", "1.3.9", False),
    ],
)
def test_a_removal_needs_two_minor_releases_of_warning(deprecated, version, allowed):
    gone = Change(what="hook", name="x", told="is gone", breaks=True, deprecated=deprecated)
    assert (unwarned([gone], version) == []) is allowed


def test_operations_are_compared_where_both_know_them(apis):
    first = replace(apis[0], operations={"GET /a": ["query q", "answers 200"], "GET /b": []})
    second = replace(apis[0], operations={"GET /a": ["query p (required)", "answers 200"]})
    assert [(each.sentence, each.breaks) for each in changes_between(first, second)] == [
        ("GET /a lacks query q and has query p (required)", True),
        ("GET /b is gone", True),
    ]
    assert changes_between(first, apis[0]) == []
