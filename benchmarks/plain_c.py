"""The plain C float function that a user would write for a tiny network, timed against quantc's object in one program.

For a network of a few thousand weights no runtime is the peer to beat, but this: constant arrays, and the loop over
rows outside. It is written in both ways that come to mind, and the quicker one counts: weights in column order, each
input added to all outputs, and weights in row order, one output after the other (with GCC 12, twice as quick for the
seed network). A call from Python would hide both, so a small C program links all and lets them take turns.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from networks import Floats, Network
from numpy.typing import NDArray

COMPILER = "gcc"
FLAGS = ("-O3", "-ffast-math")
TITLE = "plain C float"
MOST_WEIGHTS = 10_000  # of a network that a person would write out as constant arrays

DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "NAME.h"

enum { CONTENDERS = 3, TURNS = 200, MAX_ROWS = 1 << 20 };
static const double SECONDS_A_TURN = 4e-3;

void plain_columns(const float *x, float *y, size_t rows);
void plain_rows(const float *x, float *y, size_t rows);

static void *workspace;

static void call_quantc(const float *x, float *y, size_t rows) { NAME_run(x, y, rows, workspace); }

typedef void (*Call)(const float *, float *, size_t);

static double seconds(Call call, const float *x, float *y, size_t rows, long calls) {
  struct timespec start, end;
  call(x, y, rows); /* brings weights and code back into the caches */
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = 0; i < calls; ++i) call(x, y, rows);
  clock_gettime(CLOCK_MONOTONIC, &end);
  return ((double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec)) / (double)calls;
}

static int order(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* driver ROWS RESULTS BATCH...: reads rows (f32), writes both plain functions' results on all, one after the other, and
 * times all three on the first BATCH. */
int main(int argc, char **argv) {
  static const Call calls[CONTENDERS] = {plain_columns, plain_rows, call_quantc};
  static const char *const names[CONTENDERS] = {"columns", "rows", "quantc"};
  FILE *file = fopen(argv[1], "rb");
  float *x = malloc(sizeof(float) * NAME_INPUTS * MAX_ROWS);
  if (argc < 4 || !file || !x) return 1;
  const size_t rows = fread(x, sizeof(float) * NAME_INPUTS, MAX_ROWS, file);
  fclose(file);
  float *y = malloc(sizeof(float) * NAME_OUTPUTS * (rows + 1));
  file = fopen(argv[2], "wb");
  if (!y || !file) return 1;
  for (int c = 0; c < 2; ++c) {
    calls[c](x, y, rows);
    fwrite(y, sizeof(float) * NAME_OUTPUTS, rows, file);
  }
  if (fclose(file)) return 1;
  for (int a = 3; a < argc; ++a) {
    const size_t batch = strtoul(argv[a], NULL, 10);
    static double turns[CONTENDERS][TURNS];
    long counts[CONTENDERS];
    workspace = aligned_alloc(64, (NAME_workspace_size(batch) + 127) / 64 * 64);
    if (!workspace || batch > rows) return 1;
    for (int c = 0; c < CONTENDERS; ++c) {
      counts[c] = (long)(SECONDS_A_TURN / (seconds(calls[c], x, y, batch, 100) + 1e-9)) + 1;
    }
    for (int t = 0; t < TURNS; ++t)
      for (int c = 0; c < CONTENDERS; ++c) turns[c][t] = seconds(calls[c], x, y, batch, counts[c]);
    printf("{\\"batch\\": %zu", batch);
    for (int c = 0; c < CONTENDERS; ++c) {
      qsort(turns[c], TURNS, sizeof(double), order);
      printf(", \\"%s\\": {\\"best_s\\": %.6g, \\"median_s\\": %.6g}", names[c], turns[c][0],
             turns[c][TURNS / 2]);
    }
    printf("}\\n");
    free(workspace);
  }
  free(x);
  free(y);
  return 0;
}
"""


@dataclass(frozen=True)
class CTiming:
    """Seconds a call of the quicker plain function and of quantc's program, called from C."""

    plain_best_s: float
    plain_median_s: float
    quantc_best_s: float
    quantc_median_s: float


