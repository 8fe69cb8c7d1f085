import sys

import pytest

from commercekit.cli.exits import Failed
from commercekit.cli.upgrades.judging import judge_uses
from commercekit.cli.upgrades.model import PublicApi
from commercekit.cli.upgrades.reading import read_target
from commercekit.cli.upgrades.shop_settings import judge_settings
from commercekit.cli.upgrades.using import Uses, read_module
from tests.cli.upgrades.cores import FIRST, PLUGIN, SECOND, core, wheel


@pytest.fixture(scope="module")
def apis(tmp_path_factory):
    return (
        core(tmp_path_factory.mktemp("first"), FIRST, "0.1.0"),
        core(tmp_path_factory.mktemp("second"), SECOND, "0.2.0"),
    )


def findings(text, now, target):
    uses = Uses()
    read_module(text, "acme.plugin", "acme/plugin.py", uses)
    return judge_uses("acme", uses, now, target)


def told(text, now, target, *, breaks=True):
    return {(each.line, each.told) for each in findings(text, now, target) if each.breaks is breaks}


def test_a_plugin_of_this_version_has_nothing_to_fear_from_it(apis):
    now, _ = apis
    assert told(PLUGIN, now, now) == set()


def test_everything_that_would_break_is_told_with_its_line(apis):
    assert told(PLUGIN, *apis) == {
        (6, "commercekit.payments.OrderShipped is gone"),
        (9, "commercekit.payments.make_charge is gone; did it become create_charge?"),
        (15, "Acme has to bring Gateway.query: async (id: str) -> str"),
        (21, "Gateway.refund is called with final, too"),
        (22, "Refund no longer takes amount"),
        (22, "Refund now needs reason"),
        (22, "Refund now needs total"),
        (23, "PluginContext.base_url is gone; did it become public_url?"),
        (25, "Gateway.close is gone: nothing calls it any more"),
        (26, "commercekit.payments.make_charge is gone; did it become create_charge?"),
        (38, "the hook register_gateways no longer offers market; it offers ctx, markets"),
        (43, "the hook register_payers is gone; did it become register_payer?"),
        (48, "OrderPaid.amount is gone"),
    }  # fmt: skip


def test_what_will_go_and_what_was_never_promised_is_noted(apis):
    assert told(PLUGIN, *apis, breaks=False) == {
        (
            11,
            "commercekit.payments.gateway.OldGateway is inside the core: it may change at any time",
        ),
        (38, "the hook register_gateways is deprecated since 0.2: fill register_payment_gateways"),
    }


def test_a_deprecated_base_is_noted_where_it_is_imported(apis):
    text = "from commercekit.payments import OldGateway\n"
    assert told(text, *apis, breaks=False) == {
        (1, "commercekit.payments.OldGateway is deprecated since 0.2: build on Gateway")
    }


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("import commercekit.payments as pay\npay.OrderShipped\n", 2, "OrderShipped is gone"),
        ("from commercekit.payments import State\nState.PAID.value\n", 0, ""),
        (
            "from commercekit.payments import Refund\nRefund(**dict(amount=1))\n",
            0,
            "",
        ),
        (
            "from commercekit.payments import OrderPaid as Paid\n"
            "def react(event: 'Paid | None'): event.amount\n",
            2,
            "OrderPaid.amount is gone",
        ),
        (
            "from commercekit.payments import OrderPaid\n"
            "def react(event: OrderPaid):\n    def event_of(event): event.amount\n",
            0,
            "",
        ),
        ("def broken(:\n", 1, "is no Python that this version reads"),
    ],
)
def test_ways_to_use_a_name(apis, text, line, sentence):
    found = told(text, *apis)
    assert [number for number, _ in found] == ([line] if line else [])
    assert all(sentence in words for _, words in found)


def test_a_base_class_of_the_plugins_own_counts(apis):
    text = PLUGIN.replace(
        "class Fine(Gateway)", "class Half(Gateway):\n    pass\n\nclass Fine(Half)"
    )
    assert [words for _, words in told(text, *apis) if "Half" in words or "Fine" in words] == []


def test_a_class_that_was_abstract_already_is_somebodys_base(apis):
    assert told("from commercekit.payments import Gateway\nclass Mixin(Gateway): ...\n", *apis) == {
        (2, "Mixin has to bring Gateway.query: async (id: str) -> str")
    }


def test_a_wheel_and_its_record_say_the_same(apis, tmp_path):
    _, second = apis
    file = wheel(tmp_path / "commercekit-0.2.0-py3-none-any.whl", SECOND, "0.2.0")
    before = set(sys.modules)
    from_wheel = read_target(file)
    assert [n for n in set(sys.modules) - before if "commercekit" in n] == []
    record = tmp_path / "api.json"
    record.write_text(second.text())
    assert from_wheel == read_target(record) == second


@pytest.mark.parametrize("content", [b"", b"PK", b"{}", b"[]"])
@pytest.mark.parametrize("name", ["target.whl", "target.json"])
def test_what_is_no_target_is_refused(tmp_path, content, name):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(Failed, match=name):
        read_target(file)


def test_a_wheel_of_something_else_is_refused(tmp_path):
    file = wheel(tmp_path / "acme.whl", {}, "1.0")
    with pytest.raises(Failed, match="is no wheel of commercekit"):
        read_target(file)


def test_settings_that_go_are_told_with_their_line(apis, tmp_path):
    file = tmp_path / "commercekit.toml"
    file.write_text(
        'name = "x"\n[web]\nbase_url = "y"\nprocesses = 3\n'
        '[methods.card]\ngateway = "a"\nflow = "b"\n[unknown]\nflow = 1\n'
    )
    assert [(each.line, each.told) for each in judge_settings(file, *apis)] == [
        (4, "the setting web.processes is gone"),
        (7, "the setting methods.card.flow is gone"),
    ]


def test_the_record_survives_its_file(apis, tmp_path):
    first, _ = apis
    file = tmp_path / "api.json"
    file.write_text(first.text())
    assert PublicApi.read(file) == first
    assert first.hooks["register_gateways"].since == "0.1"
    assert first.doors["commercekit.payments"]["OrderPaid"].kind == "event"
    assert first.doors["commercekit.payments"]["Gateway"].kind == "provider"
    assert first.settings["methods.<name>.gateway"] == "str"
