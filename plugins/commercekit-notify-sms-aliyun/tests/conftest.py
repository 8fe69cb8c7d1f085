"""Alibaba Cloud SMS for tests: its API, which checks signatures, and its pushes, in this process."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

import httpx
import pytest

from commercekit.platform.providers import ProviderContext
from commercekit.platform.settings import Secret
from commercekit.testing import ManualClock, provider_context
from commercekit_notify_sms_aliyun.notifier import AliyunSmsNotifier
from commercekit_notify_sms_aliyun.settings import Account, Template

KEY_ID = "LTAI-of-the-tests"
KEY_SECRET = "key-secret-of-the-tests"
RECEIPT_SECRET = "receipt-secret-of-the-tests"
CHINA = timezone(timedelta(hours=8))
HOST = "dysmsapi.aliyuncs.com"


class Text(NamedTuple):
    """One message as the reader's telephone shows it."""

    to: str
    text: str
    out_id: str
    at: datetime


class FakeAliyun(httpx.AsyncBaseTransport):
    """Use it as ``httpx.AsyncClient(transport=FakeAliyun(...))``.

    It works out the signature from what arrived, by the vendor's document and not by the plugin's code.
    """

    def __init__(self, *, key_id: str, secret: str, clock: Any) -> None:
        self.key_id, self.secret, self.clock = key_id, secret, clock
        self.templates = {"SMS_1": "${words}", "SMS_2": "您的验证码是 ${code}，5 分钟内有效。"}
        self.requests: list[tuple[str, dict[str, str]]] = []
        """Action and parameters of all that were signed well."""
        self.texts: list[Text] = []
        self.nonces: set[str] = set()
        self.unknown_numbers: set[str] = set()
        self.says: str | None = None
        """A code that SendSms answers instead of sending."""
        self.down: Exception | None = None
        """What happens to every request instead of being carried out."""
        self.fault: Exception | int | None = None
        """What happens to the next SendSms after it was carried out: an error, or a status."""

    def push(self, secret: str, *reports: dict[str, Any]) -> httpx.Request:
        """What it posts to the shop when it knows what became of messages."""
        url = f"https://shop.test/webhooks/notifiers/aliyun-sms/default/{secret}"
        body = json.dumps(reports, ensure_ascii=False).encode()
        return httpx.Request(
            "POST", url, content=body, headers={"Content-Type": "application/json"}
        )

    def report(
        self, out_id: str, *, at: datetime, success: bool = True, **more: Any
    ) -> dict[str, Any]:
        """One entry of a push."""
        when = at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
        given = {
            "phone_number": "139****",
            "send_time": when,
            "report_time": when,
            "success": success,
            "err_code": "DELIVERED" if success else "MK:0004",
            "err_msg": "用户接收成功",
            "sms_size": "1",
            "biz_id": "12345",
            "out_id": out_id,
        }
        return given | more

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.down is not None:
            raise self.down
        await request.aread()
        refused = self._judge(request)
        if refused is not None:
            return _json(400, {"Code": refused, "Message": "no", "HostId": HOST})
        action = request.headers["x-acs-action"]
        params = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        self.requests.append((action, params))
        if action == "QuerySendDetails":
            return self._details(params)
        answer = self._send(params)
        fault, self.fault = self.fault, None
        if isinstance(fault, Exception):
            raise fault
        return answer if fault is None else httpx.Response(fault, text="Bad gateway")

    def _judge(self, request: httpx.Request) -> str | None:
        """None when the request is signed as the document asks."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        said = dict(part.partition("=")[::2] for part in rest.split(","))
        if scheme != "ACS3-HMAC-SHA256" or said.get("Credential") != self.key_id:
            return "InvalidAccessKeyId.NotFound"
        if request.method != "POST" or request.url.host != HOST:
            return "InvalidAction.NotFound"
        date = datetime.strptime(request.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%S%z")
        if abs(date - self.clock.now()) > timedelta(minutes=15):
            return "InvalidTimeStamp.Expired"
        if request.headers["x-acs-signature-nonce"] in self.nonces:
            return "SignatureNonceUsed"
        hashed = hashlib.sha256(request.content).hexdigest()
        if request.headers["x-acs-content-sha256"] != hashed:
            return "SignatureDoesNotMatch"
        pairs = sorted(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        query = "&".join("=".join(quote(each, safe="-_.~") for each in pair) for pair in pairs)
        names = said["SignedHeaders"].split(";")
        must = {"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce"}
        if not must <= set(names) or names != sorted(names):
            return "SignatureDoesNotMatch"
        headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names)
        canonical = "\n".join(["POST", "/", query, headers, ";".join(names), hashed])
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        signature = hmac.new(
            self.secret.encode(), f"ACS3-HMAC-SHA256\n{digest}".encode(), hashlib.sha256
        ).hexdigest()
        if signature != said["Signature"]:
            return "SignatureDoesNotMatch"
        self.nonces.add(request.headers["x-acs-signature-nonce"])
        return None

    def _send(self, params: dict[str, str]) -> httpx.Response:
        if self.says is not None:
            return _json(200, {"Code": self.says, "Message": "no", "RequestId": "1"})
        number = params["PhoneNumbers"]
        if not number.isdigit() or number in self.unknown_numbers:
            return _json(200, {"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": number})
        if params["SignName"] != "韩家商城":
            return _json(200, {"Code": "isv.SMS_SIGNATURE_ILLEGAL", "Message": "no"})
        text = self.templates.get(params["TemplateCode"])
        if text is None:
            return _json(200, {"Code": "isv.SMS_TEMPLATE_ILLEGAL", "Message": "no"})
        for name, value in json.loads(params.get("TemplateParam", "{}")).items():
            text = text.replace(f"${{{name}}}", value)
        if "${" in text:
            return _json(200, {"Code": "isv.TEMPLATE_MISSING_PARAMETERS", "Message": "no"})
        to = _read(number)
        self.texts.append(Text(to, text, params["OutId"], self.clock.now()))
        return _json(200, {"Code": "OK", "Message": "OK", "BizId": "1^0", "RequestId": "1"})

    def _details(self, params: dict[str, str]) -> httpx.Response:
        number = params["PhoneNumber"]
        to = _read(number)
        found = [
            {"OutId": each.out_id, "SendStatus": 1, "PhoneNum": number, "Content": each.text}
            for each in self.texts
            if each.to == to and each.at.astimezone(CHINA).strftime("%Y%m%d") == params["SendDate"]
        ]
        shown = {"SmsSendDetailDTO": found[: int(params["PageSize"])]}
        return _json(200, {"Code": "OK", "TotalCount": len(found), "SmsSendDetailDTOs": shown})


def _read(number: str) -> str:
    """Eleven digits that begin with 1 are China's, whatever was meant."""
    return f"+86{number}" if len(number) == 11 and number[0] == "1" else f"+{number}"


