"""Platform-neutral parts -> WhatsApp messages within WhatsApp's limits."""

from __future__ import annotations

from collections.abc import Callable

from bot.messages import (
    Choices,
    ContactCards,
    Form,
    Link,
    Location,
    LocationRequest,
    MediaKind,
    MediaOut,
    Outbound,
    Reaction,
    Template,
    Text,
)
from bot.render import limits
from bot.render.choices import Labels, render_choices
from bot.render.cut import ELLIPSIS, is_blank, one_line, shorten, split_text
from bot.render.limits import size
from bot.render.rendered import (
    RContacts,
    RCta,
    Rendered,
    RFlow,
    RLocation,
    RLocationRequest,
    RMedia,
    RReaction,
    RTemplate,
    RText,
)

__all__ = ["WITHOUT_CAPTION", "is_web_url", "render"]

_WORDS = Labels()
WITHOUT_CAPTION = frozenset({MediaKind.AUDIO, MediaKind.VOICE, MediaKind.STICKER})


def render(
    part: Outbound,
    *,
    option_id: Callable[[int], str],
    page_id: Callable[[int], str],
    more_label: str = _WORDS.more,
    first_label: str = _WORDS.first,
    list_label: str = _WORDS.choose,
) -> list[Rendered]:
    """The messages that say `part`, in the order to send them; none when there is nothing to see. Never raises.

    `option_id(i)` names option i of all options, `page_id(n)` page n (from 0); a tap on either comes back with that id.
    What is too long is split, or moved to where it fits; nothing is left out. `check` says beforehand what would happen.
    """
    match part:
        case Text():
            return [RText(piece, part.preview_url) for piece in split_text(part.text, limits.TEXT_BODY)]
        case Choices():
            labels = Labels(more=more_label, first=first_label, choose=list_label)
            return render_choices(part, option_id=option_id, page_id=page_id, labels=labels)
        case MediaOut():
            return _media(part)
        case Link():
            return _link(part)
        case Form():
            return _form(part)
        case LocationRequest():
            *before, body = _bodies(part.text, limits.LOCATION_REQUEST_BODY)
            return [*map(RText, before), RLocationRequest(body)]
        case Location():
            return [RLocation(part.latitude, part.longitude, name=part.name, address=part.address)]
        case ContactCards():
            step = limits.CONTACT_CARDS
            return [RContacts(part.cards[start : start + step]) for start in range(0, len(part.cards), step)]
        case Template():
            return [RTemplate(part.name, part.language, part.components, part.category)]
        case Reaction():
            return [RReaction(part.message_id, part.emoji)]


def _media(part: MediaOut) -> list[Rendered]:
    pieces = split_text(part.caption, limits.TEXT_BODY)
    caption = ""
    if pieces and part.kind not in WITHOUT_CAPTION:
        caption, *pieces = split_text(part.caption, limits.CAPTION)
        # Joined again, so that a long caption is followed by few long texts rather than many short ones.
        pieces = split_text("\n".join(pieces), limits.TEXT_BODY)
    media = RMedia(
        part.kind,
        blob=part.blob,
        link=part.link,
        mime_type=part.mime_type,
        filename=one_line(part.filename) if part.kind is MediaKind.DOCUMENT else "",
        caption=caption,
    )
    return [media, *map(RText, pieces)]


def is_web_url(url: str) -> bool:
    """Whether a button may open it."""
    return (
        url.startswith(("https://", "http://")) and url.isprintable() and " " not in url and size(url) <= limits.CTA_URL
    )


def _link(part: Link) -> list[Rendered]:
    header, footer = one_line(part.header), one_line(part.footer)
    label = one_line(part.label)
    if not is_web_url(part.url):
        # No button takes it; as text it is at least there to be read and copied.
        whole = _joined(header, part.text, label, part.url, footer)
        return [RText(piece, preview_url=True) for piece in split_text(whole, limits.TEXT_BODY)]
    header_fits, footer_fits = size(header) <= limits.HEADER_TEXT, size(footer) <= limits.FOOTER
    shown = ELLIPSIS if is_blank(label) else shorten(label, limits.CTA_LABEL)
    whole = _joined(
        "" if header_fits else header, part.text, "" if _fits(label, shown) else label, "" if footer_fits else footer
    )
    *before, body = _bodies(whole, limits.CTA_BODY)
    button = RCta(body, shown, part.url, header=header if header_fits else "", footer=footer if footer_fits else "")
    return [*map(RText, before), button]


def _form(part: Form) -> list[Rendered]:
    label = one_line(part.label)
    shown = ELLIPSIS if is_blank(label) else shorten(label, limits.FLOW_LABEL)
    *before, body = _bodies(_joined(part.text, "" if _fits(label, shown) else label), limits.FLOW_BODY)
    form = RFlow(body, part.form_id, shown, part.token, screen=part.screen, data=dict(part.data), draft=part.draft)
    return [*map(RText, before), form]


def _fits(label: str, shown: str) -> bool:
    return is_blank(label) or label == shown


def _joined(*texts: str) -> str:
    return "\n\n".join(text for text in texts if not is_blank(text))


def _bodies(text: str, last_limit: int) -> list[str]:
    """WhatsApp wants a body beside every button."""
    return split_text(text, limits.TEXT_BODY, last_limit=last_limit) or [ELLIPSIS]
