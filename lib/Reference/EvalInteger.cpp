//===- EvalInteger.cpp - The integer level
//---------------------------------===//
//
// Loops around Numerics' sequences; nothing is rounded or clamped here.
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"
#include "Products.h"

#include "quantc/Numerics/Sequences.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;
using numerics::FloatPolicy;
using numerics::QuantParams;

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

namespace {
/// The parameters at each position of a tensor: one set, or one an index of the
/// quantized dimension.
class ParameterMap {
public:
  ParameterMap(Type elementType, ArrayRef<int64_t> shape) {
    auto type = cast<quant::QuantizedType>(elementType);
    auto add = [&](double scale, int64_t zeroPoint) {
      parameters.push_back({static_cast<float>(scale),
                            static_cast<int32_t>(zeroPoint),
                            static_cast<int32_t>(type.getStorageTypeMin()),
                            static_cast<int32_t>(type.getStorageTypeMax())});
    };
    if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(type)) {
      for (auto [scale, zeroPoint] :
           llvm::zip_equal(perAxis.getScales(), perAxis.getZeroPoints()))
        add(scale, zeroPoint);
      stride = rowMajorStrides(shape)[perAxis.getQuantizedDimension()];
      return;
    }
    auto uniform = cast<quant::UniformQuantizedType>(type);
    add(uniform.getScale(), uniform.getZeroPoint());
  }

  const QuantParams &at(int64_t index) const {
    return parameters.size() == 1
               ? parameters.front()
               : parameters[index / stride % parameters.size()];
  }

private:
  SmallVector<QuantParams> parameters;
  int64_t stride = 1;
};
} // namespace

/// A type that R3 allows but numerics has no meaning for would be a bug of the
/// verifier; still, it must not become a wrong number.
static FailureOr<QuantParams> perTensor(const Evaluation &e, Type elementType) {
  auto uniform = dyn_cast<quant::UniformQuantizedType>(elementType);
  if (!uniform) {
    e.error() << "needs one scale for the whole tensor, not " << elementType;
    return failure();
  }
  QuantParams params = ParameterMap(uniform, {}).at(0);
  std::string why;
  if (!numerics::valid(params, &why)) {
    e.error() << "has parameters out of bounds in " << elementType << ": "
              << why;
    return failure();
  }
  return params;
}

Tensor qnet::dequantized(const Tensor &tensor) {
  if (!isStoredInteger(tensor.elementType))
    return tensor;
  FloatPolicy a;
  ParameterMap params(tensor.elementType, tensor.shape);
  Tensor result(realType(tensor.elementType), tensor.shape);
  ElementFormat format = result.format();
  for (auto [i, q] : llvm::enumerate(tensor.integers)) {
    const QuantParams &at = params.at(i);
    result.reals[i] = format.round(numerics::dequantize(
        a, static_cast<int32_t>(q), at.scale, at.zeroPoint));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

Results qnet::evaluate(ObserveOp op, const Evaluation &e) {
  return SmallVector<Tensor>{};
}

Results qnet::evaluate(QuantizeOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0);
  FailureOr<Tensor> result = e.allocate(e.declaredElement(), input.shape);
  if (failed(result))
    return failure();
  FloatPolicy a;
  ParameterMap params(result->elementType, input.shape);
  for (auto [i, x] : llvm::enumerate(input.reals)) {
    const QuantParams &at = params.at(i);
    result->integers[i] = numerics::quantize(a, static_cast<float>(x), at.scale,
                                             at.zeroPoint, at.qmin, at.qmax);
  }
  return single(std::move(result));
}

Results qnet::evaluate(DequantizeOp op, const Evaluation &e) {
  if (failed(e.allocate(e.declaredElement(), e.operand(0).shape)))
    return failure();
  return single(dequantized(e.operand(0)));
}

Results qnet::evaluate(RequantizeOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0);
  FailureOr<QuantParams> from = perTensor(e, input.elementType);
  FailureOr<QuantParams> to = perTensor(e, e.declaredElement());
  FailureOr<Tensor> result = e.allocate(e.declaredElement(), input.shape);
  if (failed(from) || failed(to) || failed(result))
    return failure();
  FloatPolicy a;
  float multiplier = numerics::chooseMultiplier(from->scale, 1.0f, to->scale);
  for (auto [to32, q] : llvm::zip_equal(result->integers, input.integers))
    to32 = numerics::requantize(a, static_cast<int32_t>(q) - from->zeroPoint,
                                multiplier, to->zeroPoint, to->qmin, to->qmax);
  return single(std::move(result));
}

