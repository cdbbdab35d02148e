//===- Problem.h - What a user is told went wrong ---------------*- C++ -*-===//
#ifndef QUANTC_TOOLS_PROBLEM_H
#define QUANTC_TOOLS_PROBLEM_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

namespace quantc {

inline llvm::Error problem(const llvm::Twine &text) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), text);
}

} // namespace quantc

#endif // QUANTC_TOOLS_PROBLEM_H
