"""Handing an e-mail to a mail server, and what its answers mean."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from typing import ClassVar, NoReturn

import aiosmtplib
from msgspec import Struct

from commercekit.notifications import (
    Channel,
    Message,
    Notifier,
    Outcome,
    ReceiptNotification,
)
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderContext,
    ProviderUnavailable,
    ProviderUnknown,
    RawRequest,
    SignatureInvalid,
)
from commercekit_notify_smtp.letters import Letter, compose, reader
from commercekit_notify_smtp.settings import Account, Encryption

__all__ = ["SmtpNotifier"]

_TRUST_FOR = timedelta(hours=1)
_LATER = range(400, 500)


class SmtpNotifier(Notifier):
    """Speaks SMTP to the account's server. Shared by all messages: it keeps nothing between calls.

    Each mail has a connection of its own: a server that closed an idle one would otherwise leave behind
    the question whether the mail went out.
    """

    code: ClassVar[str] = "smtp"
    config_type: ClassVar[type[Struct]] = Account
    channels: ClassVar[frozenset[Channel]] = frozenset({Channel.EMAIL})

    async def send(self, ctx: ProviderContext, message: Message) -> Outcome:
        """Hand it over under our ``Message-ID``; a server takes it as often as it is asked."""
        letter = reader(message.to)
        if letter is None:
            return Outcome.REJECTED
        account: Account = ctx.config
        # Writing a long mail takes a while: not in the loop.
        mail = await asyncio.to_thread(compose, account, message, letter, ctx.now())
        server = await self._server(ctx, account)
        try:
            await self._enter(server)
            return await self._hand_over(server, account, letter, mail)
        finally:
            server.close()

    async def parse_receipt(self, ctx: ProviderContext, req: RawRequest) -> ReceiptNotification:
        """Mail servers send no receipts, so whatever arrives was not sent by one."""
        message = "SMTP has no receipts"
        raise SignatureInvalid(message)

    async def _server(self, ctx: ProviderContext, account: Account) -> aiosmtplib.SMTP:
        secret = None if account.username is None else ctx.secrets.read("password")
        trust = None
        if account.encryption is not Encryption.NONE:

            async def make() -> tuple[ssl.SSLContext, timedelta]:
                return await asyncio.to_thread(_trust, account), _TRUST_FOR

            trust = await ctx.cache.get_or_make("trust", make)
        return aiosmtplib.SMTP(
            hostname=account.host,
            port=account.port or account.encryption.port,
            username=account.username,
            password=secret,
            # Else the machine's name would be looked up first.
            local_hostname=account.sender.rpartition("@")[2],
            timeout=account.timeout.total_seconds(),
            use_tls=account.encryption is Encryption.TLS,
            # Never None: that would go on in clear where a server, or somebody on the way, offers no TLS.
            start_tls=account.encryption is Encryption.STARTTLS,
            tls_context=trust,
        )

    async def _enter(self, server: aiosmtplib.SMTP) -> None:
        """Connect, change over to TLS, sign in. Nothing was sent yet, whatever goes wrong."""
        try:
            await server.connect()
            if server.is_ehlo_or_helo_needed:
                await server.ehlo()
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code in _LATER:
                _later(error)
            message = f"the mail server does not accept username and password ({error.code})"
            raise ProviderConfigError(message) from None
        except aiosmtplib.SMTPResponseException as error:
            if error.code in _LATER:
                _later(error)
            message = f"the mail server does not want us ({error.code})"
            raise ProviderConfigError(message) from None
        except (OSError, aiosmtplib.SMTPException, ValueError) as error:
            if _is_untrusted(error):
                message = "the mail server's certificate is not trusted: see host and ca_file"
            elif isinstance(error, OSError):
                raise ProviderUnavailable(detail=type(error).__name__) from None
            else:
                # It offers no TLS, or no way to sign in.
                message = "the mail server does not offer the encryption or sign-in of the settings"
            raise ProviderConfigError(message) from None

    async def _hand_over(
        self, server: aiosmtplib.SMTP, account: Account, letter: Letter, mail: bytes
    ) -> Outcome:
        options: list[str] = []
        if letter.international:
            if not server.supports_extension("smtputf8"):
                return Outcome.REJECTED
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        try:
            await server.mail(account.sender, options=options, encoding="utf-8")
            await server.rcpt(letter.to, encoding="utf-8")
        except aiosmtplib.SMTPSenderRefused as error:
            if error.code in _LATER:
                _later(error)
            message = f"the mail server does not let us write as the sender ({error.code})"
            raise ProviderConfigError(message) from None
        except aiosmtplib.SMTPResponseException as error:
            if error.code in _LATER:
                _later(error)
            return Outcome.REJECTED
        except (OSError, aiosmtplib.SMTPException) as error:
            raise ProviderUnavailable(detail=type(error).__name__) from None
        try:
            await server.data(mail)
        except aiosmtplib.SMTPResponseException as error:
            if error.code in _LATER:
                _later(error)
            return Outcome.REJECTED
        except (OSError, aiosmtplib.SMTPException) as error:
            # The last line may have arrived, and the server may have taken it.
            raise ProviderUnknown(type(error).__name__) from None
        return Outcome.SENT


def _trust(account: Account) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=account.ca_file)
    except OSError as error:
        message = f"ca_file holds no certificates that can be read ({type(error).__name__})"
        raise ProviderConfigError(message) from None


def _is_untrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _later(error: aiosmtplib.SMTPResponseException) -> NoReturn:
    """The server says: not now. The sentence may name the reader, its number does not."""
    raise ProviderUnavailable(detail=f"the mail server answered {error.code}") from None
