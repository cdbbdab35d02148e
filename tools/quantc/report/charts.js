// Charts by Vega-Lite. Colours are the page's own variables, so that light, dark and print need no second drawing.

const NARROW = window.matchMedia("(max-width: 600px)");
const INTEGER = "var(--integer)";
const FLOAT = "var(--float)";
const WARN = "var(--warn)";
const INK = "currentColor";
const STEP = 18; // pixels of a bar and its gap

const charts = [];

/** A figure with a chart; `caption` says what it shows, and a table beside it has the numbers. */
function chart(caption, makeSpec, attributes = {}) {
  const host = element("div", { class: "chart", role: "img", "aria-label": caption });
  charts.push({ host, makeSpec });
  return element("figure", attributes, host, element("figcaption", {}, caption));
}

function config() {
  const text = { labelColor: INK, titleColor: INK };
  return {
    background: "transparent",
    font: "system-ui, sans-serif",
    padding: 2,
    view: { stroke: null },
    axis: {
      ...text,
      titleFontWeight: "normal",
      domainColor: "var(--line)",
      gridColor: "var(--line)",
      tickColor: "var(--line)",
      labelLimit: NARROW.matches ? 96 : 220,
      labelFontSize: 11,
      titleFontSize: 11,
    },
    legend: { ...text, orient: "top", title: null, labelFontSize: 11 },
    text: { color: INK, fontSize: 11 },
    bar: { color: INTEGER },
    rule: { color: INK },
  };
}

async function drawCharts() {
  for (const { host, makeSpec } of charts) {
    const spec = { width: "container", autosize: { type: "fit-x", contains: "padding" }, ...makeSpec() };
    // `ast` interprets expressions, so that nothing in the page is ever compiled from text.
    await window.vegaEmbed(host, spec, { mode: "vega-lite", renderer: "svg", actions: false, ast: true, config: config() });
  }
}

/** An axis whose labels are each written for itself, so that zero is 0 and not 0k. */
const numbers = (format, tickCount) => ({ labelExpr: `format(datum.value, "${format}")`, ...(tickCount ? { tickCount } : {}) });

/** A horizontal bar a row: `rows` are {name, value, text}. */
function bars(rows, title, format) {
  return {
    height: STEP * rows.length,
    data: { values: rows },
    mark: { type: "bar", cornerRadiusEnd: 2 },
    encoding: {
      y: { field: "name", type: "nominal", sort: null, title: null },
      x: { field: "value", type: "quantitative", title, axis: numbers(format, NARROW.matches ? 4 : 8) },
      tooltip: [
        { field: "name", type: "nominal", title: "name" },
        { field: "text", type: "nominal", title },
      ],
    },
  };
}

/** Bars of several kinds side by side: `rows` are {name, kind, value, text}. */
function groupedBars(rows, kinds, colours, title, format) {
  return {
    height: (12 + 6 / kinds.length) * rows.length,
    data: { values: rows },
    mark: { type: "bar", cornerRadiusEnd: 2 },
    encoding: {
      y: { field: "name", type: "nominal", sort: null, title: null },
      yOffset: { field: "kind", type: "nominal", sort: kinds },
      x: { field: "value", type: "quantitative", title, axis: numbers(format, NARROW.matches ? 4 : 8) },
      color: { field: "kind", type: "nominal", scale: { domain: kinds, range: colours }, sort: kinds },
      tooltip: [
        { field: "name", type: "nominal", title: "name" },
        { field: "kind", type: "nominal", title: "of" },
        { field: "text", type: "nominal", title },
      ],
    },
  };
}

