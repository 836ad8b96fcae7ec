"""Letters by SMTP."""

from __future__ import annotations

import asyncio
import logging
import os
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from pathlib import Path

import aiosmtplib

from bot.errors import Permanent, Retryable
from bot.identity.settings import EmailSettings
from bot.ports import Letter
from store.ids import uuid7

__all__ = ["send_letter", "write_letter"]

log = logging.getLogger(__name__)

RETRY_AFTER_S = 30.0


async def send_letter(settings: EmailSettings, letter: Letter) -> None:
    """
    Raises:
        Retryable: nobody answers, or a 4xx: a mailbox that is busy, greylisting.
        Permanent: a 5xx, a wrong login, or no address at all.
    """
    message = _message(settings, letter)
    password = settings.password.get_secret_value() if settings.password else None
    try:
        await aiosmtplib.send(
            message,
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=password if settings.username else None,
            timeout=settings.timeout_s,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
        )
    except aiosmtplib.SMTPRecipientsRefused as e:
        codes = [refused.code for refused in e.recipients]
        raise _said_no(max(codes, default=550)) from e
    except aiosmtplib.SMTPResponseException as e:
        raise _said_no(e.code) from e
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as e:
        raise Retryable(
            f"the mail server {settings.host}:{settings.port} does not answer", after_s=RETRY_AFTER_S
        ) from e
    log.info("letter sent")


def _said_no(code: int) -> Exception:
    if 400 <= code < 500:
        return Retryable(f"the mail server is busy (SMTP {code})", after_s=RETRY_AFTER_S)
    what = "the login CHATNATION__EMAIL__USERNAME" if code in (530, 534, 535) else "the letter or its address"
    return Permanent(f"the mail server refuses {what} (SMTP {code})")


async def write_letter(settings: EmailSettings, letter: Letter, folder: Path) -> None:
    """As a file that mail programs open."""
    content = _message(settings, letter).as_bytes()
    path = folder / f"{uuid7()}.eml"
    await asyncio.to_thread(_write, path, content)
    log.info("letter written to a file, as no mail server is set", extra={"file": path.name})


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _message(settings: EmailSettings, letter: Letter) -> EmailMessage:
    message = EmailMessage()
    if "@" not in letter.to:  # headerregistry falls over an empty one
        raise Permanent("this is no e-mail address that a letter can be sent to")
    try:
        name, sender = parseaddr(settings.sender)
        message["From"] = Address(name, addr_spec=sender)
        message["To"] = Address(addr_spec=letter.to)
        message["Subject"] = " ".join(letter.subject.split())
    except ValueError as e:  # HeaderParseError among them: a line break would be a header of somebody else's making
        raise Permanent("this is no e-mail address that a letter can be sent to") from e
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
    return message
