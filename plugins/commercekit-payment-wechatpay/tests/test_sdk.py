"""The SDK ``wechatpayv3`` asks the fake and hears from it, in an environment of its own.

It is somebody else's reading of the vendor's documents: where the fake and the plugin had made the
same mistake, it does not share it.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commercekit.payments import StatementKind
from commercekit.testing.vendors import FakeFolder, play
from commercekit_payment_wechatpay.fake import APP_ID, MERCHANT, FakeWechatPay, Keys
from commercekit_payment_wechatpay.signing import private_key, sheet_message, sign
from commercekit_payment_wechatpay.statements import lines_of

HERE = Path(__file__).parent
DAYS_AGO = timedelta(days=3)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the SDK, by the very files that are pinned, and nothing of ours."""
    folder = tmp_path_factory.mktemp("sdk")
    venv.EnvBuilder(with_pip=True).create(folder)
    python = folder / "bin" / "python"
    subprocess.run(
        [python, "-I", "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:",
         "--require-hashes", "-r", HERE / "sdk_requirements.txt"],
        check=True, capture_output=True,
    )  # fmt: skip
    return python


@pytest.fixture(params=[False, True], ids=["public-key", "certificates"])
def asked(
    request: pytest.FixtureRequest, sdk: Path, keys: Keys, tmp_path: Path
) -> Iterator[Callable[[], dict[str, Any]]]:
    """What the SDK saw, of a fake on a port of this machine."""
    old = FakeWechatPay(keys, lambda: datetime.now(UTC) - DAYS_AGO, certificates=request.param)
    sold(old)

    def make(home: Any) -> FakeWechatPay:
        made = FakeWechatPay(
            keys,
            lambda: datetime.now(UTC),
            address=home.address,
            certificates=request.param,
            settles_after=timedelta(days=1),
        )
        made.recall(old.remember())
        return made

    paid = old.delivery(old.books.news[0])
    sealed = dict(paid.headers), paid.content.decode()
    given: dict[str, Any] = {
        "day": f"{(datetime.now(UTC) - DAYS_AGO + timedelta(hours=8)).date()}",
        "sheet": [APP_ID, "1700000000", "nonce", "prepay_id=wx1"],
        "news": {"news": sealed, "forged": (sealed[0], sealed[1].replace("EV-", "EV_"))},
        "account": {
            "mchid": MERCHANT,
            "private_key": keys.merchant_private_key,
            "cert_serial_no": keys.merchant_serial,
            "appid": APP_ID,
            "apiv3_key": keys.api_v3_key,
            "notify_url": "https://shop.test/hook",
        },
    }
    if not request.param:
        given["account"] |= {"public_key": keys.public_key, "public_key_id": keys.public_key_id}
    folder = FakeFolder(tmp_path, "wechatpay")
    with play(make, folder, host="127.0.0.1", port=0, shop="https://shop.test") as server:

        def run() -> dict[str, Any]:
            given["address"] = server.address
            ran = subprocess.run(
                [sdk, "-I", HERE / "sdk_trial.py"],
                input=json.dumps(given), capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert ran.returncode == 0, ran.stderr[-3000:]
            seen: dict[str, Any] = json.loads(ran.stdout)
            return seen

        yield run


def sold(fake: FakeWechatPay) -> None:
    """One order, paid three days ago."""
    from commercekit_payment_wechatpay.fake.books import Order

    fake.books.orders["OLDORDER"] = Order(
        out_trade_no="OLDORDER",
        app_id=APP_ID,
        trade_type="NATIVE",
        description="Cap, Hat",
        total=123_45,
        notify_url="https://shop.test/hook",
        first_asked="",
        prepay_id="wx0",
        prepared_at=fake.clock(),
    )
    assert fake.pay("OLDORDER")


def test_it_takes_orders_closes_refunds_and_bills_for_the_vendors(
    asked: Callable[[], dict[str, Any]], keys: Keys
) -> None:
    seen = asked()
    codes = {name: each[0] for name, each in seen.items() if isinstance(each, list)}

    assert seen["again"] == seen["native"]
    assert (codes["other"], seen["other"][1]["code"]) == (400, "INVALID_REQUEST")
    assert [codes[name] for name in ("native", "jsapi", "h5", "app")] == [200] * 4
    assert seen["jsapi"][1]["prepay_id"]
    assert "checkmweb?" in seen["h5"][1]["h5_url"]
    assert seen["unpaid"][1]["trade_state"] == "NOTPAY"
    assert (codes["nobody"], seen["nobody"][1]["code"]) == (404, "ORDER_NOT_EXIST")
    assert seen["paid"][1]["trade_state"] == "SUCCESS"
    assert seen["by_id"] == seen["paid"]
    assert (codes["late_close"], codes["close"], seen["close"][1]) == (400, 204, None)
    assert seen["closed"][1]["trade_state"] == "CLOSED"
    assert seen["refund"][1]["status"] == "PROCESSING"
    assert seen["abnormal"][1]["status"] == "ABNORMAL"
    assert seen["elsewhere"][1]["status"] == "PROCESSING"
    assert seen["refunded"][1]["status"] == "SUCCESS"
    # Our signature of a payment sheet is the SDK's, letter by letter.
    sheet = sheet_message(APP_ID, "1700000000", "nonce", "prepay_id=wx1")
    assert seen["sheet"] == sign(private_key(keys.merchant_private_key), sheet)
    # What the fake tells, the SDK verifies and opens; what was changed on the way, it does not.
    assert seen["news"]["resource"]["out_trade_no"] == "OLDORDER"
    assert seen["news"]["resource"]["amount"]["total"] == 123_45
    assert seen["forged"] is None
    (line,) = lines_of(gzip.decompress(bytes.fromhex(seen["file"][1])))
    assert (line.kind, line.payment_id) == (StatementKind.CHARGE, "OLDORDER")


def test_the_environment_is_nobody_elses(sdk: Path) -> None:
    told = subprocess.run(
        [sdk, "-I", "-c", "import importlib.util as u; print(u.find_spec('commercekit'))"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip

    assert told.stdout.strip() == "None"
    assert sdk != Path(sys.executable)
