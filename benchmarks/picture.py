"""The cells' ratios as a picture: a bar each from 1, where quantc and the quickest peer are equal, on a log scale."""

from __future__ import annotations

from pathlib import Path

from report import OUR_ENTRY, Report, title

COLORS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#9d755d")  # one a batch
BAR = 0.8  # of the room that a network's bars share
INK = "#333333"
LEAST_SHOWN, MOST_SHOWN = 0.75, 2.0  # of the scale, whatever the ratios are
MARGIN = 1.2


def draw(report: Report, path: Path) -> None:
    """Write the picture to `path` as SVG; the same report gives the same file."""
    import matplotlib as mpl  # noqa: PLC0415 - a second that only a finished run needs

    mpl.use("Agg")
    mpl.rcParams |= {"svg.hashsalt": "quantc", "font.size": 9, "text.color": INK, "axes.edgecolor": INK}
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after its settings

    batches = sorted({cell.batch for cell in report.cells})
    width = BAR / max(1, len(batches))
    values = [LEAST_SHOWN, MOST_SHOWN]
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    for place, batch in enumerate(batches):
        for column, network in enumerate(report.networks):
            cell = next((cell for cell in network.cells if cell.batch == batch), None)
            found = cell.ratio() if cell else None
            if found is None:
                continue
            x = column - BAR / 2 + width * (place + 0.5)
            axes.bar(x, found.value - 1, width * 0.92, bottom=1, color=COLORS[place % len(COLORS)])
            above = found.value >= 1
            axes.annotate(
                f"{found.value:.2f}",
                (x, found.value),
                (0, 2 if above else -2),
                textcoords="offset points",
                ha="center",
                va="bottom" if above else "top",
            )
            values.append(found.value)
    axes.axhline(1, color=INK, linewidth=1)
    axes.set_xticks(range(len(report.networks)), [network.name for network in report.networks])
    axes.set_ylabel(f"quickest peer's time / {title(OUR_ENTRY)}'s")
    handles = [plt.Rectangle((0, 0), 1, 1, color=COLORS[i % len(COLORS)]) for i in range(len(batches))]
    axes.legend(handles, [f"batch {batch}" for batch in batches], frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_yscale("log", base=2)
    axes.set_ylim(min(values) / MARGIN, max(values) * MARGIN)
    axes.yaxis.set_major_formatter("{x:g}")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
