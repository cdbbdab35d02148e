"""If these fail, what the project has agreed not to have can be committed unseen."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


check_tree = load("check-tree")


def refused(root: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [str(refusal) for refusal in check_tree.refusals(root)]


def test_this_tree() -> None:
    start = time.monotonic()
    found = [str(refusal) for refusal in check_tree.refusals(ROOT)]
    assert found == []
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    ("file", "include", "message"),
    [
        ("lib/Quantize/A.cpp", "quantc/Import/B.h", "Quantize includes Import's B.h; Quantize may include Dialect"),
        ("lib/Numerics/A.cpp", "quantc/Dialect/B.h", "Numerics includes Dialect's B.h; Numerics may include no other"),
        ("lib/Dialect/A.cpp", "quantc/Reference/B.h", "Dialect includes Reference's B.h"),
        ("include/quantc/Emit/A.h", "quantc/Pipeline/B.h", "Emit includes Pipeline's B.h"),
        ("lib/Quantize/A.cpp", "../Import/B.h", '"../Import/B.h" leaves the room'),
    ],
)
def test_layering(tmp_path: Path, file: str, include: str, message: str) -> None:
    (found,) = refused(tmp_path, {file: f'\n#include "{include}"\n'})
    assert found.startswith(f"{file}:2: {message}")


def test_layering_of_tablegen(tmp_path: Path) -> None:
    (found,) = refused(tmp_path, {"include/quantc/Dialect/A.td": 'include "quantc/Lower/B.td"\n'})
    assert found.startswith("include/quantc/Dialect/A.td:1: Dialect includes Lower's B.td")


def test_allowed_includes(tmp_path: Path) -> None:
    headers = ('"quantc/Numerics/A.h"', '"quantc/Dialect/B.h"', '"quantc/Reference/C.h"', "<map>")
    text = "".join(f"#include {header}\n" for header in headers)
    files = {
        "lib/Emit/A.cpp": text + '#include "quantc/Emit/D.h"\n#include "Private.h"\n',
        "lib/Pipeline/A.cpp": text + '#include "quantc/Emit/D.h"\n',
        "tools/quantc/quantc.cpp": '#include "quantc/Emit/D.h"\n',
    }
    assert refused(tmp_path, files) == []


PASSES = 'def FoldTwo : Pass<"fold-two", "::mlir::ModuleOp"> {\n}\n'


def test_pass_with_all_it_needs(tmp_path: Path) -> None:
    files = {
        "include/quantc/Prepare/Passes.td": PASSES,
        "lib/Prepare/FoldTwo.cpp": '#define DEBUG_TYPE "fold-two"\n',
        "test/Prepare/fold-two.mlir": "// RUN: quant-opt --fold-two %s | FileCheck %s\n// CHECK: a\n",
    }
    assert refused(tmp_path, files) == []


def test_pass_alone(tmp_path: Path) -> None:
    files = {"include/quantc/Prepare/Passes.td": "\n" + PASSES, "lib/Lower/FoldTwo.cpp": "", "lib/Prepare/Fold.cpp": ""}
    record = "include/quantc/Prepare/Passes.td:2: the pass 'fold-two'"
    assert refused(tmp_path, files) == [
        f"{record} has no .cpp of its name; write lib/Prepare/FoldTwo.cpp",
        f"{record} has no lit file of its name; write test/Prepare/fold-two.mlir",
    ]


def test_pass_with_another_debug_type(tmp_path: Path) -> None:
    files = {
        "include/quantc/Prepare/Passes.td": PASSES,
        "lib/Prepare/FoldTwo.cpp": '\n#define DEBUG_TYPE "fold-one"\n',
        "test/Prepare/fold-two.mlir": "// RUN: quant-opt %s\n",
    }
    (found,) = refused(tmp_path, files)
    assert found == "lib/Prepare/FoldTwo.cpp:2: DEBUG_TYPE is 'fold-one' in the pass 'fold-two'; make it \"fold-two\""


@pytest.mark.parametrize(
    "run",
    [
        "// RUN: quant-opt %s | FileCheck %s --check-prefix=OTHER",
        "// RUN: quant-opt %s",
        "",
        "// RUN: quant-opt %s --verify-diagnostics",
    ],
)
def test_dead_check_lines(tmp_path: Path, run: str) -> None:
    found = refused(tmp_path, {"test/Lower/a.mlir": f"{run}\n// CHECK-LABEL: func\n// NOTE: fine\n"})
    assert len(found) == 1
    assert found[0].startswith("test/Lower/a.mlir:2: dead line: no RUN line uses the prefix CHECK;")


def test_misspelt_directive_is_dead(tmp_path: Path) -> None:
    text = "// RUN: quant-opt %s | FileCheck %s\n// CHECK: a\n// CHECK-NXT: b\n"
    (found,) = refused(tmp_path, {"test/Lower/a.mlir": text})
    assert found.startswith("test/Lower/a.mlir:3: dead line: no RUN line uses the prefix CHECK-NXT")


def test_living_check_lines(tmp_path: Path) -> None:
    text = """
