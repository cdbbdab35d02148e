"""If these fail, a compiled program computes other bits on some CPU, calls a library, or is in another format.

Each target is compiled for real and run for real: natively, under qemu's user emulation, or in Bochs. The network has
every kind of finish (a ReLU's clamp, a look-up table, a sum of two branches, a joined tensor, a float output, a
softmax) and odd sizes, so that the tiles' remainders run.
"""

from __future__ import annotations

import ctypes
import json
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import quantc
from bare_metal import ALL_STATE, AVX_STATE, NO_STATE, SSE_STATE, llvm_tool, run_bare
from onnx import TensorProto, helper, numpy_helper
from quantc.cpu import missing_features
from quantc.tool import find_tool

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))  # the benchmark's modules are no package

from kernel_rows import kernel_rows

Floats = npt.NDArray[np.float32]

INPUTS = 37
LOGITS = 11
BATCHES = (1, 3, 5, 23, 256)

HARNESS = """
#include "net.h"
#include <stdio.h>
#include <stdlib.h>
/* Rows on standard input, both outputs of the rows on standard output: floats, then the int8 program's, on bytes. */
int main(int count, char **argument) {
  size_t rows = count > 1 ? strtoul(argument[1], 0, 10) : 0;
  float *x = malloc(rows * net_INPUTS * sizeof(float));
  float *logits = malloc(rows * 11 * sizeof(float)), *shares = malloc(rows * 11 * sizeof(float));
  void *workspace = aligned_alloc(64, (net_workspace_size(rows) + 63) / 64 * 64);
  if (fread(x, net_INPUTS * sizeof(float), rows, stdin) != rows) return 2;
  net_run(x, logits, shares, rows, workspace);
  fwrite(logits, 11 * sizeof(float), rows, stdout);
  fwrite(shares, 11 * sizeof(float), rows, stdout);
  int8_t *bytes = malloc(rows * net_INPUTS), *small = malloc(rows * 22);
  if (fread(bytes, net_INPUTS, rows, stdin) != rows) return 3;
  net_run_i8(bytes, small, small + rows * 11, rows, workspace);
  fwrite(small, 22, rows, stdout);
  return 0;
}
"""


@dataclass(frozen=True)
class Machine:
    """A target, what links for it, what runs it, and an instruction that its kernel must have (`wide`: of 16 bits)."""

    triple: str
    cpu: str
    linker: str
    runner: tuple[str, ...] = ()
    instruction: str = ""
    wide: str = ""
    # usmmla multiplies zeros sooner than other rows skip them, and SVE has no rows that do.
    lists: bool = True

    def __str__(self) -> str:
        return f"{self.triple.split('-')[0]}-{self.cpu}"


