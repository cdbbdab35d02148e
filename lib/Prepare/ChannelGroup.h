//===- ChannelGroup.h - channels that go together ---------------*- C++ -*-===//
#ifndef QUANTC_LIB_PREPARE_CHANNELGROUP_H
#define QUANTC_LIB_PREPARE_CHANNELGROUP_H

#include "quantc/Dialect/Qnet.h"

#include <string>
#include <vector>

namespace mlir::qnet {

/// The channels of a value along its last axis, and all the values that have
/// them too: through functions, arithmetic with constants, sums with other
/// values (whose layers then lose the same channels), and concats.
struct ChannelGroup {
  /// Channels [offset, offset + channels) of a value, or of a layer's rows or
  /// columns.
  template <typename T> struct Place {
    T at;
    int64_t offset;
  };

  int64_t channels = 0;
  SmallVector<Place<Value>> values; ///< each after what it is made of
  SmallVector<Place<DenseOp>> makers, readers;
  SmallVector<Place<BlockArgument>> arguments;
  SmallVector<Place<OpOperand *>> constants; ///< of as many values as it counts

  /// The group around `root`. Failure, with the reason as "is read by X, which
  /// ..." in `why`, where removing a channel would change more than layers and
  /// constants. Arguments of @main, which keep their width, are only let in
  /// `withArguments`.
  static FailureOr<ChannelGroup> around(Value root, bool withArguments,
                                        std::string &why);

  /// Whether that many channels less would leave a layer without inputs.
  bool leavesNothing(int64_t count) const;

  /// Removes channels everywhere. Of an argument, the others are gathered.
  void remove(const std::vector<bool> &removed) const;
};

/// The node's or argument's name for messages.
std::string nameOfValue(Value value);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PREPARE_CHANNELGROUP_H
