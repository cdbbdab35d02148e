//===- SequenceEmitter.h - Numerics' sequences as arith ops ------*- C++
//-*-===//
//
// The policy (quantc/Numerics/Policy.h) that emits one MLIR operation for each
// step, so that a compiled program does what Reference does, bit for bit.
// Values are scalars, or vectors of one length.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_DIALECT_SEQUENCEEMITTER_H
#define QUANTC_DIALECT_SEQUENCEEMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "quantc/Numerics/Policy.h"

namespace mlir::qnet {

class SequenceEmitter {
public:
  using F = Value;
  using I = Value;
  using L = Value;
  using B = Value;

  /// `lanes` of 0 emits scalars, otherwise vectors of that many lanes, or of
  /// that many times vscale.
  SequenceEmitter(OpBuilder &builder, Location loc, int64_t lanes = 0,
                  bool scalable = false)
      : b(loc, builder), lanes(lanes), scalable(scalable) {}

  F constant(float x) { return splat(b.getF32FloatAttr(x)); }
  F add(F x, F y) { return arith::AddFOp::create(b, x, y); }
  F sub(F x, F y) { return arith::SubFOp::create(b, x, y); }
  F mul(F x, F y) { return arith::MulFOp::create(b, x, y); }
  F div(F x, F y) { return arith::DivFOp::create(b, x, y); }
  F sqrt(F x) { return math::SqrtOp::create(b, x); }
  B less(F x, F y) { return compare(arith::CmpFPredicate::OLT, x, y); }
  B greater(F x, F y) { return compare(arith::CmpFPredicate::OGT, x, y); }
  B equal(F x, F y) { return compare(arith::CmpFPredicate::OEQ, x, y); }
  B unordered(F x) { return compare(arith::CmpFPredicate::UNO, x, x); }
  F select(B c, F x, F y) { return arith::SelectOp::create(b, c, x, y); }
  I bitsOf(F x) { return arith::BitcastOp::create(b, i32(), x); }
  F fromBits(I x) { return arith::BitcastOp::create(b, f32(), x); }
  F toFloat(I x) { return arith::SIToFPOp::create(b, f32(), x); }
  I truncate(F x) { return arith::FPToSIOp::create(b, i32(), x); }

  I integer(int32_t x) { return splat(b.getI32IntegerAttr(x)); }
  I addI(I x, I y) { return arith::AddIOp::create(b, x, y); }
  I subI(I x, I y) { return arith::SubIOp::create(b, x, y); }
  I mulI(I x, I y) { return arith::MulIOp::create(b, x, y); }
  I andI(I x, I y) { return arith::AndIOp::create(b, x, y); }
  I orI(I x, I y) { return arith::OrIOp::create(b, x, y); }
  I xorI(I x, I y) { return arith::XOrIOp::create(b, x, y); }
  I shiftLeft(I x, int n) { return arith::ShLIOp::create(b, x, integer(n)); }
  I shiftRightArithmetic(I x, int n) {
    return arith::ShRSIOp::create(b, x, integer(n));
  }
  I shiftRightLogical(I x, int n) {
    return arith::ShRUIOp::create(b, x, integer(n));
  }
  B lessI(I x, I y) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y);
  }
  I selectI(B c, I x, I y) { return arith::SelectOp::create(b, c, x, y); }

  L integerL(int64_t x) { return splat(b.getI64IntegerAttr(x)); }
  L widen(I x) { return arith::ExtSIOp::create(b, i64(), x); }
  I narrow(L x) { return arith::TruncIOp::create(b, i32(), x); }
  L addL(L x, L y) { return arith::AddIOp::create(b, x, y); }
  L subL(L x, L y) { return arith::SubIOp::create(b, x, y); }
  L mulL(L x, L y) { return arith::MulIOp::create(b, x, y); }
  L andL(L x, L y) { return arith::AndIOp::create(b, x, y); }
  L orL(L x, L y) { return arith::OrIOp::create(b, x, y); }
  L shiftLeftL(L x, I n) { return arith::ShLIOp::create(b, x, widen(n)); }
  L shiftRightArithmeticL(L x, I n) {
    return arith::ShRSIOp::create(b, x, widen(n));
  }
  L shiftRightLogicalL(L x, I n) {
    return arith::ShRUIOp::create(b, x, widen(n));
  }
  B lessL(L x, L y) { return lessI(x, y); }
  L selectL(B c, L x, L y) { return select(c, x, y); }

  Type f32() { return shaped(b.getF32Type()); }
  Type i32() { return shaped(b.getI32Type()); }
  Type i64() { return shaped(b.getI64Type()); }
  /// `element`, or the vector of it that this emitter works on.
  Type shaped(Type element) {
    return lanes ? Type(VectorType::get({lanes}, element, {scalable}))
                 : element;
  }

  ImplicitLocOpBuilder b;

private:
  B compare(arith::CmpFPredicate predicate, F x, F y) {
    return arith::CmpFOp::create(b, predicate, x, y);
  }
  Value splat(TypedAttr element) {
    if (!lanes)
      return arith::ConstantOp::create(b, element);
    auto type = cast<ShapedType>(shaped(element.getType()));
    return arith::ConstantOp::create(
        b, type, SplatElementsAttr::get(type, Attribute(element)));
  }

  int64_t lanes;
  bool scalable;
};

static_assert(quantc::numerics::ArithmeticPolicy<SequenceEmitter>);

} // namespace mlir::qnet

#endif // QUANTC_DIALECT_SEQUENCEEMITTER_H