/** How values are distributed, and between which two they are stored. */
function histogram(value) {
  const bins = value.counts.map((count, i) => {
    const from = value.start + i * value.width;
    const to = from + value.width;
    return { from, to, count, part: to < value.lo || from > value.hi ? "clipped" : "stored" };
  });
  return {
    height: 110,
    layer: [
      {
        data: { values: bins },
        mark: { type: "rect" },
        encoding: {
          x: { field: "from", type: "quantitative", title: null, axis: { ...numbers(".4~g", 5), grid: false } },
          x2: { field: "to" },
          y2: { datum: 0 },
          y: {
            field: "count",
            type: "quantitative",
            title: "values",
            scale: { type: "symlog", domainMin: 0 },
            axis: { ...numbers("~s"), values: [0, 10, 1000, 100000, 10000000, 1000000000], grid: false },
          },
          color: {
            field: "part",
            type: "nominal",
            legend: null,
            scale: { domain: ["stored", "clipped"], range: [INTEGER, WARN] },
          },
          tooltip: [
            { field: "from", type: "quantitative", title: "from", format: ".4~g" },
            { field: "to", type: "quantitative", title: "to", format: ".4~g" },
            { field: "count", type: "quantitative", title: "values", format: "," },
          ],
        },
      },
      {
        data: { values: [{ edge: value.lo }, { edge: value.hi }] },
        mark: { type: "rule", strokeDash: [4, 3], strokeWidth: 1.5 },
        encoding: { x: { field: "edge", type: "quantitative" } },
      },
    ],
  };
}

/** Rows of each truth by what was decided; a cell is as strong as its share of its row. */
function heatmap(classes, counts) {
  const labels = distinct(classes, (name) => name);
  const cells = counts.flatMap((row, i) => {
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((count, j) => ({
      truth: labels[i],
      decided: labels[j],
      count,
      share: sum ? count / sum : 0,
      text: count || i === j ? String(count) : "",
      kind: i === j ? "right" : "wrong",
    }));
  });
  const axis = { labelLimit: 90, labelAngle: classes.length > 12 || NARROW.matches ? -60 : 0 };
  const hasText = classes.length <= (NARROW.matches ? 6 : 20);
  const rectangles = {
    mark: { type: "rect" },
    encoding: {
      color: {
        field: "kind",
        type: "nominal",
        legend: null,
        scale: { domain: ["right", "wrong"], range: [INTEGER, WARN] },
      },
      opacity: { field: "share", type: "quantitative", legend: null, scale: { type: "pow", exponent: 0.35, domain: [0, 1], range: [0, 0.75] } },
    },
  };
  const text = { mark: { type: "text", color: "var(--text)" }, encoding: { text: { field: "text" } } };
  return {
    height: (classes.length > 30 ? 12 : 24) * classes.length,
    data: { values: cells },
    encoding: {
      x: { field: "decided", type: "nominal", sort: null, title: "decided", axis },
      y: { field: "truth", type: "nominal", sort: null, title: "should be", axis: { labelLimit: 90 } },
      tooltip: [
        { field: "truth", type: "nominal", title: "should be" },
        { field: "decided", type: "nominal", title: "decided" },
        { field: "count", type: "quantitative", title: "rows" },
        { field: "share", type: "quantitative", title: "of its row", format: ".2%" },
      ],
    },
    layer: hasText ? [rectangles, text] : [rectangles],
  };
}

const POINT_COLOURS = { found: INTEGER, chosen: WARN, "one precision for all": FLOAT };

/** Points of a search: `rows` are {cost, sqnr, kind, bits}. */
function scatter(rows, costTitle) {
  const kinds = Object.keys(POINT_COLOURS).filter((kind) => rows.some((row) => row.kind === kind));
  return {
    height: 260,
    data: { values: rows },
    mark: { type: "point", filled: true, size: 70, opacity: 1 },
    encoding: {
      x: { field: "cost", type: "quantitative", title: costTitle, scale: { zero: false }, axis: numbers("~s", NARROW.matches ? 4 : 8) },
      y: { field: "sqnr", type: "quantitative", title: "SQNR dB", scale: { zero: false } },
      color: {
        field: "kind",
        type: "nominal",
        scale: { domain: kinds, range: kinds.map((kind) => POINT_COLOURS[kind]) },
      },
      tooltip: [
        { field: "bits", type: "nominal", title: "bits" },
        { field: "cost", type: "quantitative", title: costTitle, format: ".4~g" },
        { field: "sqnr", type: "quantitative", title: "SQNR dB", format: ".1f" },
      ],
    },
  };
}
