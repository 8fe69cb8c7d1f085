import json
import sys

import pytest

from commercekit.platform.plugins import (
    PluginError,
    PluginLock,
    PluginNotTrusted,
    PluginPolicy,
    PluginRegistry,
    Trust,
    examine,
    installed_plugins,
    pin,
)
from tests.platform.plugins.site import digest, install


@pytest.fixture
def site(tmp_path, monkeypatch):
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0].startswith("acme")]:
        del sys.modules[name]


def found(code="pay"):
    (plugin,) = (each for each in installed_plugins() if each.code == code)
    return plugin


def locked(*codes):
    return PluginLock(plugins={code: pin(found(code)) for code in codes})


def started(lock, *codes, **more):
    policy = PluginPolicy(enabled=codes, **more)
    return PluginRegistry([], policy=policy, lock=lock)


def refused(lock, *codes):
    """The sentence, once it is certain that nothing of any plugin ran."""
    with pytest.raises(PluginNotTrusted) as caught:
        started(lock, *codes)
    assert not [name for name in sys.modules if name.partition(".")[0].startswith("acme")]
    return caught.value.detail


def ran(package):
    return (package / "imported").exists()


def test_a_pinned_plugin_is_run_in_production(site):
    package = install(site, "pay")
    lock = locked("pay")
    assert not ran(package)
    assert started(lock, "pay").enabled == ("pay",)
    assert ran(package)


def test_the_lock_has_version_and_hash_of_every_file_that_can_matter(site):
    install(site, "pay", files={"words/zh.json": "{}"})
    pinned = pin(found())
    assert (pinned.distribution, pinned.version) == ("acme-pay", "1.0")
    assert sorted(pinned.files) == [
        "acme_pay-1.0.dist-info/METADATA",
        "acme_pay-1.0.dist-info/WHEEL",
        "acme_pay-1.0.dist-info/entry_points.txt",
        "acme_pay/__init__.py",
        "acme_pay/plugin.py",
        "acme_pay/words/zh.json",
    ]
    assert pinned.files["acme_pay/words/zh.json"] == digest(b"{}")


def test_installed_is_not_enabled_and_enabled_is_not_allowed(site):
    package = install(site, "pay")
    assert PluginRegistry([], lock=locked("pay")).enabled == ()
    assert refused(PluginLock(), "pay") == (
        "The plugin 'pay' (acme-pay 1.0) is not in the lock of allowed plugins; "
        "run: commercekit plugins pin"
    )
    assert not ran(package)


def test_without_a_lock_production_allows_nothing(site):
    package = install(site, "pay")
    assert "is not in the lock" in refused(None, "pay")
    assert not ran(package)


def test_a_changed_file_is_named_and_nothing_is_imported(site):
    package = install(site, "pay")
    lock = locked("pay")
    (package / "plugin.py").write_text((package / "plugin.py").read_text() + "# harmless\n")
    assert refused(lock, "pay") == (
        "The plugin 'pay' (acme-pay 1.0) is not what the lock allows: acme_pay/plugin.py changed; "
        "install it again, or, if this is how it should be, look at it and run: commercekit plugins pin"
    )
    assert not ran(package)


def test_one_bad_plugin_keeps_the_good_ones_from_being_imported_too(site):
    good, bad = install(site, "good"), install(site, "pay")
    lock = locked("good", "pay")
    (bad / "plugin.py").write_text("")
    assert "acme_pay/plugin.py changed" in refused(lock, "good", "pay")
    assert not ran(good)


def test_a_changed_file_whose_record_was_changed_too_is_named(site):
    package = install(site, "pay")
    lock = locked("pay")
    before, after = (package / "plugin.py").read_bytes(), b"evil = True\n"
    (package / "plugin.py").write_bytes(after)
    record = site / "acme_pay-1.0.dist-info/RECORD"
    record.write_text(record.read_text().replace(digest(before), digest(after)))
    assert examine(found(), lock.plugins["pay"]).changed == ("acme_pay/plugin.py",)


def test_a_file_that_record_no_longer_lists_is_still_compared(site):
    package = install(site, "pay")
    lock = locked("pay")
    (package / "plugin.py").write_text("evil = True\n")
    record = site / "acme_pay-1.0.dist-info/RECORD"
    lines = record.read_text().splitlines(keepends=True)
    record.write_text("".join(line for line in lines if not line.startswith("acme_pay/plugin.py")))
    assert examine(found(), lock.plugins["pay"]).changed == ("acme_pay/plugin.py",)
    assert "acme_pay/plugin.py changed" in refused(lock, "pay")


def test_a_missing_file_is_named(site):
    package = install(site, "pay", files={"words.json": "{}"})
    lock = locked("pay")
    (package / "words.json").unlink()
    verdict = examine(found(), lock.plugins["pay"])
    assert (verdict.changed, verdict.missing, verdict.added) == ((), ("acme_pay/words.json",), ())
    assert "acme_pay/words.json missing" in refused(lock, "pay")


