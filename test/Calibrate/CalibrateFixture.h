//===- CalibrateFixture.h - calibration of graphs in text -------*- C++ -*-===//
#ifndef QUANTC_TEST_CALIBRATE_CALIBRATEFIXTURE_H
#define QUANTC_TEST_CALIBRATE_CALIBRATEFIXTURE_H

#include "quantc/Calibrate/Calibrate.h"

#include "quantc/Dialect/Qnet.h"
#include "quantc/Reference/Interpreter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include "gtest/gtest.h"

namespace mlir::qnet {

/// The float graph by the reference interpreter.
class ReferenceRunner : public FloatRunner {
public:
  explicit ReferenceRunner(ModuleOp module)
      : main(module.lookupSymbol<func::FuncOp>("main")) {}

  LogicalResult run(ArrayRef<const float *> inputs, int64_t rows,
                    ArrayRef<float *> outputs) override {
    SmallVector<Tensor> tensors;
    for (auto [type, values] :
         llvm::zip_equal(main.getArgumentTypes(), inputs)) {
      auto tensorType = cast<RankedTensorType>(type);
      SmallVector<int64_t> shape(tensorType.getShape());
      shape[0] = rows;
      Tensor &tensor = tensors.emplace_back(tensorType.getElementType(), shape);
      std::copy_n(values, tensor.size(), tensor.reals.begin());
    }
    FailureOr<SmallVector<Tensor>> results = Interpreter().run(main, tensors);
    if (failed(results))
      return failure();
    for (auto [tensor, values] : llvm::zip_equal(*results, outputs))
      llvm::copy(tensor.reals, values);
    return success();
  }

private:
  func::FuncOp main;
};

inline FailureOr<std::unique_ptr<FloatRunner>>
makeReferenceRunner(ModuleOp module) {
  return std::unique_ptr<FloatRunner>(new ReferenceRunner(module));
}

/// Rows in memory.
class VectorRows : public RowSource {
public:
  VectorRows(std::vector<float> values, int64_t width)
      : values(std::move(values)), width(width) {
    rowCount = this->values.size() / width;
  }
  llvm::Expected<int64_t> next(int64_t count, ArrayRef<float *> into) override {
    count = std::min(count, rowCount - position);
    std::copy_n(values.begin() + position * width, count * width, into[0]);
    position += count;
    return count;
  }

private:
  std::vector<float> values;
  int64_t width, position = 0;
};

class CalibrateTest : public ::testing::Test {
protected:
  CalibrateTest() {
    context.loadDialect<QnetDialect, func::FuncDialect>();
    handler = std::make_unique<ScopedDiagnosticHandler>(
        &context, [this](Diagnostic &diagnostic) {
          message += diagnostic.str();
          return success();
        });
  }

  OwningOpRef<ModuleOp> parse(StringRef text) {
    return parseSourceString<ModuleOp>(text, &context);
  }

  static std::string print(ModuleOp module) {
    std::string text;
    llvm::raw_string_ostream os(text);
    module.print(os);
    return text;
  }

  MLIRContext context;
  std::string message;
  std::unique_ptr<ScopedDiagnosticHandler> handler;
};

} // namespace mlir::qnet

#endif // QUANTC_TEST_CALIBRATE_CALIBRATEFIXTURE_H
