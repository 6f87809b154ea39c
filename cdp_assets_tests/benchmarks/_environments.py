"""Environments of their own for other tools, in the build folder; what is in them is pinned where they are used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cdp_assets_tests.benchmarks._measure import BUILD


def environment(name: str, packages: Sequence[str]) -> Path:
    """The programs of an environment with exactly these packages and what they need; made where it is missing.

    Packages come from wherever this machine's pip takes them.

    Raises:
        CalledProcessError: pip could not install them; what it says is printed.
    """
    folder = BUILD / "peers" / name
    if not is_there(name, packages):
        print(f"  installing {', '.join(packages)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "-q", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, *packages], check=True)
        _marker(folder).write_text("\n".join(packages))
    return folder / "bin"


def is_there(name: str, packages: Sequence[str]) -> bool:
    """Whether the environment is made, with these very packages."""
    marker = _marker(BUILD / "peers" / name)
    return marker.exists() and marker.read_text() == "\n".join(packages)


def _marker(folder: Path) -> Path:
    return folder / "made_from"
