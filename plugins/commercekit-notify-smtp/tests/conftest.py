"""A real SMTP server (aiosmtpd) in this process, with a certificate of the tests' own authority."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import logging
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from commercekit.platform.settings import Secret
from commercekit.testing import ManualClock, provider_context
from commercekit_notify_smtp.notifier import SmtpNotifier
from commercekit_notify_smtp.settings import Account, Encryption

USERNAME = "shop"
PASSWORD = "password-of-the-tests"


class FakeMailServer:
    """Takes mails, and has bad moments: ``says`` maps a command to the answer it gives instead."""

    def __init__(self) -> None:
        self.port = 0
        self.says: dict[str, str] = {}
        self.mails: list[tuple[str, list[str], bytes]] = []
        """Envelope sender, envelope readers, content."""
        self.signed_in: list[str] = []
        self.over_tls: list[bool] = []
        self.options: list[list[str]] = []
        self.hangs_up_after_taking = False
        self.is_open = True

    def letters(self) -> list[Any]:
        """The contents, as a mail program reads them."""
        policy = email.policy.default
        return [email.message_from_bytes(each, policy=policy) for _, _, each in self.mails]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, sender: str, options: list[str]
    ) -> str:
        if "MAIL" in self.says:
            return self.says["MAIL"]
        self.options.append(options)
        envelope.mail_from = sender
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - likewise
        self, server: Any, session: Any, envelope: Any, to: str, _options: list[str]
    ) -> str:
        if "RCPT" in self.says:
            return self.says["RCPT"]
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - likewise
        if "DATA" in self.says:
            return self.says["DATA"]
        self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        transport = server.transport
        self.over_tls.append(transport.get_extra_info("sslcontext") is not None)
        if self.hangs_up_after_taking:
            transport.abort()
        return "250 taken"

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        known = (data.login, data.password) == (USERNAME.encode(), PASSWORD.encode())
        if not known:
            # What real servers answer; aiosmtpd says 535 by itself.
            return AuthResult(success=False, handled=False)
        self.signed_in.append(mechanism)
        return AuthResult(success=True)


class _Line(SMTP):
    """One connection; refused at once while the server is closed."""

    def __init__(self, box: FakeMailServer, **options: Any) -> None:
        super().__init__(box, **options)
        self._box = box

    def connection_made(self, transport: Any) -> None:
        if not self._box.is_open:
            transport.abort()
            return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.session is not None:
            super().connection_lost(error)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """aiosmtpd writes all that is said down; the kit listens for what the notifier writes."""
    log = logging.getLogger("mail.log")
    log.disabled = True
    yield
    log.disabled = False


def _signed(
    name: str, issuer: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by, signer = issuer or (subject, key)
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if issuer is None:
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        built = built.add_extension(usage, critical=True)
    return built.sign(signer, hashes.SHA256()), key


class Papers:
    """An authority, and a server's certificate for ``localhost`` by it."""

    def __init__(self, folder: Path) -> None:
        authority, key = _signed("Authority of the tests", None)
        leaf, leaf_key = _signed("localhost", (authority.subject, key))
        self.authority = folder / "authority.pem"
        self.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        served = folder / "server.pem"
        served.write_bytes(
            leaf_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + leaf.public_bytes(serialization.Encoding.PEM)
        )
        self.served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.served.load_cert_chain(served)


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture(scope="session")
def post_office() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop in a thread of its own: its tasks are none that the notifier left behind."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    loop.close()


@contextlib.contextmanager
def _serving(
    loop: asyncio.AbstractEventLoop,
    box: FakeMailServer,
    options: dict[str, Any],
    tls: ssl.SSLContext | None = None,
) -> Iterator[FakeMailServer]:
    served: list[_Line] = []

    def line() -> _Line:
        served.append(_Line(box, hostname="mail.test", loop=loop, **options))
        return served[-1]

    async def opened() -> asyncio.Server:
        return await loop.create_server(line, "127.0.0.1", 0, ssl=tls)

    async def closed() -> None:
        server.close()
        for each in served:
            if each.transport is not None:
                each.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(opened(), loop).result(30)
    box.port = server.sockets[0].getsockname()[1]
    yield box
    asyncio.run_coroutine_threadsafe(closed(), loop).result(30)


@pytest.fixture
def box(post_office: asyncio.AbstractEventLoop) -> Iterator[FakeMailServer]:
    """In clear, takes mails of anybody, as one on the same machine."""
    with _serving(post_office, FakeMailServer(), {"enable_SMTPUTF8": True}) as box:
        yield box


@pytest.fixture
def starttls_box(
    post_office: asyncio.AbstractEventLoop, papers: Papers
) -> Iterator[FakeMailServer]:
    """Wants TLS and a password, on the port of mail programs."""
    box = FakeMailServer()
    options = {
        "tls_context": papers.served,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": box.authenticate,
    }
    with _serving(post_office, box, options):
        yield box


@pytest.fixture
def tls_box(post_office: asyncio.AbstractEventLoop, papers: Papers) -> Iterator[FakeMailServer]:
    """TLS from the first byte."""
    with _serving(post_office, FakeMailServer(), {}, papers.served) as box:
        yield box


class Contexts:
    """Makes contexts of accounts that differ."""

    def __init__(self, http: httpx.AsyncClient, clock: ManualClock) -> None:
        self._http, self._clock = http, clock

    def __call__(self, port: int, **changes: Any) -> Any:
        account = msgspec.structs.replace(
            Account(
                host="localhost",
                port=port,
                sender="shop@example.com",
                encryption=Encryption.NONE,
                timeout=timedelta(seconds=30),
            ),
            **changes,
        )
        return provider_context(SmtpNotifier(), account, http=self._http, clock=self._clock)

    def secure(self, port: int, papers: Papers, **changes: Any) -> Any:
        given = {
            "encryption": Encryption.STARTTLS,
            "ca_file": papers.authority,
            "username": USERNAME,
            "password": Secret(PASSWORD),
        }
        return self(port, **(given | changes))


@pytest.fixture
async def contexts(clock: ManualClock) -> AsyncIterator[Contexts]:
    async with httpx.AsyncClient() as http:
        yield Contexts(http, clock)
