"""The measured figures, as docs/benchmarks.md has them."""

import re
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "docs/benchmarks.md"


def figures(text: str) -> dict[str, float]:
    """Ours, by the line's name: µs, KB, or packets a second, as the line says."""
    rows = re.findall(r"^\| `([\w-]+)`: [^|]*\| ([\d.,]+) \(", text, re.MULTILINE)
    return {name: float(value.replace(",", "")) for name, value in rows}


def growth(text: str) -> dict[str, float]:
    """The cost of a unit at the most flows or connections."""
    rows = re.findall(r"^\| `(grow-[\w-]+)`: [^|]*\| \w+ \| [^|]*?([\d.]+) \|", text, re.MULTILINE)
    return {name: float(value) for name, value in rows}


def measured() -> dict[str, float]:
    text = BENCHMARKS.read_text()
    return figures(text) | growth(text)


def commit() -> str:
    """Of what was measured."""
    return re.search(r", of ([0-9a-f]{7,}),", BENCHMARKS.read_text())[1]
