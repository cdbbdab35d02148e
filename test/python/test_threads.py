"""If these fail, a program on several threads gives other bits, writes where it may not, hangs or leaves threads.

`N_run_parallel` is called with parallel-fors of several kinds, natively and under emulation; libraries with threads of
their own are called as Python, other threads, forked children and processes with other thread pools call them.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import quantc
from bare_metal import llvm_tool
from onnx import TensorProto, helper, numpy_helper
from quantc.tool import find_tool

Floats = npt.NDArray[np.float32]

ARM = "aarch64-linux-gnu"
LLVM = Path("/usr/lib/llvm-22")
BATCHES = (0, 1, 2, 3, 5, 23, 256, 1000)
PARTS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 1000)
SECONDS = 120  # a program that hangs

# Every parallel-for counts its calls: each part once. The workspace and the outputs are of the exact size, with bytes
# around them that must stay as they are.
PROGRAM = """
#include "net.h"
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = %(inputs)d, OUTPUTS = %(outputs)d, ROWS = %(rows)d, MOST = 1000, GUARD = 192 };
static const size_t in_values[] = {%(in_values)s}, out_values[] = {%(out_values)s};
static const size_t batches[] = {%(batches)s}, all_parts[] = {%(parts)s, SIZE_MAX};
static float *in[INPUTS];
static size_t seen, others;
#define TENSORS(y) %(arguments)s

static void backwards(void *pool, size_t parts, net_task task, void *context) {
  *(size_t *)pool = parts;
  while (parts--) task(context, parts);
}
static void too_far(void *pool, size_t parts, net_task task, void *context) {
  *(size_t *)pool = parts;
  for (size_t part = 0; part < parts + 3; ++part) task(context, part);
}
struct job { net_task task; void *context; size_t part; };
static void *work(void *given) {
  struct job *job = given;
  job->task(job->context, job->part);
  return 0;
}
static void with_threads(void *pool, size_t parts, net_task task, void *context) {
  static struct job jobs[MOST];
  static pthread_t threads[MOST];
  *(size_t *)pool = parts;
  for (size_t part = 0; part < parts; ++part) {
    jobs[part] = (struct job){task, context, part};
    if (pthread_create(&threads[part], 0, work, &jobs[part])) exit(4);
  }
  for (size_t part = 0; part < parts; ++part) pthread_join(threads[part], 0);
}
#ifdef _OPENMP
static void with_openmp(void *pool, size_t parts, net_task task, void *context) {
  *(size_t *)pool = parts;
#pragma omp parallel for num_threads(4) schedule(dynamic)
  for (size_t part = 0; part < parts; ++part) task(context, part);
}
#endif
static const net_parallel_for fors[] = {backwards, too_far, with_threads,
#ifdef _OPENMP
  with_openmp
#endif
};

/* Memory of exactly `size` bytes at a multiple of 64 with a guard on both sides. */
static void *guarded(size_t size) {
  char *memory = aligned_alloc(64, (size + 2 * GUARD + 63) / 64 * 64);
  memset(memory, 0x5a, size + 2 * GUARD);
  return memory + GUARD;
}
static void release(void *memory, size_t size) {
  char *start = memory;
  for (int i = 0; i < GUARD; ++i)
    if (start[-1 - i] != 0x5a || start[size + i] != 0x5a) {
      printf("wrote outside of its memory\\n");
      exit(5);
    }
  free(start - GUARD);
}

static void check(size_t batch) {
  float *expected[OUTPUTS], *out[OUTPUTS];
  void *workspace = guarded(net_workspace_size(batch));
  for (int i = 0; i < OUTPUTS; ++i) {
    expected[i] = guarded(batch * out_values[i] * sizeof(float));
    out[i] = guarded(batch * out_values[i] * sizeof(float));
  }
  net_run(TENSORS(expected), batch, workspace);
  release(workspace, net_workspace_size(batch));
  for (size_t f = 0; f < sizeof fors / sizeof *fors; ++f)
    for (size_t p = 0; p < sizeof all_parts / sizeof *all_parts; ++p) {
      size_t parts = all_parts[p], used = 0, size = net_parallel_workspace_size(batch, parts);
      if (fors[f] == with_threads && parts > 16 && batch > 256) continue;
      for (int i = 0; i < OUTPUTS; ++i) memset(out[i], 0xff, batch * out_values[i] * sizeof(float));
      workspace = guarded(size);
      net_run_parallel(TENSORS(out), batch, workspace, parts, parts < 2 ? 0 : fors[f], &used);
      release(workspace, size);
      size_t groups = (batch + 7) / 8, wanted = parts < groups ? parts : groups;
      if (used != (wanted < 2 ? 0 : wanted)) {
        printf("batch %%zu in %%zu parts: %%zu were used\\n", batch, parts, used);
        ++others;
      }
      for (int i = 0; i < OUTPUTS; ++i)
        if (++seen, memcmp(out[i], expected[i], batch * out_values[i] * sizeof(float))) {
          printf("batch %%zu in %%zu parts: other bits in output %%d\\n", batch, parts, i);
          ++others;
        }
    }
  for (int i = 0; i < OUTPUTS; ++i) {
    release(expected[i], batch * out_values[i] * sizeof(float));
    release(out[i], batch * out_values[i] * sizeof(float));
  }
}