Results qnet::evaluate(LookupOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0), &table = e.operand(1);
  FailureOr<QuantParams> from = perTensor(e, input.elementType);
  FailureOr<Tensor> result = e.allocate(e.declaredElement(), input.shape);
  if (failed(from) || failed(result))
    return failure();
  if (table.isReal() != result->isReal()) {
    e.error() << "has a table of type " << table.type() << " for a result of "
              << result->elementType;
    return failure();
  }
  for (auto [i, q] : llvm::enumerate(input.integers)) {
    int64_t entry = q - from->qmin;
    if (entry < 0 || entry >= table.size()) {
      e.error() << "looks up stored value " << q << " of " << input.elementType
                << " in a table of " << table.size() << " entries";
      return failure();
    }
    if (result->isReal())
      result->reals[i] = table.reals[entry];
    else
      result->integers[i] = result->format().wrap(table.integers[entry]);
  }
  return single(std::move(result));
}

//===----------------------------------------------------------------------===//
// Two operands
//===----------------------------------------------------------------------===//

template <typename Sequence>
static Results quantizedBinary(const Evaluation &e, Sequence sequence) {
  const Tensor &lhs = e.operand(0), &rhs = e.operand(1);
  FailureOr<QuantParams> left = perTensor(e, lhs.elementType);
  FailureOr<QuantParams> right = perTensor(e, rhs.elementType);
  FailureOr<QuantParams> out = perTensor(e, e.declaredElement());
  FailureOr<SmallVector<int64_t>> shape = e.broadcast({0, 1});
  if (failed(left) || failed(right) || failed(out) || failed(shape))
    return failure();
  FailureOr<Tensor> result = e.allocate(e.declaredElement(), *shape);
  if (failed(result))
    return failure();
  std::array<SmallVector<int64_t>, 2> strides = {
      broadcastStrides(lhs.shape, *shape), broadcastStrides(rhs.shape, *shape)};
  walk(*shape, strides, [&](int64_t i, auto at) {
    result->integers[i] =
        sequence(static_cast<int32_t>(lhs.integers[at[0]]), *left,
                 static_cast<int32_t>(rhs.integers[at[1]]), *right, *out);
  });
  return single(std::move(result));
}

Results qnet::evaluate(QAddOp op, const Evaluation &e) {
  return quantizedBinary(e, [](auto... arguments) {
    FloatPolicy a;
    return numerics::addQuantized(a, arguments...);
  });
}

Results qnet::evaluate(QSubOp op, const Evaluation &e) {
  return quantizedBinary(e, [](auto... arguments) {
    FloatPolicy a;
    return numerics::subtractQuantized(a, arguments...);
  });
}

Results qnet::evaluate(QMulOp op, const Evaluation &e) {
  return quantizedBinary(e, [](auto... arguments) {
    FloatPolicy a;
    return numerics::multiplyQuantized(a, arguments...);
  });
}

//===----------------------------------------------------------------------===//
// qdense
//===----------------------------------------------------------------------===//

/// The integers in few bits. Empty, with an error, if one is out of range.
template <typename Stored>
static FailureOr<std::vector<Stored>> stored(const Evaluation &e,
                                             const Tensor &tensor) {
  std::vector<Stored> result;
  result.reserve(tensor.size());
  for (int64_t value : tensor.integers) {
    if (value != static_cast<Stored>(value)) {
      e.error() << "multiplies integers of " << 8 * sizeof(Stored)
                << " bits, but " << tensor.type() << " holds " << value;
      return failure();
    }
    result.push_back(static_cast<Stored>(value));
  }
  return result;
}

