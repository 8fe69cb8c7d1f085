"""The command, on a real plugin and a wheel of the real core in which some things are changed."""

import json
import zipfile

import pytest

from tests.architecture.source import ROOT
from tests.platform.plugins.site import install

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CHANGES = {
    "payments/__init__.py": [('    "PaymentSnapshot",\n', "")],
    "payments/hookspecs.py": [("def register_payment_gateways", "def register_gateways")],
    "payments/providers/gateway.py": [
        (
            "    @abstractmethod\n    async def create(",
            "    @abstractmethod\n    async def ping(self, ctx: ProviderContext) -> bool: ...\n\n"
            "    @abstractmethod\n    async def create(",
        )
    ],
    "platform/plugins/context.py": [("    base_url: str\n", "    public_url: str\n")],
    "app/settings.py": [("    processes: Annotated[", "    workers: Annotated[")],
    "orders/events.py": [("class OrderPaid(", "class OrderPayed(")],
    "orders/__init__.py": [('    "OrderPaid",\n', "")],
}


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    file = tmp_path_factory.mktemp("target") / "commercekit-0.2.0-py3-none-any.whl"
    base = ROOT / "src/commercekit"
    done = set()
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(base.rglob("*.py")):
            name = path.relative_to(base).as_posix()
            text = path.read_text(encoding="utf-8")
            for before, after in CHANGES.get(name, ()):
                assert before in text, name
                text = text.replace(before, after, 1)
                done.add(name)
            archive.writestr(f"commercekit/{name}", text)
        archive.writestr(
            "commercekit-0.2.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: commercekit\nVersion: 0.2.0\n",
        )
    assert done == CHANGES.keys()
    return file


MINE = """
from commercekit import hookimpl
from commercekit.orders import OrderPaid
from commercekit.platform.plugins import PluginContext
raise RuntimeError("nobody may import this")

@hookimpl
def register_subscriptions(ctx: PluginContext):
    return [ctx.base_url]
"""


def test_what_a_real_plugin_loses_is_told_with_file_and_line(commercekit, target):
    code, told, errors = commercekit(
        "plugins", "doctor", "payment-sandbox", "--target", str(target), "--json"
    )
    assert (code, errors) == (1, "")
    answer = json.loads(told)
    assert answer["breaks"] == sum(each["breaks"] for each in answer["findings"])
    assert (answer["target"], answer["plugins"]) == ("0.2.0", ["payment-sandbox"])
    broken = {(each["what"], each["told"]): each for each in answer["findings"] if each["breaks"]}
    source = ROOT / "plugins/commercekit-payment-sandbox/src"
    for (what, sentence), fragment in {
        ("requirement", "asks for commercekit <0.2,>=0.1; the target is 0.2.0"): "",
        ("name", "commercekit.payments.PaymentSnapshot is gone"): "PaymentSnapshot",
        (
            "hook",
            "the hook register_payment_gateways is gone; did it become register_gateways?",
        ): "def register_payment_gateways",
        (
            "abstract method",
            "SandboxGateway has to bring PaymentGateway.ping: async (ctx: ProviderContext) -> bool",
        ): "class SandboxGateway",
    }.items():
        found = broken[what, sentence]
        if fragment:
            line = (source / found["file"]).read_text().splitlines()[found["line"] - 1]
            assert fragment in line, found


def test_a_plugin_is_judged_that_could_not_even_be_imported(
    commercekit, at, target, tmp_path, monkeypatch
):
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    package = install(site, "mine", plugin=MINE)
    (at / "commercekit.toml").write_text("[web]\nprocesses = 2\n")
    code, told, errors = commercekit("plugins", "doctor", "mine", "--target", str(target))
    assert code == 1
    assert not (package / "imported").exists()
    rows = [" ".join(line.split()) for line in told.splitlines()]
    assert rows[1:] == [
        "BREAKS mine acme_mine/plugin.py:5 commercekit.orders.OrderPaid is gone",
        "BREAKS mine acme_mine/plugin.py:11 PluginContext.base_url is gone; did it become public_url?",
    ]
    assert errors == "2 of 2 findings break with commercekit 0.2.0.\n"
    code, told, _ = commercekit("plugins", "doctor", "--target", str(target), "--json")
    settings = [each for each in json.loads(told)["findings"] if each["what"] == "setting"]
    assert [(each["line"], each["told"]) for each in settings] == [
        (2, "the setting web.processes is gone")
    ]


def test_nothing_breaks_with_the_installed_version(commercekit, at):
    code, told, errors = commercekit("plugins", "doctor", "--json")
    assert (code, errors) == (0, "")
    assert json.loads(told)["breaks"] == 0


def test_what_is_not_installed_or_no_target_is_refused(commercekit, at):
    assert commercekit("plugins", "doctor", "nobody")[0] == 1
    assert commercekit("plugins", "doctor", "--target", "nowhere.whl")[0] == 2
    (at / "x.whl").write_bytes(b"")
    assert commercekit("plugins", "doctor", "--target", str(at / "x.whl"))[0] == 1
