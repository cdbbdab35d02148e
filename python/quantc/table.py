"""Plain-text tables, for terminals and notebooks alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["bytes_text", "number_text", "records_table", "text_table"]


def number_text(value: object) -> str:
    """A value as a table's cell shows it: integers with thousands separated, floats with four figures."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return "x".join("?" if item is None else number_text(item) for item in value)
    return str(value)


def bytes_text(size: float) -> str:
    """A size in bytes, in the unit that leaves one to three figures before the point."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under headings, in columns as wide as their widest cell; numbers to the right."""
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    right = [all(not cell or cell[0].isdigit() or cell[0] in "-+." for cell in column[1:]) for column in columns]

    def line(cells: Sequence[str]) -> str:
        padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True)]
        return "  ".join(padded).rstrip()

    return "\n".join([line(headings), "  ".join("-" * w for w in widths), *(line(row) for row in rows)])


def records_table(records: Sequence[Mapping[str, object]], headings: Mapping[str, str]) -> str:
    """A table of JSON records: the known keys in the order of `headings`, those that no record has left out."""
    keys = [key for key in headings if any(record.get(key) is not None for record in records)]
    if not keys:
        return ""
    return text_table(
        [headings[key] for key in keys], [[number_text(record.get(key)) for key in keys] for record in records]
    )