def source(network: Network) -> str:
    """Give the C functions `plain_columns` and `plain_rows` for a network."""
    lines = ["#include <stddef.h>"]
    for index, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True), start=1):
        lines.append(_array(f"columns{index}", weight.T))
        lines.append(_array(f"rows{index}", weight))
        lines.append(f"static const float b{index}[{len(bias)}] = {{{_numbers(bias)}}};")
    return "\n".join([*lines, *_function(network, "columns"), *_function(network, "rows"), ""])


def _array(name: str, values: Floats) -> str:
    rows = ",\n".join("{" + _numbers(row) + "}" for row in values)
    return f"static const float {name}[{values.shape[0]}][{values.shape[1]}] = {{{rows}}};"


def _function(network: Network, order: str) -> list[str]:
    inputs, outputs = network.weights[0].shape[1], len(network.biases[-1])
    lines = [f"void plain_{order}(const float *restrict x, float *restrict y, size_t rows) {{"]
    lines.append(f"  for (size_t r = 0; r < rows; ++r, x += {inputs}, y += {outputs}) {{")
    value = "x"
    for index, weight in enumerate(network.weights, start=1):
        count, depth = weight.shape
        last = index == len(network.weights)
        each_output, each_input = f"for (int o = 0; o < {count}; ++o)", f"for (int i = 0; i < {depth}; ++i)"
        target, activation = ("y", "s") if last else (f"h{index}", "s > 0 ? s : 0")
        if order == "columns":
            lines.append(f"    float s{index}[{count}];")
            lines.append(f"    {each_output} s{index}[o] = b{index}[o];")
            lines.append(f"    {each_input}")
            lines.append(f"      {each_output} s{index}[o] += {value}[i] * columns{index}[i][o];")
        if not last:
            lines.append(f"    float h{index}[{count}];")
        lines.append(f"    {each_output} {{")
        if order == "columns":
            lines.append(f"      const float s = s{index}[o];")
        else:
            lines.append(f"      float s = b{index}[o];")
            lines.append(f"      {each_input} s += {value}[i] * rows{index}[o][i];")
        lines.append(f"      {target}[o] = {activation};")
        lines.append("    }")
        value = target
    return [*lines, "  }", "}"]


def time_plain_c(
    network: Network, library: Path, batches: Sequence[int], folder: Path, march: str
) -> tuple[dict[int, CTiming], Floats]:
    """Compile the functions and time them beside quantc, for each batch.

    Parameters
    ----------
    network : Network
    library : Path
        quantc's library of the network; its object and header lie beside it.
    batches : sequence of int
    folder : Path
        Where source, object and program are written.
    march : str
        The compiler's option for the instruction set.

    Returns
    -------
    dict of int to CTiming
        By batch.
    float32 array, shape (2, rows, outputs)
        Both plain functions' results on all of the network's rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plain.c").write_text(source(network))
    (folder / "driver.c").write_text(DRIVER.replace("NAME", network.name))
    network.rows.tofile(folder / "rows.f32")
    program, results = folder / "driver", folder / "results.f32"
    run([COMPILER, *FLAGS, march, "-c", folder / "plain.c", "-o", folder / "plain.o"])
    objects = [folder / "plain.o", library.with_suffix(".o")]
    run([COMPILER, "-O2", f"-I{library.parent}", folder / "driver.c", *objects, "-o", program])
    output = run([program, folder / "rows.f32", results, *map(str, batches)])
    timings = {}
    for record in map(json.loads, output.splitlines()):
        plain = min(record["columns"], record["rows"], key=lambda times: float(times["best_s"]))
        ours = record["quantc"]
        timings[record["batch"]] = CTiming(plain["best_s"], plain["median_s"], ours["best_s"], ours["median_s"])
    return timings, np.fromfile(results, np.float32).reshape(2, len(network.rows), -1)


def run(command: Sequence[str | Path]) -> str:
    """Run a command and give its output; its own message is the error's where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise RuntimeError(f"{Path(command[0]).name}: {lines[0] if lines else f'exit code {done.returncode}'}")
    return done.stdout


def _numbers(values: NDArray[np.float32]) -> str:
    return ", ".join(f"{float(value):.8e}f" for value in values)
