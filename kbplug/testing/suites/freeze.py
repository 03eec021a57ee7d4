"""Writes down the samples of a suite, before it is released: ``python -m kbplug.testing.suites.freeze``."""

from __future__ import annotations

from pathlib import Path

from kbplug.testing.samples import samples
from kbplug.testing.suites import v1
from kbplug.testing.suites.operations import digest, sample_id


def lines() -> list[str]:
    """Return a line per sample: its id and its digest."""
    return [
        f"{sample_id(name, i, s)} {digest(s)}"
        for name, listed in sorted(samples().items())
        for i, s in enumerate(listed)
    ]


if __name__ == "__main__":
    Path(__file__).with_name(f"{v1.NAME}.txt").write_text("\n".join(lines()) + "\n", encoding="utf-8")
