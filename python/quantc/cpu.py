"""What this machine's CPU can do, so that a library for a newer one is refused before it ends the process."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["missing_features"]

CPUINFO = Path("/proc/cpuinfo")
LINUX_NAMES = {"bmi": "bmi1", "lzcnt": "abm", "dotprod": "asimddp"}  # the kernel's words for LLVM's, beside dots and _


def missing_features(required: Sequence[object], cpuinfo: Path = CPUINFO) -> list[str]:
    """Give those of a manifest's ``features`` that this CPU lacks; none where the system does not say what it has."""
    try:
        text = cpuinfo.read_text()
    except OSError:
        return []
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    if not found:
        return []
    had = {_plain(word) for word in found.group(1).split()}
    names = [name for name in required if isinstance(name, str)]
    return [name for name in names if _plain(LINUX_NAMES.get(name, name)) not in had]


def _plain(name: str) -> str:
    return re.sub(r"[._-]", "", name)
