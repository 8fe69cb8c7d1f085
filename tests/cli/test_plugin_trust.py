import json
import sys

import pytest

from tests.platform.plugins.site import install

PRODUCTION = """
environment = "production"
[plugins]
enabled = ["pay"]
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0].startswith("acme")]:
        del sys.modules[name]


@pytest.fixture
def package(site, at):
    (at / "commercekit.toml").write_text(PRODUCTION)
    return install(site, "pay")


def imported(package):
    return (package / "imported").exists()


def test_pin_writes_the_lock_beside_the_settings_and_verify_is_content(commercekit, at, package):
    code, told, errors = commercekit("plugins", "pin")
    assert (code, errors) == (0, f"Written to {at / 'plugins.lock'}\n")
    assert "pay" in told
    assert "new" in told
    code, told, errors = commercekit("plugins", "verify")
    assert (code, errors) == (0, "")
    assert told.splitlines()[1].split() == ["ok", "pay", "1.0", "is", "as", "pinned"]
    assert not imported(package)


def test_verify_names_what_changed_is_missing_and_was_added(commercekit, site, package):
    (package / "words.json").write_text("{}")
    for path in sorted(site.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    install(site, "pay", files={"words.json": "{}"})
    commercekit("plugins", "pin")
    (package / "plugin.py").write_text("evil = True\n")
    (package / "words.json").unlink()
    (package / "extra.py").write_text("")
    code, told, errors = commercekit("plugins", "verify")
    assert (code, errors) == (1, "")
    assert told.splitlines()[2:] == [
        "  pay: changed: acme_pay/plugin.py",
        "  pay: missing: acme_pay/words.json",
        "  pay: added: acme_pay/extra.py",
    ]
    code, told, _ = commercekit("plugins", "verify", "--json")
    (found,) = json.loads(told)
    assert code == 1
    assert (found["plugin"], found["well"], found["found"]) == ("pay", False, "different")
    assert found["changed"] == ["acme_pay/plugin.py"]
    assert not imported(package)


def test_what_is_not_pinned_is_not_well_in_production_only(commercekit, at, package):
    assert commercekit("plugins", "verify")[0] == 1
    (at / "commercekit.toml").write_text('[plugins]\nenabled = ["pay"]\n')
    assert commercekit("plugins", "verify")[0] == 0
    assert commercekit("plugins", "verify", "--production")[0] == 1


def test_an_enabled_plugin_that_is_gone_is_not_well(commercekit, at, site):
    (at / "commercekit.toml").write_text(PRODUCTION)
    code, told, _ = commercekit("plugins", "verify", "--json")
    assert code == 1
    assert json.loads(told)[0]["found"] == "not installed"


def test_a_shop_that_cannot_start_can_still_be_verified(commercekit, at, site):
    (at / "commercekit.toml").write_text(PRODUCTION)
    package = install(site, "pay", plugin="raise RuntimeError\n")
    assert commercekit("plugins", "pin")[0] == 0
    assert commercekit("plugins", "verify")[0] == 0
    code, _, errors = commercekit("plugins", "list")
    assert code == 3
    assert "The plugin 'pay' (acme-pay 1.0) cannot be imported" in errors
    assert imported(package)


def test_a_tampered_plugin_stops_every_command_with_one_sentence(commercekit, package):
    commercekit("plugins", "pin")
    (package / "plugin.py").write_text("evil = True\n")
    code, told, errors = commercekit("plugins", "list")
    assert (code, told) == (3, "")
    assert errors.count("\n") == 1
    assert errors.startswith(
        "commercekit: The plugin 'pay' (acme-pay 1.0) is not what the lock allows: "
        "acme_pay/plugin.py changed; "
    )


def test_pin_says_what_differs_from_what_was_allowed(commercekit, at, site, package):
    commercekit("plugins", "pin")
    for path in sorted(site.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    install(site, "pay", version="1.1", files={"more.py": ""})
    before = (at / "plugins.lock").read_text()
    code, told, errors = commercekit("plugins", "pin", "--dry-run")
    assert (code, errors) == (0, f"Would be written to {at / 'plugins.lock'}\n")
    assert "1.0, 7 files differ" in told
    assert "  pay: differs: acme_pay/more.py" in told
    assert (at / "plugins.lock").read_text() == before
    assert json.loads(commercekit("plugins", "pin", "--json")[1])[0]["before"] == "1.0"
    assert commercekit("plugins", "verify")[0] == 0


def test_pinning_one_keeps_the_others_and_pinning_all_drops_what_is_not_enabled(
    commercekit, at, site, package
):
    install(site, "other")
    commercekit("plugins", "pin", "other")
    commercekit("plugins", "pin", "pay")
    allowed = json.loads((at / "plugins.lock").read_text())["plugins"]
    assert sorted(allowed) == ["other", "pay"]
    commercekit("plugins", "pin")
    assert list(json.loads((at / "plugins.lock").read_text())["plugins"]) == ["pay"]


@pytest.mark.parametrize("wrong", [("nobody",), ("pay", "nobody")])
def test_what_is_not_installed_is_not_pinned(commercekit, at, package, wrong):
    code, told, errors = commercekit("plugins", "pin", *wrong)
    assert (code, told) == (1, "")
    assert "nobody is not installed" in errors
    assert not (at / "plugins.lock").exists()


def test_a_tampered_plugin_is_not_pinned(commercekit, at, package):
    (package / "plugin.py").write_text("evil = True\n")
    code, _, errors = commercekit("plugins", "pin")
    assert code == 3
    assert "is not what its RECORD says: acme_pay/plugin.py changed; install it again" in errors
    assert not (at / "plugins.lock").exists()


def test_an_editable_plugin_is_refused_by_name(commercekit, at, site, tmp_path):
    (at / "commercekit.toml").write_text(PRODUCTION)
    install(site, "pay", editable=tmp_path / "source")
    code, _, errors = commercekit("plugins", "pin")
    assert code == 3
    assert f"its code is whatever {tmp_path / 'source'} holds" in errors
    code, told, _ = commercekit("plugins", "verify", "--json")
    assert (code, json.loads(told)[0]["found"]) == (1, "editable")


def test_the_settings_say_where_the_lock_is(commercekit, at, package):
    (at / "commercekit.toml").write_text(PRODUCTION + 'lock = "allowed/list.json"\n')
    (at / "allowed").mkdir()
    assert commercekit("plugins", "pin")[0] == 0
    assert (at / "allowed/list.json").exists()
    assert commercekit("plugins", "verify")[0] == 0


def test_a_misspelt_environment_opens_nothing(commercekit, at, package):
    (at / "commercekit.toml").write_text('environment = "prodution"\n')
    code, _, errors = commercekit("plugins", "list")
    assert code == 3
    assert "environment" in errors
    assert not imported(package)
