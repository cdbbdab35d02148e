//===- Registration.cpp - Dialects and passes of all rooms ----------------===//
#include "quantc/Pipeline/Pipeline.h"

#include "quantc/Dialect/Qnet.h"
#ifdef QUANTC_HAS_IMPORT
#if __has_include("quantc/Import/Passes.h")
#include "quantc/Import/Passes.h"
#define QUANTC_HAS_IMPORT_PASSES
#endif
#endif
#ifdef QUANTC_HAS_REFERENCE
#if __has_include("quantc/Reference/Passes.h")
#include "quantc/Reference/Passes.h"
#define QUANTC_HAS_REFERENCE_PASSES
#endif
#endif
#ifdef QUANTC_HAS_PREPARE
#include "quantc/Prepare/Passes.h"
#endif
#ifdef QUANTC_HAS_CALIBRATE
#include "quantc/Calibrate/Passes.h"
#endif
#ifdef QUANTC_HAS_QUANTIZE
#include "quantc/Quantize/Passes.h"
#endif
#ifdef QUANTC_HAS_OPTIMIZE
#include "quantc/Optimize/Passes.h"
#endif
#ifdef QUANTC_HAS_LOWER
#include "quantc/Lower/Passes.h"
#endif
#ifdef QUANTC_HAS_KERNELS
#include "quantc/Kernels/Passes.h"
#endif

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"

using namespace mlir;

void qnet::registerAllDialects(DialectRegistry &registry) {
  // Registration costs nothing until a dialect is loaded (all of upstream:
  // below a millisecond), and pipelines of other compilers meet quantc's here.
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<QnetDialect>();
#ifdef QUANTC_HAS_LOWER
  registerBufferizationModels(registry);
#endif
}

void qnet::registerAllPasses() {
#ifdef QUANTC_HAS_REFERENCE_PASSES
  registerReferencePasses();
#endif
#ifdef QUANTC_HAS_IMPORT_PASSES
  registerImportPasses();
#endif
#ifdef QUANTC_HAS_PREPARE
  registerPreparePasses();
#endif
#ifdef QUANTC_HAS_CALIBRATE
  registerCalibratePasses();
#endif
#ifdef QUANTC_HAS_QUANTIZE
  registerQuantizePasses();
#endif
#ifdef QUANTC_HAS_OPTIMIZE
  registerOptimizePasses();
#endif
#ifdef QUANTC_HAS_LOWER
  registerLowerPasses();
#endif
#ifdef QUANTC_HAS_KERNELS
  registerKernelsPasses();
#endif
}
