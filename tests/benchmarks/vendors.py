"""How each vendor tells the shop that a payment was paid, and the bare cryptography of it.

The messages are those of the plugins' fakes. The payments were asked for at the sandbox and are handed over
to the vendor in the database: what is measured begins with the notification.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Protocol
from uuid import UUID

import httpx
import msgspec
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from commercekit.kernel import Money, new_id
from commercekit_payment_alipay.fake import FakeAlipay, Identity
from commercekit_payment_alipay.times import wall
from commercekit_payment_sandbox.models import Message
from commercekit_payment_sandbox.signing import HEADER, sign, verify
from commercekit_payment_stripe.fake import FakeStripe
from commercekit_payment_stripe.snapshots import PAYMENT
from commercekit_payment_wechatpay.fake import FakeWechatPay, Keys, make_keys
from commercekit_payment_wechatpay.fake.news import seal

__all__ = [
    "Teller",
    "Told",
    "notification_body",
    "notify_key",
    "tellers",
]

_SECRET = "benchmark"
_NAMES: Mapping[str, str] = {"content-type": "Content-Type"}


@dataclass(frozen=True)
class Told:
    """One notification."""

    headers: Mapping[str, str]
    body: bytes
    check: Callable[[], object]
    """The vendor's cryptography over it, and nothing else; travels to other processes."""


def tellers() -> dict[str, Teller]:
    """All of them, by their gateways, with keys of their own."""
    return {each.gateway: each for each in (Sandbox(), Alipay(), Wechat(), Stripe())}


class Teller(Protocol):
    """One vendor, telling."""

    gateway: str

    def settings(self) -> str:
        """What the shop has to know of it."""
        ...

    def paid(self, payment_id: UUID, amount: Money) -> Told:
        """``payment_id`` was paid just now."""
        ...


class Sandbox:
    """The gateway without a vendor: a digest with a shared key."""

    gateway = "sandbox"

    def settings(self) -> str:
        """Nothing but its secret, which the shop has for everything that pays."""
        return ""

    def paid(self, payment_id: UUID, amount: Money) -> Told:
        """As its bank tells it."""
        now = datetime.now(UTC)
        body = notification_body(payment_id, amount, now)
        header = sign(notify_key(), body, now)
        headers = {"Content-Type": "application/json", HEADER: header}
        return Told(headers, body, _SandboxCheck(notify_key(), body, header, now))


class Alipay:
    """A form with an RSA signature within it."""

    gateway = "alipay"

    def __init__(self) -> None:
        self._fake = FakeAlipay(Identity(), lambda: datetime.now(UTC))

    def settings(self) -> str:
        """Its account."""
        return _accounts(self._fake.settings())

    def paid(self, payment_id: UUID, amount: Money) -> Told:
        """As the vendor tells of a trade."""
        who, now = self._fake.identity, datetime.now(UTC)
        total = f"{amount.to_decimal():.2f}"
        said = {
            "app_id": who.app_id,
            "auth_app_id": who.app_id,
            "seller_id": who.seller_id,
            "charset": "utf-8",
            "version": "1.0",
            "notify_id": new_id().hex,
            "notify_type": "trade_status_sync",
            "notify_time": wall(now),
            "trade_no": f"20261123{payment_id.int % 10**20:020}",
            "out_trade_no": payment_id.hex,
            "trade_status": "TRADE_SUCCESS",
            "total_amount": total,
            "receipt_amount": total,
            "buyer_pay_amount": total,
            "subject": "An order of one piece",
            "gmt_create": wall(now),
            "gmt_payment": wall(now),
        }
        body = self._fake.signed_form(said)
        fields = dict(httpx.QueryParams(body.decode()))
        signature = base64.b64decode(fields.pop("sign"))
        del fields["sign_type"]
        text = "&".join(f"{name}={fields[name]}" for name in sorted(fields)).encode()
        check = _RsaCheck(who.alipay_public_key, signature, text)
        return Told({"Content-Type": "application/x-www-form-urlencoded"}, body, check)


