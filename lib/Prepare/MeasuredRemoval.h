//===- MeasuredRemoval.h - channels go in the order of their cost -*- C++ -*-=//
#ifndef QUANTC_LIB_PREPARE_MEASUREDREMOVAL_H
#define QUANTC_LIB_PREPARE_MEASUREDREMOVAL_H

#include "ChannelGroup.h"
#include "InputStatistics.h"

#include "llvm/ADT/MapVector.h"

namespace mlir::qnet {

/// Chooses channels of one group or several by the error that their removal
/// causes in the layers that read them, and refits those.
class MeasuredRemoval {
public:
  /// Takes a group in. Failure, with the reason in `why`, where one of its
  /// readers has no second moments.
  LogicalResult add(ChannelGroup group, std::string &why);

  /// Marks the channel, of any group, that costs least now. False where each
  /// group has only one left.
  bool removeCheapest();

  /// Writes the refit layers without the marked channels, and the note that
  /// `what` ("neurons:0.5") made of them. Failure, with nothing changed, where
  /// a refit is not finite.
  LogicalResult apply(StringRef what);

private:
  struct Reader {
    DenseLayer before;
    InputStatistics statistics;
    Elimination elimination;
    double power;
  };
  struct Marked {
    ChannelGroup group;
    std::vector<bool> removed;
    int64_t left;
  };
  double cost(const Marked &marked, int64_t channel) const;

  std::vector<Marked> groups;
  llvm::MapVector<Operation *, Reader> readers;
};

} // namespace mlir::qnet

#endif // QUANTC_LIB_PREPARE_MEASUREDREMOVAL_H
