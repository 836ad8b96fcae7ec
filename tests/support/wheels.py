"""Packs packages into wheels and installs them with pip into a folder of their own, without network and without a build tool."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["PACKAGED", "install", "pack", "packaged"]

PACKAGED = Path(__file__).parent / "packaged"


def packaged() -> dict[str, str]:
    """The files of the example skill, as they stand in the wheel."""
    root = PACKAGED / "chatnation_raffle"
    files = sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(PACKAGED)): path.read_text() for path in files}


def pack(folder: Path, project: str, files: Mapping[str, str], points: Mapping[str, str]) -> Path:
    """A wheel of these files with these entry points of the group `chatnation.skills`."""
    stem = f"{project.replace('-', '_')}-1.0.0"
    info = f"{stem}.dist-info"
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: chatnation-tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[chatnation.skills]\n{lines}",
    }
    record = "".join(f"{path},sha256={_hash(text)},{len(text.encode())}\n" for path, text in content.items())
    wheel = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**content, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(path, text)
    return wheel


def install(target: Path, *wheels: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    command += ["--disable-pip-version-check", "--target", str(target), *map(str, wheels)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
