"""Prints a module with the MLIR examples of a page, each in a function whose arguments are the values it uses.

An op's example writes its operands in the order of its operand types, as all of qnet's formats do: `%a, %b ... :
(type, type) -> type`, or `: type -> type`, or a list of types without an arrow, some of them in parentheses.
"""

import re
import sys
from pathlib import Path

CLOSING = {")": "(", ">": "<", "]": "[", "}": "{"}


def split(types: str) -> list[str]:
    """Split at the commas outside brackets; `->` is no bracket."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(types):
        arrow = char == ">" and types[i - 1] == "-"
        depth += (char in CLOSING.values()) - (char in CLOSING and not arrow)
        if char == "," and depth == 0:
            parts.append(types[start:i])
            start = i + 1
    return [part.strip() for part in [*parts, types[start:]] if part.strip()]


def function(number: int, example: str) -> str:
    """One example as a function."""
    example = " ".join(example.split())
    # An attribute dictionary has colons of its own: the types follow the one after it, or else the first.
    parts = re.match(r"([^{]*?\{.*?\}|[^{]*?) : (.*)", example)
    if not parts:
        sys.exit(f"an example has no types: {example}")
    head, signature = parts.groups()
    operands = re.findall(r"%\w+", re.sub(r"^[%\w, ]+ = ", "", head))
    types = signature.split(" -> ")[0].strip() if operands else ""
    if types.startswith("(") and types.endswith(")"):
        types = types[1:-1]
    # A group of operands of any number has its types in parentheses.
    flat = [type_ for part in split(types) for type_ in (split(part[1:-1]) if part.startswith("(") else [part])]
    arguments = ", ".join(f"{name}: {type_}" for name, type_ in zip(operands, flat, strict=True))
    return f"func.func @example_{number}({arguments}) {{\n  {example}\n  return\n}}"


page = Path(sys.argv[1]).read_text()
examples = re.findall(r"^```mlir\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
if not examples:
    sys.exit(f"{sys.argv[1]}: no examples found")
print(*(function(i, example) for i, example in enumerate(examples)), sep="\n")
