//===- Timing.h - How long a call takes -------------------------*- C++ -*-===//
#ifndef QUANTC_TOOLS_TIMING_H
#define QUANTC_TOOLS_TIMING_H

#include "llvm/ADT/STLFunctionalExtras.h"

namespace quantc {

/// Seconds a call.
struct CallTimes {
  double best = 0, median = 0; ///< Of samples of many calls.
  double p50 = 0, p99 = 0;     ///< Of single ones, the clock's time with it.
};

/// The best and the median of `samples` samples, each of enough calls that the
/// clock's steps don't show; no percentiles.
CallTimes timeSamples(llvm::function_ref<void()> call, int samples);

/// The same of many samples, and percentiles of calls timed one by one.
CallTimes timeCalls(llvm::function_ref<void()> call);

} // namespace quantc

#endif // QUANTC_TOOLS_TIMING_H