ARM = "aarch64-linux-gnu"
MACHINES = [
    Machine("x86_64-linux-gnu", "x86-64-v2", "gcc", (), r"\bpmaddwd\b", r"\bpmaddwd\b"),
    Machine("x86_64-linux-gnu", "haswell", "gcc", (), *2 * (r"\bvpmaddwd\b.*%ymm",)),
    Machine("x86_64-linux-gnu", "znver3", "gcc", (), *2 * (r"\bvpmaddwd\b.*%ymm",)),
    Machine("x86_64-linux-gnu", "portable", "gcc", (), r"\bvpdpbusd\b.*%zmm", r"\bvpdpwssd\b.*%zmm"),
    Machine(ARM, "cortex-a53", f"{ARM}-gcc", ("qemu-aarch64", "-cpu", "cortex-a53"), r"\bsadalp\b", r"\bsmlal"),
    Machine(ARM, "cortex-a76", f"{ARM}-gcc", ("qemu-aarch64", "-cpu", "cortex-a76"), r"\bsdot\b", r"\bsmlal"),
    Machine(ARM, "neoverse-n1", f"{ARM}-gcc", ("qemu-aarch64", "-cpu", "neoverse-n1"), r"\bsdot\b", r"\bsmlal"),
    Machine(
        ARM, "neoverse-v1", f"{ARM}-gcc", ("qemu-aarch64", "-cpu", "max"), r"\busmmla\s+z", r"\bsmlal", lists=False
    ),
    Machine(
        ARM,
        "neoverse-n2",
        f"{ARM}-gcc",
        ("qemu-aarch64", "-cpu", "max,sve-default-vector-length=16"),
        r"\busmmla\s+z",
        r"\bsmlal",
        lists=False,
    ),
    Machine(ARM, "a64fx", f"{ARM}-gcc", ("qemu-aarch64", "-cpu", "a64fx"), r"\bsdot\s+z", r"\bsmlal", lists=False),
    Machine(ARM, "apple-m2", f"{ARM}-gcc", ("qemu-aarch64", "-cpu", "max"), r"\busmmla\s+v", r"\bsmlal", lists=False),
    Machine(ARM, "portable", f"{ARM}-gcc", ("qemu-aarch64", "-cpu", "max"), r"\busmmla\s+v", r"\bsmlal", lists=False),
    Machine("riscv64-linux-gnu", "portable", "riscv64-linux-gnu-gcc", ("qemu-riscv64",)),
    Machine("armv7-linux-gnueabihf", "portable", "arm-linux-gnueabihf-gcc", ("qemu-arm",)),
]
# Run in Bochs: the last part is its name for a CPU that has all that is used.
X86 = "x86_64-linux-gnu"
EMULATED = [
    (Machine(X86, "skylake-avx512", "", (), r"\bvpmadd(ubsw|wd)\b.*%zmm", r"\bvpmaddwd\b.*%zmm"), "corei7_skylake_x"),
    (Machine(X86, "cascadelake", "", (), r"\bvpdpbusd\b.*%zmm", r"\bvpdpwssd\b.*%zmm"), "corei7_icelake_u"),
    (Machine(X86, "icelake-server", "", (), r"\bvpdpbusd\b.*%zmm", r"\bvpdpwssd\b.*%zmm"), "corei7_icelake_u"),
    (Machine(X86, "znver4", "", (), r"\bvpdpbusd\b.*%zmm", r"\bvpdpwssd\b.*%zmm"), "tigerlake"),
]
# Nothing here runs VEX's vpdpbusd (test_kernel_rows.py runs its kernel in EVEX), nor all of the last.
BUILT = [
    Machine(X86, "alderlake", "", (), r"\bvpdpbusd\b.*%ymm", r"\bvpdpwssd\b.*%ymm"),
    Machine(X86, "sierraforest", "", (), r"\bvpdpbusd\b.*%ymm", r"\bvpdpwssd\b.*%ymm"),
    Machine(X86, "sapphirerapids", "", (), r"\bvpdpbusd\b.*%zmm", r"\bvpdpwssd\b.*%zmm"),
]
# Bochs' CPUs, what the operating system saves (XCR0), and the variant that a portable object is to run there.
VARIANTS = ("sse41", "avx2", "avxvnni", "avx512vnni", "amx")
CHOICES = [
    ("corei5_lynnfield_750", NO_STATE, "sse41"),
    ("corei7_haswell_4770", SSE_STATE, "sse41"),
    ("corei7_haswell_4770", AVX_STATE, "avx2"),
    ("corei7_skylake_x", ALL_STATE, "avx2"),
    ("corei7_icelake_u", AVX_STATE, "avx2"),
    ("corei7_icelake_u", ALL_STATE, "avx512vnni"),
]


ML = "ai.onnx.ml"


