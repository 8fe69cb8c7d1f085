"""The core's messages to the vendor's calls, the vendor's receipts to the core's."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import ClassVar, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from commercekit.notifications import (
    Channel,
    Message,
    Notifier,
    Outcome,
    Receipt,
    ReceiptNotification,
    ReceiptState,
)
from commercekit.platform.providers import (
    Ack,
    ProviderConfigError,
    ProviderContext,
    ProviderRejected,
    RawRequest,
    SignatureInvalid,
)
from commercekit_notify_sms_aliyun import wire
from commercekit_notify_sms_aliyun.client import call
from commercekit_notify_sms_aliyun.settings import Account, Template

__all__ = ["AliyunSmsNotifier"]

_NUMBER: Final = re.compile(r"\+[1-9][0-9]{5,14}")
_CHINESE: Final = re.compile(r"1[3-9][0-9]{9}")
_MALFORMED: Final = "malformed"
_CHINA: Final = timezone(timedelta(hours=8))
_FRESH: Final = timedelta(seconds=1)
_MOST_DAYS: Final = 30
_MOST_CHARACTERS: Final = 500
_ACK: Final = Ack(200, b'{"code":0,"msg":"ok"}', "application/json")
_NACK: Final = Ack(503, b'{"code":1,"msg":"later"}', "application/json")


class AliyunSmsNotifier(Notifier):
    """Alibaba Cloud SMS. Shared by all messages: it keeps nothing between calls.

    The vendor sends what it is asked to send, as often as it is asked. A message that is not fresh may
    have been handed over before, so the vendor's records are looked through for our id first.
    """

    code: ClassVar[str] = "aliyun-sms"
    config_type: ClassVar[type[Struct]] = Account
    channels: ClassVar[frozenset[Channel]] = frozenset({Channel.SMS})

    async def send(self, ctx: ProviderContext, message: Message) -> Outcome:
        """Hand it over, unless it was; our id is the vendor's ``OutId``."""
        number = _national(message.to)
        if number is None:
            return Outcome.REJECTED
        account: Account = ctx.config
        template = _template(account, message)
        params = _filled(template, message)
        if sum(map(len, params.values())) > _MOST_CHARACTERS:
            return Outcome.REJECTED
        taken = Outcome.ACCEPTED if "receipt_secret" in ctx.secrets else Outcome.SENT
        if await self._is_sent(ctx, message, number):
            return taken
        wanted = {
            "PhoneNumbers": number,
            "SignName": account.sign_name,
            "TemplateCode": template.code,
            "OutId": message.message_id,
        }
        if params:
            wanted["TemplateParam"] = msgspec.json.encode(params).decode()
        try:
            await call(ctx, "SendSms", wanted, wire.Answer)
        except ProviderRejected as refused:
            # The vendor's code, never the number: logs are read by many.
            ctx.log.info("message refused", message_id=message.message_id, code=refused.code)
            return Outcome.REJECTED
        return taken

    async def parse_receipt(self, ctx: ProviderContext, req: RawRequest) -> ReceiptNotification:
        """The vendor signs nothing: the secret at the end of the address proves who pushes."""
        if "receipt_secret" not in ctx.secrets:
            message = "receipt_secret is not set, so no receipts are expected"
            raise SignatureInvalid(message)
        expected = ctx.secrets.read("receipt_secret")
        shown = req.path.rpartition("/")[2]
        if not hmac.compare_digest(shown.encode(), expected.encode()) or not req.body:
            message = "the address does not end in receipt_secret"
            raise SignatureInvalid(message)
        try:
            reports = msgspec.json.decode(req.body, type=list[wire.Report])
            receipts = [_receipt(each) for each in reports if each.out_id]
        except (msgspec.MsgspecError, ValueError):
            raise ProviderRejected(_MALFORMED) from None
        return ReceiptNotification(receipts=receipts, ack=_ACK, nack=_NACK)

    async def _is_sent(self, ctx: ProviderContext, message: Message, number: str) -> bool:
        """Whether the vendor has a message with our id; the days since it was made are looked through."""
        now = ctx.now()
        made = _made(message.message_id, now)
        if timedelta(0) <= now - made < _FRESH:
            return False
        for day in _days(made, now):
            asked = {
                "PhoneNumber": number,
                "SendDate": day.strftime("%Y%m%d"),
                "PageSize": "50",
                "CurrentPage": "1",
            }
            # Fewer than fifty: a number gets ten messages a day at most.
            _, found = await call(ctx, "QuerySendDetails", asked, wire.Details)
            if any(each.out_id == message.message_id for each in found.sent.messages):
                return True
        return False


def _template(account: Account, message: Message) -> Template:
    language = message.locale.partition("-")[0]
    for name in (
        f"{message.template}.{message.locale}",
        f"{message.template}.{language}",
        message.template,
    ):
        found = account.templates.get(name)
        if found is not None:
            return found
    sentence = f"templates.{message.template} is not set: the vendor sends approved texts only"
    raise ProviderConfigError(sentence)


def _filled(template: Template, message: Message) -> dict[str, str]:
    given = {**message.params, "text": message.text.strip(), "subject": message.subject}
    filled = {}
    for variable, name in template.params.items():
        value = given.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int):
            sentence = f"templates.{message.template}.params.{variable}: the message has no text called {name}"
            raise ProviderConfigError(sentence)
        filled[variable] = str(value)
    return filled


def _national(number: str) -> str | None:
    """As the vendor writes numbers: China's without a prefix, others with theirs and without a plus.

    ``None`` for what is no number, and for one of North America that would read as one of China's: a
    stranger would get the code.
    """
    if not _NUMBER.fullmatch(number):
        return None
    if number.startswith("+86") and _CHINESE.fullmatch(number[3:]):
        return number[3:]
    return None if _CHINESE.fullmatch(number[1:]) else number[1:]


def _made(message_id: str, now: datetime) -> datetime:
    """When a message was made: our ids begin with it. Of an id that does not, anything may be true."""
    try:
        identifier = UUID(hex=message_id)
    except ValueError:
        return now - timedelta(days=1)
    if identifier.version != 7:
        return now - timedelta(days=1)
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)


def _days(made: datetime, now: datetime) -> Iterator[date]:
    """The days in China on which it may have been handed over, latest first."""
    day, first = now.astimezone(_CHINA).date(), min(made, now).astimezone(_CHINA).date()
    first = max(first, day - timedelta(days=_MOST_DAYS))
    while day >= first:
        yield day
        day -= timedelta(days=1)


def _receipt(report: wire.Report) -> Receipt:
    at = datetime.strptime(report.report_time, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_CHINA)
    return Receipt(
        message_id=report.out_id,
        state=ReceiptState.DELIVERED if report.success else ReceiptState.FAILED,
        code=report.err_code or None,
        at=at.astimezone(UTC),
    )
