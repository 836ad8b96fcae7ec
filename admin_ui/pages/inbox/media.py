"""Sending a file: it goes to the store first, then as a message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui
from nicegui.events import UploadEventArguments

from admin_ui.kit import bound, button, dialog, text_area, toast
from admin_ui.scope import here
from bot.conversations import NotValid
from bot.messages import MediaKind, MediaOut
from bot.render.limits import CAPTION

__all__ = ["build", "kind_of"]

# WhatsApp's own (Cloud API reference, media); a document may be larger there than we take from a browser.
MAX_BYTES = 16 * 1024 * 1024
MAX_PICTURE_BYTES = 5 * 1024 * 1024
PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
VIDEOS = ("video/mp4", "video/3gpp")
AUDIOS = ("audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg")


def build(send: Callable[..., Awaitable[None]]) -> None:
    desk = here()
    with dialog({"en": "Send a file", "sw": "Tuma faili"}) as box:
        caption = text_area({"en": "Caption", "sw": "Maelezo"}, rows=2, mark="caption").props(f'maxlength="{CAPTION}"')

        async def uploaded(event: UploadEventArguments) -> None:
            desk = here()
            desk.require("inbox.reply")
            data = await event.file.read()
            kind, mime_type = kind_of(data, event.file.content_type)
            blob = await desk.runtime.blobs.put(desk.organization.id, data, mime_type)
            text = "" if kind in (MediaKind.AUDIO, MediaKind.STICKER) else (caption.value or "").strip()
            await send(
                MediaOut(kind=kind, blob=blob, mime_type=mime_type, filename=event.file.name[:240], caption=text)
            )
            box.close()

        async def too_large() -> None:
            toast(
                here().say({"en": "Files of up to 16 MB, one at a time.", "sw": "Faili hadi MB 16, moja moja."}),
                kind="bad",
            )

        words = {"en": "Drop a file here, or choose one (up to 16 MB)", "sw": "Weka faili hapa, au chagua (hadi MB 16)"}
        upload = ui.upload(
            label=desk.say(words),
            on_upload=bound(uploaded, writes=False),  # the file goes to the store before the transaction
            on_rejected=bound(too_large, writes=False),
            max_file_size=MAX_BYTES,
            max_files=1,
            auto_upload=True,
        ).mark("upload")
        upload.props("flat bordered hide-upload-btn").classes("cn-upload")
        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")
    box.on("hide", box.delete)
    box.open()


def kind_of(data: bytes, content_type: str) -> tuple[MediaKind, str]:
    """What WhatsApp shows it as. Pictures are known by their bytes; anything that is not shown travels as a document.

    Raises:
        NotValid: larger than WhatsApp takes.
    """
    claimed = content_type.partition(";")[0].strip().lower()
    for start, mime_type in PICTURES.items():
        if data.startswith(start):
            if len(data) > MAX_PICTURE_BYTES:
                raise NotValid("file", "a picture has at most 5 MB; make it smaller, or send it as a PDF")
            return MediaKind.IMAGE, mime_type
    if claimed in VIDEOS:
        return MediaKind.VIDEO, claimed
    if claimed in AUDIOS:
        return MediaKind.AUDIO, claimed
    if claimed.startswith("image/"):  # of a kind that WhatsApp does not show, or not what it says
        return MediaKind.DOCUMENT, "application/octet-stream"
    return MediaKind.DOCUMENT, claimed or "application/octet-stream"
