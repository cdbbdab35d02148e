// Elements and numbers. Names come from models: they are set as text, never as HTML.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A name of a model: whatever its direction, it changes nothing around it. */
const named = (text) => element("bdi", {}, String(text));

/** Names joined by commas, the first of many. */
function names(list, most = 20) {
  const shown = list.slice(0, most).flatMap((name, i) => (i ? [", ", named(name)] : [named(name)]));
  const more = list.length > most ? [`, and ${list.length - most} more`] : [];
  return element("span", {}, ...shown, ...more);
}

const paragraph = (...parts) => element("p", {}, ...parts);

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const whole = (value) => (isNumber(value) ? value.toLocaleString("en-US") : "");
const short = (value) => (isNumber(value) ? String(Number(value.toPrecision(4))) : "");
/** Without a minus before nothing. */
const fixed = (value, digits) => value.toFixed(digits).replace(/^-(0\.?0*)$/, "$1");
/** No error at all is null in JSON. */
const decibels = (value) => (value === null ? "exact" : isNumber(value) ? value.toFixed(1) : "");
const decibelsWithUnit = (value) => (value === null ? "exact" : `${decibels(value)} dB`);
const percent = (value, digits = 2) => (isNumber(value) ? `${Number((100 * value).toFixed(digits))}%` : "");
const microseconds = (value) =>
  isNumber(value) ? (value < 1 ? String(Number(value.toPrecision(3))) : value.toFixed(value < 10 ? 2 : 1)) : "";

function bytes(value) {
  if (!isNumber(value)) return "";
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  for (; value >= 1024 && unit + 1 < units.length; ++unit) value /= 1024;
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/**
 * A table in a box of its own that scrolls. `columns` are [heading, kind, cell of a row]; the kind is "name", "code",
 * "number", "words" or nothing. The first column heads its row.
 */
function table(label, columns, rows) {
  const cell = ([, kind, of], row, index) => {
    const value = of(row);
    const node = value instanceof Node ? value : kind === "name" || kind === "code" ? named(value) : String(value ?? "");
    return index === 0
      ? element("th", { scope: "row", class: kind }, node)
      : element("td", { class: kind }, node);
  };
  const head = columns.map(([heading, kind]) => element("th", { scope: "col", class: kind }, heading));
  const body = rows.map((row) => element("tr", {}, ...columns.map((column, index) => cell(column, row, index))));
  const made = element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...body),
  );
  return scrolling(label, made, rows.length > 24);
}

function scrolling(label, content, isTall = false) {
  const attributes = { class: isTall ? "scroll tall" : "scroll", role: "region", "aria-label": label, tabindex: "0" };
  return element("div", attributes, content);
}

/** Terms and what they are, as a table of two columns. */
function facts(label, pairs) {
  const rows = pairs
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([term, value]) =>
      element("tr", {}, element("th", { scope: "row" }, term), element("td", { class: "words" }, value)),
    );
  return scrolling(label, element("table", {}, element("tbody", {}, ...rows)));
}

/** Names that tell rows apart: one that comes again gets its number. */
function distinct(rows, nameOf) {
  const seen = new Map();
  return rows.map((row) => {
    const name = nameOf(row);
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}

const leftOut = (count, what) =>
  count > 0 ? element("p", { class: "quiet" }, `${whole(count)} more ${what} are left out.`) : null;
