//===- DataError.h - One line that says what is wrong with the data -------===//
#ifndef QUANTC_LIB_CALIBRATE_DATAERROR_H
#define QUANTC_LIB_CALIBRATE_DATAERROR_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

namespace mlir::qnet {

/// "<source>: <what is wrong>; <what to do>".
inline llvm::Error dataError(const llvm::Twine &source,
                             const llvm::Twine &problem) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 source + ": " + problem);
}

} // namespace mlir::qnet

#endif // QUANTC_LIB_CALIBRATE_DATAERROR_H
