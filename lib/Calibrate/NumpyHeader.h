//===- NumpyHeader.h - What .npy and .npz writing share ---------*- C++ -*-===//
#ifndef QUANTC_LIB_CALIBRATE_NUMPYHEADER_H
#define QUANTC_LIB_CALIBRATE_NUMPYHEADER_H

#include "quantc/Calibrate/NumpyFile.h"

namespace mlir::qnet {

/// Everything before the elements of a version 1 .npy file.
std::string makeNumpyHeader(const NumpyType &type,
                            llvm::ArrayRef<int64_t> shape);

/// A temporary file in the folder of `path`, so that renaming it is atomic.
llvm::Expected<llvm::sys::fs::TempFile> createBeside(llvm::StringRef path);

llvm::Error writeAll(const llvm::sys::fs::TempFile &file, llvm::StringRef path,
                     llvm::ArrayRef<char> bytes);

} // namespace mlir::qnet

#endif // QUANTC_LIB_CALIBRATE_NUMPYHEADER_H
