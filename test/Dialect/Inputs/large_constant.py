"""Prints a module with one f32 weight matrix of the given shape as a resource, as MLIR prints it."""

import random
import sys

rows, columns = int(sys.argv[1]), int(sys.argv[2])
blob = (64).to_bytes(4, "little") + random.Random(1).randbytes(4 * rows * columns)
sys.stdout.write(f"""module {{
  func.func @main() -> tensor<{rows}x{columns}xf32> {{
    %0 = qnet.constant dense_resource<weights> : tensor<{rows}x{columns}xf32>
    return %0 : tensor<{rows}x{columns}xf32>
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
