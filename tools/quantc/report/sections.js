// The sections: each takes its part of the document and gives elements.

const ROWS_FROM = { calibration: "the calibration rows", input: "the rows that were given" };

function cards(figures) {
  const { accuracy, sizes, times } = figures;
  const list = [];
  const add = (term, value, detail) => value && list.push([term, value, detail]);
  if ("rows" in accuracy) {
    if (isNumber(accuracy.integer_accuracy))
      add("accuracy", percent(accuracy.integer_accuracy), `float ${percent(accuracy.float_accuracy)}`);
    if (isNumber(accuracy.integer_rmse))
      add("distance from targets (RMS)", short(accuracy.integer_rmse), `float ${short(accuracy.float_rmse)}`);
    if (isNumber(accuracy.agreement))
      add(accuracy.decides ? "float's decision" : "float's largest output", percent(accuracy.agreement), `of ${whole(accuracy.rows)} rows`);
    if (accuracy.sqnr_db !== undefined) add("SQNR", decibelsWithUnit(accuracy.sqnr_db), "of the output, against float");
    add("largest error", short(accuracy.max_error), "of the output");
  }
  const { files } = sizes;
  add("object file", bytes(files.object ?? files.shared), `weights ${bytes(files.weights)}, float ${bytes(files.float_weights)}`);
  const batch = (times.batches ?? [])[0];
  if (batch) add("one row", `${microseconds(batch.median_us)} us`, `p50 ${microseconds(batch.p50_us)}, p99 ${microseconds(batch.p99_us)} us`);
  return element(
    "dl",
    { class: "cards" },
    ...list.map(([term, value, detail]) =>
      element("div", {}, element("dt", {}, term), element("dd", {}, value, element("small", {}, detail))),
    ),
  );
}

function programSection(program) {
  const shape = (tensor) => ["batch", ...tensor.shape.slice(1).map((size) => size ?? "any")].join(" x ");
  const meaning = (tensor) => {
    if (tensor.classes) return element("span", {}, "index of: ", names(tensor.classes));
    if (tensor.columns) return names(tensor.columns);
    if (tensor.categories) return `${tensor.categories.length} columns of categories`;
    return "";
  };
  const columns = [
    ["name", "name", (tensor) => tensor.name],
    ["", "", (tensor) => tensor.kind],
    ["shape", "", shape],
    ["type", "", (tensor) => tensor.type],
    ["values read", "number", (tensor) => (tensor.values_read !== undefined ? `${whole(tensor.values_read)} of ${whole(tensor.values)}` : "")],
    ["scale", "number", (tensor) => short(tensor.scale)],
    ["zero point", "number", (tensor) => whole(tensor.zero_point)],
    ["columns or classes", "words", meaning],
  ].filter(([heading, , of]) => heading === "" || tensors(program).some((tensor) => of(tensor) !== ""));
  const digest = (value) => (value ? element("span", { class: "digest" }, value) : "");
  const options = Object.entries(program.options).map(([key, value]) => `${key} ${value}`);
  return [
    table("Inputs and outputs", columns, tensors(program)),
    facts("The program", [
      ["compiled by", `quantc ${program.version}`],
      ["for", `${program.target}, ${program.cpu}`],
      ["code variants", program.variants.length > 1 ? names(program.variants) : ""],
      ["CPU needs", program.features.length ? names(program.features) : ""],
      ["threads of N_run", whole(program.threads)],
      ["8-bit entry point", program.int8_entry ? "yes" : "no"],
      ["options", names(options, options.length)],
      ["calibrated on", `${whole(program.calibration_rows)} rows` + (program.calibration_rows_skipped ? `, ${whole(program.calibration_rows_skipped)} more held NaN` : "")],
      ["SHA-256 of the model", digest(program.digests.model)],
      ["of the calibration data", digest(program.digests.calibration)],
      ["of the object", digest(program.digests.object)],
    ]),
  ];
}

const tensors = (program) => [
  ...program.inputs.map((tensor) => ({ ...tensor, kind: "input" })),
  ...program.outputs.map((tensor) => ({ ...tensor, kind: "output" })),
];

/** A class or an index: how far it is from another one says nothing. */
const isLabel = (layer) => layer.type === "i64";

