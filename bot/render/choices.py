"""Any number of options -> buttons, one list, or pages of lists. No option is ever out of reach, no title silently cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.messages import Choices, Option
from bot.render import limits
from bot.render.cut import ELLIPSIS, is_blank, numbered, one_line, shorten, split_text
from bot.render.limits import size
from bot.render.rendered import Button, RButtons, Rendered, RList, Row, RText, Section

__all__ = ["Labels", "fits_buttons", "page_ranges", "render_choices", "shown_title"]


@dataclass(frozen=True, slots=True)
class Labels:
    """The renderer's own words, in the person's language."""

    more: str = "More…"
    first: str = "« Back to the start"
    choose: str = "Choose"


def page_ranges(count: int) -> list[range]:
    """Which options stand on which page. One page while all fit; else every page keeps rows for More and for Back."""
    if count <= limits.LIST_ROWS:
        return [range(count)]
    pages = [range(limits.LIST_ROWS - 1)]
    while pages[-1].stop < count:
        start = pages[-1].stop
        left = count - start
        # The last page needs no More row.
        take = left if left < limits.LIST_ROWS else limits.LIST_ROWS - 2
        pages.append(range(start, start + take))
    return pages


def shown_title(option: Option, index: int) -> str:
    """The title on one line; its number when there is nothing to see."""
    title = one_line(option.title)
    return str(index + 1) if is_blank(title) else title


def fits_buttons(options: Sequence[Option]) -> bool:
    """Buttons show a short title and nothing else, and no two may read the same."""
    titles = [shown_title(option, index) for index, option in enumerate(options)]
    return (
        0 < len(options) <= limits.BUTTONS_MAX
        and all(size(title) <= limits.BUTTON_TITLE for title in titles)
        and len({title.casefold() for title in titles}) == len(titles)
        and all(is_blank(option.description) for option in options)
    )


def render_choices(
    part: Choices, *, option_id: Callable[[int], str], page_id: Callable[[int], str], labels: Labels
) -> list[Rendered]:
    frame = _Frame.of(part)
    if not part.options:
        return [RText(piece) for piece in split_text(frame.plain(), limits.TEXT_BODY)]
    if fits_buttons(part.options):
        buttons = tuple(
            Button(option_id(index), shown_title(option, index)) for index, option in enumerate(part.options)
        )
        *before, body = frame.bodies([], limits.BUTTONS_BODY, labels.choose)
        return [*map(RText, before), RButtons(body, buttons, header=frame.header, footer=frame.footer)]
    return _list(part, frame, option_id=option_id, page_id=page_id, labels=labels)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Header and footer where they fit; else they stand in the body."""

    header: str
    top: str
    text: str
    bottom: str
    footer: str

    @classmethod
    def of(cls, part: Choices) -> _Frame:
        header, footer = one_line(part.header), one_line(part.footer)
        header_fits, footer_fits = size(header) <= limits.HEADER_TEXT, size(footer) <= limits.FOOTER
        return cls(
            header="" if is_blank(header) or not header_fits else header,
            top="" if header_fits else header,
            text=part.text,
            bottom="" if footer_fits else footer,
            footer="" if is_blank(footer) or not footer_fits else footer,
        )

    def plain(self) -> str:
        return _paragraphs(self.header or self.top, self.text, self.bottom or self.footer)

    def bodies(self, lines: Sequence[str], last_limit: int, otherwise: str) -> list[str]:
        """The body in pieces, the last of which fits beside the options. Never empty: WhatsApp wants a body."""
        whole = _paragraphs(self.top, self.text, "\n".join(lines), self.bottom)
        pieces = split_text(whole, limits.TEXT_BODY, last_limit=last_limit)
        return pieces or [self.header or (ELLIPSIS if is_blank(otherwise) else otherwise)]


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(text for text in texts if not is_blank(text))


def _list(
    part: Choices,
    frame: _Frame,
    *,
    option_id: Callable[[int], str],
    page_id: Callable[[int], str],
    labels: Labels,
) -> list[Rendered]:
    pages = page_ranges(len(part.options))
    page = min(max(part.page, 0), len(pages) - 1)
    if page > 0:
        # A long text was read on the first page; its end is enough to know what is asked.
        frame = replace(frame, text=next(reversed(split_text(part.text, limits.LIST_BODY)), ""))
    ways = _ways(page, len(pages), page_id=page_id, labels=labels)
    seen = {way.title.casefold() for way in ways}
    rows, lines = [], []
    for index in pages[page]:
        row, line = _row(index, part.options[index], row_id=option_id(index), seen=seen)
        rows.append(row)
        if line:
            lines.append(line)
    label = next((one_line(text) for text in (part.button, labels.choose) if not is_blank(text)), ELLIPSIS)
    if size(label) > limits.LIST_BUTTON:
        lines.append(f"[{label}]")
    *before, body = frame.bodies(lines, limits.LIST_BODY, labels.choose)
    shown = RList(
        body,
        shorten(label, limits.LIST_BUTTON),
        (Section((*rows, *ways)),),
        header=frame.header,
        footer=frame.footer,
    )
    return [*map(RText, before), shown]


def _ways(page: int, pages: int, *, page_id: Callable[[int], str], labels: Labels) -> list[Row]:
    ways, seen = [], set[str]()
    for needed, target, label in ((page < pages - 1, page + 1, labels.more), (page > 0, 0, labels.first)):
        if needed:
            title = _first_unseen(ELLIPSIS if is_blank(label) else one_line(label), seen)
            seen.add(title.casefold())
            ways.append(Row(page_id(target), title))
    return ways


def _row(index: int, option: Option, *, row_id: str, seen: set[str]) -> tuple[Row, str]:
    """The option's row, and the line in the body that says in full what the row cannot hold ("" when it can)."""
    title = shown_title(option, index)
    description = "" if is_blank(option.description) else one_line(option.description)
    visible = _first_unseen(title, seen)
    details = description if visible.startswith(title) else _joined(title, description)
    line = ""
    if size(details) > limits.ROW_DESCRIPTION:
        line = f"{index + 1}. {_joined(title, description)}"
        visible = _first_unseen(f"{index + 1}. {title}", seen)
        details = shorten(details, limits.ROW_DESCRIPTION)
    seen.add(visible.casefold())
    return Row(row_id, visible, details), line


def _first_unseen(title: str, seen: set[str]) -> str:
    return next(shown for shown in numbered(title, limits.ROW_TITLE) if shown.casefold() not in seen)


def _joined(title: str, description: str) -> str:
    return f"{title} — {description}" if description else title
