#!/usr/bin/env python3
"""Write the ONNX models of a test file.

    make-onnx.py FILE FOLDER

FILE holds models in ONNX's own textual syntax, each under a line ``# --- NAME``;
each is written to FOLDER/NAME.onnx. Other lines that start with ``#`` are
comments (lit's RUN and CHECK lines). Nothing checks the models, so a test may
well ask for broken ones.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

SEPARATOR = "# --- "


def sections(text: str) -> dict[str, str]:
    """Split a test file into the sources of its models.

    Parameters
    ----------
    text
        The whole file.

    Returns
    -------
    dict of str to str
        Model source by name. Lines keep their places, so that a parser's line
        numbers are the file's.
    """
    models: dict[str, list[str]] = {}
    current: list[str] | None = None
    for number, line in enumerate(text.splitlines()):
        if line.startswith(SEPARATOR):
            current = models.setdefault(line[len(SEPARATOR) :].strip(), [""] * (number + 1))
        elif current is not None:
            current.append("" if line.startswith("#") else line)
    return {name: "\n".join(lines) for name, lines in models.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the ONNX models of a test file.")
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()

    import onnx.parser

    models = sections(arguments.file.read_text(encoding="utf-8"))
    if not models:
        print(f"{arguments.file}: no line starts with '{SEPARATOR}'", file=sys.stderr)
        return 1
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, source in models.items():
        try:
            model = onnx.parser.parse_model(source)
        except onnx.parser.ParseError as error:
            print(f"{arguments.file}: model {name}: {error}", file=sys.stderr)
            return 1
        (arguments.folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    return 0


if __name__ == "__main__":
    sys.exit(main())
