"""Prints a module with one i8 weight matrix of the given shape as a resource, as MLIR prints it."""

import random
import sys

rows, columns = int(sys.argv[1]), int(sys.argv[2])
blob = (64).to_bytes(4, "little") + random.Random(1).randbytes(rows * columns)  # noqa: S311 - test data
sys.stdout.write(f"""module {{
  func.func @main() -> tensor<{rows}x{columns}xi8> {{
    %0 = qnet.constant dense_resource<weights> : tensor<{rows}x{columns}xi8>
    return %0 : tensor<{rows}x{columns}xi8>
  }}
}}

{{-#
  dialect_resources: {{
    builtin: {{
      weights: "0x{blob.hex().upper()}"
    }}
  }}
#-}}

""")
