//===- Quantize.h - from measured ranges to integers ------------*- C++ -*-===//
#ifndef QUANTC_QUANTIZE_QUANTIZE_H
#define QUANTC_QUANTIZE_QUANTIZE_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir::qnet {

/// A discardable attribute (string) on every op that stays in float, and why.
inline constexpr llvm::StringLiteral kLedgerAttr = "qnet.ledger";

/// A discardable attribute (unit) on an op before the quantization of a graph
/// input that is part of it: an offset or a factor of its own for each feature.
inline constexpr llvm::StringLiteral kInputParametersAttr =
    "qnet.input_parameters";

/// A discardable attribute (array of floats) on a value's producer, or on the
/// argument: the mean of each feature over the calibration rows.
inline constexpr llvm::StringLiteral kMeanAttr = "qnet.mean";

/// A discardable attribute (two f64) on a dense layer: the range of its values
/// before its function on the calibration rows.
inline constexpr llvm::StringLiteral kPreactivationRangeAttr =
    "qnet.preactivation";

/// A discardable attribute (string) on a dense layer: why its weights have
/// other bits than asked for.
inline constexpr llvm::StringLiteral kWeightsAttr = "qnet.weights";

/// A discardable attribute (string) on a dense layer: why its input has 15 bits
/// where the choice was the compiler's.
inline constexpr llvm::StringLiteral kWidenedAttr = "qnet.widened";

/// A discardable attribute (f64) on an integer dense layer: the power of the
/// error that the rounding of its weights, and nothing else, makes in its own
/// output, over the power of that output.
inline constexpr llvm::StringLiteral kRoundingNoiseAttr = "qnet.rounding_noise";

/// A discardable attribute (type) on a value's producer, or on the argument:
/// quantization parameters that the source model fixes.
inline constexpr llvm::StringLiteral kParametersAttr = "qnet.parameters";

/// Discardable attributes on a dense layer, which quantize-weights takes in
/// place of its own choice: the scale of each output channel (array of f32; 0
/// leaves the choice) and, of weights of 4 bits, the multiplier of each channel
/// and group (array of i8, above 0).
inline constexpr llvm::StringLiteral kWeightScaleAttr = "qnet.weight_scale";
inline constexpr llvm::StringLiteral kGroupMultipliersAttr =
    "qnet.group_multipliers";

/// A discardable attribute (NxK, f32) on a dense layer whose weights are points
/// of the grid already: what they were before.
inline constexpr llvm::StringLiteral kUnroundedAttr = "qnet.unrounded";

struct QuantizeOptions : public PassPipelineOptions<QuantizeOptions> {
  Option<bool> allowFloat{
      *this, "allow-float",
      llvm::cl::desc(
          "leave ops without an integer form in float, in the ledger"),
      llvm::cl::init(false)};
  Option<bool> requireInt{*this, "require-int",
                          llvm::cl::desc("fail if any op is left in float"),
                          llvm::cl::init(false)};
  Option<int32_t> activationMax{
      *this, "activation-max",
      llvm::cl::desc("largest stored activation, 127 to 255"),
      llvm::cl::init(255)};
  Option<int32_t> indexBits{
      *this, "index-bits", llvm::cl::desc("bits of a look-up's index, 8 to 16"),
      llvm::cl::init(12)};
  Option<std::string> activations{
      *this, "activations",
      llvm::cl::desc("bits of stored values: int8, int16 (up to 15), auto (15 "
                     "in small layers that gain by it) or mixed (in up to a "
                     "quarter of the network)"),
      llvm::cl::init("auto")};
  Option<std::string> weights{*this, "weights",
                              llvm::cl::desc("bits of weights: int8 or int4"),
                              llvm::cl::init("int8")};
  Option<std::string> plan{
      *this, "plan",
      llvm::cl::desc("a file with the precision of single layers"),
      llvm::cl::init("")};
  Option<std::string> requant{
      *this, "requant",
      llvm::cl::desc("requantization of dense layers: float or fixed"),
      llvm::cl::init("float")};
  Option<std::string> effort{
      *this, "effort",
      llvm::cl::desc("work on the weights' rounding: low, default or high"),
      llvm::cl::init("default")};
  Option<bool> biasCorrection{
      *this, "bias-correction",
      llvm::cl::desc("correct biases for the mean error of rounded weights"),
      llvm::cl::init(true)};
  Option<bool> splitFine{
      *this, "split-fine",
      llvm::cl::desc("keep what is left of fine weights in a second layer"),
      llvm::cl::init(true)};
  Option<bool> noteRounding{
      *this, "note-rounding",
      llvm::cl::desc("note on layers what the rounding of their weights does"),
      llvm::cl::init(false)};
};

/// The passes up to the rounding of weights: values have parameters, weights
/// are points of their grids, and all is float ops still.
void buildRoundingPipeline(OpPassManager &pm, const QuantizeOptions &options);

/// The passes of the stage in order, its contract check last. Takes a prepared
/// and calibrated module (or one that comes quantized).
void buildQuantizePipeline(OpPassManager &pm, const QuantizeOptions &options);

} // namespace mlir::qnet

#endif // QUANTC_QUANTIZE_QUANTIZE_H
