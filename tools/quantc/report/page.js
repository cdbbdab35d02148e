// The page: which sections there are, in which order.

const figures = JSON.parse(document.getElementById("figures").textContent);

const SECTIONS = [
  ["program", "What goes in and out", programSection],
  ["accuracy", "Accuracy", accuracySection],
  ["confusion", "Decisions", confusionSection],
  ["culprits", "Where the error comes from", culpritsSection],
  ["ranges", "Ranges", rangesSection],
  ["sizes", "Sizes", sizesSection],
  ["times", "Times", timesSection],
  ["ledger", "Ledger and proofs", ledgerSection],
  ["frontier", "Frontier", frontierSection],
  ["influence", "Which inputs matter", influenceSection],
];

const main = document.getElementById("sections");
const contents = document.getElementById("contents");
main.replaceChildren(cards(figures));
for (const [key, title, make] of SECTIONS) {
  const part = figures[key];
  const missing = () => [element("p", { class: "missing" }, part.missing + (part.remedy ? ` To have this: ${part.remedy}.` : ""))];
  const content = "missing" in part ? missing() : make(part);
  const heading = element("h2", { id: key }, title);
  main.append(
    element("section", { "aria-labelledby": key }, heading, ...content.filter((child) => child !== null)),
  );
  contents.append(element("li", {}, element("a", { href: `#${key}` }, title)));
}

let drawn = drawCharts();
const ready = () => document.documentElement.setAttribute("data-charts", "drawn");
drawn.then(ready);
// Labels take less room on a narrow page.
NARROW.addEventListener("change", () => {
  drawn = drawn.then(drawCharts);
});
// What is folded is printed too.
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
