//===- ChannelScaling.h - hidden channels by powers of two ------*- C++ -*-===//
//
// For f with f(s x) = s f(x), s > 0: W2 f(W1 x + b) is
// (W2 S) f(S^-1 (W1 x + b)), S diagonal. With powers of two each number only
// gets another exponent, so all results keep their bits.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_LIB_PREPARE_CHANNELSCALING_H
#define QUANTC_LIB_PREPARE_CHANNELSCALING_H

#include "ChannelGroup.h"

#include "mlir/IR/BuiltinOps.h"

namespace mlir::qnet {

/// A group of hidden channels that may be rescaled.
class ChannelScaling {
public:
  /// The group of the layer's channels. Failure, with the reason in `why`,
  /// where it has none, where something between its layers is not homogeneous,
  /// or where ranges were measured already.
  static FailureOr<ChannelScaling> around(DenseOp layer, std::string &why);

  /// The module's groups, from its beginning, without those that have a value
  /// named in `kept`.
  static std::vector<ChannelScaling> allIn(ModuleOp module,
                                           ArrayRef<std::string> kept);

  int64_t channels() const { return group.channels; }
  const ChannelGroup &members() const { return group; }
  /// The largest magnitude of each channel's rows in the layers that make it,
  /// of its columns in those that read it.
  std::vector<double> rowMaxima() const;
  std::vector<double> columnMaxima() const;
  /// sqrt(E[x^2]) of each channel where it is read, the largest of its readers,
  /// by their second moments; zeros where nothing was measured.
  std::vector<double> sizes() const;

  /// Channel c becomes 2^-exponents[c] of what it was, its readers' columns and
  /// what was measured of their inputs accordingly. The layers note it
  /// (kChannelExponentsAttr). False, with nothing changed, where there is
  /// nothing to do or a number would lose bits.
  bool apply(ArrayRef<int32_t> exponents) const;

private:
  ChannelGroup group;
};

/// Exponents of the powers of two nearest to 2^logarithms[c], divided by their
/// geometric mean; 0 where the logarithm is not finite, as of dead channels.
std::vector<int32_t> nearestExponents(ArrayRef<double> logarithms);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PREPARE_CHANNELSCALING_H
