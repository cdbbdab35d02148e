"""Plain-text tables, for terminals and notebooks alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Table", "bytes_text", "html_of", "number_text", "records_table", "text_of", "text_table"]


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


@dataclass(frozen=True)
class Table:
    """Rows of cells under headings; columns of numbers stand to the right."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        """As text, in columns as wide as their widest cell."""
        columns = list(zip(self.headings, *self.rows, strict=True))
        widths = [max(len(cell) for cell in column) for column in columns]
        right = self._right()

        def line(cells: Sequence[str]) -> str:
            padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True)]
            return "  ".join(padded).rstrip()

        rule = "  ".join("-" * width for width in widths)
        return "\n".join([line(self.headings), rule, *(line(row) for row in self.rows)])

    def html(self) -> str:
        """As HTML; cells may hold anything."""
        styles = [f' style="text-align:{"right" if r else "left"}"' for r in self._right()]

        def line(tag: str, cells: Sequence[str]) -> str:
            return "".join(f"<{tag}{s}>{escape(cell)}</{tag}>" for cell, s in zip(cells, styles, strict=True))

        rows = "".join(f"<tr>{line('td', row)}</tr>" for row in self.rows)
        return f"<table><thead><tr>{line('th', self.headings)}</tr></thead><tbody>{rows}</tbody></table>"

    def _right(self) -> list[bool]:
        columns = list(zip(self.headings, *self.rows, strict=True))
        return [all(not cell or cell[0].isdigit() or cell[0] in "-+." for cell in column[1:]) for column in columns]


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as text."""
    return str(Table(headings, rows))


def records_table(records: Sequence[Mapping[str, object]], headings: Mapping[str, str]) -> Table | None:
    """A table of JSON records: the known keys in the order of `headings`, those that no record has left out."""
    keys = [key for key in headings if any(record.get(key) is not None for record in records)]
    if not keys:
        return None
    return Table(
        [headings[key] for key in keys], [[number_text(record.get(key)) for key in keys] for record in records]
    )


def text_of(parts: Sequence[str | Table | None]) -> str:
    """Texts and tables as one text, a blank line between them."""
    return "\n\n".join(str(part) for part in parts if part)


def html_of(parts: Sequence[str | Table | None]) -> str:
    """The same as HTML, for notebooks."""
    return "".join(part.html() if isinstance(part, Table) else f"<pre>{escape(part)}</pre>" for part in parts if part)