def model_of(nodes: list[onnx.NodeProto], weights: dict[str, npt.NDArray[Any]]) -> onnx.ModelProto:
    """From "x" to "logits" and "shares"."""
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "net",
        [tensor("x", TensorProto.FLOAT, ["n", INPUTS])],
        [tensor(name, TensorProto.FLOAT, ["n", LOGITS]) for name in ("logits", "shares")],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def network(hidden: int = 50, third: int = 17, zero_share: float = 0) -> onnx.ModelProto:
    """37 -> 50 -> 50 (+ 50) -> 17, joined with 5 of the 50 -> 11, and its softmax.

    With other widths in place of 50 and 17, and `zero_share` of the blocks of 4 inputs by 16 outputs zero.
    """
    random = np.random.default_rng(3)
    weights = {}

    def dense(x: str, name: str, inputs: int, outputs: int) -> onnx.NodeProto:
        blocks = random.random((inputs // 4 + 1, outputs // 16 + 1)) >= zero_share
        kept = blocks.repeat(4, 0).repeat(16, 1)[:inputs, :outputs]
        scaled = random.standard_normal((inputs, outputs)) / np.sqrt(inputs)
        weights[f"{name}.w"] = (scaled * kept).astype(np.float32)
        weights[f"{name}.b"] = (random.standard_normal(outputs) / 10).astype(np.float32)
        return helper.make_node("Gemm", [x, f"{name}.w", f"{name}.b"], [name], name=name)

    weights["starts"] = np.array([7], np.int64)
    weights["ends"] = np.array([12], np.int64)
    weights["axes"] = np.array([1], np.int64)
    nodes = [
        dense("x", "first", INPUTS, hidden),
        helper.make_node("Relu", ["first"], ["a"], name="relu"),
        dense("a", "second", hidden, hidden),
        helper.make_node("Tanh", ["second"], ["b"], name="tanh"),
        helper.make_node("Add", ["a", "b"], ["sum"], name="sum"),
        dense("sum", "third", hidden, third),
        helper.make_node("LeakyRelu", ["third"], ["c"], name="leaky", alpha=0.1),
        helper.make_node("Slice", ["sum", "starts", "ends", "axes"], ["part"], name="part"),
        helper.make_node("Concat", ["c", "part"], ["joined"], name="joined", axis=1),
        dense("joined", "logits", third + 5, LOGITS),
        helper.make_node("Softmax", ["logits"], ["shares"], name="softmax", axis=1),
    ]
    return model_of(nodes, weights)


def machine_network() -> onnx.ModelProto:
    """Two support vector machines on the same row, rbf and polynomial: 10 scores of pairs and one value."""
    random = np.random.default_rng(8)
    vectors, classes = 30, 5

    def numbers(*shape: int) -> list[float]:
        return [float(value) for value in random.standard_normal(shape).astype(np.float32).ravel()]

    nodes = [
        helper.make_node(
            "SVMClassifier",
            ["x"],
            ["", "pairs"],
            name="classifier",
            domain=ML,
            kernel_type="RBF",
            kernel_params=[1 / INPUTS, 0.0, 0.0],
            support_vectors=numbers(vectors, INPUTS),
            coefficients=numbers(classes - 1, vectors),
            rho=numbers(classes * (classes - 1) // 2),
            vectors_per_class=[vectors // classes] * classes,
            classlabels_ints=list(range(classes)),
        ),
        helper.make_node(
            "SVMRegressor",
            ["x"],
            ["value"],
            name="regressor",
            domain=ML,
            kernel_type="POLY",
            kernel_params=[1 / INPUTS, 1.0, 3.0],
            support_vectors=numbers(vectors, INPUTS),
            coefficients=numbers(vectors),
            rho=[0.25],
            n_supports=vectors,
        ),
        helper.make_node("Concat", ["pairs", "value"], ["logits"], name="logits", axis=1),
        helper.make_node("Softmax", ["logits"], ["shares"], name="softmax", axis=1),
    ]
    return model_of(nodes, {})


def stored_bytes(values: Floats, scale: np.float32, zero_point: int) -> npt.NDArray[np.int8]:
    """Quantization to a byte as the dialect defines it: round half to even, clamp, NaN at the zero point."""
    with np.errstate(invalid="ignore"):
        quotient = np.clip(values / scale, -1e6, 1e6)
    nearest = np.where(np.isnan(quotient), 0, np.rint(quotient))
    stored = np.clip(nearest + zero_point, 0, 255) - 128
    return np.asarray(stored, np.int8)


class Workshop:
    """The model, its rows, and what the reference interpreter makes of them."""

    def __init__(self, folder: Path, model: onnx.ModelProto, flags: tuple[str, ...] = ("--activations=int8",)) -> None:
        self.folder = folder
        self.flags = flags
        self.model = folder / "net.onnx"
        onnx.save(model, self.model)
        random = np.random.default_rng(4)
        self.calibration = folder / "calibration.npy"
        np.save(self.calibration, random.standard_normal((200, INPUTS)).astype(np.float32))
        self.rows = (random.standard_normal((max(BATCHES), INPUTS)) * 1.5).astype(np.float32)
        self.rows[0, :6] = [np.nan, np.inf, -np.inf, 3e38, -0.0, 1e-40]
        (folder / "harness.c").write_text(HARNESS)
        self.build("native", "", "native", "object,header,shared")
        self.expected = self.reference("rows", self.rows)
        # The 8-bit program: the same on the reals that bytes stand for, stored in bytes again.
        manifest = json.loads((folder / "native/net.json").read_text())
        assert manifest["int8_entry"]
        self.bytes = random.integers(-128, 128, self.rows.shape).astype(np.int8)
        self.bytes[0, :2] = [-128, 127]
        (given,) = manifest["inputs"]
        stored = self.bytes.astype(np.int32) + 128
        reals = (stored - given["zero_point"]).astype(np.float32) * np.float32(given["scale"])
        self.expected_bytes = [
            stored_bytes(part, np.float32(output["scale"]), output["zero_point"])
            for part, output in zip(self.reference("reals", reals), manifest["outputs"], strict=True)
        ]

    def reference(self, name: str, rows: Floats) -> list[Floats]:
        """Both outputs of the interpreter."""
        given, result = self.folder / f"{name}.npy", self.folder / f"{name}.npz"
        np.save(given, rows)
        command: list[str | Path] = [
            find_tool(),
            "run",
            self.folder / "native/net.mlirbc",
            "--input",
            given,
            "--output",
            result,
        ]
        subprocess.run(command, check=True)
        expected = np.load(result)
        return [expected[name].astype(np.float32) for name in ("logits", "shares")]

    def built(self, name: str, triple: str, cpu: str, kinds: str = "object,header") -> Path:
        """Compile for a target unless that is done; give the folder."""
        return self.folder / name if (self.folder / name).exists() else self.build(name, triple, cpu, kinds)

    def build(self, name: str, triple: str, cpu: str, kinds: str = "object,header") -> Path:
        """Compile for a target; give the folder."""
        out = self.folder / name
        command: list[str | Path] = [
            find_tool(),
            "compile",
            self.model,
            "--calibration",
            self.calibration,
            "-o",
            out,
            "--name",
            "net",
        ]
        command += [*self.flags, f"--cpu={cpu}", f"--emit={kinds}"] + ([f"--target={triple}"] if triple else [])
        subprocess.run(command, check=True, capture_output=True, text=True)
        return out

    def bits(self, batch: int) -> bytes:
        parts: list[npt.NDArray[Any]] = [*self.expected, *self.expected_bytes]
        return b"".join(part[:batch].tobytes() for part in parts)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("targets"), network())


@pytest.fixture(scope="module")
def sparse_workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("sparse"), network(hidden=150, zero_share=0.8))


def assert_lists_are_used(out: Path) -> None:
    """Some layer skips its zero groups, unless all have kernels that read 16 inputs at once and are quicker so."""
    rows = {row.name: row for row in kernel_rows()}
    layers = [layer for layer in json.loads((out / "net.json").read_text())["layers"] if layer.get("kernel")]
    assert layers
    if any(rows[layer["kernel"]].takes_lists for layer in layers):
        assert min(layer["listed_share"] for layer in layers) < 0.5, "no layer skips its zero groups"


@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_same_bits_as_reference(workshop: Workshop, machine: Machine) -> None:
    check_bits(workshop, machine)


@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_sparse_network_has_the_same_bits(sparse_workshop: Workshop, machine: Machine) -> None:
    check_bits(sparse_workshop, machine)
    if machine.lists:
        assert_lists_are_used(sparse_workshop.folder / str(machine))


@pytest.fixture(scope="module")
def wide_workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("wide"), network(), ("--activations=int16",))


@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_same_bits_as_reference_with_16_bits(wide_workshop: Workshop, machine: Machine) -> None:
    check_bits(wide_workshop, machine)


@pytest.fixture(scope="module")
def machine_workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("machine"), machine_network(), ())