@pytest.mark.parametrize("name", ["extra.py", "deeper/still/extra.py", "plugin.so", "early.pyc"])
def test_an_added_file_is_named(site, name):
    package = install(site, "pay")
    lock = locked("pay")
    (package / name).parent.mkdir(parents=True, exist_ok=True)
    (package / name).write_text("")
    assert examine(found(), lock.plugins["pay"]).added == (f"acme_pay/{name}",)
    assert f"acme_pay/{name} added" in refused(lock, "pay")


def test_byte_code_and_the_installers_notes_are_no_additions(site):
    package = install(site, "pay")
    lock = locked("pay")
    (package / "__pycache__").mkdir()
    (package / "__pycache__/plugin.cpython-312.pyc").write_bytes(b"")
    (site / "acme_pay-1.0.dist-info/REQUESTED").write_text("")
    (site / "acme_pay-1.0.dist-info/INSTALLER").write_text("uv\n")
    assert examine(found(), lock.plugins["pay"]).trust is Trust.AS_PINNED


def test_another_version_is_refused_even_with_the_same_code(site):
    install(site, "pay")
    lock = locked("pay")
    for path in sorted(site.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    package = install(site, "pay", version="1.1")
    assert refused(lock, "pay").startswith(
        "The plugin 'pay' (acme-pay 1.1) is not acme-pay 1.0, which the lock allows; "
    )
    assert not ran(package)


def test_the_same_name_out_of_another_distribution_is_refused(site):
    install(site, "pay")
    lock = locked("pay")
    for path in sorted(site.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    install(site, "pay", distribution="acme-paying")
    assert "(acme-paying 1.0) is not acme-pay 1.0" in refused(lock, "pay")


def test_an_editable_install_is_refused_and_cannot_be_pinned(site, tmp_path, monkeypatch):
    source = tmp_path / "source"
    install(site, "pay", editable=source)
    monkeypatch.syspath_prepend(source)
    with pytest.raises(PluginNotTrusted) as caught:
        pin(found())
    assert f"its code is whatever {source} holds" in caught.value.detail
    assert "build a wheel of it and install that" in refused(PluginLock(), "pay")
    assert not ran(source / "acme_pay")


def test_a_plugin_that_something_else_hides_is_refused(site, tmp_path, monkeypatch):
    install(site, "pay")
    lock = locked("pay")
    other = tmp_path / "other"
    (other / "acme_pay").mkdir(parents=True)
    (other / "acme_pay/__init__.py").write_text("")
    (other / "acme_pay/plugin.py").write_text("evil = True\n")
    monkeypatch.syspath_prepend(other)
    assert f"Python finds acme_pay.plugin in {other}/acme_pay/plugin.py" in refused(lock, "pay")


def test_a_distribution_without_a_record_is_refused(site):
    install(site, "pay")
    (site / "acme_pay-1.0.dist-info/RECORD").unlink()
    assert "has no RECORD of its files" in refused(PluginLock(), "pay")


def test_what_was_changed_since_it_was_installed_is_not_pinned(site):
    package = install(site, "pay")
    (package / "plugin.py").write_text("evil = True\n")
    with pytest.raises(PluginNotTrusted) as caught:
        pin(found())
    assert caught.value.detail == (
        "The plugin 'pay' (acme-pay 1.0) is not what its RECORD says: acme_pay/plugin.py changed; "
        "install it again"
    )


def test_two_distributions_in_one_namespace_do_not_see_each_other(site):
    for name in ("one", "two"):
        package = site / "acme_space" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        folder = site / f"acme_{name}-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1\n")
        (folder / "entry_points.txt").write_text(f"[commercekit]\n{name} = acme_space.{name}\n")
        (folder / "RECORD").write_text(
            f"acme_space/{name}/__init__.py,{digest(b'')},0\nacme_{name}-1.dist-info/METADATA,,\n"
            f"acme_{name}-1.dist-info/entry_points.txt,,\n"
        )
    assert started(locked("one", "two"), "one", "two").enabled == ("one", "two")


def test_a_development_shop_needs_no_lock(site):
    install(site, "pay")
    policy = PluginPolicy(enabled=("pay",))
    assert PluginRegistry([], policy=policy, development=True).enabled == ("pay",)


def test_the_lock_survives_its_file(site, tmp_path):
    install(site, "pay")
    file = tmp_path / "plugins.lock"
    locked("pay").write(file)
    assert PluginLock.read(file) == locked("pay")
    assert json.loads(file.read_text())["plugins"]["pay"]["version"] == "1.0"
    assert PluginLock.read(tmp_path / "none") == PluginLock()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 2, "plugins": {}}', '{"plugins": {"pay": {}}}', '{"plugin": {}}']
)
def test_a_broken_lock_allows_nothing(tmp_path, text):
    file = tmp_path / "plugins.lock"
    file.write_text(text)
    with pytest.raises(PluginError, match="run: commercekit plugins pin"):
        PluginLock.read(file)


