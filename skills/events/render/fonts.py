"""The fonts of the ticket picture, the same on every machine: Poppins, and Noto Sans for Greek, Cyrillic, Ethiopic and Arabic script (all OFL)."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from html import escape
from pathlib import Path

import pyvips

__all__ = ["FAMILY", "FONTS", "load_fonts", "system_folders"]

FONTS = Path(__file__).parent / "fonts"
FAMILY = "Poppins, Noto Sans, Noto Sans Ethiopic, Noto Sans Arabic"
DATA_FOLDERS = "/usr/local/share:/usr/share"  # default of XDG_DATA_DIRS in the XDG base directory specification


@cache
def load_fonts() -> None:
    """Makes our fonts known to Pango; the system's stand behind them for scripts that ours lack.

    Each file is registered: Pango would take the bold one for every weight if it knew no other. Must come before the first text of the
    process, which is when fontconfig reads its file. An operator's own FONTCONFIG_FILE is left alone.
    """
    if "FONTCONFIG_FILE" not in os.environ:
        os.environ["FONTCONFIG_FILE"] = str(_write_config())
    for font in sorted(FONTS.glob("*.ttf")):
        pyvips.Image.text("a", font=f"{FAMILY} 12", fontfile=str(font))


def system_folders() -> list[Path]:
    roots = os.environ.get("XDG_DATA_DIRS") or DATA_FOLDERS
    return [each for root in roots.split(":") if root and (each := Path(root) / "fonts").is_dir()]


def _write_config() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="chatnation-fonts-"))
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # a forked worker must not take the folder from its parent
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    lines = [f"<dir>{escape(str(each))}</dir>" for each in system_folders()]
    (folder / "cache").mkdir()
    config = folder / "fonts.conf"
    config.write_text(
        f'<?xml version="1.0"?><fontconfig>{"".join(lines)}<cachedir>{escape(str(folder / "cache"))}</cachedir></fontconfig>'
    )
    return config