@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_support_vector_machines_have_the_same_bits(machine_workshop: Workshop, machine: Machine) -> None:
    """The finish of a kernel is f32: squares, an exponential, powers."""
    check_bits(machine_workshop, machine)


def check_bits(workshop: Workshop, machine: Machine) -> None:
    """Run what is compiled for a machine, natively or under qemu: all of its bits are the reference's."""
    if machine.triple.startswith("x86_64") and platform.machine() != "x86_64":
        pytest.skip("runs x86 code natively; the ARM and RISC-V cases of this test run here under emulation")
    out = workshop.built(str(machine), machine.triple, machine.cpu)
    program = out / "harness"
    link: list[str | Path] = [llvm_tool(machine.linker), *(["-static"] if machine.runner else []), "-O1"]
    link += [f"-I{out}", workshop.folder / "harness.c", out / "net.o", "-o", program]
    subprocess.run(link, check=True)
    runner = [llvm_tool(machine.runner[0]), *machine.runner[1:]] if machine.runner else []
    for batch in BATCHES:
        given = workshop.rows[:batch].tobytes() + workshop.bytes[:batch].tobytes()
        run = subprocess.run([*runner, program, str(batch)], input=given, capture_output=True, check=True)
        assert run.stdout == workshop.bits(batch), f"{machine}: other bits for a batch of {batch}"


