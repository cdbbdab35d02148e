//===- Arrays.h - The arrays a user gives and gets --------------*- C++ -*-===//
#ifndef QUANTC_TOOLS_ARRAYS_H
#define QUANTC_TOOLS_ARRAYS_H

#include "quantc/Calibrate/NumpyFile.h"
#include "quantc/Calibrate/RowSource.h"
#include "quantc/Reference/Tensor.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace quantc {

/// An array in memory, row-major.
struct HostArray {
  std::string name;
  mlir::qnet::NumpyType type;
  llvm::SmallVector<int64_t> shape;
  std::vector<char> bytes;
};

/// The arrays for the named inputs, in their order: one .npy file each, or one
/// .npz keyed by name (a single array serves a single input whatever its name).
llvm::Expected<std::vector<mlir::qnet::NumpyArray>>
openInputs(llvm::ArrayRef<std::string> paths,
           llvm::ArrayRef<std::string> inputNames);

/// Rows of files as calibration reads them (RowSource), for what wants arrays:
/// evenly spaced ones where there are more than `most`. `allRows` is how many
/// there are.
llvm::Expected<std::vector<mlir::qnet::NumpyArray>>
openRows(llvm::ArrayRef<std::string> paths,
         llvm::ArrayRef<mlir::qnet::RowShape> inputs, int64_t most,
         int64_t &allRows);

/// Writes one .npy file an output, or all into one .npz.
llvm::Error writeOutputs(llvm::ArrayRef<std::string> paths,
                         llvm::ArrayRef<HostArray> outputs);

/// Whether `writeOutputs` can do what is asked: known before the work is.
llvm::Error checkOutputs(llvm::ArrayRef<std::string> paths,
                         llvm::ArrayRef<std::string> outputNames);

/// Rows [first, first + count) as a tensor of `elementType`; any numeric array
/// serves for f32 and bf16, another type needs its own.
llvm::Expected<mlir::qnet::Tensor>
readTensor(const mlir::qnet::NumpyArray &array, mlir::Type elementType,
           int64_t first, int64_t count);

/// A result of the interpreter, dequantized; bf16 becomes f32.
HostArray toHostArray(const mlir::qnet::Tensor &tensor, std::string name);

} // namespace quantc

#endif // QUANTC_TOOLS_ARRAYS_H
