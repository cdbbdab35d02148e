//===- LayerPrograms.h - dense layers as programs of their own -*- C++ -*-===//
//
// Each integer dense layer of a network, compiled alone for a CPU: stored
// integers in, what the layer gives out. `quantc bench` times them.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_PIPELINE_LAYERPROGRAMS_H
#define QUANTC_PIPELINE_LAYERPROGRAMS_H

#include "quantc/Codegen/Codegen.h"
#include "quantc/Dialect/Qnet.h"

#include <memory>
#include <string>
#include <vector>

namespace mlir::qnet {

/// One layer in this process.
class LayerProgram {
public:
  virtual ~LayerProgram();

  std::string name;   ///< Of the node in the source model.
  std::string kernel; ///< Its row of the table.
  int64_t inputs = 0, outputs = 0;
  int64_t inputBytes = 0, outputBytes = 0; ///< A row.
  /// Groups of weights that the kernel multiplies, of all: less than 1 where it
  /// skips zeros, more where some are multiplied twice.
  double multipliedShare = 1;
  uint64_t weightBytes = 0; ///< That it multiplies, as packed.

  /// `input` and `output` are rows of `inputBytes` and `outputBytes`.
  virtual void run(const void *input, void *output, int64_t rows) = 0;
};

/// The dense layers of @main, in its order, for a CPU that this machine is.
/// With `kernelAlone` each is the kernel of that layer on so few weights that
/// they stay in the first cache: what it reaches when nothing else is in its
/// way.
FailureOr<std::vector<std::unique_ptr<LayerProgram>>>
compileLayers(ModuleOp module, const Target &target, bool kernelAlone);

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_LAYERPROGRAMS_H
