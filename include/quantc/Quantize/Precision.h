//===- Precision.h - the bits of each layer ---------------------*- C++ -*-===//
//
// Which weights and which input a dense layer gets: `qnet.precision`, and the
// plan, a JSON file that says it for each layer by name:
//
//   {"format": "quantc-plan",
//    "layers": [{"name": "fc1", "precision": "int4"}, ...]}
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_QUANTIZE_PRECISION_H
#define QUANTC_QUANTIZE_PRECISION_H

#include "mlir/IR/BuiltinOps.h"
#include "quantc/Dialect/Qnet.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace mlir::qnet {

enum class Precision {
  Int4,        ///< weights of 4 bits in groups; an input of 8 bits
  Int8,        ///< weights and input of 8 bits
  Int8x16,     ///< weights of 8 bits; an input of up to 15
  Float,       ///< not quantized; an input of up to 15 bits where it is stored
  Int8Block50, ///< as Int8, half of the blocks of weights 0
  Int8Block75  ///< as Int8, three quarters of the blocks of weights 0
};

/// Whether blocks of the weights go.
inline bool isPruned(Precision precision) {
  return precision == Precision::Int8Block50 ||
         precision == Precision::Int8Block75;
}

/// "int4", "int8", "int8x16", "float", "int8/block:0.5", "int8/block:0.75".
StringRef nameOf(Precision precision);
/// "4", "8", "8x16", "f", "8/b50", "8/b75".
StringRef briefNameOf(Precision precision);
inline constexpr llvm::StringLiteral kPrecisionChoices =
    "choose from int4, int8, int8x16, float, int8/block:0.5, int8/block:0.75";
std::optional<Precision> precisionNamed(StringRef name);

/// What the attribute says; nothing where there is none, or no known word.
std::optional<Precision> precisionOf(Operation *op);

/// Why a layer can't have a precision, whatever the rest of the network has:
/// "has 10 input channels, but ..."; empty if it can.
std::string whyImpossible(DenseOp dense, Precision precision);

/// The name of a layer's node in the source model, with which a plan names it;
/// the same for the op that the layer becomes at any stage.
StringRef layerName(Operation *op);

struct PlannedLayer {
  std::string name;
  Precision precision = Precision::Int8;
};

struct PrecisionPlan {
  std::vector<PlannedLayer> layers;
};

std::string planToJson(const PrecisionPlan &plan);
/// Reads it back; `source` names it in messages.
llvm::Expected<PrecisionPlan> planFromJson(StringRef text, StringRef source);

/// Writes the plan's precisions on the layers of the module that they name:
/// all layers of that name. A layer that is not there is an error with the
/// nearest name.
LogicalResult applyPlan(ModuleOp module, const PrecisionPlan &plan,
                        StringRef source);

} // namespace mlir::qnet

#endif // QUANTC_QUANTIZE_PRECISION_H