function accuracySection(accuracy) {
  const rows = accuracy.rows < accuracy.all_rows ? `${whole(accuracy.rows)} of ${whole(accuracy.all_rows)}` : whole(accuracy.rows);
  const intro = paragraph(`Measured on ${rows} rows: ${ROWS_FROM[accuracy.rows_from]} (`, names(accuracy.files), "). ");
  if (accuracy.rows_from === "calibration")
    intro.append("Ranges were fitted to these very rows; rows that took no part show what is to be expected.");
  if (accuracy.bits_equal !== undefined)
    intro.append(
      accuracy.bits_equal
        ? " The library's results are the reference interpreter's, bit for bit."
        : element("strong", {}, " The library's results are NOT the reference interpreter's."),
    );
  for (const [same, what] of [[accuracy.same_model, "model"], [accuracy.same_calibration, "calibration data"]])
    if (same === false) intro.append(element("strong", {}, ` The ${what} given is not the file that the program was compiled with.`));
  const lines = [
    ["float", accuracy.float_accuracy, accuracy.float_rmse],
    ["integer", accuracy.integer_accuracy, accuracy.integer_rmse],
  ];
  const right = accuracy.has_labels
    ? table(
        "Against the labels",
        [
          ["network", "", ([name]) => name],
          isNumber(accuracy.integer_rmse)
            ? ["root mean squared error", "number", ([, , rmse]) => short(rmse)]
            : ["right", "number", ([, share]) => percent(share)],
        ],
        lines,
      )
    : null;
  const labels = distinct(accuracy.layers, (layer) => layer.name);
  const shown = accuracy.layers
    .map((layer, i) => ({ name: labels[i], value: layer.sqnr_db, text: decibelsWithUnit(layer.sqnr_db) }))
    .filter((layer, i) => isNumber(layer.value) && !isLabel(accuracy.layers[i]));
  return [
    intro,
    right,
    element("h3", {}, "Layer by layer"),
    paragraph("Each value of the integer network against the same value of the float network, errors of earlier layers included."),
    shown.length ? chart("Signal to quantization noise of each value, in dB: more is better.", () => bars(shown, "SQNR dB", "~g")) : null,
    table(
      "Error of each value",
      [
        ["value", "name", (layer) => layer.name],
        ["op", "", (layer) => layer.op.replace("qnet.", "")],
        ["type", "", (layer) => layer.type],
        ["SQNR dB", "number", (layer) => (isLabel(layer) ? "" : decibels(layer.sqnr_db))],
        ["max error", "number", (layer) => (isLabel(layer) ? "" : short(layer.max_error))],
        ["same largest", "number", (layer) => percent(layer.agreement)],
        ["clipped", "number", (layer) => percent(layer.clipped, 4)],
      ],
      accuracy.layers,
    ),
    leftOut(accuracy.layers_left_out, "values"),
  ];
}

function confusionSection(confusion) {
  const against = confusion.against === "labels" ? "the labels" : "what float decides";
  const labels = confusion.has_others ? [...confusion.classes, "all others"] : confusion.classes;
  const matrix = (label, counts) => {
    const columns = labels.map((name, j) => [
      named(name),
      "number",
      ({ row, i }) => (row[j] === 0 && i !== j ? element("span", { class: "quiet" }, "0") : whole(row[j])),
    ]);
    const made = table(label, [["should be", "name", ({ i }) => labels[i]], ...columns], counts.map((row, i) => ({ row, i })));
    made.querySelectorAll("tbody tr").forEach((line, i) =>
      line.querySelectorAll("td").forEach((cell, j) => {
        if (i === j) cell.classList.add("matched");
        else if (counts[i][j] > 0) cell.classList.add("mistaken");
      }),
    );
    return made;
  };
  const parts = [
    paragraph(
      `Rows by class: down what they should be by ${against}, across what was decided.`,
      confusion.has_others ? ` Of more classes, the ${confusion.classes.length} that are mistaken most often.` : "",
    ),
    element("h3", {}, "Integer network"),
    chart("Integer network: a cell is stronger, the more of its row it holds.", () => heatmap(labels, confusion.integer)),
    folded("The numbers", matrix("Decisions of the integer network", confusion.integer), labels.length <= 10),
  ];
  if (confusion.float)
    parts.push(
      element("h3", {}, "Float network"),
      folded("The numbers", matrix("Decisions of the float network", confusion.float), false),
    );
  return parts;
}

function folded(title, content, isOpen) {
  const made = element("details", {}, element("summary", {}, title), content);
  made.open = isOpen;
  return made;
}

const LEAST_SHARE = 0.001; // of the error that is worth a bar

