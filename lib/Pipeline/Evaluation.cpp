//===- Evaluation.cpp - how good a network is, on rows of data ------------===//
#include "quantc/Pipeline/Evaluation.h"

#include "quantc/Calibrate/RowSample.h"

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
static constexpr int64_t kBlockRows = GraphRunner::kBlockRows;
/// Calls timed, of which the best counts.
static constexpr int kTimedCalls = 15;

static LogicalResult report(ModuleOp module, Error error) {
  return module.emitError() << toString(std::move(error));
}

double Quality::sqnr() const { return -10 * std::log10(noise); }

Evaluation::~Evaluation() = default;

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
  int64_t stride = data.isSample ? 1 : divideCeil((*source)->rows(), most);
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
  std::vector<int64_t> widths;
  for (const RowShape &shape : *shapes)
    widths.push_back(shape.values());
  RowSample sample(widths, most, kMostValues * sizeof(float));
  std::vector<std::vector<float>> block;
  SmallVector<float *> pointers;
  for (const RowShape &shape : *shapes) {
    pointers.push_back(block.emplace_back(kBlockRows * shape.values()).data());
    inputs.tensors.emplace_back();
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
      if (data.isSample) {
        std::vector<const float *> row;
        for (size_t i = 0; i < block.size(); ++i)
          row.push_back(rowOf(i).data());
        sample.add(row, 1);
        continue;
      }
      for (size_t i = 0; i < block.size(); ++i)
        append_range(inputs.tensors[i], rowOf(i));
      if (!all.empty())
        labels.push_back(all[first + row]);
      ++inputs.count;
    }
    first += *count;
  }
  if (data.isSample) {
    inputs.count = sample.rows();
    for (size_t i = 0; i < block.size(); ++i)
      inputs.tensors[i] = sample.values(static_cast<int64_t>(i));
  }
  if (inputs.count == 0)
    return network.emitError()
           << "every row of '" << data.rows.front()
           << "' that was looked at holds a NaN; give rows without missing "
              "values";
  return success();
}

LogicalResult Evaluation::takeSample(ModuleOp network, const RowSample &sample,
                                     int64_t mostRows) {
  int64_t values = 1;
  std::vector<std::vector<float>> all;
  for (int64_t i = 0; i < sample.inputs(); ++i) {
    values += sample.width(i);
    all.push_back(sample.values(i));
    inputs.tensors.emplace_back();
  }
  const int64_t most =
      std::max<int64_t>(1, std::min(mostRows, kMostValues / values));
  for (int64_t row = 0; row < sample.rows() && inputs.count < most; ++row) {
    auto rowOf = [&](int64_t i) {
      return ArrayRef<float>(all[i]).slice(row * sample.width(i),
                                           sample.width(i));
    };
    bool isComplete = true;
    for (int64_t i = 0; i < sample.inputs(); ++i)
      isComplete &= none_of(rowOf(i), [](float v) { return std::isnan(v); });
    if (!isComplete) {
      ++skipped;
      continue;
    }
    for (int64_t i = 0; i < sample.inputs(); ++i)
      append_range(inputs.tensors[i], rowOf(i));
    ++inputs.count;
  }
  if (inputs.count == 0)
    return network.emitError() << "every row of the calibration's sample holds "
                                  "a NaN; give rows without missing values";
  return success();
}

LogicalResult Evaluation::checkLabels(ModuleOp network, StringRef path) const {
  int64_t width = expected.width(scoreTensor());
  int64_t classes = std::max<int64_t>(width, 2);
  for (int64_t label : labels)
    if (label < 0 || label >= classes)
      return network.emitError() << "'" << path << "' has the label " << label
                                 << ", but the network's output has " << width
                                 << (width == 1 ? " score" : " scores")
                                 << ": classes are 0 to " << classes - 1;
  return success();
}

double Evaluation::scoreOf(const Rows &outputs) const {
  int64_t right = 0;
  for (auto [row, label] : enumerate(labels))
    right += decisionOf(rowOf(outputs, scoreTensor(),
                              static_cast<int64_t>(row))) == label;
  return double(right) / double(inputs.count);
}

FailureOr<std::unique_ptr<Evaluation>> Evaluation::make(ModuleOp network,
                                                        const Data &data) {
  std::unique_ptr<Evaluation> result(new Evaluation());
  if (failed(data.sample
                 ? result->takeSample(network, *data.sample, data.mostRows)
                 : result->readRows(network, data)))
    return failure();
  FailureOr<GraphRunner> runner = GraphRunner::compile(network, /*quick=*/true);
  if (failed(runner))
    return failure();
  if (runner->widths().empty())
    return network.emitError()
           << "the network has no output of real numbers to compare; give one "
              "that returns its scores too";
  for (auto [index, width] : enumerate(runner->widths()))
    if (!result->scores && width > 1)
      result->scores = index;
  FailureOr<Rows> outputs = runner->run(result->inputs);
  if (failed(outputs))
    return failure();
  result->expected = std::move(*outputs);
  if (failed(result->checkLabels(network, data.labels)))
    return failure();
  if (result->hasLabels())
    result->scoreOfFloat = result->scoreOf(result->expected);
  return result;
}

FailureOr<Rows> Evaluation::run(ModuleOp network) const {
  FailureOr<GraphRunner> runner = GraphRunner::compile(network, /*quick=*/true);
  if (failed(runner))
    return failure();
  return runner->run(inputs);
}

FailureOr<Quality> Evaluation::measure(ModuleOp network,
                                       double *secondsPerRow) const {
  FailureOr<GraphRunner> runner =
      GraphRunner::compile(network, /*quick=*/!secondsPerRow);
  if (failed(runner))
    return failure();
  FailureOr<Rows> actual = runner->run(inputs);
  if (failed(actual))
    return failure();
  OutputError error = outputError(expected, *actual, scoreTensor());
  Quality quality;
  quality.noise = error.power / double(expected.tensors.size());
  if (scores)
    quality.agreement = error.agreement();
  if (hasLabels())
    quality.score = scoreOf(*actual);
  if (!secondsPerRow)
    return quality;
  using Clock = std::chrono::steady_clock;
  const Rows timed =
      takeRows(inputs, spacedRows(inputs.count, GraphRunner::kBlockRows));
  *secondsPerRow = std::numeric_limits<double>::infinity();
  for (int call = 0; call < kTimedCalls; ++call) {
    Clock::time_point start = Clock::now();
    if (failed(runner->run(timed)))
      return failure();
    double seconds =
        std::chrono::duration<double>(Clock::now() - start).count();
    *secondsPerRow = std::min(*secondsPerRow, seconds / double(timed.count));
  }
  return quality;
}

} // namespace mlir::qnet