// RUN: quant-opt %s --a | FileCheck %s
// RUN: quant-opt %s --b \\
// RUN:   | FileCheck %s --check-prefixes=ONE,TWO-X
// RUN: not quant-opt %s 2>&1 | FileCheck %s -check-prefix=ERROR
// REQUIRES: x86
// CHECK: a
// CHECK-COUNT-2: b
// CHECK-DAG: c
// ONE-NEXT: d
// TWO-X-SAME: e
// ERROR{LITERAL}: [[
// TODO: nothing to do with it
"""
    assert refused(tmp_path, {"test/Lower/a.mlir": text}) == []


def test_prefixed_run_leaves_plain_checks_dead(tmp_path: Path) -> None:
    text = "// RUN: a | FileCheck %s --check-prefix=A\n// RUN: b | FileCheck --check-prefix=B %s\n// CHECK: x\n"
    (found,) = refused(tmp_path, {"test/Lower/a.mlir": text})
    assert "a.mlir:3: dead line" in found


@pytest.mark.parametrize(("lines", "count"), [(800, 0), (801, 1)])
def test_long_file(tmp_path: Path, lines: int, count: int) -> None:
    found = refused(tmp_path, {"lib/Lower/A.cpp": "x\n" * lines})
    assert len(found) == count
    assert not found or found[0].startswith("lib/Lower/A.cpp:801: 801 lines in one file; split it")


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("(missing.md)", "the link to missing.md leads to no file of the project"),
        ("(../../outside.md)", "leads to no file of the project"),
        ("(other.md#nothing)", "docs/other.md has no heading #nothing"),
        ("(#nothing)", "docs/page.md has no heading #nothing"),
        ("(../lib/none.cpp)", "leads to no file"),
    ],
)
def test_dead_links(tmp_path: Path, link: str, message: str) -> None:
    (found,) = refused(tmp_path, {"docs/page.md": f"# A\nsee [it]{link}\n", "docs/other.md": "# B\n"})
    assert found.startswith("docs/page.md:2: ") and message in found


def test_living_links(tmp_path: Path) -> None:
    page = """# A page: `code` & more
