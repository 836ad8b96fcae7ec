"""The notify port's adapters: letters by SMTP, texts by one HTTP call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.identity.settings import EmailSettings, SmsSettings
from bot.ports import Letter, Notifier
from channels.notify.email import send_letter, write_letter
from channels.notify.sms import send_sms

if TYPE_CHECKING:
    from pathlib import Path

    from bot.runtime import Runtime

__all__ = ["Notify", "open_notifier"]


class Notify:
    """Without a mail server letters are files in `folder`: for development."""

    def __init__(self, email: EmailSettings, sms: SmsSettings, folder: Path) -> None:
        self._email = email
        self._sms = sms
        self._folder = folder

    async def email(self, letter: Letter) -> None:
        if self._email.host:
            await send_letter(self._email, letter)
        else:
            await write_letter(self._email, letter, self._folder)

    async def sms(self, phone: str, text: str) -> None:
        await send_sms(self._sms, phone, text)


async def open_notifier(runtime: Runtime) -> Notifier:
    configuration = runtime.configuration
    return Notify(
        configuration.section(EmailSettings, "email"),
        configuration.section(SmsSettings, "sms"),
        configuration.data / "mail",
    )