def test_many_files_are_counted_in_a_sentence_and_listed_in_full(site):
    package = install(site, "pay", files={f"part{n}.py": "" for n in range(9)})
    lock = locked("pay")
    for n in range(9):
        (package / f"part{n}.py").unlink()
    verdict = examine(found(), lock.plugins["pay"])
    assert len(verdict.missing) == 9
    assert "acme_pay/part4.py and 4 more missing" in verdict.sentence


# -- what is needed -----------------------------------------------------------------------------


def refused_in_development(code="pay"):
    with pytest.raises(PluginError) as caught:
        PluginRegistry([], policy=PluginPolicy(enabled=(code,)), development=True)
    assert not [name for name in sys.modules if name.partition(".")[0].startswith("acme")]
    return caught.value.detail


@pytest.mark.promise("R27")
def test_a_plugin_for_another_version_of_the_core_is_refused_unimported(site):
    package = install(site, "pay", requires=["commercekit>=7,<8"])
    sentence = refused_in_development()
    assert sentence.startswith(
        "The plugin 'pay' (acme-pay 1.0) is made for commercekit <8,>=7, and this is "
    )
    assert sentence.endswith("or leave it out of plugins.enabled")
    assert not ran(package)


@pytest.mark.promise("R27")
def test_a_plugin_that_lacks_what_it_needs_is_refused_unimported(site):
    package = install(
        site, "pay", requires=["acme-bank>=2", "msgspec<0.1", "httpx; extra == 'more'", "click"]
    )
    sentence = refused_in_development()
    assert "needs acme-bank>=2 (that is not installed), msgspec<0.1 (" in sentence
    assert "httpx" not in sentence
    assert "click" not in sentence
    assert not ran(package)


@pytest.mark.promise("R27")
def test_two_distributions_with_one_plugin_are_refused_when_it_is_enabled(site):
    install(site, "pay")
    install(site, "pay", distribution="acme-other")
    assert PluginRegistry([], policy=PluginPolicy(enabled=()), development=True).enabled == ()
    sentence = refused_in_development()
    assert "Two distributions bring a plugin named 'pay'" in sentence
    assert {"acme-pay", "acme-other"} <= set(sentence.replace(";", "").split())


def test_a_plugin_named_like_a_setting_is_refused(site):
    install(site, "safe")
    assert "has a name that is a setting, plugins.safe" in refused_in_development("safe")


# -- safe mode ----------------------------------------------------------------------------------


def test_safe_mode_runs_no_plugin(site):
    package = install(site, "pay")
    plugins = started(locked("pay"), "pay", safe_mode=True)
    assert plugins.enabled == ()
    assert not ran(package)


def test_safe_mode_runs_what_the_settings_call_safe(site):
    other, package = install(site, "other"), install(site, "pay")
    lock = locked("other", "pay")
    plugins = started(lock, "other", "pay", safe_mode=True, safe=("pay", "gone"))
    assert (plugins.enabled, plugins.left_out) == (("pay",), {})
    assert ran(package)
    assert not ran(other)


def test_calling_a_plugin_safe_does_not_enable_it(site):
    package = install(site, "pay")
    assert started(locked("pay"), safe_mode=True, safe=("pay",)).enabled == ()
    assert not ran(package)


def test_safe_mode_starts_without_a_safe_plugin_that_was_changed(site):
    package = install(site, "pay")
    lock = locked("pay")
    (package / "plugin.py").write_text("evil = True\n")
    plugins = started(lock, "pay", safe_mode=True, safe=("pay",))
    assert plugins.enabled == ()
    assert "acme_pay/plugin.py changed" in plugins.left_out["pay"]


@pytest.mark.promise("R27")
@pytest.mark.parametrize(
    "broken",
    [
        {"requires": ["commercekit>=7"]},
        {"requires": ["acme-absent"]},
        {"plugin": "raise RuntimeError\n"},
        {"plugin": "from commercekit import hookimpl\n@hookimpl\ndef register_x(): ...\n"},
    ],
)
def test_safe_mode_starts_without_a_safe_plugin_that_does_not_fit(site, broken):
    install(site, "pay", **broken)
    plugins = started(locked("pay"), "pay", safe_mode=True, safe=("pay",))
    assert plugins.enabled == ()
    assert list(plugins.left_out) == ["pay"]


def test_safe_mode_minds_no_missing_and_no_double_plugin(site):
    install(site, "pay")
    install(site, "pay", distribution="acme-other")
    plugins = started(PluginLock(), "pay", "gone", safe_mode=True)
    assert plugins.enabled == ()
    assert plugins.settings_sections()["gone"] is None