def bare_program(workshop: Workshop, extra: str = "") -> str:
    """C that runs all batches without an operating system and says how many bytes differ, then what `extra` says."""

    def c_array(name: str, values: bytes) -> str:
        return f"static const _Alignas(64) unsigned char {name}[] = {{{','.join(map(str, values))}}};\n"

    entry = "int8_t *small = (int8_t *)(shares + batch * 11);"
    entry += "net_run_i8((const int8_t *)bytes, small, small + batch * 11, batch, workspace);"
    checks = "".join(f"  check({batch}, expected{batch}, sizeof expected{batch});\n" for batch in BATCHES)
    return f"""
#include "net.h"
{c_array("rows", workshop.rows.tobytes())}{c_array("bytes", workshop.bytes.tobytes())}
{"".join(c_array(f"expected{batch}", workshop.bits(batch)) for batch in BATCHES)}
static _Alignas(64) char workspace[1 << 20], result[{max(BATCHES)} * 110];
static unsigned long wrong, checked;
static void check(size_t batch, const unsigned char *expected, size_t bytes_expected) {{
  float *logits = (float *)result, *shares = logits + batch * 11;
  if (net_workspace_size(batch) > sizeof workspace) return say("workspace");
  net_run((const float *)rows, logits, shares, batch, workspace);
  {entry}
  for (size_t i = 0; i < bytes_expected; ++i, ++checked) wrong += (unsigned char)result[i] != expected[i];
}}
{"".join(f"extern char net_run_variant{i}[];" for i in range(len(VARIANTS))) if extra else ""}
void program(void) {{
{checks}
  say_number(wrong);
  say(" of ");
  say_number(checked);
  {extra}
}}
"""


ALL_RIGHT = f"0 of {sum(BATCHES) * 110}"


@pytest.mark.parametrize(("machine", "model"), EMULATED, ids=str)
def test_same_bits_on_an_emulated_cpu(workshop: Workshop, machine: Machine, model: str) -> None:
    out = workshop.built(str(machine), machine.triple, machine.cpu)
    assert run_bare(out, bare_program(workshop), [out / "net.o"], model) == ALL_RIGHT


@pytest.mark.parametrize(("machine", "model"), EMULATED, ids=str)
def test_sparse_network_on_an_emulated_cpu(sparse_workshop: Workshop, machine: Machine, model: str) -> None:
    out = sparse_workshop.built(str(machine), machine.triple, machine.cpu)
    assert run_bare(out, bare_program(sparse_workshop), [out / "net.o"], model) == ALL_RIGHT
    assert_lists_are_used(out)


@pytest.mark.parametrize(("machine", "model"), EMULATED, ids=str)
def test_same_bits_on_an_emulated_cpu_with_16_bits(wide_workshop: Workshop, machine: Machine, model: str) -> None:
    out = wide_workshop.built(str(machine), machine.triple, machine.cpu)
    assert run_bare(out, bare_program(wide_workshop), [out / "net.o"], model) == ALL_RIGHT


@pytest.mark.parametrize(("model", "state", "variant"), CHOICES)
def test_portable_object_chooses(workshop: Workshop, model: str, state: int, variant: str) -> None:
    out = workshop.folder / f"chosen-{model}-{state}"
    shutil.copytree(workshop.built("x86_64-portable", X86, "portable"), out)
    # The variants and the pointer to the chosen one are local symbols.
    subprocess.run([llvm_tool("llvm-objcopy"), "--wildcard", "--globalize-symbol=net_run_*", out / "net.o"], check=True)
    names = "".join(f'if (net_run_choice == net_run_variant{i}) say("{name}");' for i, name in enumerate(VARIANTS))
    extra = f'{{ extern char *net_run_choice; say(" on "); {names} }}'
    assert run_bare(out, bare_program(workshop, extra), [out / "net.o"], model, state) == f"{ALL_RIGHT} on {variant}"


