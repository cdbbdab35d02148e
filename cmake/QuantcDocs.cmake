# `quantc-docs` writes the pages that come from TableGen (docs/dialect.md and
# docs/passes/) into the source tree, where they are committed.
include_guard()
find_package(Python3 COMPONENTS Interpreter REQUIRED)
add_custom_target(quantc-docs
  COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tools/make-reference-docs.py"
          --tablegen "${LLVM_TOOLS_BINARY_DIR}/mlir-tblgen"
          --include "${LLVM_INCLUDE_DIR}"
  COMMENT "Dialect and pass pages from TableGen"
  VERBATIM)
