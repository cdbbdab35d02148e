//===- InputMoments.cpp - second moments of layers' inputs ----------------===//
#include "InputMoments.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Numerics/Moments.h"

#include "llvm/ADT/MapVector.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

/// Values of one layer's input that are held at a time.
static constexpr int64_t kMostHeldValues = int64_t(1) << 24; // 64 MB
/// Rows of the sample run at a time.
static constexpr int64_t kBlockRows = 256;

namespace {

/// Runs the sample and keeps some of the observed values.
class SampleRun {
public:
  SampleRun(ArrayRef<ObservedValue> values, ArrayRef<int64_t> argumentNumbers,
            ArrayRef<int64_t> resultNumbers, const RowSample &sample,
            FloatRunner *runner)
      : values(values), argumentNumbers(argumentNumbers),
        resultNumbers(resultNumbers), sample(sample), runner(runner) {
    for (int64_t input = 0; input < sample.inputs(); ++input)
      inputs.push_back(sample.values(input));
  }

  /// The values of each of `numbers`, rows x values a row.
  FailureOr<std::vector<std::vector<float>>> keep(ArrayRef<int64_t> numbers) {
    std::vector<std::vector<float>> kept(numbers.size());
    bool needsRun = false;
    for (auto [number, rows] : llvm::zip_equal(numbers, kept)) {
      const auto *argument = llvm::find(argumentNumbers, number);
      if (argument != argumentNumbers.end())
        rows = inputs[argument - argumentNumbers.begin()];
      else
        needsRun = true;
    }
    if (!needsRun)
      return kept;
    std::vector<std::vector<float>> outputs;
    SmallVector<float *> pointers;
    for (int64_t number : resultNumbers)
      pointers.push_back(
          outputs.emplace_back(kBlockRows * values[number].valuesPerRow)
              .data());
    for (int64_t row = 0; row < sample.rows(); row += kBlockRows) {
      const int64_t block = std::min(kBlockRows, sample.rows() - row);
      SmallVector<const float *> from;
      for (int64_t input = 0; input < sample.inputs(); ++input)
        from.push_back(inputs[input].data() + row * sample.width(input));
      if (failed(runner->run(from, block, pointers)))
        return failure();
      for (auto [number, output] : llvm::zip_equal(resultNumbers, outputs))
        for (auto [wanted, rows] : llvm::zip_equal(numbers, kept))
          if (wanted == number)
            rows.insert(rows.end(), output.begin(),
                        output.begin() + block * values[number].valuesPerRow);
    }
    return kept;
  }

private:
  ArrayRef<ObservedValue> values;
  ArrayRef<int64_t> argumentNumbers, resultNumbers;
  const RowSample &sample;
  FloatRunner *runner;
  std::vector<std::vector<float>> inputs;
};

/// The observed value that a layer reads, as it is or as rows of it; or -1.
int64_t numberOfInput(DenseOp layer, int64_t columns,
                      ArrayRef<ObservedValue> values) {
  Value source = layer.getInput();
  while (auto reshape = source.getDefiningOp<ReshapeOp>())
    source = reshape.getInput();
  for (auto [number, value] : llvm::enumerate(values))
    if (value.value == source && !value.preactivation)
      return value.rowDimension == 0 && value.valuesPerRow % columns == 0
                 ? static_cast<int64_t>(number)
                 : -1;
  return -1;
}

std::vector<float> meanOf(ArrayRef<float> rows, int64_t columns,
                          ArrayRef<uint64_t> counts) {
  std::vector<double> sums(columns);
  double weight = 0;
  for (auto [row, count] : llvm::enumerate(counts)) {
    weight += static_cast<double>(count);
    for (int64_t k = 0; k < columns; ++k)
      sums[k] += static_cast<double>(rows[row * columns + k]) *
                 static_cast<double>(count);
  }
  std::vector<float> mean;
  for (double sum : sums)
    mean.push_back(static_cast<float>(sum / weight));
  return mean;
}

} // namespace

FailureOr<std::vector<InputMoment>> mlir::qnet::measureInputMoments(
    func::FuncOp function, ArrayRef<ObservedValue> values,
    ArrayRef<int64_t> argumentNumbers, ArrayRef<int64_t> resultNumbers,
    const RowSample &sample, FloatRunner *runner) {
  llvm::MapVector<std::pair<int64_t, int64_t>, SmallVector<DenseOp>> readers;
  function.walk([&](DenseOp layer) {
    auto type = dyn_cast<RankedTensorType>(layer.getWeights().getType());
    Attribute weights;
    if (!type || !type.hasStaticShape() || type.getDimSize(1) < 2 ||
        !matchPattern(layer.getWeights(), m_Constant(&weights)))
      return;
    const int64_t columns = type.getDimSize(1);
    if (columns > kWidestSecondMoment) {
      layer.emitRemark("has ")
          << columns << " inputs: for more than " << kWidestSecondMoment
          << " no second moments are kept, and its weights are rounded to "
             "the nearest";
      return;
    }
    const int64_t number = numberOfInput(layer, columns, values);
    if (number >= 0)
      readers[{number, columns}].push_back(layer);
  });

  SampleRun run(values, argumentNumbers, resultNumbers, sample, runner);
  const std::vector<uint64_t> counts = sample.counts();
  std::vector<InputMoment> moments;
  // As many values at a time as may be held; the sample is short, so that it
  // is run again for the next ones.
  for (auto *next = readers.begin(); next != readers.end();) {
    SmallVector<int64_t> numbers;
    auto *first = next;
    for (int64_t held = 0; next != readers.end(); ++next) {
      held += values[next->first.first].valuesPerRow * sample.rows();
      if (held > kMostHeldValues && next != first)
        break;
      numbers.push_back(next->first.first);
    }
    FailureOr<std::vector<std::vector<float>>> kept = run.keep(numbers);
    if (failed(kept))
      return failure();
    for (auto [rows, reader] :
         llvm::zip_equal(*kept, llvm::make_range(first, next))) {
      const int64_t columns = reader.first.second;
      const int64_t each = values[reader.first.first].valuesPerRow / columns;
      std::vector<uint64_t> times;
      for (uint64_t count : counts)
        times.insert(times.end(), each, count);
      auto moment = std::make_shared<std::vector<float>>(
          quantc::numerics::secondMoment(rows, columns, times));
      if (llvm::all_of(*moment, [](float m) { return std::isfinite(m); }))
        for (DenseOp layer : reader.second)
          moments.push_back({layer, meanOf(rows, columns, times), moment,
                             sample.rows() * each});
    }
  }
  return moments;
}

void mlir::qnet::noteInputMoments(ArrayRef<InputMoment> moments) {
  const std::vector<float> *last = nullptr;
  ElementsAttr attribute;
  for (const InputMoment &measured : moments) {
    DenseOp layer = measured.layer;
    Builder builder(layer.getContext());
    if (measured.moment.get() != last) {
      last = measured.moment.get();
      const auto columns =
          cast<RankedTensorType>(layer.getWeights().getType()).getDimSize(1);
      attribute = makeElements<float>(
          RankedTensorType::get({columns, columns}, builder.getF32Type()),
          *measured.moment);
    }
    layer->setDiscardableAttr(kSecondMomentAttr, attribute);
    layer->setDiscardableAttr(kSampleMeanAttr,
                              builder.getDenseF32ArrayAttr(measured.mean));
    layer->setDiscardableAttr(kSampleRowsAttr,
                              builder.getI64IntegerAttr(measured.rows));
  }
}