int main(void) {
  for (int i = 0; i < INPUTS; ++i) {
    in[i] = malloc(ROWS * in_values[i] * sizeof(float));
    if (fread(in[i], in_values[i] * sizeof(float), ROWS, stdin) != ROWS) return 2;
  }
  for (size_t i = 0; i < sizeof batches / sizeof *batches; ++i) check(batches[i]);
  printf("%%zu compared\\n", seen);
  return others ? 1 : 0;
}
"""


def perceptron(*widths: int) -> onnx.ModelProto:
    """Dense layers with ReLUs between, random."""
    random = np.random.default_rng(sum(widths))
    nodes, weights, value = [], [], "x"
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        w = (random.standard_normal((inputs, outputs)) * np.sqrt(2 / inputs)).astype(np.float32)
        b = (random.standard_normal(outputs) / 10).astype(np.float32)
        weights += [numpy_helper.from_array(w, f"w{i}"), numpy_helper.from_array(b, f"b{i}")]
        last = i + 2 == len(widths)
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], ["y" if last else f"d{i}"], name=f"dense{i}"))
        if not last:
            nodes.append(helper.make_node("Relu", [f"d{i}"], [f"r{i}"], name=f"relu{i}"))
            value = f"r{i}"
    return model(nodes, weights, {"x": widths[0]}, {"y": widths[-1]})


def two_by_three() -> onnx.ModelProto:
    """Two inputs, joined, one hidden layer, and three outputs: two layers on it, and the softmax of one."""
    random = np.random.default_rng(1)
    shapes = {"w0": (30, 45), "w1": (45, 7), "w2": (45, 3)}
    weights = [numpy_helper.from_array(random.standard_normal(s).astype(np.float32) / 6, n) for n, s in shapes.items()]
    nodes = [
        helper.make_node("Concat", ["a", "b"], ["ab"], name="join", axis=1),
        helper.make_node("MatMul", ["ab", "w0"], ["h"], name="hidden"),
        helper.make_node("Tanh", ["h"], ["t"], name="tanh"),
        helper.make_node("MatMul", ["t", "w1"], ["seven"], name="seven"),
        helper.make_node("MatMul", ["t", "w2"], ["three"], name="three"),
        helper.make_node("Softmax", ["seven"], ["shares"], name="shares", axis=1),
    ]
    return model(nodes, weights, {"a": 17, "b": 13}, {"seven": 7, "three": 3, "shares": 7})


def model(
    nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto], inputs: dict[str, int], outputs: dict[str, int]
) -> onnx.ModelProto:
    """Give a model of float vectors."""
    described = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in values.items()]
        for values in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, "net", *described, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


NETWORK_OUTPUTS = ("seven", "three", "shares")  # of two_by_three
NETWORKS: dict[str, Callable[[], onnx.ModelProto]] = {
    "small": lambda: perceptron(2, 64, 32, 1),  # one row has code of its own
    "wide": lambda: perceptron(300, 1000, 520, 10),
    "two_by_three": two_by_three,
}


class Workshop:
    """Models, rows for them, and folders of what was compiled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, list[Floats]] = {}
        for name, make in NETWORKS.items():
            proto = make()
            onnx.save(proto, folder / f"{name}.onnx")
            random = np.random.default_rng(7)
            sizes = [value.type.tensor_type.shape.dim[1].dim_value for value in proto.graph.input]
            rows = [random.standard_normal((max(BATCHES), size)).astype(np.float32) for size in sizes]
            rows[0][0, :2] = [np.nan, -np.inf]
            self.rows[name] = rows
            tensors = [value.name for value in proto.graph.input]
            arrays: dict[str, Any] = {t: r[1:200] for t, r in zip(tensors, rows, strict=True)}
            np.savez(folder / f"{name}.npz", **arrays)

    def build(self, network: str, *options: str) -> Path:
        """Compile a network unless that is done; give the folder."""
        out = self.folder / "-".join((network, *options)).replace("=", "-")
        if not out.exists():
            command: list[str | Path] = [find_tool(), "compile", self.folder / f"{network}.onnx", "-o", out]
            command += ["--calibration", self.folder / f"{network}.npz", "--name", "net", *options]
            subprocess.run(command, check=True, capture_output=True, text=True)
        return out

    def program(self, network: str, out: Path) -> str:
        """C of PROGRAM for a compiled network."""
        manifest = json.loads((out / "net.json").read_text())
        values = {kind: [tensor["values"] for tensor in manifest[kind]] for kind in ("inputs", "outputs")}
        arguments = [f"in[{i}]" for i in range(len(values["inputs"]))]
        arguments += [f"y[{i}]" for i in range(len(values["outputs"]))]
        return PROGRAM % {
            "inputs": len(values["inputs"]),
            "outputs": len(values["outputs"]),
            "rows": max(BATCHES),
            "in_values": ", ".join(map(str, values["inputs"])),
            "out_values": ", ".join(map(str, values["outputs"])),
            "batches": ", ".join(map(str, BATCHES)),
            "parts": ", ".join(map(str, PARTS)),
            "arguments": ", ".join(arguments),
        }

    def given(self, network: str) -> bytes:
        return b"".join(rows.tobytes() for rows in self.rows[network])


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("threads"))


