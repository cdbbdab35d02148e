//===- Simulate.h - Quantization in float, each part of it a switch -*- C++
//-*-===//
//
// A float graph that computes what an integer one does, but whose roundings and
// clippings can be turned off one at a time, channel by channel and row by row:
// so one sees what each of them does to the result.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_REFERENCE_SIMULATE_H
#define QUANTC_REFERENCE_SIMULATE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <string>
#include <vector>

namespace mlir::qnet {

/// One thing that quantization does.
enum class Effect {
  Weights,  ///< weights (and with them the bias) are rounded
  Rounding, ///< a value is rounded to its steps
  Clipping  ///< a value is held to its range
};

/// Where the value stands on which an effect works.
enum class Place {
  Input, ///< of the network
  Index, ///< before a look-up
  Value  ///< of a layer
};

/// An effect that an argument of the simulation turns on and off.
struct Switch {
  Effect effect = Effect::Weights;
  Place place = Place::Value;
  std::string name; ///< of the node or input
  /// Values along the last axis, and of a row of the argument.
  int64_t channels = 0, values = 0;
  /// The argument of @main: of the shape of the value; an element above 0.5 is
  /// quantized, others are as in the float network.
  unsigned argument = 0;
};

struct Simulation {
  OwningOpRef<ModuleOp> module;
  std::vector<Switch> switches;
  /// Ops that can't be turned off, and why: "name: reason".
  std::vector<std::string> fixed;
};

/// The simulation of `actual`, an integer graph, against `expected`, the
/// prepared float graph that it was made from; layers are matched by their
/// names. @main takes the network's inputs, then one tensor a switch. With all
/// switches on it computes what `actual` does, and with all off what `expected`
/// does, but for the rounding of f32. Fails with a diagnostic on graphs that it
/// can't follow.
FailureOr<Simulation> simulateQuantization(func::FuncOp expected,
                                           func::FuncOp actual);

} // namespace mlir::qnet

#endif // QUANTC_REFERENCE_SIMULATE_H