# Leaves of CPUID as (leaf, sub-leaf): eax, ebx, ecx, edx, of CPUs that nothing here emulates, and XCR0.
V3_LEAVES = {(0, 0): (32, 0, 0, 0), (1, 0): (0, 0, 0x38401000, 0), (0x80000001, 0): (0, 0, 0x20, 0)}
V3_EBX, V4_EBX, AMX_EDX = 0x128, 0xD0030128, 0x3000000
AMX_LEAVES = {(7, 0): (2, V4_EBX, 0x800, AMX_EDX), (7, 1): (0x10, 0, 0, 0)}
AMX_STATE = ALL_STATE | 0x60000
# The kernel's answers to a program that asks for the tile registers.
GRANTED, REFUSED = 0, -22
CPUIDS = [
    ("alderlake", {(7, 0): (2, V3_EBX, 0, 0), (7, 1): (0x10, 0, 0, 0)}, AVX_STATE, GRANTED, "avxvnni"),
    (
        "alderlake in a system without AVX",
        {(7, 0): (2, V3_EBX, 0, 0), (7, 1): (0x10, 0, 0, 0)},
        SSE_STATE,
        GRANTED,
        "sse41",
    ),
    ("sub-leaf 1 that is none", {(7, 0): (0, V3_EBX, 0, 0), (7, 1): (0x10, 0, 0, 0)}, AVX_STATE, GRANTED, "avx2"),
    ("sapphirerapids", AMX_LEAVES, AMX_STATE, GRANTED, "amx"),
    ("sapphirerapids that is refused tiles", AMX_LEAVES, AMX_STATE, REFUSED, "avx512vnni"),
    ("sapphirerapids in a system without tiles", AMX_LEAVES, ALL_STATE, GRANTED, "avx512vnni"),
    ("sapphirerapids without ZMM", AMX_LEAVES, AVX_STATE, GRANTED, "avxvnni"),
    ("tiles without bytes", {(7, 0): (0, V4_EBX, 0x800, 1 << 24)}, AMX_STATE, GRANTED, "avx512vnni"),
    ("VNNI without BW", {(7, 0): (0, V4_EBX & ~(1 << 30), 0x800, 0)}, ALL_STATE, GRANTED, "avx2"),
]
CHOSEN = """
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
extern char *net_run_choice;
extern char DECLARED;
void net_run(const float *, float *, float *, unsigned long, void *);
static void tell(int signal) {
  char *variants[] = {NAMED};
  for (unsigned i = 0; i < sizeof variants / sizeof *variants; ++i)
    if (net_run_choice == variants[i]) dprintf(1, "%d", i);
  _exit(0);
}
/* The chosen variant may well be of instructions that this machine lacks. */
int main(void) {
  static _Alignas(64) char workspace[1 << 20];
  signal(SIGILL, tell);
  net_run(0, 0, 0, 0, workspace);
  tell(0);
}
"""


def chosen_program(variants: int) -> str:
    """C that says which of so many variants the chooser chooses."""
    names = [f"net_run_variant{i}" for i in range(variants)]
    return CHOSEN.replace("DECLARED", ", ".join(f"{name}[]" for name in names)).replace("NAMED", ", ".join(names))


@pytest.mark.parametrize(("cpu", "leaves", "state", "answered", "variant"), CPUIDS, ids=[case[0] for case in CPUIDS])
def test_chooser_reads_cpuid(
    workshop: Workshop,
    cpu: str,
    leaves: dict[tuple[int, int], tuple[int, int, int, int]],
    state: int,
    answered: int,
    variant: str,
) -> None:
    if platform.machine() != "x86_64":
        pytest.skip("runs x86 code natively; the ARM and RISC-V cases of this test run here under emulation")
    out = workshop.folder / cpu.replace(" ", "-")
    shutil.copytree(workshop.built("x86_64-portable-ir", X86, "portable", "llvm"), out)
    text = (out / "net.ll").read_text()

    def answer(match: re.Match[str]) -> str:
        leaf, sub_leaf = (int(number) % (1 << 32) for number in match.group("leaf", "sub"))
        words = {**V3_LEAVES, **leaves}.get((leaf, sub_leaf), (0, 0, 0, 0))
        text = ", ".join(f"i32 {word}" for word in words)
        return f"insertvalue {{ i32, i32, i32, i32 }} {{ {text} }}, i32 {words[3]}, 3"

    four = r"\{ i32, i32, i32, i32 \}"
    numbers = r"\(i32 (?P<leaf>-?\d+), i32 (?P<sub>\d+)\)"
    cpuid = rf'(?:tail )?call {four} asm sideeffect "cpuid".*?{numbers}[^\n]*'
    text, cpuids = re.subn(cpuid, answer, text)
    xgetbv = r'(?:tail )?call \{ i32, i32 \} asm sideeffect "xgetbv"[^\n]*'
    text, xgetbvs = re.subn(xgetbv, f"insertvalue {{ i32, i32 }} {{ i32 {state}, i32 0 }}, i32 0, 1", text)
    asked = r'(?:tail )?call i64 asm sideeffect "syscall"[^\n]*\(i64 158, i64 4131, i64 18\)[^\n]*'
    text, system_calls = re.subn(asked, f"add i64 {answered}, 0", text)
    assert (cpuids, xgetbvs, system_calls) == (15, 3, 3), "the three choosers read other things"
    text = re.sub(
        r"^(@net_run_choice = )internal |^(define )internal (?=.*@net_run_variant)", r"\1\2", text, flags=re.M
    )
    (out / "net.ll").write_text(text)
    (out / "chosen.c").write_text(chosen_program(len(VARIANTS)))
    subprocess.run(
        [llvm_tool("clang"), "-O0", "-Wno-override-module", out / "net.ll", out / "chosen.c", "-o", out / "chosen"],
        check=True,
    )
    said = subprocess.run([out / "chosen"], capture_output=True, text=True, check=True).stdout
    assert VARIANTS[int(said)] == variant


