//===- FixedRanges.cpp - Ranges that the user gives -----------------------===//
#include "FixedRanges.h"

#include "DataError.h"
#include "quantc/Dialect/NearestNames.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::qnet;

llvm::Expected<FixedRange> mlir::qnet::parseFixedRange(StringRef text) {
  // Names may hold '=' and ':', numbers hold neither.
  auto [name, numbers] = text.rsplit('=');
  auto [lo, hi] = numbers.split(':');
  FixedRange range;
  range.name = name.str();
  if (name.empty() || name.size() == text.size() ||
      lo.trim().getAsDouble(range.lo) || hi.trim().getAsDouble(range.hi))
    return dataError("--fix-range=" + text,
                     "is not of the form NAME=lo:hi, such as fc1=-1.5:4");
  constexpr double largest = std::numeric_limits<float>::max();
  // False for NaN too.
  const bool isSound =
      range.lo < range.hi && range.lo >= -largest && range.hi <= largest;
  if (!isSound)
    return dataError("--fix-range=" + text,
                     "needs two numbers of f32, the smaller first");
  return range;
}

/// The values that the user may name: those before the function of a layer have
/// the name of what it gives.
static bool isNamed(const ObservedValue &value, StringRef name) {
  return !value.preactivation && value.name == name;
}

static LogicalResult
unknownName(ModuleOp module, ArrayRef<ObservedValue> values, StringRef name) {
  std::vector<std::string> known;
  for (const ObservedValue &value : values)
    if (!value.preactivation)
      known.push_back(value.name);
  return module.emitError()
         << "--fix-range: no value that is measured has the name '" << name
         << "'; " << nearestNames(name, known)
         << " (--emit=ranges writes all of them)";
}

LogicalResult mlir::qnet::checkRanges(ModuleOp module,
                                      ArrayRef<ObservedValue> values,
                                      const CalibrationSummary &ranges) {
  if (ranges.tensors.size() != values.size())
    return module.emitError()
           << "there are ranges of " << ranges.tensors.size()
           << " values, but the graph has " << values.size()
           << " observed values; they belong to another model or to other "
              "options of Prepare: calibrate again";
  for (auto [observed, range] : llvm::zip_equal(values, ranges.tensors)) {
    auto fail = [&]() {
      return emitError(observed.value.getLoc())
             << "the range of tensor " << range.tensor << " ('" << range.name
             << "') ";
    };
    if (range.name != observed.name)
      return fail() << "was given where the graph has '" << observed.name
                    << "'; the ranges belong to another model: calibrate again";
    constexpr double f32Limit = 0x1p128;
    if (!(std::fabs(range.lo) < f32Limit) ||
        !(std::fabs(range.hi) < f32Limit) || range.lo > range.hi)
      return fail() << "is [" << range.lo << ", " << range.hi
                    << "]; it must be two finite numbers, the smaller first";
  }
  return success();
}

FailureOr<std::map<int64_t, Interval>>
mlir::qnet::fixedRanges(ModuleOp module, ArrayRef<ObservedValue> values,
                        const CalibrationOptions &options) {
  std::map<int64_t, Interval> fixed;
  if (options.given) {
    if (failed(checkRanges(module, values, *options.given)))
      return failure();
    for (const ObservedRange &range : options.given->tensors)
      if (range.fixed)
        fixed[range.tensor] = {range.lo, range.hi};
    if (fixed.empty())
      return module.emitError()
             << "no tensor in the file of ranges has \"fixed\": true, so "
                "nothing of it would be used; mark some, or leave the "
                "calibration rows out to use all of them";
  }
  for (const FixedRange &range : options.fixed) {
    int64_t found = -1;
    for (auto [number, value] : llvm::enumerate(values)) {
      if (!isNamed(value, range.name))
        continue;
      if (found >= 0)
        return module.emitError()
               << "--fix-range: several values have the name '" << range.name
               << "', of them tensors " << found << " and " << number
               << "; fix the right one in a file of ranges (--emit=ranges, "
                  "\"fixed\": true, --ranges)";
      found = static_cast<int64_t>(number);
    }
    if (found < 0)
      return unknownName(module, values, range.name);
    if (!fixed.try_emplace(found, Interval{range.lo, range.hi}).second)
      return module.emitError()
             << "the range of '" << range.name
             << "' is fixed twice; give it once, by --fix-range or in the file "
                "of ranges";
  }
  return fixed;
}
