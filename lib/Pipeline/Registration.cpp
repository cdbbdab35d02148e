//===- Registration.cpp - Dialects and passes of all rooms ----------------===//
#include "quantc/Pipeline/Pipeline.h"

#include "quantc/Calibrate/Passes.h"
#include "quantc/Dialect/Qnet.h"
#include "quantc/Import/Passes.h"
#include "quantc/Kernels/Passes.h"
#include "quantc/Lower/Passes.h"
#include "quantc/Optimize/Passes.h"
#include "quantc/Prepare/Passes.h"
#include "quantc/Quantize/Passes.h"
#include "quantc/Reference/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"

using namespace mlir;

void qnet::registerAllDialects(DialectRegistry &registry) {
  // Registration costs nothing until a dialect is loaded (all of upstream:
  // below a millisecond), and pipelines of other compilers meet quantc's here.
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<QnetDialect>();
  registerBufferizationModels(registry);
}

void qnet::registerAllPasses() {
  registerReferencePasses();
  registerImportPasses();
  registerPreparePasses();
  registerCalibratePasses();
  registerQuantizePasses();
  registerOptimizePasses();
  registerLowerPasses();
  registerKernelsPasses();
}