# qemu's CPUs, and the variant that an AArch64 portable object is to run there.
ARM_VARIANTS = ("neon", "dotprod", "sve", "i8mm")
ARM_CHOICES = [("cortex-a53", "neon"), ("neoverse-n1", "dotprod"), ("a64fx", "sve"), ("max,sve=off", "i8mm")]


@pytest.mark.parametrize(("cpu", "variant"), [*ARM_CHOICES, ("max", "i8mm")])
def test_portable_arm_object_chooses(workshop: Workshop, cpu: str, variant: str) -> None:
    out = workshop.folder / f"chosen-{cpu}"
    shutil.copytree(workshop.built("aarch64-portable", ARM, "portable"), out)
    subprocess.run([llvm_tool("llvm-objcopy"), "--wildcard", "--globalize-symbol=net_run_*", out / "net.o"], check=True)
    (out / "chosen.c").write_text(chosen_program(len(ARM_VARIANTS)))
    linker = llvm_tool(f"{ARM}-gcc")
    subprocess.run([linker, "-static", "-O1", out / "chosen.c", out / "net.o", "-o", out / "chosen"], check=True)
    command: list[str | Path] = [llvm_tool("qemu-aarch64"), "-cpu", cpu, out / "chosen"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert ARM_VARIANTS[int(said)] == variant


FUNCTIONS = ["net_parallel_workspace_size", "net_run", "net_run_i8", "net_run_parallel", "net_workspace_size"]


@pytest.mark.parametrize("machine", [*MACHINES, *(machine for machine, _ in EMULATED), *BUILT], ids=str)
def test_object_is_freestanding_and_uses_its_instruction(workshop: Workshop, machine: Machine) -> None:
    check_object(workshop, machine, machine.instruction)


@pytest.mark.parametrize("machine", [*MACHINES, *(machine for machine, _ in EMULATED), *BUILT], ids=str)
def test_object_of_16_bits_uses_its_instruction(wide_workshop: Workshop, machine: Machine) -> None:
    check_object(wide_workshop, machine, machine.wide)


def check_object(workshop: Workshop, machine: Machine, instruction: str) -> None:
    out = workshop.built(str(machine), machine.triple, machine.cpu)
    undefined = subprocess.run(
        [llvm_tool("llvm-nm"), "-u", out / "net.o"], capture_output=True, text=True, check=True
    ).stdout
    assert undefined.split() == [], f"{machine} calls {undefined}"
    exported = subprocess.run(
        [llvm_tool("llvm-nm"), "-g", "--defined-only", "-j", out / "net.o"], capture_output=True, text=True, check=True
    ).stdout
    assert set(exported.split()) == set(FUNCTIONS)
    if instruction:
        code = subprocess.run(
            [llvm_tool("llvm-objdump"), "-d", out / "net.o"], capture_output=True, text=True, check=True
        )
        assert re.search(instruction, code.stdout), f"{machine} has no {instruction}"


def may_use_tiles() -> bool:
    """Whether the system lets this process use AMX's tile registers."""
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        return False
    arch_prctl, request_permission, tile_data = 158, 0x1023, 18
    answer: int = ctypes.CDLL(None).syscall(arch_prctl, request_permission, tile_data)
    return answer == 0


def test_native_objects_have_tiles_where_this_process_may_use_them(tmp_path: Path) -> None:
    """They hold code without them too, for few rows and for where they are refused: the bits are the same."""
    workshop = Workshop(tmp_path, network(hidden=150))
    code = subprocess.run(
        [llvm_tool("llvm-objdump"), "-d", tmp_path / "native/net.o"], capture_output=True, text=True, check=True
    ).stdout
    assert bool(re.search(r"\btdpbusd\b", code)) == may_use_tiles()
    program = quantc.load(tmp_path / "native/net.so")
    for rows in (1, 7, 15, 16, 17, 33, max(BATCHES)):
        given = workshop.rows[:rows]
        for got, wanted in zip(program.predict(given), workshop.expected, strict=True):
            assert np.asarray(got).tobytes() == wanted[:rows].tobytes(), f"other bits for {rows} rows"


def test_objects_for_one_cpu_never_ask_for_tiles(tmp_path: Path) -> None:
    """Code for a CPU by name makes no system calls, so it cannot have the tile registers either."""
    workshop = Workshop(tmp_path, network(hidden=150))  # with a layer that is large enough for tiles

    def instructions(cpu: str) -> str:
        code = workshop.built(f"x86_64-{cpu}", X86, cpu) / "net.o"
        return subprocess.run(
            [llvm_tool("llvm-objdump"), "-d", code], capture_output=True, text=True, check=True
        ).stdout

    assert re.search(r"\bsyscall\b", instructions("portable"))
    assert not re.search(r"\bsyscall\b|\bldtilecfg\b|\btdpbusd\b", instructions("sapphirerapids"))


@pytest.mark.parametrize(
    ("triple", "cpu", "said"),
    [
        ("arm64-apple-macos", "portable", "file format mach-o arm64"),
        ("x86_64-apple-macos", "haswell", "file format mach-o 64-bit x86-64"),
        ("x86_64-pc-windows-msvc", "haswell", "file format coff-x86-64"),
        ("aarch64-pc-windows-msvc", "cortex-a76", "file format coff-arm64"),
        ("wasm32-unknown-unknown", "portable", "file format wasm"),
    ],
)
def test_other_formats(workshop: Workshop, triple: str, cpu: str, said: str) -> None:
    out = workshop.build(triple, triple, cpu)
    shown = subprocess.run(
        [llvm_tool("llvm-objdump"), "-t", out / "net.o"], capture_output=True, text=True, check=True
    ).stdout
    assert said in shown
    assert "net_run" in shown


def test_a_newer_cpus_library_is_refused(workshop: Workshop) -> None:
    """Loaded, it would end the process in the middle of a network."""
    if platform.machine() != "x86_64":
        pytest.skip("needs an x86 machine: another one's loader refuses the x86 library by its format already")
    out = workshop.build("newer", "", "sapphirerapids", "object,header,shared")
    features = json.loads((out / "net.json").read_text())["features"]
    assert {"avx2", "avx512vnni", "amx-int8"} <= set(features)
    if not missing_features(features):
        pytest.skip("this CPU can run the newest library that there is, so there is nothing to refuse")
    command: list[str | Path] = [find_tool(), "run", out / "net.so", "--input", workshop.folder / "rows.npy"]
    run = subprocess.run([*command, "--output", out / "y.npy"], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "is compiled for sapphirerapids, and this CPU has no" in run.stderr
    q = quantc.load(out / "net.so")
    with pytest.raises(quantc.QuantcError, match="which this one lacks"):
        q.predict(workshop.rows)


def test_same_inputs_give_the_same_files(workshop: Workshop) -> None:
    first, second = (workshop.build(name, ARM, "portable") for name in ("once", "twice"))
    names = sorted(path.name for path in first.iterdir())
    assert "net.o" in names
    assert names == sorted(path.name for path in second.iterdir())
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), f"{name} differs between two runs"


@pytest.mark.parametrize(
    ("triple", "cpu", "said"),
    [
        ("nonsense", "portable", "unknown target 'nonsense'"),
        ("x86_64-linux-gnu", "pentium9", "unknown CPU 'pentium9'"),
        ("aarch64-linux-gnu", "native", "--cpu=native is this machine's CPU"),
        ("i686-linux-gnu", "i686", "32-bit x86 without SSE2"),
    ],
)
def test_unknown_targets(workshop: Workshop, triple: str, cpu: str, said: str) -> None:
    out = workshop.folder / "never"
    command: list[str | Path] = [
        find_tool(),
        "compile",
        workshop.model,
        "--calibration",
        workshop.calibration,
        "-o",
        out,
    ]
    run = subprocess.run([*command, f"--target={triple}", f"--cpu={cpu}"], capture_output=True, text=True, check=False)
    assert run.returncode in (1, 2)
    assert said in run.stderr
    assert not out.exists()
