//===- ReportRanges.cpp - What values are, and what is stored of them -----===//
//
// The float network runs again on the rows, as in calibration, and every value
// that the program stores gets a histogram beside the range in the manifest.
//
//===----------------------------------------------------------------------===//
#include "ReportDocument.h"

#include "JsonNumber.h"

#include "quantc/Calibrate/Calibrate.h"
#include "quantc/Pipeline/Native.h"

#include <cmath>
#include <set>

using namespace llvm;
using mlir::qnet::Histogram;
using mlir::qnet::Manifest;
using mlir::qnet::ManifestLayer;
using mlir::qnet::ManifestParams;
using mlir::qnet::ManifestRange;
using mlir::qnet::ObservedStatistics;

namespace quantc {

static constexpr int32_t kMostBins = 64;
/// Of more values the first ones are shown: a page holds so many pictures.
static constexpr size_t kMostHistograms = 48;

/// The parameters of what the program stores, by name.
static StringMap<std::pair<ManifestParams, int64_t>>
storedValues(const Manifest &manifest) {
  StringMap<std::pair<ManifestParams, int64_t>> stored;
  for (const ManifestLayer &layer : manifest.layers)
    if (layer.outputParams)
      stored[layer.name] = {*layer.outputParams, layer.outputBits};
  return stored;
}

/// Neighbouring bins joined, so that the used ones are at most kMostBins.
static json::Object histogramJson(const Histogram &histogram) {
  ArrayRef<uint64_t> counts(histogram.binCounts().data(),
                            histogram.binCounts().size());
  int32_t first = 0, last = Histogram::bins;
  while (first < last && counts[first] == 0)
    ++first;
  while (last > first && counts[last - 1] == 0)
    --last;
  int32_t joined =
      std::max<int32_t>(1, (last - first + kMostBins - 1) / kMostBins);
  json::Array bins;
  for (int32_t bin = first; bin < last; bin += joined) {
    uint64_t sum = 0;
    for (uint64_t count : counts.slice(bin, std::min(joined, last - bin)))
      sum += count;
    bins.push_back(int64_t(sum));
  }
  return json::Object{{"start", finite(histogram.lowerEdge(first))},
                      {"width", finite(histogram.width() * joined)},
                      {"counts", std::move(bins)}};
}

/// Values in bins that lie wholly outside of [lo, hi].
static uint64_t countOutside(const Histogram &histogram, double lo, double hi) {
  uint64_t outside = 0;
  for (auto [bin, count] : enumerate(histogram.binCounts())) {
    double start = histogram.lowerEdge(static_cast<int32_t>(bin));
    if (start + histogram.width() < lo || start > hi)
      outside += count;
  }
  return outside;
}

static json::Object
valueJson(const ObservedStatistics &observed, const ManifestRange &range,
          const std::pair<ManifestParams, int64_t> &stored) {
  const auto &[params, bits] = stored;
  const mlir::qnet::Statistics &values = observed.statistics;
  // What the stored integers reach, which rounding of scales makes a little
  // wider than what was asked for.
  double lo = params.scale * double(params.qmin - params.zeroPoint);
  double hi = params.scale * double(params.qmax - params.zeroPoint);
  json::Object object = histogramJson(values.histogram());
  object["name"] = json::fixUTF8(observed.name);
  object["lo"] = finite(lo);
  object["hi"] = finite(hi);
  object["chosen_lo"] = finite(range.lo);
  object["chosen_hi"] = finite(range.hi);
  object["min"] = finite(values.min());
  object["max"] = finite(values.max());
  object["method"] = json::fixUTF8(range.method);
  if (!range.reason.empty())
    object["reason"] = json::fixUTF8(range.reason);
  object["scale"] = params.scale;
  object["zero_point"] = params.zeroPoint;
  object["bits"] = bits;
  object["values"] = int64_t(values.count());
  object["nans"] = int64_t(values.nanCount());
  object["infinities"] = int64_t(values.infinityCount());
  object["outside"] =
      finite(double(countOutside(values.histogram(), lo, hi)) /
             double(std::max<uint64_t>(values.finiteCount(), 1)));
  return object;
}

static Expected<std::vector<ObservedStatistics>>
observeRows(ArrayRef<std::string> files, mlir::ModuleOp network) {
  auto shapes = mlir::qnet::describeInputs(network);
  if (failed(shapes))
    return createStringError("");
  auto rows = mlir::qnet::RowSource::open(files, *shapes);
  if (!rows)
    return rows.takeError();
  auto observed =
      mlir::qnet::observe(network, **rows, mlir::qnet::makeNativeRunner);
  if (failed(observed))
    return createStringError("");
  return std::move(*observed);
}

json::Object rangesSection(const ReportRequest &request,
                           const Manifest &manifest, mlir::ModuleOp network) {
  // Ranges are of the rows of calibration: where those are, they are shown.
  bool isCalibration = !request.calibration.empty();
  std::vector<ObservedStatistics> observed;
  if (Error error = captured(*network.getContext(), [&]() -> Error {
        auto measured = observeRows(
            isCalibration ? request.calibration : request.inputs, network);
        if (!measured)
          return measured.takeError();
        observed = std::move(*measured);
        return Error::success();
      }))
    return missingSection(
        "The values could not be measured: " + toString(std::move(error)) + ".",
        "give other rows with --calibration (in Python "
        "calibration=)");
  StringMap<std::pair<ManifestParams, int64_t>> stored = storedValues(manifest);
  std::set<StringRef> seen;
  json::Array values;
  size_t leftOut = 0;
  for (const ObservedStatistics &value : observed) {
    auto range = find_if(manifest.ranges, [&](const ManifestRange &one) {
      return one.name == value.name;
    });
    auto params = stored.find(value.name);
    if (value.preactivation || range == manifest.ranges.end() ||
        params == stored.end() || value.statistics.finiteCount() == 0 ||
        !seen.insert(value.name).second)
      continue;
    if (values.size() == kMostHistograms)
      ++leftOut;
    else
      values.push_back(valueJson(value, *range, params->second));
  }
  if (values.empty())
    return missingSection("The program stores no value as an integer whose "
                          "range was measured.",
                          "");
  return json::Object{{"rows_from", isCalibration ? "calibration" : "input"},
                      {"values", std::move(values)},
                      {"values_left_out", int64_t(leftOut)}};
}

} // namespace quantc
