"""What a shop sets: wrong settings stop the start, all of them at once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from commercekit.payments import Flow
from commercekit.platform.settings import Section, SettingsError
from commercekit_payment_wechatpay.fake import FakeWechatPay
from commercekit_payment_wechatpay.gateway import WechatPayGateway
from commercekit_payment_wechatpay.settings import Account


def problems(**table: Any) -> str:
    """What the start says."""
    with pytest.raises(SettingsError) as stopped:
        Section(table=table).read(Account)
    return "\n".join(f"{each.path}: {each.problem}" for each in stopped.value.problems)


def good(fake: FakeWechatPay) -> dict[str, Any]:
    """The table that the fake writes."""
    import tomllib

    table: dict[str, Any] = tomllib.loads(fake.settings())
    account: dict[str, Any] = table["payments"]["accounts"]["wechatpay"]["default"]
    return account


def test_the_fakes_settings_fit(fake: FakeWechatPay) -> None:
    account = Section(table=good(fake)).read(Account)

    assert account.merchant_id == fake.merchant
    assert account.public_key_id == fake.keys.public_key_id
    assert fake.keys.api_v3_key not in repr(account)
    assert "PRIVATE" not in repr(account)


def test_everything_that_is_missing_is_said_at_once() -> None:
    said = problems()

    for name in ("merchant_id", "app_id", "certificate_serial", "private_key", "api_v3_key"):
        assert name in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"public_key": None}, "belong together"),
        ({"public_key": None, "public_key_id": None}, "platform_certificates = true"),
        ({"public_key": "pub_key.pem"}, "no RSA public key in PEM"),
        ({"endpoint": "http://api.mch.weixin.qq.com"}, "https://"),
        ({"endpoint": "https://api.mch.weixin.qq.com/v3"}, "without a path"),
        ({"endpoint": "http://127.0.0.1.evil.example"}, "https://"),
        ({"merchant_id": "19x"}, "merchant_id"),
        ({"app_ids": {"native": "wx1"}}, "app_ids"),
        ({"app_ids": {"qr": "no id"}}, "app_ids.qr"),
        ({"certificate_serial": "not hex"}, "certificate_serial"),
        ({"sub_mchid": "1"}, "sub_mchid"),
    ],
)
def test_what_does_not_fit_is_said(fake: FakeWechatPay, changes: Any, words: str) -> None:
    table = {name: each for name, each in (good(fake) | changes).items() if each is not None}

    assert words in problems(**table)


def test_several_things_that_do_not_fit_together_are_one_message(fake: FakeWechatPay) -> None:
    table = good(fake) | {"endpoint": "ftp://x"}
    del table["public_key"]
    said = problems(**table)

    assert "belong together" in said
    assert "endpoint" in said


def test_only_yuan_are_offered_and_four_ways_to_pay_them() -> None:
    able = WechatPayGateway.capabilities

    assert able.currencies == {"CNY"}
    assert able.flows == {Flow.QR, Flow.JSAPI, Flow.H5, Flow.APP}
    assert not able.manual_capture
    assert msgspec.to_builtins(able.statement)["days_kept"] == 90
