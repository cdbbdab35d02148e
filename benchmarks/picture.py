"""The cells' ratios as a picture: a bar each, and a line at 1, where quantc and the quickest peer are equal."""

from __future__ import annotations

from pathlib import Path

from report import OUR_ENTRY, Report, title

COLORS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#9d755d")  # one a batch
BAR = 0.8  # of the room that a network's bars share
INK = "#333333"


def draw(report: Report, path: Path) -> None:
    """Write the picture to `path` as SVG; the same report gives the same file."""
    import matplotlib as mpl  # noqa: PLC0415 - a second that only a finished run needs

    mpl.use("Agg")
    mpl.rcParams |= {"svg.hashsalt": "quantc", "font.size": 9, "text.color": INK, "axes.edgecolor": INK}
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after its settings

    batches = sorted({cell.batch for cell in report.cells})
    width = BAR / max(1, len(batches))
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    for place, batch in enumerate(batches):
        for column, network in enumerate(report.networks):
            cell = next((cell for cell in network.cells if cell.batch == batch), None)
            found = cell.ratio() if cell else None
            if found is None:
                continue
            x = column - BAR / 2 + width * (place + 0.5)
            axes.bar(x, found.value, width * 0.92, color=COLORS[place % len(COLORS)])
            axes.annotate(f"{found.value:.2f}", (x, found.value), (0, 2), textcoords="offset points", ha="center")
            inside = found.value * 0.03
            axes.annotate(found.peer, (x, inside), rotation=90, ha="center", va="bottom", fontsize=6, color="white")
    axes.axhline(1, color=INK, linewidth=1)
    axes.set_xticks(range(len(report.networks)), [network.name for network in report.networks])
    axes.set_ylabel(f"quickest peer's time / {title(OUR_ENTRY)}'s")
    handles = [plt.Rectangle((0, 0), 1, 1, color=COLORS[i % len(COLORS)]) for i in range(len(batches))]
    axes.legend(handles, [f"batch {batch}" for batch in batches], frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylim(bottom=0)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
