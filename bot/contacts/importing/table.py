"""A file of a spreadsheet -> header and rows, whatever its separator and encoding."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from bot.contacts.errors import NotPossible

__all__ = ["MAX_BYTES", "MAX_ROWS", "Table", "read_table"]

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 100
_SEPARATORS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` as they stand, with their number in the spreadsheet: the header is row 1, empty rows are left out but counted."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def column(self, place: int, most: int = 200) -> list[str]:
        """The first values of a column that are not empty."""
        found: list[str] = []
        for _, cells in self.rows:
            if place < len(cells) and cells[place].strip():
                found.append(cells[place].strip())
                if len(found) == most:
                    break
        return found


def read_table(data: bytes, name: str) -> Table:
    """
    Raises:
        NotPossible: it is no CSV file, or too large; the message says what to do.
    """
    if len(data) > MAX_BYTES:
        raise NotPossible(f"{name} has {len(data) // 1024 // 1024} MB; at most {MAX_BYTES // 1024 // 1024}, split it")
    if data[:4] == b"PK\x03\x04":
        raise NotPossible(f"{name} is an Excel workbook; choose “Save as”, then “CSV UTF-8”, and bring that file")
    text = _decoded(data)
    if "\x00" in text:
        raise NotPossible(f"{name} is not a text file; save the sheet as “CSV UTF-8” and bring that file")
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise NotPossible(f"{name} is empty; its first row names the columns, then comes one row for each person")
    separator = max(_SEPARATORS, key=first.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as e:
        raise NotPossible(f"{name} cannot be read as CSV ({e}); save the sheet as “CSV UTF-8” again") from e
    place = next(number for number, cells in enumerate(lines) if any(cell.strip() for cell in cells))
    header = _named(lines[place])
    rows = [
        (number + 1, tuple(cells))
        for number, cells in enumerate(lines[place + 1 :], start=place + 1)
        if any(cell.strip() for cell in cells)
    ]
    if not rows:
        raise NotPossible(f"{name} has a header and no rows below it")
    if len(rows) > MAX_ROWS:
        raise NotPossible(f"{name} has {len(rows):,} rows; at most {MAX_ROWS:,}, split it")
    return Table(header, tuple(rows))


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")  # what spreadsheets write that are not told otherwise


def _named(cells: Sequence[str]) -> tuple[str, ...]:
    if len(cells) > MAX_COLUMNS:
        raise NotPossible(f"the file has {len(cells)} columns; at most {MAX_COLUMNS}")
    found: list[str] = []
    for place, cell in enumerate(cells):
        name = " ".join(cell.split())[:80] or f"Column {place + 1}"
        number = 1
        while (name if number == 1 else f"{name} ({number})") in found:
            number += 1
        found.append(name if number == 1 else f"{name} ({number})")
    return tuple(found)
