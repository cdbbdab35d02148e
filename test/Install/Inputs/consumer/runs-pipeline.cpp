// Another compiler: registers quantc's dialect, passes and pipelines, and runs
// one on a module of its own.
#include "quantc/Pipeline/Pipeline.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/raw_ostream.h"

static const char *kModule = R"(
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<1.0> : tensor<4x2xf32>
  %y = qnet.matmul %x, %w : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
)";

int main() {
  mlir::DialectRegistry registry;
  mlir::qnet::registerAllDialects(registry);
  mlir::qnet::registerAllPasses();
  mlir::qnet::registerAllPipelines();
  mlir::MLIRContext context(registry);

  auto module = mlir::parseSourceString<mlir::ModuleOp>(kModule, &context);
  mlir::PassManager passes(&context);
  if (!module || failed(mlir::parsePassPipeline("qnet-prepare", passes)) ||
      failed(passes.run(*module)))
    return 1;
  module->print(llvm::outs());
  return 0;
}