function culpritsSection(culprits) {
  const shown = culprits.effects
    .filter((one) => Math.abs(one.share) >= LEAST_SHARE)
    .map((one) => ({ name: one.culprit, value: one.share, text: percent(one.share) }));
  const columns = (heading) => [
    [heading, "name", (one) => one.culprit],
    ["of the error", "number", (one) => percent(one.share)],
    ["SQNR gained", "number", (one) => (one.gain_db === null ? "" : `${fixed(one.gain_db, 2)} dB`)],
  ];
  const list = (title, key, heading) =>
    culprits[key].length ? folded(title, table(title, columns(heading), culprits[key]), false) : null;
  return [
    paragraph(
      `What the output's error comes from, by undoing one thing at a time on ${whole(culprits.rows)} rows. A negative share makes up for another error.`,
    ),
    shown.length ? chart("Share of the output's error that goes when one thing is undone.", () => bars(shown, "of the error", "~%")) : null,
    table("Culprits", columns("culprit"), culprits.effects),
    list("Channels", "channels", "channel"),
    list("Input features", "features", "input feature"),
    culprits.worst_rows.length
      ? folded(
          "Rows with the largest error",
          table(
            "Rows with the largest error",
            [
              ["row", "number", (row) => whole(row.row)],
              ["error", "number", (row) => short(row.error)],
              ["label", "number", (row) => short(row.label)],
              ["float", "number", (row) => whole(row.float)],
              ["integer", "number", (row) => whole(row.integer)],
            ],
            culprits.worst_rows,
          ),
          false,
        )
      : null,
  ];
}

const SHOWN_HISTOGRAMS = 12; // the others are folded away

function rangesSection(ranges) {
  const pictures = ranges.values.map((value) => {
    const figure = chart(
      `${value.bits} bits from ${short(value.lo)} to ${short(value.hi)}; values from ${short(value.min)} to ${short(value.max)}`,
      () => histogram(value),
    );
    figure.prepend(element("figcaption", { class: "title" }, named(value.name)));
    return figure;
  });
  const grid = (list) => element("div", { class: "grid" }, ...list);
  return [
    paragraph(
      `How each stored value is distributed on ${ROWS_FROM[ranges.rows_from]}, in the float network, on a logarithmic scale. `,
      "Dashed lines are the ends of what the stored integers can say; ",
      element("span", { class: "key warn" }),
      "what lies outside is clipped.",
    ),
    grid(pictures.slice(0, SHOWN_HISTOGRAMS)),
    pictures.length > SHOWN_HISTOGRAMS
      ? folded(`${pictures.length - SHOWN_HISTOGRAMS} more histograms`, grid(pictures.slice(SHOWN_HISTOGRAMS)), false)
      : null,
    table(
      "Ranges of stored values",
      [
        ["value", "name", (value) => value.name],
        ["bits", "number", (value) => value.bits],
        ["least", "number", (value) => short(value.min)],
        ["largest", "number", (value) => short(value.max)],
        ["stored from", "number", (value) => short(value.lo)],
        ["to", "number", (value) => short(value.hi)],
        ["scale", "number", (value) => short(value.scale)],
        ["zero point", "number", (value) => whole(value.zero_point)],
        ["outside", "number", (value) => percent(value.outside, 4)],
        ["method", "", (value) => value.method],
        ["because", "words", (value) => value.reason ?? ""],
      ],
      ranges.values,
    ),
    leftOut(ranges.values_left_out, "values"),
  ];
}

const FILE_NAMES = {
  object: "object file",
  shared: "shared library",
  header: "C header",
  network: "integer network (MLIR bytecode)",
  weights: "weights, integer",
  float_weights: "constants of the float network",
  workspace: "workspace of a call",
};

function sizesSection(sizes) {
  const labels = distinct(sizes.layers, (layer) => layer.name);
  const kinds = ["float32", "integer"];
  const rows = sizes.layers.flatMap((layer, i) => [
    { name: labels[i], kind: "float32", value: layer.float_bytes, text: bytes(layer.float_bytes) },
    { name: labels[i], kind: "integer", value: layer.bytes, text: bytes(layer.bytes) },
  ]);
  const files = Object.entries(sizes.files).sort(([a], [b]) => order(a) - order(b));
  return [
    table(
      "Sizes",
      [
        ["what", "name", ([key]) => FILE_NAMES[key] ?? key],
        ["size", "number", ([, size]) => bytes(size)],
        ["bytes", "number", ([, size]) => whole(size)],
      ],
      files,
    ),
    ...(sizes.layers.length
      ? [
          element("h3", {}, "Weights by layer"),
          chart("Bytes of each layer's weights: in float32, and as they are stored.", () => groupedBars(rows, kinds, [FLOAT, INTEGER], "bytes", "~s")),
          table(
            "Weights by layer",
            [
              ["layer", "name", (layer) => layer.name],
              ["bits", "number", (layer) => layer.bits],
              ["float32", "number", (layer) => bytes(layer.float_bytes)],
              ["stored", "number", (layer) => bytes(layer.bytes)],
              ["zeros", "number", (layer) => percent(layer.zero_share, 1)],
            ],
            sizes.layers,
          ),
        ]
      : [paragraph("No layer has weights.")]),
    leftOut(sizes.layers_left_out, "layers"),
  ];
}

