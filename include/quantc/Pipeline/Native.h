//===- Native.h - integer (or float) graph to native code --------*- C++
//-*-===//
//
// The stages Lower, Kernels and Codegen in their order. (Codegen.h has the
// target and the machine part.)
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_PIPELINE_NATIVE_H
#define QUANTC_PIPELINE_NATIVE_H

#include "quantc/Calibrate/Calibrate.h"
#include "quantc/Codegen/Codegen.h"
#include "quantc/Dialect/Qnet.h"

namespace mlir::qnet {

/// One input or output tensor of a compiled program.
struct TensorInterface {
  std::string name;           ///< In the source model.
  SmallVector<int64_t> shape; ///< Without the batch dimension.
  int64_t valuesPerRow = 1;   ///< Values a row.
  std::string type = "f32";   ///< Of an output also "i32" or "i64".
  /// How NAME_run_i8 stores it, over u8; its bytes are those less 128.
  quant::UniformQuantizedType stored;
  /// What qnet.classes, qnet.columns and qnet.categories say; mostly empty.
  std::vector<std::string> classes, columns;
  std::vector<std::vector<std::string>> categories;
};

/// What the C header and the manifest say of a compiled program.
struct ProgramInterface {
  std::string name;
  SmallVector<TensorInterface> inputs, outputs;
  int64_t blockRows = 0;       ///< Rows the program works on at a time.
  uint64_t workspaceBytes = 0; ///< Whatever the batch.
  bool hasEightBitEntry = false;
  /// Ops whose clipped values NAME_clipped counts, by their nodes' names.
  std::vector<std::string> clipped;
};

/// Reads inputs and outputs of @main: f32 tensors with a dynamic leading
/// dimension. Anything else is an error naming the tensor.
LogicalResult describeInterface(ModuleOp module, StringRef name,
                                ProgramInterface &interface);

/// Lowers a prepared, calibrated-free float graph or an optimized integer graph
/// to the LLVM dialect for one CPU, in place. On return `interface` is
/// complete. `packedEntry` adds NAME_run_packed, which takes an array of
/// tensors; `kernel` names the row for every integer layer, in place of the
/// fastest, and `lists` its form there.
LogicalResult lowerToNative(ModuleOp module, StringRef name,
                            const Target &target, const CpuVariant &variant,
                            ProgramInterface &interface,
                            bool packedEntry = false, StringRef kernel = {},
                            bool lists = false, bool oneRow = true);

/// All of it: clones `module` for every variant of the target, lowers and
/// emits. Several kinds may be asked for at once; the work is done once.
LogicalResult compileNative(ModuleOp module, StringRef name,
                            const Target &target,
                            ArrayRef<NativeOutput> outputs,
                            ProgramInterface &interface);

/// Values a row of each f32 result: what a runner gives.
SmallVector<int64_t> realWidths(const ProgramInterface &interface);

/// A runner of a float (or integer) graph as native code in this process:
/// the RunnerFactory that Calibrate asks for. Results that are integers
/// (labels) are left out.
FailureOr<std::unique_ptr<FloatRunner>> makeNativeRunner(ModuleOp module);

/// The same, compiled in a third of the time to code of the same results that
/// may be slower: for graphs that run on some hundred rows once.
FailureOr<std::unique_ptr<FloatRunner>> makeQuickRunner(ModuleOp module);

/// Orders the hidden channels of an integer graph for the CPUs of a target, as
/// its code has them; results are the same.
LogicalResult orderChannels(ModuleOp module, const Target &target);

/// What the manifest says of how a layer runs on a CPU.
struct KernelUse {
  std::string kernel; ///< Its row of the table.
  /// Of a row that adds in 16 bits: groups (of one vector of lanes) that are
  /// visited a second time because they would overflow, of all.
  bool hasNarrowSums = false;
  double visitedShare = 0;
  /// Weights that are 0, of all; and groups that the kernel multiplies, of all:
  /// less than 1 where its panels list them.
  double zeroShare = 0;
  double listedShare = 1;
  /// Its time over that of the float layer that it replaces, by the cost model.
  double timeOverFloat = 0;
  /// Its time for a row by the cost model.
  double cycles = 0;
};
KernelUse kernelUse(QDenseOp op, const CpuVariant &variant);

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_NATIVE_H
