"""What a compiled network is, for a terminal or a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .manifest import DTYPES, Manifest
from .table import Table, bytes_text, number_text, records_table

__all__ = ["description"]

LAYER_COLUMNS = {
    "name": "layer",
    "op": "op",
    "function": "function",
    "kernel": "kernel",
    "inputs": "inputs",
    "outputs": "outputs",
    "input_bits": "in bits",
    "weights_bits": "w bits",
    "output_bits": "out bits",
    "input_scale": "in scale",
    "output_scale": "out scale",
    "weights_bytes": "weights",
}
NAMES_SHOWN = 10  # of classes and columns


def description(manifest: Manifest) -> list[str | Table | None]:
    """Inputs and outputs, a table of layers, and sizes, as its manifest has them."""
    data = manifest.data
    facts = [f"Quantized network {manifest.name!r}"]
    for key in ("target", "cpu"):
        if isinstance(data.get(key), str):
            facts.append(f"{key} {data[key]}")
    if type(data.get("threads")) is int and data["threads"] > 1:
        facts.append(f"threads {data['threads']}")
    lines = [", ".join(facts)]
    for heading, key in (("input", "inputs"), ("output", "outputs")):
        lines += [_tensor_line(heading, record) for record in data[key]]
    parts: list[str | Table | None] = ["\n".join(lines)]
    parts.append(records_table([_layer_row(layer) for layer in manifest.layers], LAYER_COLUMNS))
    sizes = data.get("sizes")
    if isinstance(sizes, dict):
        cells = [f"{key} {bytes_text(value)}" for key, value in sizes.items() if isinstance(value, (int, float))]
        parts.append("sizes: " + ", ".join(cells) if cells else None)
    return parts


def _layer_row(layer: Mapping[str, Any]) -> dict[str, Any]:
    """A layer's record as the table shows it: nothing where a layer has no weights."""
    row = {key: value for key, value in layer.items() if value != 0 or not key.startswith("weights_")}
    if isinstance(row.get("weights_bytes"), int):
        row["weights_bytes"] = bytes_text(row["weights_bytes"])
    return row


def _tensor_line(heading: str, record: Mapping[str, Any]) -> str:
    shape = ["rows", *(number_text(n) for n in record["shape"][1:])]
    dtype = DTYPES.get(record.get("type", "f32"), "?")
    line = f"  {heading:<6} {record['name']}  {dtype} ({', '.join(shape)})"
    if record.get("scale") is not None:
        line += f", scale {number_text(record['scale'])}"
        if record.get("zero_point") is not None:
            line += f", zero point {number_text(record['zero_point'])}"
    for key in ("classes", "columns"):
        if isinstance(record.get(key), list):
            names = ", ".join(map(str, record[key][:NAMES_SHOWN]))
            line += f", {key} {names}" + (", ..." if len(record[key]) > NAMES_SHOWN else "")
    return line
