"""lit's view of quantc: what a test is, and which tools its RUN lines may name.

Substitutions beside lit's own (%s, %t, %S, ...):
  %python       the Python of the project's .venv (QUANTC_TEST_PYTHON overrides it)
  %source       the root of the source tree
  %build        the root of the build tree
  %llvm-include LLVM's and MLIR's headers and TableGen files
  %llvm-lib     LLVM's and MLIR's libraries

Parameters (lit --param NAME=VALUE):
  quantc_tools  a folder of tools to test in place of the build's own
"""

# ruff: noqa: F821 - lit defines config and lit_config before it runs this file

import os
import shlex
import shutil
from pathlib import Path

import lit.formats

config.name = "quantc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".td", ".onnxtxt"]
# Folders of inputs, of other suites, and of what pytest leaves.
config.excludes = ["Inputs", "python", "__pycache__", "CMakeLists.txt", "lit.cfg.py", "lit.site.cfg.py.in"]
source_dir = Path(config.quantc_source_dir)
config.test_source_root = str(source_dir / "test")
config.test_exec_root = str(Path(config.quantc_build_dir) / "test")

tools_dir = lit_config.params.get("quantc_tools", config.quantc_tools_dir)
config.environment["PATH"] = os.path.pathsep.join(
    [tools_dir, config.llvm_tools_dir, config.environment.get("PATH", "")]
)
# The same messages everywhere, and no report left in the folder of a test that crashes.
config.environment["LC_ALL"] = "C"
config.environment["FILECHECK_OPTS"] = "--enable-var-scope --allow-unused-prefixes=false"

# The interpreter is taken when the tests run: .venv may be made after CMake ran.
venv = source_dir / ".venv" / "bin" / "python"
python = os.environ.get("QUANTC_TEST_PYTHON") or (str(venv) if venv.exists() else config.python)

config.substitutions.append(("%python", shlex.quote(python)))
config.substitutions.append(("%source", config.quantc_source_dir))
config.substitutions.append(("%build", config.quantc_build_dir))
config.substitutions.append(("%llvm-include", config.llvm_include_dir))
config.substitutions.append(("%llvm-lib", str(Path(config.llvm_tools_dir).parent / "lib")))

# A test names what it needs with `REQUIRES:`; what is not there is reported as
# unsupported, never passed.
for tool in ("quant-opt", "quant-translate", "quantc", "mlir-runner", "qemu-aarch64", "qemu-riscv64", "qemu-arm"):
    if shutil.which(tool, path=config.environment["PATH"]):
        config.available_features.add(tool)
cpu = Path("/proc/cpuinfo")
flags = cpu.read_text().split() if cpu.exists() else []
config.available_features.update(flag for flag in ("avx2", "sse4_1") if flag in flags)