const order = (key) => {
  const place = Object.keys(FILE_NAMES).indexOf(key);
  return place < 0 ? Object.keys(FILE_NAMES).length : place;
};

function timesSection(times) {
  const rows = (batch) => `${whole(batch.rows)} row${batch.rows === 1 ? "" : "s"}`;
  const kinds = times.batches.map(rows);
  const labels = distinct(times.batches[0].layers, (layer) => layer.name);
  const shares = times.batches.flatMap((batch) =>
    batch.layers.map((layer, i) => ({ name: labels[i], kind: rows(batch), value: layer.share, text: percent(layer.share, 1) })),
  );
  const layers = times.batches.flatMap((batch) => batch.layers.map((layer) => ({ ...layer, rows: batch.rows })));
  return [
    paragraph(
      "Timed on ", named(times.cpu), `, ${times.threads === 1 ? "one thread" : `${times.threads} threads`}. `,
      "Best and median are of samples of many calls; p50 and p99 of calls timed one by one, the clock's own time with them.",
    ),
    table(
      "Time of a call",
      [
        ["a call of", "", rows],
        ["best us", "number", (batch) => microseconds(batch.best_us)],
        ["median us", "number", (batch) => microseconds(batch.median_us)],
        ["median us a row", "number", (batch) => (batch.median_us / batch.rows).toFixed(3)],
        ["p50 us", "number", (batch) => microseconds(batch.p50_us)],
        ["p99 us", "number", (batch) => microseconds(batch.p99_us)],
      ],
      times.batches,
    ),
    ...(layers.length
      ? [
          element("h3", {}, "Share of each dense layer"),
          paragraph("Each layer compiled and timed alone; shares are of their sum."),
          chart("Share of each dense layer in the time of all of them.", () =>
            groupedBars(shares, kinds, [INTEGER, FLOAT, WARN], "share", "~%"),
          ),
          table(
            "Time of each dense layer",
            [
              ["layer", "name", (layer) => layer.name],
              ["rows", "number", (layer) => whole(layer.rows)],
              ["best us", "number", (layer) => microseconds(layer.best_us)],
              ["share", "number", (layer) => percent(layer.share, 1)],
              ["GMAC/s", "number", (layer) => short(layer.gmacs)],
              ["of the kernel's peak", "number", (layer) => percent(layer.of_peak, 0)],
              ["kernel", "code", (layer) => layer.kernel],
            ],
            layers,
          ),
        ]
      : [paragraph(times.layers_problem ? `The layers were not timed: ${times.layers_problem}.` : "No dense layer to time.")]),
  ];
}