[a](other.md) [b](other.md#one-heading) [c](#a-page-code--more) [d](https://example.org/x)
[e](../lib) [f](../run "title")
`[g](nowhere.md)`
```
[h](nowhere.md)
# not a heading
```
[i](other.md#twice-1)
"""
    files = {
        "docs/page.md": page,
        "docs/other.md": "## One heading\n# Twice\n# Twice\n",
        "lib/Lower/A.cpp": "",
        "run": "",
    }
    assert refused(tmp_path, files) == []


@pytest.mark.parametrize(
    "name", ["lib/Lower/LowerUtils.cpp", "tools/helper.py", "lib/Emit/misc.h", "docs/common-parts.md"]
)
def test_names_that_say_nothing(tmp_path: Path, name: str) -> None:
    (found,) = refused(tmp_path, {name: ""})
    assert found.startswith(f"{name}:1: ") and "in a file's name says nothing" in found


def test_names_that_only_contain_such_a_word(tmp_path: Path) -> None:
    assert refused(tmp_path, {"lib/Lower/Utility.cpp": "", "docs/uncommon.md": ""}) == []


OPS = """
class Qnet_PairOp<string mnemonic> : Qnet_Op<mnemonic> {
  let description = [{
    - C1: shapes agree.
  }];
}
def Qnet_AddOp : Qnet_PairOp<"add">;
def Qnet_SubOp : Qnet_PairOp<"sub">;
def Qnet_DenseOp : Qnet_Op<"dense"> {
  let description = [{
    - C1: weights have rank 2.
    - C2: bias fits.
  }];
}
"""
VERIFIERS = """
static LogicalResult checkBias(DenseAdaptor op,
                               StringRef label) {
  return emit() << "bias" << label;
}

template <typename Op> static LogicalResult verifyPair(Op op) {
  return op.emitOpError("shapes [C1]");
}

LogicalResult AddOp::verify() { return verifyPair(*this); }
LogicalResult SubOp::verify() { return verifyPair(*this); }

LogicalResult DenseOp::verify() {
  if (rank != 2)
    return emitOpError("C1: the weights have another rank");
  return checkBias(*this, "C2");
}
"""
INVALID = """// RUN: quant-opt %s --verify-diagnostics --split-input-file
// expected-error @+1 {{shapes [C1]}}
qnet.sub
// -----
// expected-error @+1 {{C1: the weights have another rank}}
qnet.dense
// -----
// expected-error @+1 {{bias C2:}}
qnet.dense
"""


def labels(root: Path, ops: str = OPS, verifiers: str = VERIFIERS, invalid: str = INVALID) -> list[str]:
    files = {
        "include/quantc/Dialect/Ops.td": ops,
        "lib/Dialect/Ops.cpp": verifiers,
        "test/Dialect/invalid.mlir": invalid,
    }
    return refused(root, files)


def test_labels_in_all_three_places(tmp_path: Path) -> None:
    assert labels(tmp_path) == []


def test_label_without_verifier(tmp_path: Path) -> None:
    (found,) = labels(tmp_path, verifiers=VERIFIERS.replace('"C2"', '""'))
    assert found.startswith("include/quantc/Dialect/Ops.td:12: rule C2 of qnet.dense is not in its verifier")


def test_shared_label_without_verifier_in_one_op(tmp_path: Path) -> None:
    (found,) = labels(
        tmp_path, verifiers=VERIFIERS.replace("SubOp::verify() { return verifyPair(*this);", "SubOp::verify() {")
    )
    assert found.startswith("include/quantc/Dialect/Ops.td:4: rule C1 of qnet.sub is not in its verifier")


def test_label_without_test(tmp_path: Path) -> None:
    (found,) = labels(tmp_path, invalid=INVALID.replace("bias C2:", "bias"))
    assert found.startswith("include/quantc/Dialect/Ops.td:12: rule C2 of qnet.dense has no negative test")


def test_label_tested_on_another_op_only(tmp_path: Path) -> None:
    (found,) = labels(tmp_path, invalid=INVALID.replace("qnet.sub", "qnet.other"))
    assert found.startswith("include/quantc/Dialect/Ops.td:4: rule C1 of qnet.add, qnet.sub has no negative test")


def test_label_without_description(tmp_path: Path) -> None:
    found = labels(tmp_path, ops=OPS.replace("    - C2: bias fits.\n", ""), verifiers=VERIFIERS)
    assert found == [
        "include/quantc/Dialect/Ops.td:9: the verifier of qnet.dense has a rule C2 that its description lacks; "
        "describe it in the op's record: `- C2: ...`"
    ]


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.md").write_text("# fine\n")
    assert check_tree.main([str(tmp_path)]) == 0
    (tmp_path / "bad.md").write_text("[x](nowhere)\n")
    assert check_tree.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 to put right"
    assert check_tree.main(["a", "b"]) == 2
