"""Both of the vendor's SDKs ask the fake and hear from it, each in an environment of its own.

They overwrite each other where they are installed together, and they are somebody else's reading of the
vendor's documents: where the fake and the plugin had made the same mistake, they do not share it.
"""

from __future__ import annotations

import json
import os
import subprocess
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import serialization

from commercekit.testing.vendors import FakeFolder, play
from commercekit_payment_alipay.fake import FakeAlipay, Identity
from commercekit_payment_alipay.fake.books import Request

HERE = Path(__file__).parent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Asked = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module", params=["official", "community"])
def sdk(request, tmp_path_factory) -> tuple[str, Path]:
    """A Python that has one SDK, by the very files that are pinned, and nothing of ours."""
    folder = tmp_path_factory.mktemp(request.param)
    venv.EnvBuilder(with_pip=True).create(folder)
    python = folder / "bin" / "python"
    subprocess.run(
        [python, "-I", "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
         "-r", HERE / f"sdk_{request.param}.txt"],
        check=True, capture_output=True,
    )  # fmt: skip
    return request.param, python


@pytest.fixture
def ask(sdk, tmp_path) -> Asked:
    """What the SDK saw."""
    name, python = sdk

    def run(given: dict[str, Any]) -> dict[str, Any]:
        environment = {"PATH": os.environ["PATH"], "TZ": "Asia/Shanghai", "NO_PROXY": "*"}
        ran = subprocess.run(
            [python, "-E", "-s", HERE / f"sdk_{name}.py"],
            input=json.dumps(given), capture_output=True, text=True, check=False, cwd=tmp_path,
            env=environment,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr[-3000:]
        seen: dict[str, Any] = json.loads(ran.stdout)
        return seen

    return run


@contextmanager
def played(identity, folder: Path, *, certificates: bool) -> Iterator[tuple[FakeAlipay, str]]:
    """The fake on a port of this machine."""
    made: list[FakeAlipay] = []

    def make(home: Any) -> FakeAlipay:
        made.append(
            FakeAlipay(
                identity,
                lambda: datetime.now(UTC),
                address=home.address,
                certificates=certificates,
            )
        )
        return made[-1]

    kept = FakeFolder(folder, "alipay")
    with play(make, kept, host="127.0.0.1", port=0, shop="https://shop.test") as server:
        yield made[0], server.address


def test_the_sdk_pays_refunds_and_closes_at_the_fake(sdk, ask, identity, tmp_path):
    with played(identity, tmp_path, certificates=False) as (fake, address):
        seen = ask(given_to(sdk[0], identity, address, fake))
    check(seen, fake, address)
    if sdk[0] == "official":
        codes = {n: each.get("sub_code") for n, each in seen.items() if isinstance(each, dict)}
        assert codes["other"] == "ACQ.CONTEXT_INCONSISTENT"
        assert seen["by_number"] == seen["paid"]
        assert codes["otherwise"] == "ACQ.DISCORDANT_REPEAT_REQUEST"
        assert codes["more"] == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
        assert "refund_status" not in seen["nothing"]
        assert seen["waiting"]["trade_status"] == "WAIT_BUYER_PAY"
        assert seen["closed"]["trade_status"] == "TRADE_CLOSED"
        assert seen["mobile_paid"]["trade_status"] == "TRADE_SUCCESS"
        assert codes["bill"] == "BILL_NOT_EXIST"
        assert codes["wrong"] == "isv.invalid-signature"


@pytest.mark.parametrize("sdk", ["community"], indirect=True)  # the other knows no certificates
def test_the_sdk_does_all_that_with_certificates(sdk, ask, identity, tmp_path):
    files = identity.certificate_files(tmp_path)
    with played(identity, tmp_path, certificates=True) as (fake, address):
        given = given_to(sdk[0], identity, address, fake)
        given["certificates"] = {name: path.read_text() for name, path in files.items()}
        seen = ask(given)
    check(seen, fake, address)
    assert tuple(seen["serials"]) == identity.serials


def check(seen: dict[str, Any], fake: FakeAlipay, address: str) -> None:
    """What both have seen."""
    assert seen["precreate"]["qr_code"].startswith(f"{address}/qr/")
    assert seen["unmet"]["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    assert (seen["pressed"], seen["declined"]) == (200, 200)
    assert (seen["paid"]["trade_status"], seen["paid"]["total_amount"]) == (
        "TRADE_SUCCESS",
        "49.90",
    )
    assert (seen["refund"]["fund_change"], seen["refund"]["refund_fee"]) == ("Y", "10.00")
    assert (seen["again"]["fund_change"], seen["again"]["refund_fee"]) == ("N", "10.00")
    assert seen["refunded"]["refund_status"] == "REFUND_SUCCESS"
    assert seen["late"]["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    assert seen["close"]["out_trade_no"] == "SDK2"
    assert seen["news"] == [True, False, False]
    assert fake.books.trades["SDK1"].refunded == 10_00


def test_the_environment_is_nobody_elses(sdk):
    name, python = sdk
    look = (
        "import importlib.util as u\n"
        "print(u.find_spec('commercekit'), bool(u.find_spec('alipay.aop')))"
    )
    told = subprocess.run([python, "-I", "-c", look], check=True, capture_output=True, text=True)
    assert told.stdout.split() == ["None", str(name == "official")]


def given_to(name, identity: Identity, address, fake) -> dict[str, Any]:
    """What the script reads: the keys in the form its SDK wants, and three notifications."""
    sold = Request(
        out_trade_no="OLD",
        total=1,
        subject="旧 & +",
        product="page",
        notify_url="https://shop.test",
    )
    fake.books.pay(sold, datetime.now(UTC))
    body = fake.posted(fake.books.notices[-1]).content
    good = dict(parse_qsl(body.decode()))
    given = {
        "address": address,
        "app_id": identity.app_id,
        "news": [good, good | {"total_amount": "0.02"}, good | {"subject": "x"}],
    }
    if name == "official":
        pkcs1 = serialization.PrivateFormat.TraditionalOpenSSL
        given |= {
            "private_key": bare(pem(identity.app_key, pkcs1)),
            "other_key": bare(pem(identity.vendor_key, pkcs1)),
            "alipay_public_key": identity.alipay_public_key,
        }
        return given
    given["private_key"] = pem(identity.app_key, serialization.PrivateFormat.TraditionalOpenSSL)
    given["alipay_public_key"] = (
        identity.vendor_key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    return given


def pem(key, form) -> str:
    """As a file."""
    text: bytes = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return text.decode()


def bare(text: str) -> str:
    """Its one line of base64."""
    return "".join(text.splitlines()[1:-1])
