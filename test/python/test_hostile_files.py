"""If these fail, a damaged model or data file makes quantc crash, read out of bounds or compute nonsense in silence.

Hundreds of files, cut short or with bits, bytes and lengths changed, go through the readers as they are built with
AddressSanitizer and UndefinedBehaviorSanitizer. Each must end as read or as one error.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("QUANTC_BUILD", ROOT / "build")) / "bin" / "quantc-fuzz-import-sanitized"
EACH = 150  # damaged files made of each sound one
SECONDS = 240


def model() -> bytes:
    """A small network with the ops whose import reads constants: shapes, axes, slices, weights, quantization."""
    numbers = np.random.default_rng(1)
    constants = {
        "w": numbers.standard_normal((8, 4)).astype(np.float32),
        "b": numbers.standard_normal(8).astype(np.float32),
        "shape": np.array([-1, 2, 4], np.int64),
        "starts": np.array([0], np.int64),
        "ends": np.array([3], np.int64),
        "axes": np.array([2], np.int64),
        "scale": np.array(0.5, np.float32),
        "zero": np.array(3, np.uint8),
        "half": numbers.standard_normal((2, 3)).astype(np.float16),
    }
    node = helper.make_node
    nodes = [
        node("Gemm", ["x", "w", "b"], ["h"], name="gemm", transB=1, alpha=0.5),
        node("Elu", ["h"], ["e"], name="elu", alpha=0.7),
        node("Reshape", ["e", "shape"], ["r"], name="reshape"),
        node("Slice", ["r", "starts", "ends", "axes"], ["s"], name="slice"),
        node("Cast", ["half"], ["full"], name="cast", to=TensorProto.FLOAT),
        node("Mul", ["s", "full"], ["m"], name="mul"),
        node("QuantizeLinear", ["m", "scale", "zero"], ["q"], name="quantize"),
        node("DequantizeLinear", ["q", "scale", "zero"], ["d"], name="dequantize"),
        node("ReduceMean", ["d"], ["y"], name="mean", axes=[1], keepdims=0),
    ]
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [tensor("x", TensorProto.FLOAT, ["n", 4])],
        [tensor("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def lite_model(folder: Path) -> bytes:
    """A TensorFlow Lite file: a quantized layer, its weights behind the tables, under a slice and 16-bit factors."""
    tensors: list[dict[str, object]] = [
        {"name": "x", "type": "INT8", "shape": [1, 4], "quantization": {"scale": [0.5], "zero_point": [3]}},
        {"name": "w", "type": "INT8", "shape": [3, 4], "buffer": 1, "quantization": {"scale": [1, 2, 3]}},
        {"name": "b", "type": "INT32", "shape": [3], "buffer": 2},
        {"name": "h", "type": "INT8", "shape": [1, 3], "quantization": {"scale": [0.25], "zero_point": [-1]}},
        {"name": "begin", "type": "INT32", "shape": [2], "buffer": 3},
        {"name": "end", "type": "INT32", "shape": [2], "buffer": 4},
        {"name": "strides", "type": "INT32", "shape": [2], "buffer": 5},
        {"name": "s", "type": "INT8", "shape": [1, 2], "quantization": {"scale": [0.25], "zero_point": [-1]}},
        {"name": "half", "type": "FLOAT16", "shape": [2], "buffer": 6},
        {"name": "full", "type": "FLOAT32", "shape": [2]},
        {"name": "m", "type": "FLOAT32", "shape": [1, 2]},
        {"name": "y", "type": "FLOAT32", "shape": [1, 2]},
    ]
    operators: list[dict[str, object]] = [
        {
            "opcode_index": 0,
            "inputs": [0, 1, 2],
            "outputs": [3],
            "builtin_options_type": "FullyConnectedOptions",
            "builtin_options": {"fused_activation_function": "RELU6"},
        },
        {
            "opcode_index": 1,
            "inputs": [3, 4, 5, 6],
            "outputs": [7],
            "builtin_options_type": "StridedSliceOptions",
            "builtin_options": {"begin_mask": 1, "end_mask": 1},
        },
        {"opcode_index": 2, "inputs": [8], "outputs": [9]},
        {"opcode_index": 3, "inputs": [7, 9], "outputs": [10]},
        {"opcode_index": 4, "inputs": [10], "outputs": [11]},
    ]
    offset = 4096
    buffers: list[dict[str, object]] = [
        {},
        {"offset": offset, "size": 12},
    ]
    for values in ([1, -2, 3], [0, 1], [0, 3], [1, 1]):
        buffers.append({"data": list(np.asarray(values, np.int32).tobytes())})
    buffers.append({"data": list(np.asarray([1, 2], np.float16).tobytes())})
    codes = ["FULLY_CONNECTED", "STRIDED_SLICE", "DEQUANTIZE", "MUL", "LOGISTIC"]
    (folder / "lite.json").write_text(
        json.dumps(
            {
                "version": 3,
                "operator_codes": [{"builtin_code": code} for code in codes],
                "subgraphs": [{"tensors": tensors, "inputs": [0], "outputs": [11], "operators": operators}],
                "buffers": buffers,
            }
        )
    )
    schema = ROOT / "lib" / "Import" / "Tflite.fbs"
    subprocess.run(["flatc", "-b", "-o", folder, schema, folder / "lite.json"], check=True)
    tables = (folder / "lite.tflite").read_bytes()
    assert len(tables) < offset
    return tables.ljust(offset, b"\0") + bytes(range(12))


def sound_files(folder: Path, scratch: Path) -> list[Path]:
    rows = np.arange(40, dtype=np.float32).reshape(10, 4)
    (folder / "model.onnx").write_bytes(model())
    (folder / "model.tflite").write_bytes(lite_model(scratch))
    np.save(folder / "rows.npy", rows)
    np.save(folder / "columns.npy", np.asfortranarray(rows.astype(np.float64)))
    np.savez(folder / "stored.npz", x=rows)
    np.savez_compressed(folder / "deflated.npz", x=rows)
    np.savetxt(folder / "rows.csv", rows, delimiter=",", header="a,b,c,d", comments="")
    return sorted(folder.iterdir())


def damage(data: bytes, chance: random.Random) -> bytes:
    """Cut, flip a bit, set a byte or a length, remove or repeat a piece."""
    out = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5])):
        at = chance.randrange(len(out)) if out else 0
        kind = chance.randrange(6)
        if kind == 0:
            del out[at:]
        elif kind == 1 and out:
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 2 and out:
            out[at] = chance.choice([0x00, 0x7F, 0x80, 0xFF])
        elif kind == 3:
            out[at : at + 4] = chance.choice([b"\xff\xff\xff\x7f", b"\x80\x80\x80\x80", b"\x00\x00\x00\x00"])
        elif kind == 4:
            del out[at : at + chance.randrange(1, 40)]
        else:
            out[at:at] = out[at : at + chance.randrange(1, 40)]
    return bytes(out)


def run(files: list[Path], folder: Path) -> list[str]:
    listing = folder / "list.txt"
    listing.write_text("\n".join(map(str, files)))
    environment = os.environ | {
        # Shared libraries are not sanitized: what they keep until the end is no leak of ours, and what our copy of an
        # allocator's code poisons theirs takes without a word.
        "ASAN_OPTIONS": "detect_leaks=0:allow_user_poisoning=0:allocator_may_return_null=0:max_allocation_size_mb=4096",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }
    done = subprocess.run(
        [PROGRAM, f"@{listing}"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=SECONDS,
        env=environment,
    )
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout[-1500:]}\n{done.stderr[-4000:]}"
    return done.stdout.splitlines()


def test_sound_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    files = sound_files(tmp_path / "files", tmp_path)
    said = run(files, tmp_path)
    assert [line.rsplit(": ", 1)[-1] for line in said] == ["ok"] * len(files), said


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_files_are_read_or_refused(tmp_path: Path, seed: int) -> None:
    (tmp_path / "sound").mkdir()
    (tmp_path / "damaged").mkdir()
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    files = []
    for sound in sound_files(tmp_path / "sound", tmp_path):
        for number in range(EACH):
            path = tmp_path / "damaged" / f"{sound.stem}-{number}{sound.suffix}"
            path.write_bytes(damage(sound.read_bytes(), chance))
            files.append(path)
    said = run(files, tmp_path)
    assert len(said) >= len(files) >= 200
    errors = sum(": error: " in line for line in said)
    assert errors > len(files) // 4, "the damage does not reach the readers"


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "objects.npz", "w") as archive:
        archive.write(tmp_path / "objects.npy", "x.npy")
    said = run([tmp_path / "objects.npy", tmp_path / "objects.npz"], tmp_path)
    assert len(said) == len([line for line in said if ": error: " in line]) == 2, said