NATIVE = ("gcc", "-fopenmp"), ()
EMULATED = (f"{ARM}-gcc", "-fopenmp", "-static"), ("qemu-aarch64", "-cpu", "max")


@pytest.mark.parametrize(
    ("network", "options", "machine"),
    [
        ("small", (), NATIVE),
        ("wide", (), NATIVE),
        ("two_by_three", (), NATIVE),
        ("two_by_three", ("--cpu=portable",), NATIVE),
        ("two_by_three", ("--cpu=portable", f"--target={ARM}"), EMULATED),
        ("small", ("--cpu=cortex-a76", f"--target={ARM}"), EMULATED),
    ],
)
def test_any_number_of_parts_gives_the_same_bits(
    workshop: Workshop, network: str, options: tuple[str, ...], machine: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    out = workshop.build(network, "--emit=object,header", *options)
    compiler, runner = machine
    source, program = out / "program.c", out / "program"
    source.write_text(workshop.program(network, out))
    link: list[str | Path] = [llvm_tool(compiler[0]), *compiler[1:], "-O1", "-Wall", "-Wextra", "-Werror", f"-I{out}"]
    subprocess.run([*link, source, out / "net.o", "-o", program, "-lpthread"], check=True)
    command: list[str | Path] = [*runner, program]
    run = subprocess.run(command, input=workshop.given(network), capture_output=True, timeout=SECONDS, check=False)
    said = run.stdout.decode()
    assert run.returncode == 0, said[-2000:]
    outputs = len(json.loads((out / "net.json").read_text())["outputs"])
    # 4 parallel-fors, and one more number of parts; with_threads leaves two out for 1000 rows.
    assert said == f"{(len(BATCHES) * 4 * (len(PARTS) + 1) - 2) * outputs} compared\n"


def test_parts_race_for_nothing(workshop: Workshop) -> None:
    """The compiled program itself, instrumented by ThreadSanitizer."""
    out = workshop.build("two_by_three", "--emit=llvm,header")
    text = re.sub(r"^(attributes #\d+ = \{)", r"\1 sanitize_thread", (out / "net.ll").read_text(), flags=re.MULTILINE)
    assert "sanitize_thread" in text
    (out / "checked.ll").write_text(text)
    (out / "program.c").write_text(workshop.program("two_by_three", out))
    build: list[str | Path] = [llvm_tool("clang"), "-fsanitize=thread", "-g", "-O1", "-Wno-override-module", f"-I{out}"]
    build += [out / "program.c", out / "checked.ll", "-o", out / "program"]
    subprocess.run(build, check=True)
    given = workshop.given("two_by_three")
    run = subprocess.run([out / "program"], input=given, capture_output=True, timeout=SECONDS, check=False)
    assert run.returncode == 0, run.stderr.decode()[:3000] + run.stdout.decode()[-1000:]
    compared = (len(BATCHES) * 3 * (len(PARTS) + 1) - 2) * len(NETWORK_OUTPUTS)  # without OpenMP
    assert run.stdout.decode() == f"{compared} compared\n"


def test_the_object_needs_nothing(workshop: Workshop) -> None:
    """No symbol of a C library, of a pool or of anything else, with and without threads in the library beside it."""
    plain, threaded = workshop.build("wide"), workshop.build("wide", "--threads=2")
    assert (plain / "net.o").read_bytes() == (threaded / "net.o").read_bytes()
    assert (plain / "net.h").read_bytes() == (threaded / "net.h").read_bytes()
    for options in ((), ("--cpu=portable",), ("--cpu=portable", f"--target={ARM}", "--emit=object,header")):
        undefined = subprocess.run(
            [llvm_tool("llvm-nm"), "--undefined-only", workshop.build("wide", *options) / "net.o"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert undefined.stdout == ""


def defined(library: Path) -> set[str]:
    """Names that a library gives to others."""
    command: list[str | Path] = [llvm_tool("llvm-nm"), "-D", "--defined-only", "--format=just-symbols", library]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_a_library_with_threads_shows_no_more(workshop: Workshop) -> None:
    plain, threaded = workshop.build("wide"), workshop.build("wide", "--threads=2")
    names = {"net_run", "net_run_i8", "net_run_parallel", "net_workspace_size", "net_parallel_workspace_size"}
    assert defined(plain / "net.so") == defined(threaded / "net.so") == names
    assert json.loads((plain / "net.json").read_text())["threads"] == 1
    assert json.loads((threaded / "net.json").read_text())["threads"] == 2


def threads_here() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


@pytest.mark.parametrize("options", [("--threads=2",), ("--threads=3", "--cpu=portable")])
def test_library_gives_the_same_bits(workshop: Workshop, options: tuple[str, ...]) -> None:
    plain = quantc.load(workshop.build("wide") / "net.so")
    q = quantc.load(workshop.build("wide", *options) / "net.so")
    (rows,) = workshop.rows["wide"]
    threads = int(options[0].partition("=")[2])
    before = threads_here()
    q.predict(rows[:1])
    assert threads_here() == before, "one row starts no threads"
    for batch in BATCHES:
        np.testing.assert_array_equal(q.predict(rows[:batch]), plain.predict(rows[:batch]))
    assert threads_here() == before + threads - 1
    np.testing.assert_array_equal(quantc.reference(q, rows[:23]), q.predict(rows[:23]))
    assert f"threads {threads}" in repr(q)


def test_quantize_for_threads(workshop: Workshop, tmp_path: Path) -> None:
    rows = workshop.rows["two_by_three"]
    named = dict(zip(("a", "b"), (part[1:] for part in rows), strict=True))
    q = quantc.quantize(workshop.folder / "two_by_three.onnx", named, threads=2)
    path = q.save(tmp_path / "kept", name="other")
    again = quantc.load(path)
    assert again.manifest["threads"] == 2
    for one, two in zip(q.predict(*rows), again.predict(*rows), strict=True):
        np.testing.assert_array_equal(one, two)


def test_calls_at_the_same_time(workshop: Workshop) -> None:
    q = quantc.load(workshop.build("wide", "--threads=2") / "net.so")
    (rows,) = workshop.rows["wide"]
    expected = q.predict(rows)
    wrong = []

    def work(first: int) -> None:
        for batch in (256, 23, 64, 1, 100) * 5:
            part = slice(first, first + batch)
            if not np.array_equal(q.predict(rows[part]), expected[part], equal_nan=True):
                wrong.append((first, batch))

    callers = [threading.Thread(target=work, args=(first,)) for first in (0, 100, 700, 333)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


# --- a process of its own for each: what threads do to a process must not be done to the tests' ---

PRELUDE = """
import ctypes, os, sys
import numpy as np
library, single, rows_file = sys.argv[1:4]
rows = np.load(rows_file)
def threads():
    return len(os.listdir("/proc/self/task"))
def opened(path):
    net = ctypes.CDLL(path)
    net.net_workspace_size.restype = ctypes.c_size_t
    net.net_workspace_size.argtypes = [ctypes.c_size_t]
    net.net_run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    net.net_run.restype = None
    return net
def run(net, batch):
    x = np.ascontiguousarray(rows[:batch])
    y = np.empty((batch, 10), np.float32)
    space = np.empty(net.net_workspace_size(batch) + 64, np.uint8)
    at = space.ctypes.data + -space.ctypes.data % 64
    net.net_run(x.ctypes.data, y.ctypes.data, batch, at)
    return y.tobytes()
expected = run(opened(single), 256)
net = opened(library)
"""


def in_a_process(workshop: Workshop, text: str, *arguments: Path, threads: int = 2) -> str:
    """Run Python after PRELUDE; give what it wrote."""
    rows = workshop.folder / "rows.npy"
    np.save(rows, workshop.rows["wide"][0])
    library = workshop.build("wide", f"--threads={threads}") / "net.so"
    command: list[str | Path] = [sys.executable, "-c", PRELUDE + text, library, workshop.build("wide") / "net.so", rows]
    run = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stdout


def test_closing_ends_the_threads(workshop: Workshop) -> None:
    said = in_a_process(
        workshop,
        """
import _ctypes
before = threads()
for _ in range(5):
    assert run(net, 256) == expected
    assert threads() == before + 1
    _ctypes.dlclose(net._handle)
    assert threads() == before, threads()
    net = opened(library)
print("closed")
""",
    )
    assert said == "closed\n"


def test_forked_children_have_threads_of_their_own(workshop: Workshop) -> None:
    said = in_a_process(
        workshop,
        """
assert run(net, 256) == expected
for generation in range(3):
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0
        assert run(net, 256) == expected
        break
    assert threads() == 1
    assert run(net, 256) == expected
    assert threads() == 2
print("parent or child", flush=True)
""",
    )
    # Three children, each of the one before, and their parent: all of them end by themselves.
    assert said == "parent or child\n" * 4


def test_a_child_forked_during_a_call_does_not_hang(workshop: Workshop) -> None:
    said = in_a_process(
        workshop,
        """
import threading
stop = False
def work():
    while not stop:
        run(net, 256)
caller = threading.Thread(target=work)
caller.start()
for _ in range(20):
    child = os.fork()
    if not child:
        assert run(net, 256) == expected
        sys.stdout = None
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop = True
caller.join()
print("joined")
""",
    )
    assert said == "joined\n"


def test_fewer_threads_than_asked_for(workshop: Workshop) -> None:
    """Where the system gives no threads at all, the caller does the work."""
    said = in_a_process(
        workshop,
        """
import resource
used = resource.getrlimit(resource.RLIMIT_AS)
small = int(open("/proc/self/statm").read().split()[0]) * 4096 + (20 << 20)  # two stacks of 8 MiB
resource.setrlimit(resource.RLIMIT_AS, (small, used[1]))
before = threads()
assert run(net, 256) == expected
print(threads() - before < 7)
""",
        threads=8,
    )
    assert said == "True\n"


OPENMP = """
#include <omp.h>
#include <stddef.h>
int sum_to(int n) {
  int sum = 0;
#pragma omp parallel for num_threads(2) reduction(+ : sum)
  for (int i = 1; i <= n; ++i) sum += i;
  return sum;
}
/* Four calls of net_run at the same time, from a parallel region. */
void all(void (*run)(const float *, float *, size_t, void *), const float *x, float *y, size_t batch, size_t values,
         char *workspace, size_t size) {
#pragma omp parallel for num_threads(2)
  for (int i = 0; i < 4; ++i) run(x, y + i * batch * values, batch, workspace + i * size);
}
"""


def test_beside_other_thread_pools(workshop: Workshop) -> None:
    """GNU's OpenMP and the one that Intel's and LLVM's compilers share, in one process with the library."""
    (workshop.folder / "openmp.c").write_text(OPENMP)
    gnu, intel = workshop.folder / "gnu.so", workshop.folder / "intel.so"
    flags: list[str | Path] = ["-O1", "-fopenmp", "-shared", "-fPIC", workshop.folder / "openmp.c", "-o"]
    subprocess.run([llvm_tool("gcc"), *flags, gnu], check=True)
    subprocess.run([llvm_tool("clang"), *flags, intel, f"-Wl,-rpath,{LLVM / 'lib'}"], check=True)
    said = in_a_process(
        workshop,
        """
pools = [ctypes.CDLL(path) for path in sys.argv[4:]]
size = net.net_workspace_size(256) // 64 * 64 + 64
space = np.empty(4 * size + 64, np.uint8)
at = space.ctypes.data + -space.ctypes.data % 64
x, y = np.ascontiguousarray(rows[:256]), np.empty((4, 256, 10), np.float32)
for _ in range(10):
    for pool in pools:
        assert pool.sum_to(1000) == 500500
        assert run(net, 256) == expected
        y[:] = 0
        pool.all(
            ctypes.cast(net.net_run, ctypes.c_void_p), ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data),
            ctypes.c_size_t(256), ctypes.c_size_t(10), ctypes.c_void_p(at), ctypes.c_size_t(size),
        )
        assert all(part.tobytes() == expected for part in y)
loaded = open("/proc/self/maps").read()
for name in ("libgomp", "libomp", "libpthreadpool"):
    assert name in loaded, name
print("beside")
""",
        gnu,
        intel,
    )
    assert said == "beside\n"


ALLOCATIONS = """
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* glibc lets a program bring its own; these count between `armed` and not. */
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
static volatile int armed;
static volatile size_t count;
void *malloc(size_t size) { count += armed; return __libc_malloc(size); }
void *calloc(size_t n, size_t size) { count += armed; return __libc_calloc(n, size); }
void *realloc(void *old, size_t size) { count += armed; return __libc_realloc(old, size); }
void *aligned_alloc(size_t align, size_t size) { count += armed; return __libc_memalign(align, size); }
void *memalign(size_t align, size_t size) { count += armed; return __libc_memalign(align, size); }
int posix_memalign(void **to, size_t align, size_t size) {
  count += armed;
  return !(*to = __libc_memalign(align, size));
}
int main(int argc, char **argv) {
  (void)argc;
  armed = 1;
  free(malloc(1));
  if (count != 1) return 2;
  armed = count = 0;
  void *net = dlopen(argv[1], RTLD_NOW);
  if (!net) return puts(dlerror()), 3;
  size_t (*space)(size_t) = (size_t (*)(size_t))dlsym(net, "net_workspace_size");
  void (*run)(const float *, float *, size_t, void *) =
      (void (*)(const float *, float *, size_t, void *))dlsym(net, "net_run");
  float *x = calloc(1000 * 300, sizeof(float)), *y = calloc(1000 * 10, sizeof(float));
  void *workspace = aligned_alloc(64, (space(1000) + 63) / 64 * 64);
  run(x, y, 1000, workspace); /* starts the threads */
  armed = 1;
  for (int i = 0; i < 3; ++i) {
    run(x, y, 1, workspace);
    run(x, y, 256, workspace);
    run(x, y, 1000, workspace);
  }
  armed = 0;
  printf("%zu allocations\\n", count);
  return 0;
}
"""


@pytest.mark.parametrize("options", [(), ("--threads=2",), ("--threads=2", "--cpu=portable")])
def test_calls_allocate_nothing(workshop: Workshop, options: tuple[str, ...]) -> None:
    source, program = workshop.folder / "allocations.c", workshop.folder / "allocations"
    source.write_text(ALLOCATIONS)
    subprocess.run([llvm_tool("gcc"), "-O1", "-fno-builtin", "-rdynamic", source, "-o", program, "-ldl"], check=True)
    library = workshop.build("wide", *options) / "net.so"
    run = subprocess.run([program, library], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (run.returncode, run.stdout) == (0, "0 allocations\n")


def test_a_foreign_library_has_no_threads(workshop: Workshop) -> None:
    command: list[str | Path] = [find_tool(), "compile", workshop.folder / "small.onnx"]
    command += ["--calibration", workshop.folder / "small.npz", "--threads=2", "--name=net"]
    triple = ARM if platform.machine() == "x86_64" else "x86_64-linux-gnu"
    out = workshop.folder / "foreign"
    foreign = [*command, f"--target={triple}", "--cpu=portable", "-o", out]
    run = subprocess.run(foreign, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "--threads=2: a shared library for aarch64" in run.stderr or "for x86_64" in run.stderr
    assert "leave 'shared' out of --emit" in run.stderr
    assert not out.exists()
    subprocess.run([*foreign, "--emit=object,header"], check=True, capture_output=True)
    assert json.loads((out / "net.json").read_text())["threads"] == 1


def test_bench_runs_any_library_on_threads(workshop: Workshop) -> None:
    for options in ((), ("--threads=2",)):
        library = workshop.build("wide", *options) / "net.so"
        for threads in ([], ["--threads=1"], ["--threads=2"]):
            command: list[str | Path] = [find_tool(), "bench", library, "--batch=256", "--layers=0", *threads]
            run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
            header, row = run.stdout.splitlines()
            assert header.split("  ")[0] == "batch"
            assert "p99 us" in header
            assert all(float(cell) > 0 for cell in row.split())
