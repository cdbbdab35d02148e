"""If these fail, importing quantc drags in what it must not, or what it promises to export is not there."""

from __future__ import annotations

import subprocess
import sys

import quantc


def test_import_loads_no_framework_and_no_llvm() -> None:
    script = (
        "import sys, quantc\n"
        "heavy = set('onnx onnxruntime torch tensorflow keras sklearn skl2onnx pandas dask rich scipy'.split())\n"
        "heavy &= set(sys.modules)\n"
        "mapped = [line for line in open('/proc/self/maps') if 'LLVM' in line or 'MLIR' in line]\n"
        "assert not heavy and not mapped, (heavy, mapped)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_everything_exported_is_there() -> None:
    assert [name for name in quantc.__all__ if not hasattr(quantc, name)] == []


def test_backend_is_imported_when_used() -> None:
    script = "import quantc, sys; assert 'onnx' not in sys.modules; assert quantc.backend.supports_device('CPU')"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_unknown_attribute() -> None:
    assert not hasattr(quantc, "no_such_name")
