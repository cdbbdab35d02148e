//===- Evaluation.h - how good a network is, on rows of data ----*- C++ -*-===//
//
// The float network's outputs on rows kept in memory, and the figures of any
// other form of the network against them: noise, agreement and, with the rows'
// labels, the score.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_PIPELINE_EVALUATION_H
#define QUANTC_PIPELINE_EVALUATION_H

#include "quantc/Pipeline/Rows.h"

#include <memory>
#include <optional>

namespace mlir::qnet {

/// Figures of one form of a network. Shares are from 0 to 1.
struct Quality {
  /// Power of the error over that of the float output, the mean over the
  /// network's outputs.
  double noise = 0;
  /// Share of rows whose largest score is the float network's; of networks that
  /// decide between classes.
  std::optional<double> agreement;
  /// Share of rows whose largest score is the label's; with labels.
  std::optional<double> score;

  /// In dB; infinite without any noise.
  double sqnr() const;
};

/// The classes of rows, one whole number each, from a .npy file.
llvm::Expected<std::vector<int64_t>> readLabels(StringRef path);

class Evaluation {
public:
  struct Data {
    std::vector<std::string> rows; ///< Files, as RowSource::open takes them.
    std::string labels;            ///< A .npy file, or "".
    /// More rows than this are thinned to every second, third, ... one.
    int64_t mostRows = int64_t(1) << 16;
    /// Of different rows, the at most `mostRows` that a RowSample keeps, in its
    /// order: those of the file may come in any. Without labels.
    bool isSample = false;
    /// In place of files: the first rows of that sample. Without labels.
    const RowSample *sample = nullptr;
  };

  /// Reads the rows (those with a NaN are left out) and runs the float network,
  /// prepared and not calibrated, on them. Errors are diagnostics.
  static FailureOr<std::unique_ptr<Evaluation>> make(ModuleOp network,
                                                     const Data &data);
  ~Evaluation();

  int64_t rows() const { return inputs.count; }
  /// Rows that hold a NaN.
  int64_t skippedRows() const { return skipped; }
  /// Whether the network decides between classes: an output has several values.
  bool decides() const { return scores.has_value(); }
  bool hasLabels() const { return !labels.empty(); }
  /// The float network's score; with labels.
  std::optional<double> floatScore() const { return scoreOfFloat; }

  /// Runs another form of the network as native code. `secondsPerRow`, where
  /// asked for, is its time, the best of several calls.
  FailureOr<Quality> measure(ModuleOp network,
                             double *secondsPerRow = nullptr) const;

  /// Runs a function of the same inputs.
  FailureOr<Rows> run(ModuleOp network) const;

private:
  Evaluation() = default;
  LogicalResult readRows(ModuleOp network, const Data &data);
  LogicalResult takeSample(ModuleOp network, const RowSample &sample,
                           int64_t mostRows);
  LogicalResult checkLabels(ModuleOp network, StringRef path) const;
  double scoreOf(const Rows &outputs) const;
  size_t scoreTensor() const { return scores.value_or(0); }

  int64_t skipped = 0;
  Rows inputs, expected;
  /// The output that decides.
  std::optional<size_t> scores;
  std::vector<int64_t> labels;
  std::optional<double> scoreOfFloat;
};

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_EVALUATION_H
