//===- Timing.cpp - How long a call takes ---------------------------------===//
#include "Timing.h"

#include "llvm/ADT/STLExtras.h"
#include <chrono>
#include <vector>

using namespace llvm;

namespace quantc {

/// One sample lasts about this long.
static constexpr double kSampleSeconds = 0.002;
static constexpr int kSamples = 101;

/// For the percentiles, calls are timed one by one: as many, or for as long.
static constexpr int kCalls = 5000;
static constexpr double kCallsSeconds = 1;

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

static double secondsOf(function_ref<void()> call, int64_t calls) {
  Clock::time_point start = Clock::now();
  for (int64_t i = 0; i != calls; ++i)
    call();
  return secondsSince(start);
}

CallTimes timeSamples(function_ref<void()> call, int samples) {
  int64_t calls = 1;
  while (secondsOf(call, calls) < kSampleSeconds)
    calls *= 2;
  std::vector<double> seconds;
  for (int i = 0; i != samples; ++i)
    seconds.push_back(secondsOf(call, calls) / static_cast<double>(calls));
  llvm::sort(seconds);
  return {.best = seconds.front(), .median = seconds[samples / 2]};
}

CallTimes timeCalls(function_ref<void()> call) {
  CallTimes times = timeSamples(call, kSamples);
  std::vector<double> seconds;
  Clock::time_point begin = Clock::now();
  while (seconds.size() != kCalls &&
         (seconds.size() < kSamples || secondsSince(begin) < kCallsSeconds))
    seconds.push_back(secondsOf(call, 1));
  llvm::sort(seconds);
  times.p50 = seconds[seconds.size() / 2];
  times.p99 = seconds[seconds.size() * 99 / 100];
  return times;
}

} // namespace quantc