class Wechat:
    """JSON with an RSA signature in the headers and a sealed resource in it."""

    gateway = "wechatpay"

    def __init__(self) -> None:
        self._keys = Keys.decode(make_keys(datetime.now(UTC)))
        self._fake = FakeWechatPay(
            self._keys, lambda: datetime.now(UTC), address="http://127.0.0.1:1"
        )

    def settings(self) -> str:
        """Its account."""
        return _accounts(self._fake.settings())

    def paid(self, payment_id: UUID, amount: Money) -> Told:
        """As the vendor tells of an order."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        said = {
            "appid": next(iter(self._fake.apps)),
            "mchid": self._fake.merchant,
            "out_trade_no": payment_id.hex,
            "transaction_id": f"42000{payment_id.int % 10**23:023}",
            "trade_type": "NATIVE",
            "trade_state": "SUCCESS",
            "trade_state_desc": "支付成功",
            "bank_type": "OTHERS",
            "success_time": now,
            "payer": {"openid": "o-benchmark"},
            "amount": {
                "total": amount.amount,
                "payer_total": amount.amount,
                "currency": amount.currency,
                "payer_currency": amount.currency,
            },
        }
        key = self._keys.api_v3_key.encode()
        sealed = seal(key, msgspec.json.encode(said), "transaction")
        envelope = {
            "id": str(new_id()),
            "create_time": now,
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功",
            "resource": sealed | {"original_type": "transaction"},
        }
        body = msgspec.json.encode(envelope)
        request = self._fake.signed(body, "https://shop.test/")
        stamp, once = (request.headers[f"wechatpay-{name}"] for name in ("timestamp", "nonce"))
        signature = base64.b64decode(request.headers["wechatpay-signature"])
        text = f"{stamp}\n{once}\n".encode() + body + b"\n"
        check = _SealedCheck(
            self._keys.public_key,
            signature,
            text,
            key,
            sealed["nonce"].encode(),
            base64.b64decode(sealed["ciphertext"]),
        )
        return Told(_sent(request), body, check)


class Stripe:
    """JSON with a digest in a header."""

    gateway = "stripe"

    def __init__(self) -> None:
        self._secret = f"whsec_{new_id().hex}"
        self._fake = FakeStripe(
            now=lambda: datetime.now(UTC),
            api_key=f"sk_test_{new_id().hex}",
            publishable_key=f"pk_test_{new_id().hex}",
            secrets=[self._secret],
        )

    def settings(self) -> str:
        """Its account."""
        return _accounts(self._fake.settings())

    def paid(self, payment_id: UUID, amount: Money) -> Told:
        """As the vendor tells of an intent."""
        now = int(datetime.now(UTC).timestamp())
        intent = {
            "id": f"pi_{payment_id.hex}",
            "object": "payment_intent",
            "amount": amount.amount,
            "amount_capturable": 0,
            "amount_received": amount.amount,
            "canceled_at": None,
            "capture_method": "automatic",
            "client_secret": None,
            "created": now,
            "currency": amount.currency.lower(),
            "description": "An order of one piece",
            "last_payment_error": None,
            "latest_charge": f"ch_{payment_id.hex}",
            "livemode": False,
            "metadata": {PAYMENT: payment_id.hex},
            "payment_method_types": ["card"],
            "status": "succeeded",
        }
        event = {
            "id": f"evt_{new_id().hex}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": now,
            "data": {"object": intent},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": "payment_intent.succeeded",
        }
        body = msgspec.json.encode(event)
        request = self._fake.told(body)
        parts = dict(part.split("=", 1) for part in request.headers["stripe-signature"].split(","))
        text = f"{parts['t']}.".encode() + body
        check = _DigestCheck(self._secret.encode(), text, bytes.fromhex(parts["v1"]))
        return Told(_sent(request), body, check)


def notify_key() -> bytes:
    """What the sandbox signs its notifications with."""
    digest = hmac.HMAC(_SECRET.encode(), hashes.SHA256())
    digest.update(b"notify|default")
    return digest.finalize()


def notification_body(payment_id: UUID, amount: Money, now: datetime) -> bytes:
    """What the sandbox says of a payment that was paid."""
    message = Message(
        event_id=f"evt_{new_id().hex}",
        kind="payment",
        occurred_at=now,
        payment_id=payment_id.hex,
        provider_ref=f"sbx_{payment_id.hex[-12:]}",
        state="paid",
        amount=amount,
        captured=amount,
    )
    return msgspec.json.encode(message)


def _accounts(settings: str) -> str:
    """The merchant account alone: no shopper is to choose it."""
    return settings[settings.index("[payments.accounts.") :]


def _sent(request: httpx.Request) -> dict[str, str]:
    """What a fake's request says beside its body; the load script says the rest."""
    own = {"host", "content-length", "user-agent", "accept", "accept-encoding", "connection"}
    return {
        _NAMES.get(name, name): value for name, value in request.headers.items() if name not in own
    }


# ---------------------------------------------------------------------------- bare cryptography


@cache
def _key(text: str) -> rsa.RSAPublicKey:
    pem = text.startswith("-----")
    key = load_pem_public_key(text.encode()) if pem else load_der_public_key(base64.b64decode(text))
    assert isinstance(key, rsa.RSAPublicKey)
    return key


@dataclass(frozen=True)
class _SandboxCheck:
    key: bytes
    body: bytes
    header: str
    now: datetime

    def __call__(self) -> object:
        verify([self.key], self.body, self.header, self.now)
        return msgspec.json.decode(self.body, type=Message)


@dataclass(frozen=True)
class _RsaCheck:
    key: str
    signature: bytes
    text: bytes

    def __call__(self) -> object:
        return _key(self.key).verify(self.signature, self.text, padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True)
class _SealedCheck(_RsaCheck):
    secret: bytes
    nonce: bytes
    sealed: bytes

    def __call__(self) -> object:
        super().__call__()
        return AESGCM(self.secret).decrypt(self.nonce, self.sealed, b"transaction")


@dataclass(frozen=True)
class _DigestCheck:
    key: bytes
    text: bytes
    digest: bytes

    def __call__(self) -> object:
        digest = hmac.HMAC(self.key, hashes.SHA256())
        digest.update(self.text)
        return digest.verify(self.digest)
