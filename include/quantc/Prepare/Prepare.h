//===- Prepare.h - float graph to better float graph ------------*- C++ -*-===//
#ifndef QUANTC_PREPARE_PREPARE_H
#define QUANTC_PREPARE_PREPARE_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir::qnet {

struct PrepareOptions : public PassPipelineOptions<PrepareOptions> {
  Option<std::string> prunePattern{
      *this, "prune-pattern",
      llvm::cl::desc("weights to set to zero: none, magnitude, block or 2:4"),
      llvm::cl::init("none")};
  Option<double> pruneFraction{
      *this, "prune-fraction",
      llvm::cl::desc("share of each layer's weights or blocks to set to zero"),
      llvm::cl::init(0)};
  Option<double> pruneNeurons{
      *this, "prune-neurons",
      llvm::cl::desc("share of each hidden layer's channels to remove, 0 to 1"),
      llvm::cl::init(0)};
  Option<bool> keepChannels{
      *this, "keep-channels",
      llvm::cl::desc("leave dead channels: a later pass counts them"),
      llvm::cl::init(false)};
  ListOption<std::string> freeze{
      *this, "freeze",
      llvm::cl::desc("dense layers whose parameters no pass may change")};
};

/// What is done once the network has been measured, before its ranges are
/// taken: from second moments and means on the layers to a smaller network.
struct MeasuredPruneOptions {
  std::vector<std::string> folds; ///< of fold-features
  std::string pattern = "none";   ///< of prune-weights-by-error
  double fraction = 0;
  double neurons = 0;   ///< of prune-neurons-by-error
  int64_t features = 0; ///< of prune-features; 0 for all
};
void buildMeasuredPrunePipeline(OpPassManager &pm,
                                const MeasuredPruneOptions &options);

/// How hidden channels are rescaled, before their ranges are taken, or what
/// they are split by.
enum class Equalize {
  Weights,    ///< equalize-layers
  Activations ///< migrate-outliers, by second moments on the layers
};
/// `kept`: names of values whose channels stay.
void buildEqualizePipeline(OpPassManager &pm, Equalize how,
                           ArrayRef<std::string> kept);

/// Splits hidden channels with outliers (split-channels), a share of each
/// layer's. By activations, second moments stand on the layers.
void buildSplitPipeline(OpPassManager &pm, Equalize by, double share,
                        ArrayRef<std::string> kept);

/// The passes of the stage in order, its contract check last. Takes @main in
/// float as Import gives it.
void buildPreparePipeline(OpPassManager &pm, const PrepareOptions &options);

} // namespace mlir::qnet

#endif // QUANTC_PREPARE_PREPARE_H
