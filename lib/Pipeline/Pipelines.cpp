//===- Pipelines.cpp - The named pipelines of quant-opt -------------------===//
#include "quantc/Pipeline/Pipeline.h"

#include "NativePipeline.h"

#include "quantc/Optimize/Optimize.h"
#include "quantc/Prepare/Prepare.h"
#include "quantc/Quantize/Quantize.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

void qnet::registerAllPipelines() {
  PassPipelineRegistration<PrepareOptions>(
      "qnet-prepare", "The stage Prepare: float graph to better float graph",
      buildPreparePipeline);
  PassPipelineRegistration<QuantizeOptions>(
      "qnet-quantize", "The stage Quantize: calibrated graph to integer graph",
      buildQuantizePipeline);
  PassPipelineRegistration<OptimizeOptions>(
      "qnet-optimize", "The stage Optimize: fewer ops, the same bits",
      buildOptimizePipeline);
  PassPipelineRegistration<NativePipelineOptions>(
      "qnet-lower", "The stage Lower: a graph to the LLVM dialect for one CPU",
      buildLowerPipeline);
  PassPipelineRegistration<>(
      "qnet-to-linalg",
      "An integer graph as linalg, arith and tensor ops, for other compilers",
      buildLinalgPipeline);
  PassPipelineRegistration<NativePipelineOptions>(
      "qnet-to-native",
      "The stages from Quantize to Lower: a calibrated graph to the LLVM "
      "dialect for one CPU",
      [](OpPassManager &passes, const NativePipelineOptions &options) {
        buildQuantizePipeline(passes, QuantizeOptions());
        buildOptimizePipeline(passes, OptimizeOptions());
        buildLowerPipeline(passes, options);
      });
}
