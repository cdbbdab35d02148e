//===- Evaluation.cpp - how good a network is, on rows of data ------------===//
#include "quantc/Pipeline/Evaluation.h"

#include "quantc/Pipeline/Native.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

using namespace llvm;

namespace mlir::qnet {

/// Most values of all rows that are kept: 256 MB.
static constexpr int64_t kMostValues = int64_t(1) << 26;
/// Rows read at a time.
static constexpr int64_t kBlockRows = 256;
/// A score above this means class 1, where a network has one score only.
static constexpr float kBoundary = 0.5f;
/// Rows of one timed call, and calls of which the best counts.
static constexpr int64_t kTimedRows = 256;
static constexpr int kTimedCalls = 15;

static LogicalResult report(ModuleOp module, Error error) {
  return module.emitError() << toString(std::move(error));
}

double Quality::sqnr() const { return -10 * std::log10(noise); }

Evaluation::~Evaluation() = default;

/// The largest of a row's scores; of equal ones the first, of one the side of
/// the boundary.
static int64_t decisionOf(ArrayRef<float> row) {
  if (row.size() == 1)
    return row[0] > kBoundary;
  return std::max_element(row.begin(), row.end()) - row.begin();
}

LogicalResult Evaluation::readRows(ModuleOp network, const Data &data) {
  FailureOr<SmallVector<RowShape>> shapes = describeInputs(network);
  if (failed(shapes))
    return failure();
  auto source = RowSource::open(data.rows, *shapes);
  if (!source)
    return report(network, source.takeError());
  int64_t values = 1;
  for (const RowShape &shape : *shapes)
    values += shape.values();
  int64_t most =
      std::max<int64_t>(1, std::min(data.mostRows, kMostValues / values));
  int64_t stride = divideCeil((*source)->rows(), most);
  std::vector<int64_t> all;
  if (!data.labels.empty()) {
    auto read = readLabels(data.labels);
    if (!read)
      return report(network, read.takeError());
    all = std::move(*read);
    if (static_cast<int64_t>(all.size()) != (*source)->rows())
      return network.emitError()
             << "'" << data.labels << "' has " << all.size() << " labels, but '"
             << data.rows.front() << "' has " << (*source)->rows()
             << " rows; give one label for each row";
  }
  std::vector<std::vector<float>> block;
  SmallVector<float *> pointers;
  for (const RowShape &shape : *shapes) {
    pointers.push_back(block.emplace_back(kBlockRows * shape.values()).data());
    inputs.emplace_back();
  }
  for (int64_t first = 0;;) {
    Expected<int64_t> count = (*source)->next(kBlockRows, pointers);
    if (!count)
      return report(network, count.takeError());
    if (*count == 0)
      break;
    for (int64_t row = 0; row < *count; ++row) {
      if ((first + row) % stride != 0)
        continue;
      auto rowOf = [&](size_t i) {
        int64_t width = (*shapes)[i].values();
        return ArrayRef<float>(block[i]).slice(row * width, width);
      };
      bool isComplete = true;
      for (size_t i = 0; i < block.size(); ++i)
        isComplete &= none_of(rowOf(i), [](float v) { return std::isnan(v); });
      if (!isComplete) {
        ++skipped;
        continue;
      }
      for (size_t i = 0; i < block.size(); ++i)
        append_range(inputs[i], rowOf(i));
      if (!all.empty())
        labels.push_back(all[first + row]);
      ++rowCount;
    }
    first += *count;
  }
  if (rowCount == 0)
    return network.emitError()
           << "every row of '" << data.rows.front()
           << "' that was looked at holds a NaN; give rows without missing "
              "values";
  return success();
}

LogicalResult Evaluation::checkLabels(ModuleOp network, StringRef path) const {
  int64_t width = outputWidths[scores.value_or(0)];
  int64_t classes = std::max<int64_t>(width, 2);
  for (int64_t label : labels)
    if (label < 0 || label >= classes)
      return network.emitError() << "'" << path << "' has the label " << label
                                 << ", but the network's output has " << width
                                 << (width == 1 ? " score" : " scores")
                                 << ": classes are 0 to " << classes - 1;
  return success();
}

double Evaluation::scoreOf(ArrayRef<float> values) const {
  int64_t width = outputWidths[scores.value_or(0)], right = 0;
  for (auto [row, label] : enumerate(labels))
    right += decisionOf(values.slice(row * width, width)) == label;
  return double(right) / double(rowCount);
}

FailureOr<std::unique_ptr<Evaluation>> Evaluation::make(ModuleOp network,
                                                        const Data &data) {
  std::unique_ptr<Evaluation> result(new Evaluation());
  ProgramInterface interface;
  if (failed(describeInterface(network, "network", interface)) ||
      failed(result->readRows(network, data)))
    return failure();
  for (auto [index, output] : enumerate(interface.outputs)) {
    result->outputWidths.push_back(output.valuesPerRow);
    if (!result->scores && output.valuesPerRow > 1)
      result->scores = index;
  }
  if (result->outputWidths.empty())
    return network.emitError() << "the network has no output to compare";
  if (failed(result->checkLabels(network, data.labels)))
    return failure();
  auto outputs = result->run(network, result->outputWidths);
  if (failed(outputs))
    return failure();
  result->expected = std::move(*outputs);
  if (result->hasLabels())
    result->scoreOfFloat =
        result->scoreOf(result->expected[result->scores.value_or(0)]);
  return result;
}

FailureOr<std::vector<std::vector<float>>>
Evaluation::runOn(FloatRunner &runner, ArrayRef<int64_t> widths,
                  int64_t rows) const {
  std::vector<std::vector<float>> outputs;
  SmallVector<float *> outputPointers;
  for (int64_t width : widths)
    outputPointers.push_back(outputs.emplace_back(rows * width).data());
  SmallVector<const float *> inputPointers;
  for (const std::vector<float> &input : inputs)
    inputPointers.push_back(input.data());
  if (failed(runner.run(inputPointers, rows, outputPointers)))
    return failure();
  return outputs;
}

FailureOr<std::vector<std::vector<float>>>
Evaluation::run(ModuleOp network, ArrayRef<int64_t> widths) const {
  auto runner = makeQuickRunner(network);
  if (failed(runner))
    return failure();
  return runOn(**runner, widths, rowCount);
}

FailureOr<Quality> Evaluation::measure(ModuleOp network,
                                       double *secondsPerRow) const {
  auto runner =
      secondsPerRow ? makeNativeRunner(network) : makeQuickRunner(network);
  if (failed(runner))
    return failure();
  auto actual = runOn(**runner, outputWidths, rowCount);
  if (failed(actual))
    return failure();
  Quality quality;
  for (auto [wanted, got] : zip_equal(expected, *actual)) {
    double signal = 0, noise = 0;
    for (auto [a, b] : zip_equal(wanted, got)) {
      // As in a comparison: what is no number in one of them has no error.
      if (!std::isfinite(a) || !std::isfinite(b))
        continue;
      signal += double(a) * a;
      noise += (double(a) - b) * (double(a) - b);
    }
    if (noise != 0)
      quality.noise += signal != 0 ? noise / signal
                                   : std::numeric_limits<double>::infinity();
  }
  quality.noise /= double(expected.size());
  if (scores) {
    int64_t width = outputWidths[*scores], agreeing = 0;
    ArrayRef<float> wanted = expected[*scores], got = (*actual)[*scores];
    for (int64_t row = 0; row < rowCount; ++row)
      agreeing += decisionOf(wanted.slice(row * width, width)) ==
                  decisionOf(got.slice(row * width, width));
    quality.agreement = double(agreeing) / double(rowCount);
  }
  if (hasLabels())
    quality.score = scoreOf((*actual)[scores.value_or(0)]);
  if (!secondsPerRow)
    return quality;
  using Clock = std::chrono::steady_clock;
  int64_t timedRows = std::min(kTimedRows, rowCount);
  *secondsPerRow = std::numeric_limits<double>::infinity();
  for (int call = 0; call < kTimedCalls; ++call) {
    Clock::time_point start = Clock::now();
    if (failed(runOn(**runner, outputWidths, timedRows)))
      return failure();
    double seconds =
        std::chrono::duration<double>(Clock::now() - start).count();
    *secondsPerRow = std::min(*secondsPerRow, seconds / double(timedRows));
  }
  return quality;
}

} // namespace mlir::qnet
