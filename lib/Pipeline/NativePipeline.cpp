//===- NativePipeline.cpp - the passes of Lower and Kernels in order
//-------===//

#include "NativePipeline.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"
#include "quantc/Kernels/Passes.h"
#include "quantc/Lower/Passes.h"

using namespace mlir;
using namespace mlir::qnet;

void mlir::qnet::buildLinalgPipeline(OpPassManager &passes) {
  passes.addPass(createConvertQnetToLinalg());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
}

void mlir::qnet::buildLowerPipeline(OpPassManager &passes,
                                    const NativePipelineOptions &options) {
  passes.addPass(createSplitEntry());
  if (options.oneRow)
    passes.addPass(createSpecializeOneRow());
  // Dense layers to kernels, everything else to linalg.
  passes.addPass(
      createSelectKernels({options.isa, options.kernel, options.lists}));
  passes.addPass(createVerifyLists());
  passes.addPass(createVerifyNarrowSums());
  passes.addPass(createCanonicalizerPass());
  buildLinalgPipeline(passes);
  passes.addPass(createLinalgElementwiseOpFusionPass());
  passes.addPass(createCanonicalizerPass());

  // Buffers of the caller and places in the workspace.
  passes.addPass(createFormEntry());
  passes.addPass(createBufferizeRows());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  passes.addPass(createAssignWorkspace());
  passes.addPass(createEmitEntry(
      {options.name, options.pointerBits, options.packedEntry}));
  // The packed entry is for this process alone, which has one thread for it.
  if (!options.packedEntry)
    passes.addPass(
        createEmitParallelEntry({options.name, options.pointerBits}));

  // Loops.
  passes.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  passes.addPass(createExpandPairRows());
  passes.addPass(createExpandPackedDense());
  passes.addPass(createLowerDot({options.isa}));
  passes.addPass(memref::createFoldMemRefAliasOpsPass());
  passes.addPass(memref::createExpandStridedMetadataPass());
  passes.addPass(createLowerAffinePass());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());

  // The LLVM dialect.
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addNestedPass<func::FuncOp>(createConvertMathToLLVMPass());
  unsigned bits = options.pointerBits;
  FinalizeMemRefToLLVMConversionPassOptions memrefs;
  memrefs.indexBitwidth = bits;
  passes.addPass(createFinalizeMemRefToLLVMConversionPass(memrefs));
  ArithToLLVMConversionPassOptions arith;
  arith.indexBitwidth = bits;
  passes.addPass(createArithToLLVMConversionPass(arith));
  ConvertControlFlowToLLVMPassOptions control;
  control.indexBitwidth = bits;
  passes.addPass(createConvertControlFlowToLLVMPass(control));
  ConvertFuncToLLVMPassOptions functions;
  functions.indexBitwidth = bits;
  passes.addPass(createConvertFuncToLLVMPass(functions));
  passes.addPass(createReconcileUnrealizedCastsPass());
}
