//===- JsonNumber.h - Numbers that JSON has no word for ---------*- C++ -*-===//
#ifndef QUANTC_TOOLS_JSONNUMBER_H
#define QUANTC_TOOLS_JSONNUMBER_H

#include "llvm/Support/JSON.h"
#include <cmath>

namespace quantc {

/// JSON has no infinity: null, as for the SQNR of equal signals.
inline llvm::json::Value finite(double value) {
  return std::isfinite(value) ? llvm::json::Value(value)
                              : llvm::json::Value(nullptr);
}

} // namespace quantc

#endif // QUANTC_TOOLS_JSONNUMBER_H
