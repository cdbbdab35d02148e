"""How a compiled network differs from the float network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .table import Table, html_of, number_text, records_table, text_of

__all__ = ["Comparison"]

COMPARISON_COLUMNS = {
    "name": "layer",
    "layer": "layer",
    "op": "op",
    "sqnr_db": "SQNR dB",
    "sqnr": "SQNR dB",
    "max_error": "max error",
    "agreement": "agreement",
    "clipped": "clipped",
    "clipped_share": "clipped",
}
LINES_SHOWN = 20  # of a table of an analysis
SUSPECT_COLUMNS = {"culprit": "culprit", "share": "of the error", "gain_db": "gain dB", "alone": "alone"}
INFLUENCE_COLUMNS = {
    "name": "name",
    "channel": "channel",
    "change": "output change",
    "decisions_changed": "decisions changed",
    "gradient": "gradient",
}
ANALYSES = {  # where the records of an analysis lie, and their columns
    ("culprits", "effects"): SUSPECT_COLUMNS,
    ("culprits", "channels"): SUSPECT_COLUMNS,
    ("culprits", "features"): SUSPECT_COLUMNS,
    ("culprits", "worst_rows"): {key: key for key in ("row", "error", "label", "float", "integer")},
    ("repairs",): {
        "repair": "repair",
        "sqnr_db": "SQNR dB",
        "gain_db": "gain dB",
        "agreement": "agreement",
        "flag": "flag",
        "problem": "problem",
    },
    ("noise", "disturbances"): {
        "inputs": "inputs",
        "sqnr_db": "SQNR dB",
        "agreement": "agreement",
        "float_alone_db": "float alone",
        "float_alone_agreement": "its agreement",
        "integer_alone_agreement": "integer's",
    },
    ("influence", "features"): INFLUENCE_COLUMNS,
    ("influence", "neurons"): INFLUENCE_COLUMNS,
}


class Comparison:
    """How a compiled network differs from the float network on given rows; print it for a table.

    Attributes
    ----------
    data : dict
        The tool's figures: those of the whole network, and a record a layer under "layers".
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def records(self, *keys: str) -> list[dict[str, Any]]:
        """The records under these keys, as in ``records("culprits", "effects")``; none where it was not asked for."""
        value: Any = self.data
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return [record for record in value if isinstance(record, dict)] if isinstance(value, list) else []

    def __repr__(self) -> str:
        return text_of(self._parts())

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return html_of(self._parts())

    def _parts(self) -> list[str | Table | None]:
        layers = self.data.get("layers")
        records = [layer for layer in layers if isinstance(layer, Mapping)] if isinstance(layers, list) else []
        whole = [
            [key.replace("_", " "), number_text(value)]
            for key, value in self.data.items()
            if not isinstance(value, (list, dict))
        ]
        parts: list[str | Table | None] = [records_table(records, COMPARISON_COLUMNS)]
        parts.append(Table(["whole network", ""], whole))
        parts += [records_table(self.records(*keys)[:LINES_SHOWN], columns) for keys, columns in ANALYSES.items()]
        return parts
