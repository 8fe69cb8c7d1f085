"""A development shop takes over what the vendors it plays say about themselves."""

import httpx
import pytest
from msgspec import Struct

from commercekit.cli.serving.fakes import fakes_played
from commercekit.errors import ConfigurationError
from commercekit.testing.vendors import FakeVendor, vendor_command
from tests.app.plugged import bringing, configured


class Parcels(FakeVendor):
    def __init__(self, home):
        self.home = home

    def answer(self, request):
        return httpx.Response(200, text=self.home.shop)

    def settings(self):
        return """
            [payments.methods.parcels]
            gateway = "cod"
            label = { en = "Played" }
            [fulfilment.accounts.sandbox.default]
            standard = 111
            express = 222
            """


class Account(Struct):
    standard: int | None = None
    express: int | None = None


def account_in(configuration):
    return configuration.settings.fulfilment.accounts["sandbox"]["default"].read(Account)


def told(folder, fakes='["parcels"]', more="", **policy):
    plugin = bringing("parcels", register_commands=[vendor_command("parcels", Parcels)])
    settings = f"\n[plugins]\nsafe_mode = {policy['safe_mode']}\n" if policy else ""
    return configured(folder, plugin, first=f"fakes = {fakes}\n", more=more + settings)


def test_a_played_vendor_brings_its_account_and_a_way_to_pay(tmp_path):
    configuration = told(tmp_path)
    assert configuration.own_addresses() == ["shop.test:80"]
    with fakes_played(configuration) as played:
        address = played["parcels"]
        assert httpx.get(address).text == "http://shop.test"
    after = told(tmp_path)
    assert after.settings.payments.methods["parcels"].label == {"en": "Played"}
    assert list(after.settings.payments.methods)[-1] == "parcels"
    assert account_in(after) == Account(standard=111, express=222)
    assert f"http://{after.own_addresses()[1]}" == address
    with fakes_played(after) as again:
        assert again == played


def test_an_account_of_the_shops_own_is_never_mixed_with_a_played_one(tmp_path):
    with fakes_played(told(tmp_path)):
        pass
    own = "\n[fulfilment.accounts.sandbox.default]\nexpress = 5\n"
    assert account_in(told(tmp_path, more=own)) == Account(express=5)


def test_what_nobody_names_any_more_is_not_taken_over(tmp_path):
    with fakes_played(told(tmp_path)):
        pass
    after = told(tmp_path, fakes="[]")
    assert "parcels" not in after.settings.payments.methods
    assert after.own_addresses() == ["shop.test:80"]


def test_a_vendor_that_nobody_plays_stops_the_start(tmp_path):
    with (
        pytest.raises(
            ConfigurationError, match=r"no enabled plugin plays 'parcel'; known: .*parcels"
        ),
        fakes_played(told(tmp_path, fakes='["parcel"]')),
    ):
        pass


def test_settings_that_were_spoilt_are_named(tmp_path):
    configuration = told(tmp_path)
    folder = configuration.fake("parcels")
    folder.path.mkdir(parents=True)
    folder.settings.write_text("= nothing")
    with pytest.raises(ConfigurationError, match=r"settings\.toml is no TOML; remove it"):
        told(tmp_path)


def test_safe_mode_plays_nobody_it_has_not_loaded(tmp_path):
    configuration = told(tmp_path, safe_mode="true")
    with fakes_played(configuration) as played:
        assert played == {}