Results qnet::evaluate(QDenseOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0), &weights = e.operand(1),
               &bias = e.operand(2), &multiplier = e.operand(3);
  // Optional operands follow in this order.
  unsigned next = 4;
  const Tensor *shift = op.getShift() ? &e.operand(next++) : nullptr;
  const Tensor *outBias = op.getOutBias() ? &e.operand(next++) : nullptr;
  const Tensor *groups = op.getGroupMultiplier() ? &e.operand(next++) : nullptr;

  bool fits = input.rank() >= 1 && weights.rank() == 2 &&
              weights.shape[1] == input.shape.back() &&
              multiplier.isReal() == !shift;
  for (const Tensor *vector : {&bias, &multiplier, shift, outBias})
    fits &= !vector || (fits && vector->rank() == 1 &&
                        vector->shape[0] == weights.shape[0]);
  fits &= !groups || (fits && groups->rank() == 2 &&
                      groups->shape[0] == weights.shape[0] &&
                      groups->shape[1] == QDenseOp::groupsOf(weights.shape[1]));
  if (!fits) {
    e.error() << "cannot multiply " << input.type() << " by weights of "
              << weights.type();
    return failure();
  }
  SmallVector<int64_t> shape = input.shape;
  shape.back() = weights.shape[0];
  FailureOr<Tensor> result = e.allocate(e.declaredElement(), shape);
  if (failed(result))
    return failure();
  QuantParams out;
  if (!result->isReal()) {
    FailureOr<QuantParams> params = perTensor(e, result->elementType);
    if (failed(params))
      return failure();
    out = *params;
  }
  FailureOr<std::vector<int8_t>> weightBytes = stored<int8_t>(e, weights);
  if (failed(weightBytes))
    return failure();

  int64_t columns = weights.shape[0], depth = weights.shape[1];
  int64_t rows = columns ? result->size() / columns : 0;
  ProductShape products{rows, columns, depth};
  if (failed(e.checkProducts({rows, columns, depth})))
    return failure();
  std::vector<int64_t> sums(result->size());
  if (input.format().width > 8) {
    FailureOr<std::vector<int16_t>> words = stored<int16_t>(e, input);
    if (failed(words))
      return failure();
    multiplyWords(words->data(), weightBytes->data(), sums.data(), products);
  } else {
    FailureOr<std::vector<uint8_t>> bytes = stored<uint8_t>(e, input);
    FailureOr<std::vector<uint8_t>> groupBytes;
    if (groups)
      groupBytes = stored<uint8_t>(e, *groups);
    if (failed(bytes) || (groups && failed(groupBytes)))
      return failure();
    if (groups)
      multiplyGrouped(bytes->data(), weightBytes->data(), groupBytes->data(),
                      sums.data(), products, QDenseOp::kGroupChannels);
    else
      multiplyBytes(bytes->data(), weightBytes->data(), sums.data(), products);
  }

  FloatPolicy a;
  for (auto [i, sum] : llvm::enumerate(sums)) {
    int64_t n = static_cast<int64_t>(i) % columns;
    int64_t exact = sum + bias.integers[n];
    auto acc = static_cast<int32_t>(exact);
    if (acc != exact) {
      e.error() << "overflows its 32-bit accumulator: output " << n
                << " sums to " << exact
                << "; split the layer's inputs or use smaller weights";
      return failure();
    }
    if (result->isReal()) {
      auto scale = static_cast<float>(multiplier.reals[n]);
      result->reals[i] =
          outBias ? numerics::scaleAccumulator(
                        a, acc, scale, static_cast<float>(outBias->reals[n]))
                  : a.mul(a.toFloat(acc), scale);
    } else if (shift) {
      int64_t mantissa = multiplier.integers[n], bits = shift->integers[n];
      if (mantissa < 0 || bits < 1 || bits > 62) {
        e.error() << "has a fixed multiplier out of bounds at output " << n
                  << ": mantissa " << mantissa << ", shift " << bits
                  << "; use mantissas of at least 0 and shifts from 1 to 62";
        return failure();
      }
      result->integers[i] = numerics::requantizeFixed(
          a, acc, static_cast<int32_t>(mantissa), static_cast<int32_t>(bits),
          out.zeroPoint, out.qmin, out.qmax);
    } else {
      auto scale = static_cast<float>(multiplier.reals[n]);
      // Magnitudes below minMultiplier, 0 among them, round every accumulator
      // to 0; above, a product could be infinite.
      if (!(std::abs(scale) <= numerics::maxMultiplier)) {
        e.error() << "has multiplier " << multiplier.reals[n] << " at output "
                  << n << "; use one of magnitude at most 2^30";
        return failure();
      }
      result->integers[i] = numerics::requantize(a, acc, scale, out.zeroPoint,
                                                 out.qmin, out.qmax);
    }
  }
  return single(std::move(result));
}
