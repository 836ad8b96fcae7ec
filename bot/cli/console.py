"""What `chatnation up` shows: progress, one prefixed line per line of a process, and the last word. Colours on a terminal only."""

from __future__ import annotations

import sys
import zlib
from typing import TextIO

from rich.console import Console as RichConsole
from rich.text import Text

__all__ = ["Console"]

COLOURS = ("cyan", "magenta", "green", "blue", "yellow", "bright_cyan", "bright_magenta", "bright_green", "bright_blue")
NAME_WIDTH = 20


class Console:
    def __init__(self, stream: TextIO | None = None) -> None:
        self._rich = RichConsole(file=stream or sys.stdout, highlight=False, soft_wrap=True)

    def step(self, text: str) -> None:
        """Progress, in the words of a person who waits."""
        self._print(Text.assemble(("chatnation".ljust(NAME_WIDTH), "bold"), " ", text))

    def line(self, name: str, text: str) -> None:
        """A line of a process. Its own colours survive; nothing in it is taken for markup."""
        colour = COLOURS[zlib.crc32(name.encode()) % len(COLOURS)]
        self._print(Text.assemble((name.ljust(NAME_WIDTH), colour), " ", Text.from_ansi(text)))

    def ready(self, text: str) -> None:
        """The one line that says that the wait is over; it begins the line, so that scripts can look for it."""
        self._print(Text(text, style="bold green"))

    def problem(self, text: str) -> None:
        self._print(Text.assemble(("chatnation".ljust(NAME_WIDTH), "bold red"), " ", (text, "red")))

    def _print(self, text: Text) -> None:
        self._rich.print(text)
        self._rich.file.flush()
