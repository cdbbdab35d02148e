//===- OpHarness.h - One op on given values against expected ones -*- C++
//-*-===//
//
// A test row is an op's name, its attributes, its operands and what it must
// give, all as MLIR text: checkOp("qnet.add", "", {"dense<1.0> :
// tensor<2xf32>", ...},
// {...}).
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_TEST_REFERENCE_OPHARNESS_H
#define QUANTC_TEST_REFERENCE_OPHARNESS_H

#include "quantc/Reference/Interpreter.h"

#include "gtest/gtest.h"

#include <string>
#include <vector>

namespace mlir::qnet::test {

/// A tensor constant; with `type` (such as "tensor<2x!quant.uniform<...>>") its
/// integers are stored values of that type.
struct Literal {
  std::string constant;
  std::string type;
  Literal(const char *constant, const char *type = "")
      : constant(constant), type(type) {}
};

/// Bit for bit, NaN being equal to NaN. A failure names the caller's line.
void checkOp(const char *op, const char *attributes,
             const std::vector<Literal> &operands,
             const std::vector<Literal> &expected, int line = __builtin_LINE());

/// A context with the dialects; diagnostics are collected in `messages`.
class Session {
public:
  Session();
  MLIRContext &context() { return ctx; }
  Tensor parse(const Literal &value);
  Tensor parse(const char *constant) { return parse(Literal(constant)); }
  Type parseType(StringRef text);
  /// The first function of the module; the text must parse and verify.
  func::FuncOp parseFunction(StringRef text);
  std::string messages;

private:
  MLIRContext ctx;
  ScopedDiagnosticHandler handler;
  std::vector<OwningOpRef<ModuleOp>> modules;
};

std::string toString(const Tensor &tensor);

} // namespace mlir::qnet::test

#endif // QUANTC_TEST_REFERENCE_OPHARNESS_H
