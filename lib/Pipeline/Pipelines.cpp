//===- Pipelines.cpp - The named pipelines of quant-opt -------------------===//
#include "quantc/Pipeline/Pipeline.h"

#if defined(QUANTC_HAS_LOWER) && defined(QUANTC_HAS_KERNELS)
#include "NativePipeline.h"
#endif
#ifdef QUANTC_HAS_PREPARE
#include "quantc/Prepare/Prepare.h"
#endif
#ifdef QUANTC_HAS_QUANTIZE
#include "quantc/Quantize/Quantize.h"
#endif
#ifdef QUANTC_HAS_OPTIMIZE
#include "quantc/Optimize/Optimize.h"
#endif

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

void qnet::registerAllPipelines() {
#ifdef QUANTC_HAS_PREPARE
  PassPipelineRegistration<PrepareOptions>(
      "qnet-prepare", "The stage Prepare: float graph to better float graph",
      buildPreparePipeline);
#endif
#ifdef QUANTC_HAS_QUANTIZE
  PassPipelineRegistration<QuantizeOptions>(
      "qnet-quantize", "The stage Quantize: calibrated graph to integer graph",
      buildQuantizePipeline);
#endif
#ifdef QUANTC_HAS_OPTIMIZE
  PassPipelineRegistration<OptimizeOptions>(
      "qnet-optimize", "The stage Optimize: fewer ops, the same bits",
      buildOptimizePipeline);
#endif
#if defined(QUANTC_HAS_LOWER) && defined(QUANTC_HAS_KERNELS)
  PassPipelineRegistration<NativePipelineOptions>(
      "qnet-lower", "The stage Lower: a graph to the LLVM dialect for one CPU",
      buildLowerPipeline);
  PassPipelineRegistration<>(
      "qnet-to-linalg",
      "A graph as linalg, arith and tensor ops only, for other compilers",
      buildLinalgPipeline);
#endif
#if defined(QUANTC_HAS_LOWER) && defined(QUANTC_HAS_QUANTIZE) &&               \
    defined(QUANTC_HAS_OPTIMIZE)
  PassPipelineRegistration<NativePipelineOptions>(
      "qnet-to-native",
      "The stages from Quantize to Lower: a calibrated graph to the LLVM "
      "dialect for one CPU",
      [](OpPassManager &passes, const NativePipelineOptions &options) {
        buildQuantizePipeline(passes, QuantizeOptions());
        buildOptimizePipeline(passes, OptimizeOptions());
        buildLowerPipeline(passes, options);
      });
#endif
}