function ledgerSection(ledger) {
  const reasons = (label, list) =>
    table(
      label,
      [
        ["node", "name", (entry) => entry.node],
        ["op", "", (entry) => entry.op],
        ["why", "words", (entry) => entry.reason],
      ],
      list,
    );
  const dense = ledger.layers.filter((layer) => layer.kernel);
  const bits = (layer) =>
    [layer.input_bits, layer.weights_bits, layer.output_bits].filter((width) => width > 0).join(" x ").replace(/ x (\d+)$/, " to $1");
  const proof = (layer) => {
    if (layer.sum_bits === 16)
      return `adds in 16 bits; ${layer.visited_share > 0 ? `${percent(layer.visited_share)} of groups visited twice` : "no group visited twice"}`;
    return "adds in 32 bits";
  };
  return [
    element("h3", {}, "In float"),
    ledger.in_float.length ? reasons("What stayed in float", ledger.in_float) : paragraph("No op stayed in float."),
    element("h3", {}, "Remarks of the cost model"),
    ledger.remarks.length ? reasons("Remarks of the cost model", ledger.remarks) : paragraph("No layer is modelled slower than in float."),
    element("h3", {}, "Proofs"),
    ...(dense.length
      ? [
          paragraph(
            `No accumulator can leave its bits, whatever the row: the largest sum that any row could bring is below ${whole(ledger.accumulator_limit)} in each layer. `,
            "Where a kernel adds in 16 bits, the compiler has shown that no such sum overflows either.",
          ),
          table(
            "Schedules and bounds",
            [
              ["layer", "name", (layer) => layer.name],
              ["kernel", "code", (layer) => layer.kernel],
              ["schedule", "words", proof],
              ["largest sum", "number", (layer) => whole(layer.largest_sum)],
              ["of the limit", "number", (layer) => percent(layer.largest_sum / ledger.accumulator_limit, 3)],
              ["groups multiplied", "number", (layer) => percent(layer.listed_share, 1)],
              ["time over float, modelled", "number", (layer) => short(layer.time_over_float)],
            ],
            dense,
          ),
        ]
      : [paragraph("No layer runs in a kernel.")]),
    element("h3", {}, "All ops"),
    table(
      "What became of the model's nodes",
      [
        ["op", "name", (layer) => layer.name],
        ["nodes of the model", "words", (layer) => names(layer.nodes)],
        ["became", "", (layer) => layer.op + (layer.in_float ? " in float" : "")],
        ["function", "", (layer) => layer.function],
        ["values", "", (layer) => `${whole(layer.inputs)} to ${whole(layer.outputs)}`],
        ["bits", "", bits],
        ["notes", "words", (layer) => layer.notes ?? ""],
      ],
      ledger.layers,
    ),
    leftOut(ledger.layers_left_out, "ops"),
  ];
}

function frontierSection(frontier) {
  const isSize = frontier.minimize === "size";
  const cost = (point) => (isSize ? point.weights_bytes : point.us_per_row);
  const points = frontier.points.map((point, i) => ({ ...point, name: String(i + 1), kind: i + 1 === frontier.chosen ? "chosen" : "found" }));
  const uniform = frontier.uniform.map((point) => ({ ...point, name: `all ${point.uniform ?? ""}`, kind: "one precision for all" }));
  const all = [...points, ...uniform];
  const drawn = all
    .map((point) => ({ cost: cost(point), sqnr: point.sqnr_db, kind: point.kind, bits: point.bits }))
    .filter((point) => isNumber(point.cost) && isNumber(point.sqnr));
  const title = isSize ? "bytes of weights" : "us a row, 256 rows a call";
  return [
    paragraph(
      `What the search over the layers' bits found for ${isSize ? "size" : "time"} on `, named(frontier.cpu), ".",
      frontier.requirement ? ` Asked for was ${frontier.requirement}.` : "",
    ),
    drawn.length ? chart("Accuracy over cost of each combination: up and to the left is better.", () => scatter(drawn, title)) : null,
    table(
      "Points of the search",
      [
        ["point", "name", (point) => point.name + (point.kind === "chosen" ? " (chosen)" : "")],
        ["us a row", "number", (point) => microseconds(point.us_per_row)],
        ["modelled cycles", "number", (point) => whole(Math.round(point.modelled_cycles))],
        ["weights", "number", (point) => bytes(point.weights_bytes)],
        ["SQNR dB", "number", (point) => decibels(point.sqnr_db)],
        ["agreement", "number", (point) => percent(point.agreement)],
        ["score", "number", (point) => percent(point.score)],
        ["bits of the layers", "words", (point) => point.bits],
      ],
      all,
    ),
  ];
}

function influenceSection(influence) {
  const label = (one) => (one.column !== undefined ? one.column : `${one.name} ${one.channel}`);
  const columns = (heading, hasGradient) => [
    [heading, "name", label],
    ["output change", "number", (one) => percent(one.change)],
    ["decisions changed", "number", (one) => percent(one.decisions_changed)],
    ...(hasGradient ? [["gradient", "number", (one) => short(one.gradient)]] : []),
  ];
  const labels = distinct(influence.features, label);
  const shown = influence.features.slice(0, 20).map((one, i) => ({ name: labels[i], value: one.change, text: percent(one.change) }));
  return [
    paragraph(
      `What the float network's output does when one value is its mean, on ${whole(influence.rows)} rows. `,
      "The gradient is times the feature's standard deviation.",
    ),
    ...(shown.length
      ? [
          chart("How far the output moves without one input feature.", () => bars(shown, "output change", "~%")),
          table("Influence of input features", columns("input feature", true), influence.features),
          leftOut(influence.features_left_out, "input features"),
        ]
      : []),
    ...(influence.neurons.length
      ? [folded("Hidden neurons", table("Influence of hidden neurons", columns("neuron", false), influence.neurons), false)]
      : []),
  ];
}
