"""Make the page of `quantc report` from the files beside this one, and Vega-Lite: one file that loads nothing.

    python make-page.py --out build/report.html

vl-convert carries vega, vega-lite and vega-embed and bundles them; nothing is downloaded. What `quantc report` fills in
is marked: ``@quantc:lead@`` and ``@quantc:document@``.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import vl_convert

FOLDER = Path(__file__).parent
SCRIPTS = ("elements.js", "charts.js", "sections.js", "page.js")
VEGA_LITE = "6.4"
MARKS = {"lead": 2, "document": 1}  # how often `quantc report` fills each in


def inline_script(text: str, name: str) -> str:
    """Script as a <script> element may hold it."""
    if re.search(r"<!--|<script", text, re.IGNORECASE):
        raise SystemExit(f"{name}: a script that opens a comment or a script cannot stand in a page")
    return re.sub(r"</(?=script)", r"<\\/", text, flags=re.IGNORECASE)


def make_page() -> str:
    """Put the page together."""
    page = (FOLDER / "page.html").read_text(encoding="utf-8")
    library = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGA_LITE)
    own = "".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    parts = {
        "style": (FOLDER / "page.css").read_text(encoding="utf-8"),
        "library": inline_script(library, "Vega-Lite"),
        "script": inline_script(f'"use strict";\n(() => {{\n{own}}})();\n', "the page's script"),
    }
    for name, text in parts.items():
        if "@quantc:" in text:
            raise SystemExit(f"{name}: holds a mark that is the page's")
        before, mark, after = page.partition(f"@build:{name}@")
        if not mark:
            raise SystemExit(f"page.html has no place for the {name}")
        page = before + text + after
    for name, count in MARKS.items():
        if page.count(f"@quantc:{name}@") != count:
            raise SystemExit(f"page.html does not have @quantc:{name}@ {count} times")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the page of `quantc report`.")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.parse_args().out.write_text(make_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
