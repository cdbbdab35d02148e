//===- ImportSlice.cpp - Concat, Split, Slice, Gather ---------------------===//

#include "NodeImporter.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

namespace {
constexpr int64_t kDynamic = ShapedType::kDynamic;

/// A box of a tensor, at first the whole of it.
struct Box {
  explicit Box(ArrayRef<int64_t> shape)
      : starts(shape.size(), 0), sizes(shape), steps(shape.size(), 1) {
    llvm::replace(sizes, kDynamic, int64_t(-1));
  }
  SmallVector<int64_t> starts, sizes, steps;

  Value of(NodeImporter &n, Value input) {
    Box whole(n.shapeOf(input));
    if (starts == whole.starts && sizes == whole.sizes && steps == whole.steps)
      return input;
    return n.emit<SliceOp>(input,
                           {n.named("starts", starts), n.named("sizes", sizes),
                            n.named("steps", steps)});
  }
};

LogicalResult importConcat(NodeImporter &n) {
  SmallVector<Value> values = n.operands();
  if (llvm::is_contained(values, Value()))
    return failure();
  FailureOr<int64_t> axis =
      n.axis(n.intAttribute("axis", 0), n.rankOf(values[0]));
  if (failed(axis))
    return failure();
  return n.result(0, n.emit<ConcatOp>(values, n.named("axis", *axis)));
}

/// The sizes of the parts: given, or equal (the last one smaller where opset 18
/// says so with num_outputs).
FailureOr<SmallVector<int64_t>> splitSizes(NodeImporter &n, int64_t size) {
  FailureOr<std::optional<SmallVector<int64_t>>> given =
      n.integersOrAttribute(1, "split");
  if (failed(given))
    return failure();
  int64_t parts = n.node.outputs.size();
  if (*given)
    return **given;
  int64_t asked = n.intAttribute("num_outputs", parts);
  if (asked != parts)
    return n.error("has " + Twine(parts) + " outputs, but num_outputs is " +
                   Twine(asked));
  bool mayBeSmaller = n.node.attribute("num_outputs") != nullptr;
  if (parts == 0 || (size % parts != 0 && !mayBeSmaller))
    return n.error("cannot split " + Twine(size) + " into " + Twine(parts) +
                   " equal parts");
  int64_t part = (size + parts - 1) / parts;
  SmallVector<int64_t> sizes;
  for (int64_t left = size; int64_t(sizes.size()) < parts; left -= part)
    sizes.push_back(std::clamp<int64_t>(left, 0, part));
  return sizes;
}

LogicalResult importSplit(NodeImporter &n) {
  Value input = n.operand(0);
  if (!input)
    return failure();
  FailureOr<int64_t> axis = n.axis(n.intAttribute("axis", 0), n.rankOf(input));
  if (failed(axis))
    return failure();
  int64_t size = n.shapeOf(input)[*axis];
  if (size == kDynamic)
    return n.error("splits along the batch, whose size is not known when "
                   "compiling");
  FailureOr<SmallVector<int64_t>> sizes = splitSizes(n, size);
  if (failed(sizes))
    return failure();
  if (sizes->size() != n.node.outputs.size())
    return n.error("has " + Twine(n.node.outputs.size()) + " outputs for " +
                   Twine(sizes->size()) + " parts");
  int64_t start = 0;
  for (int64_t part : *sizes) {
    if (part < 0 || part > size - start)
      return n.error("its parts do not add up to " + Twine(size));
    start += part;
  }
  if (start != size)
    return n.error("its parts add up to " + Twine(start) + ", not to " +
                   Twine(size));
  start = 0;
  for (auto [index, part] : llvm::enumerate(*sizes)) {
    Box box(n.shapeOf(input));
    box.starts[*axis] = start;
    box.sizes[*axis] = part;
    if (n.wants(index) && failed(n.result(index, box.of(n, input))))
      return failure();
    start += part;
  }
  return success();
}

/// numpy's start:end:step on a dimension of `size` values.
void cutDimension(Box &box, int64_t axis, int64_t size, int64_t start,
                  int64_t end, int64_t step) {
  auto clampIndex = [&](int64_t index, int64_t low, int64_t high) {
    return std::clamp(index < 0 ? index + size : index, low, high);
  };
  // Backwards, -1 is the place before the first value.
  int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  start = clampIndex(start, low, high);
  end = clampIndex(end, low, high);
  int64_t span = step > 0 ? end - start : start - end;
  // A magnitude that never overflows, even for the smallest step.
  uint64_t stride = step > 0 ? uint64_t(step) : 0 - uint64_t(step);
  int64_t count = span <= 0 ? 0 : int64_t((uint64_t(span) - 1) / stride) + 1;
  box.starts[axis] = count == 0 ? 0 : start;
  box.sizes[axis] = count;
  // One value or none is reached by any step.
  box.steps[axis] = count <= 1 ? 1 : step;
}

LogicalResult importSlice(NodeImporter &n) {
  Value input = n.operand(0);
  FailureOr<std::optional<SmallVector<int64_t>>> starts =
      n.integersOrAttribute(1, "starts");
  if (!input || failed(starts))
    return failure();
  FailureOr<std::optional<SmallVector<int64_t>>> ends =
      n.integersOrAttribute(2, "ends");
  if (failed(ends))
    return failure();
  FailureOr<std::optional<SmallVector<int64_t>>> axes =
      n.integersOrAttribute(3, "axes");
  if (failed(axes))
    return failure();
  FailureOr<std::optional<SmallVector<int64_t>>> steps =
      n.integersOrAttribute(4, "steps");
  if (failed(steps))
    return failure();
  if (!*starts || !*ends)
    return n.error("its starts or ends are missing");
  size_t count = (*starts)->size();
  if (!*axes)
    *axes = llvm::to_vector(llvm::seq<int64_t>(0, count));
  if (!*steps)
    *steps = SmallVector<int64_t>(count, 1);
  if ((*ends)->size() != count || (*axes)->size() != count ||
      (*steps)->size() != count)
    return n.error("its starts, ends, axes and steps are of different lengths");
  if (failed(n.axes(**axes, n.rankOf(input))))
    return failure();

  Box box(n.shapeOf(input));
  for (size_t i = 0; i < count; ++i) {
    int64_t start = (**starts)[i], end = (**ends)[i], step = (**steps)[i];
    int64_t axis = (**axes)[i];
    axis = axis < 0 ? axis + n.rankOf(input) : axis;
    int64_t size = n.shapeOf(input)[axis];
    if (step == 0)
      return n.error("step 0 along dimension " + Twine(axis));
    if (size != kDynamic) {
      // Only a size carried as a symbol is unknown; a constant may well be the
      // smallest integer.
      for (size_t bound : {1, 2})
        if (n.has(bound) && n.binding(bound).integers &&
            n.binding(bound).integers->elements[i] == kDynamic)
          return n.error("a bound along dimension " + Twine(axis) +
                         " is the size of the batch, which is not known when "
                         "compiling");
      cutDimension(box, axis, size, start, end, step);
      continue;
    }
    // Exporters write "to the end" as a number that no batch reaches, or as the
    // batch itself.
    bool toEnd = end == kDynamic || end >= INT32_MAX;
    if (start != 0 || !toEnd || step != 1)
      return n.error("cuts the batch (dimension " + Twine(axis) +
                     "), whose size is not known when compiling");
  }
  return n.result(0, box.of(n, input));
}

LogicalResult importGather(NodeImporter &n) {
  Value input = n.operand(0), indices = n.operand(1);
  if (!input || !indices)
    return failure();
  FailureOr<int64_t> axis = n.axis(n.intAttribute("axis", 0), n.rankOf(input));
  if (failed(axis))
    return failure();
  return n.result(0,
                  n.emit<GatherOp>({input, indices}, n.named("axis", *axis)));
}

constexpr OpRow kRows[] = {
    {"Concat", 4, 1, OpRow::kVariadic, 1, "axis:i!", importConcat},
    {"Split", 2, 1, 2, OpRow::kVariadic, "axis:i split:I num_outputs:i",
     importSplit},
    {"Slice", 1, 1, 5, 1, "starts:I ends:I axes:I", importSlice},
    {"Gather", 1, 2, 2, 1, "axis:i", importGather},
};
} // namespace

llvm::ArrayRef<OpRow> mlir::qnet::onnx::sliceRows() { return kRows; }