def _json(status: int, body: dict[str, Any]) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(body).encode())


ACCOUNT = Account(
    access_key_id=KEY_ID,
    access_key_secret=Secret(KEY_SECRET),
    sign_name="韩家商城",
    templates={
        "order-paid": Template(code="SMS_1", params={"words": "text"}),
        "login-code": Template(code="SMS_2", params={"code": "code"}),
    },
    receipt_secret=Secret(RECEIPT_SECRET),
)


@pytest.fixture(autouse=True)
def _as_the_shop_logs() -> Iterator[None]:
    """A shop keeps httpx from writing addresses of requests down; these hold numbers."""
    log = logging.getLogger("httpx")
    level = log.level
    log.setLevel(logging.WARNING)
    yield
    log.setLevel(level)


@pytest.fixture
def vendor(clock: ManualClock) -> FakeAliyun:
    return FakeAliyun(key_id=KEY_ID, secret=KEY_SECRET, clock=clock)


@pytest.fixture
def notifier() -> AliyunSmsNotifier:
    return AliyunSmsNotifier()


@pytest.fixture
def account() -> Account:
    return ACCOUNT


@pytest.fixture
async def context(
    notifier: AliyunSmsNotifier, account: Account, vendor: FakeAliyun, clock: ManualClock
) -> AsyncIterator[ProviderContext]:
    async with httpx.AsyncClient(transport=vendor) as http:
        yield provider_context(notifier, account, http=http, clock=clock)
