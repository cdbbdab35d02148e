//===- Culprits.h - What costs a compiled program its accuracy --*- C++ -*-===//
//
// What quantization does to a network is undone one thing at a time (Simulate),
// and the error of the output measured again on the user's rows.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_PIPELINE_CULPRITS_H
#define QUANTC_PIPELINE_CULPRITS_H

#include "quantc/Pipeline/Rows.h"
#include "quantc/Reference/Simulate.h"

namespace mlir::qnet {

/// One thing that was undone.
struct Suspect {
  Effect effect = Effect::Weights;
  Place place = Place::Value;
  std::string name;     ///< of the node or input
  int64_t channel = -1; ///< of its values; -1 is all of them
  /// Of the output's error power, what goes if this is undone: 1 is all of it;
  /// negative where it made up for another error.
  double share = 0;
  double gain = 0; ///< SQNR that undoing it gives, in dB
  /// Of the sum of the error powers that each thing makes alone, this one's.
  double alone = 0;
};

struct WorstRow {
  int64_t row = 0;
  double error = 0; ///< root of the sum of its squared errors
  int64_t floatDecision = 0, integerDecision = 0;
};

struct Culprits {
  int64_t rows = 0;    ///< that were measured
  int64_t skipped = 0; ///< left out: NaN or infinity in them
  double sqnr = 0;     ///< of the integer network's output
  /// How far the simulation is from the integer network, and with everything
  /// undone from the float one: SQNR in dB.
  double simulation = 0, undone = 0;
  std::vector<Suspect> effects;   ///< by share, largest first
  std::vector<Suspect> channels;  ///< of the worst effects, likewise
  std::vector<Suspect> features;  ///< of the inputs, likewise
  std::vector<WorstRow> worst;    ///< by error, largest first
  std::vector<std::string> fixed; ///< what could not be undone, and why
};

struct CulpritOptions {
  int64_t rows = 1024;   ///< at most, evenly spaced
  size_t channels = 8;   ///< listed of each of the worst effects
  size_t worstRows = 10; ///< listed
};

/// `expected` is the prepared float network and `actual` the integer one.
FailureOr<Culprits> findCulprits(ModuleOp expected, ModuleOp actual,
                                 const Rows &rows,
                                 const CulpritOptions &options = {});

/// "weights of fc1", "rounding of input x".
std::string describe(const Suspect &suspect);

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_CULPRITS_H
