//===- SplitEntry.cpp - float and 8-bit ways into one integer graph -------===//
//
// Takes          @main from f32 to f32 whose inputs are quantized at once, to 8
//                bits or to more that hold those.
// Gives          @main from stored integers to f32, @enter (f32 to stored
//                integers), @enter_i8 (int8 to them), @leave_i8 (f32 to int8).
// Why            NAME_run and NAME_run_i8 share all code and every weight.
// Not done here  the C functions around them (emit-entry).
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "quantc/Dialect/Qnet.h"
#include "quantc/Lower/Passes.h"

#define DEBUG_TYPE "split-entry"

namespace mlir::qnet {
#define GEN_PASS_DEF_SPLITENTRY
#include "quantc/Lower/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

constexpr int64_t int8Offset = -128;

quant::UniformQuantizedType eightBit(Type type) {
  auto uniform = dyn_cast_if_present<quant::UniformQuantizedType>(
      getElementTypeOrSelf(type));
  bool fits = uniform && !uniform.isSigned() &&
              uniform.getStorageTypeIntegralWidth() == 8;
  return fits ? uniform : quant::UniformQuantizedType();
}

/// An input as a caller of the 8-bit entry gives it.
struct Entry {
  QuantizeOp quantize; ///< the only reader, which stores the input
  quant::UniformQuantizedType bytes;
};

std::optional<Entry> entryOf(BlockArgument argument) {
  auto quantize = argument.hasOneUse()
                      ? dyn_cast<QuantizeOp>(*argument.user_begin())
                      : QuantizeOp();
  if (!quantize)
    return std::nullopt;
  auto bytes = eightBit(quantize.getResult().getType());
  if (!bytes)
    if (auto noted = cast<func::FuncOp>(argument.getOwner()->getParentOp())
                         .getArgAttrOfType<TypeAttr>(argument.getArgNumber(),
                                                     kStoredAsAttr))
      bytes = eightBit(noted.getValue());
  return bytes ? std::optional<Entry>({quantize, bytes}) : std::nullopt;
}

/// The same parameters over all of u8.
quant::UniformQuantizedType overAllBytes(quant::UniformQuantizedType type) {
  return quant::UniformQuantizedType::get(
      type.getFlags(), type.getStorageType(), type.getExpressedType(),
      type.getScale(), type.getZeroPoint(), 0, 255);
}

struct SplitEntry : qnet::impl::SplitEntryBase<SplitEntry> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    std::optional<EightBitInterface> interface = eightBitInterface(main);
    if (!interface)
      return;
    Block &body = main.getBody().front();
    SmallVector<Type> reals(main.getArgumentTypes()), stored, bytes;
    SmallVector<QuantizeOp> quantizes;
    for (BlockArgument argument : body.getArguments())
      quantizes.push_back(entryOf(argument)->quantize);
    ImplicitLocOpBuilder b(main.getLoc(), &getContext());
    for (QuantizeOp quantize : quantizes) {
      auto type = cast<RankedTensorType>(quantize.getResult().getType());
      stored.push_back(type);
      bytes.push_back(type.clone(b.getI8Type()));
    }

    define(b, kEnterFunction, reals, stored, [&](Value x, Type to) -> Value {
      return QuantizeOp::create(b, to, x);
    });
    unsigned nextInput = 0;
    define(b, kEnterI8Function, bytes, stored, [&](Value x, Type to) -> Value {
      auto tensor = cast<RankedTensorType>(to);
      auto whole = tensor.clone(overAllBytes(interface->inputs[nextInput++]));
      Value q = StorageCastOp::create(b, whole, x, int8Offset);
      // A narrower range clamps what the caller may give; a wider one has all
      // of it, in finer steps.
      return whole == to ? q : RequantizeOp::create(b, to, q).getResult();
    });
    SmallVector<Type> results(main.getResultTypes()), resultBytes;
    for (Type type : results)
      resultBytes.push_back(cast<RankedTensorType>(type).clone(b.getI8Type()));
    unsigned next = 0;
    define(b, kLeaveI8Function, results, resultBytes,
           [&](Value y, Type to) -> Value {
             auto tensor = cast<RankedTensorType>(y.getType());
             Value q = QuantizeOp::create(
                 b, tensor.clone(interface->outputs[next++]), y);
             return StorageCastOp::create(b, to, q, int8Offset);
           });

    // @main reads what the entries give.
    for (auto [argument, quantize] :
         llvm::zip(body.getArguments(), quantizes)) {
      argument.setType(quantize.getResult().getType());
      quantize.replaceAllUsesWith(Value(argument));
      quantize.erase();
    }
    main.setFunctionType(
        FunctionType::get(&getContext(), stored, main.getResultTypes()));
  }

  /// A private function that gives `convert` of each argument.
  void define(ImplicitLocOpBuilder &b, StringRef name, ArrayRef<Type> from,
              ArrayRef<Type> to,
              llvm::function_ref<Value(Value, Type)> convert) {
    b.setInsertionPointToEnd(getOperation().getBody());
    auto function = func::FuncOp::create(
        b, b.getLoc(), name, FunctionType::get(&getContext(), from, to));
    function.setPrivate();
    Block *body = function.addEntryBlock();
    b.setInsertionPointToStart(body);
    SmallVector<Value> results;
    for (auto [argument, type] : llvm::zip(body->getArguments(), to))
      results.push_back(convert(argument, type));
    func::ReturnOp::create(b, results);
  }
};

} // namespace

std::optional<EightBitInterface>
mlir::qnet::eightBitInterface(func::FuncOp main) {
  EightBitInterface interface;
  for (BlockArgument argument : main.getArguments()) {
    std::optional<Entry> entry = entryOf(argument);
    if (!entry)
      return std::nullopt;
    interface.inputs.push_back(entry->bytes);
  }
  for (auto [i, type] : llvm::enumerate(main.getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    auto noted = main.getResultAttrOfType<TypeAttr>(i, kStoredAsAttr);
    auto stored =
        noted ? eightBit(noted.getValue()) : quant::UniformQuantizedType();
    if (!tensor || !tensor.getElementType().isF32() || !stored)
      return std::nullopt;
    interface.outputs.push_back(stored);
  }
  return interface;
}
