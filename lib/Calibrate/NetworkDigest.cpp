//===- NetworkDigest.cpp - Which network statistics are of ----------------===//
#include "quantc/Calibrate/MeasuredRows.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::qnet;

namespace {

class Digest {
public:
  std::string of(func::FuncOp function) {
    for (Type type : function.getArgumentTypes())
      text(type);
    function.getBody().walk<WalkOrder::PreOrder>([&](Block *block) {
      for (BlockArgument argument : block->getArguments())
        numbers.try_emplace(argument, numbers.size());
    });
    function.getBody().walk<WalkOrder::PreOrder>(
        [&](Operation *op) { add(op); });
    const auto digest = hash.final();
    return {reinterpret_cast<const char *>(digest.data()), digest.size()};
  }

private:
  /// Preceded by its length, so that no two lists of parts read alike.
  void bytes(ArrayRef<uint8_t> part) {
    const uint64_t size = part.size();
    hash.update(StringRef(reinterpret_cast<const char *>(&size), sizeof(size)));
    hash.update(part);
  }
  void bytes(StringRef part) { bytes(llvm::arrayRefFromStringRef(part)); }

  template <typename Printed> void text(Printed value) {
    std::string printed;
    llvm::raw_string_ostream os(printed);
    value.print(os);
    bytes(printed);
  }

  void add(Operation *op) {
    bytes(op->getName().getStringRef());
    for (Value operand : op->getOperands())
      bytes(std::to_string(numbers.lookup(operand)));
    for (OpResult result : op->getResults()) {
      numbers.try_emplace(result, numbers.size());
      text(result.getType());
    }
    for (NamedAttribute attribute : op->getAttrs())
      if (!op->getDiscardableAttr(attribute.getName())) {
        bytes(attribute.getName().strref());
        add(attribute.getValue());
      }
  }

  /// Large constants as they are: the names of their resources differ between
  /// two readings of one file.
  void add(Attribute attribute) {
    if (auto dense = dyn_cast<DenseIntOrFPElementsAttr>(attribute)) {
      text(dense.getType());
      bytes(dense.isSplat() ? "splat" : "");
      bytes(StringRef(dense.getRawData().data(), dense.getRawData().size()));
    } else if (auto large = dyn_cast<DenseResourceElementsAttr>(attribute)) {
      text(large.getType());
      if (AsmResourceBlob *blob = large.getRawHandle().getBlob())
        bytes(StringRef(blob->getData().data(), blob->getData().size()));
    } else {
      text(attribute);
    }
  }

  llvm::SHA256 hash;
  DenseMap<Value, size_t> numbers;
};

} // namespace

std::string mlir::qnet::networkDigest(ModuleOp module) {
  auto function = module.lookupSymbol<func::FuncOp>("main");
  return function && !function.isExternal() ? Digest().of(function)
                                            : std::string();
}
