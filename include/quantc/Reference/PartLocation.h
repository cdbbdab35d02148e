//===- PartLocation.h - names for the inner ops of a rewrite ----*- C++ -*-===//
#ifndef QUANTC_REFERENCE_PARTLOCATION_H
#define QUANTC_REFERENCE_PARTLOCATION_H

#include "quantc/Reference/Compare.h"

namespace mlir::qnet {

/// "NAME/part": where one node becomes several ops, only the last keeps the
/// node's name, since layers are compared by it.
inline Location partLocation(Location location, StringRef part) {
  StringRef name = nameOf(location);
  if (name.empty())
    return location;
  return NameLoc::get(
      StringAttr::get(location.getContext(), name + "/" + part));
}

/// Of an op that does the work of several, the last of which gives its value.
inline Location fusedLocation(MLIRContext *context, ArrayRef<Location> parts) {
  return FusedLoc::get(context, parts);
}

/// "node 'NAME' (op)" for messages; the op alone where it has no name.
inline std::string nodeText(Operation *op) {
  StringRef name = nameOf(op->getLoc());
  std::string kind = op->getName().getStringRef().str();
  return name.empty() ? kind : ("node '" + name + "' (" + kind + ")").str();
}

} // namespace mlir::qnet

#endif // QUANTC_REFERENCE_PARTLOCATION_H
