//===- ReadSpeed.h - what a single row of a layer can reach -----*- C++ -*-===//
#ifndef QUANTC_BENCHMARKS_READSPEED_H
#define QUANTC_BENCHMARKS_READSPEED_H

#include <cstdint>

namespace mlir::qnet {

/// Bytes a second that a loop reads which does nothing else, `bytes` of them
/// again and again, in vectors of `width` bytes: the speed of the cache, or the
/// memory, that holds so many. Of the median pass, since a benchmark's time is
/// a mean; with a prefetch a page ahead or without, whichever is faster. 0
/// where no loop is known.
double readSpeed(int64_t bytes, int64_t width);

} // namespace mlir::qnet

#endif // QUANTC_BENCHMARKS_READSPEED_H
