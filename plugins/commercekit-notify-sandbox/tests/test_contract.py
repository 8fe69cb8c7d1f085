"""The sandbox keeps the contract of notifiers; its vendor is a folder."""

from __future__ import annotations

import email
import email.policy
import json

import httpx
import msgspec
import pytest

from commercekit.kernel import SystemClock
from commercekit.platform.providers import ProviderContexts
from commercekit.testing.conformance import Delivered, NotifierContract, Outbox, Trouble
from commercekit_notify_sandbox.notifier import SandboxNotifier
from commercekit_notify_sandbox.settings import Account, Settings

BAD_DAYS = {Trouble.REFUSED: "rejected", Trouble.DOWN: "down", Trouble.UNHEARD: "unknown"}


class Folder(Outbox):
    """Reads the messages as a mail program would."""

    def __init__(self, folder):
        self.folder = folder

    async def delivered(self):
        found = sorted(self.folder.glob("*.*"), key=lambda file: file.stat().st_mtime_ns)
        return [self.read(file) for file in found]

    def read(self, file):
        if file.suffix == ".json":
            shown = json.loads(file.read_text())
            return Delivered(to=shown["to"], text=shown["text"])
        mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        text = mail.get_body(("plain",)).get_content()
        everybody = ", ".join(f"{mail[name]}" for name in ("To", "Cc", "Bcc") if mail[name])
        return Delivered(to=everybody, text=text, subject=mail["Subject"])

    async def meet(self, trouble, message):
        if message.channel != "email":
            return None
        return msgspec.structs.replace(message, to=f"{BAD_DAYS[trouble]}@example.com")


class TestContract(NotifierContract):
    @pytest.fixture
    def notifier(self, tmp_path):
        return SandboxNotifier(Settings(), tmp_path)

    @pytest.fixture
    async def context(self):
        async with httpx.AsyncClient() as http:
            yield ProviderContexts(http=http, clock=SystemClock())("sandbox", "default", Account())

    @pytest.fixture
    def outbox(self, tmp_path):
        return Folder(tmp_path / "messages")
