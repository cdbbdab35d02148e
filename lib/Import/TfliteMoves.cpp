//===- TfliteMoves.cpp - TFLite's operators that only move values ---------===//
//
// Reshaping, joining and cutting. Where numbers keep their scale they are not
// rounded again.
//
//===----------------------------------------------------------------------===//

#include "TfliteGraph.h"

#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace mlir::qnet::onnx;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Twine;

namespace {
/// "To the end" of a slice, forwards and backwards.
constexpr int64_t kToEnd = std::numeric_limits<int64_t>::max();
constexpr int64_t kToStart = -kToEnd;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

void importReshape(TfliteOperator &op, StringRef onnx) {
  StringRef shape;
  if (op.has(1)) {
    shape = op.in(1);
  } else {
    const auto *given =
        op.option(&tflite::ReshapeOptions::new_shape,
                  static_cast<const flatbuffers::Vector<int32_t> *>(nullptr));
    if (!given) {
      op.graph.fail("has no shape; the file is damaged");
      return;
    }
    shape =
        op.graph.constant(SmallVector<int64_t>(given->begin(), given->end()));
  }
  op.moved(
      op.graph.node(onnx, {op.in(0), shape}, {intAttribute("allowzero", 1)}));
  TfliteTensor *from = op.tensor(0), *to = op.outputTensor(0);
  if (from && to && to->dims.size() == 2 && from->isStoredAs(*to))
    to->unflattened = from;
}

void importExpandDims(TfliteOperator &op, StringRef onnx) {
  int64_t axis = op.integer(1, "its axis");
  op.moved(op.graph.node(
      onnx, {op.in(0), op.graph.constant(ArrayRef<int64_t>(axis))}));
}

void importSqueeze(TfliteOperator &op, StringRef onnx) {
  const auto *axes =
      op.option(&tflite::SqueezeOptions::squeeze_dims,
                static_cast<const flatbuffers::Vector<int32_t> *>(nullptr));
  std::vector<StringRef> operands = {op.in(0)};
  if (axes && axes->size() != 0)
    operands.push_back(
        op.graph.constant(SmallVector<int64_t>(axes->begin(), axes->end())));
  op.moved(op.graph.node(onnx, operands));
}

void importTranspose(TfliteOperator &op, StringRef onnx) {
  SmallVector<int64_t> order = op.integers(1, "its permutation");
  op.moved(op.graph.node(onnx, {op.in(0)}, {intsAttribute("perm", order)}));
}

void importExpand(TfliteOperator &op, StringRef onnx) {
  op.moved(op.graph.node(onnx, op.all()));
}

void importShape(TfliteOperator &op, StringRef onnx) {
  TfliteTensor *to = op.outputTensor(0);
  if (to)
    op.result(op.graph.node("Cast", {op.graph.node(onnx, {op.in(0)})},
                            {intAttribute("to", int64_t(to->type))}));
}

//===----------------------------------------------------------------------===//
// Joining and cutting
//===----------------------------------------------------------------------===//

void importConcatenation(TfliteOperator &op, StringRef onnx) {
  using Options = tflite::ConcatenationOptions;
  StringRef joined = op.graph.node(
      onnx, op.all(), {intAttribute("axis", op.option(&Options::axis, 0))});
  op.result(
      op.activated(joined, op.option(&Options::fused_activation_function,
                                     tflite::ActivationFunctionType::NONE)));
}

/// The part from `starts` to `ends` by `steps` along the first dimensions.
StringRef cut(TfliteOperator &op, ArrayRef<int64_t> starts,
              ArrayRef<int64_t> ends, ArrayRef<int64_t> steps) {
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(0, starts.size()));
  TfliteGraph &graph = op.graph;
  return graph.node("Slice",
                    {op.in(0), graph.constant(starts), graph.constant(ends),
                     graph.constant(axes), graph.constant(steps)});
}

void importSlice(TfliteOperator &op, StringRef) {
  SmallVector<int64_t> starts = op.integers(1, "where it begins"),
                       sizes = op.integers(2, "its size"), ends;
  if (op.graph.hasFailed())
    return;
  if (starts.size() != sizes.size()) {
    op.graph.fail("begins in " + Twine(starts.size()) +
                  " dimensions, but has sizes for " + Twine(sizes.size()));
    return;
  }
  for (auto [start, size] : llvm::zip(starts, sizes)) {
    int64_t end = kToEnd;
    if (start < 0 || size < -1 ||
        (size != -1 && llvm::AddOverflow(start, size, end))) {
      op.graph.fail("takes " + Twine(size) + " values from " + Twine(start) +
                    " on, which is impossible; the file is damaged");
      return;
    }
    ends.push_back(end);
  }
  op.moved(cut(op, starts, ends, SmallVector<int64_t>(starts.size(), 1)));
}

void importStridedSlice(TfliteOperator &op, StringRef) {
  using Options = tflite::StridedSliceOptions;
  if (op.option(&Options::ellipsis_mask, 0) != 0 ||
      op.option(&Options::new_axis_mask, 0) != 0 ||
      op.option(&Options::offset, false)) {
    op.graph.fail("has an ellipsis, a new axis or offsets as ends, which is "
                  "not supported; index every dimension alone");
    return;
  }
  SmallVector<int64_t> starts = op.integers(1, "where it begins"),
                       ends = op.integers(2, "where it ends"),
                       steps = op.integers(3, "its strides"), dropped;
  if (op.graph.hasFailed())
    return;
  if (starts.size() != ends.size() || starts.size() != steps.size()) {
    op.graph.fail("begins, ends and steps in different numbers of dimensions");
    return;
  }
  auto isSet = [](int32_t mask, size_t bit) {
    return (uint32_t(mask) >> bit & 1) != 0;
  };
  const int32_t fromStart = op.option(&Options::begin_mask, 0),
                toEnd = op.option(&Options::end_mask, 0),
                shrinks = op.option(&Options::shrink_axis_mask, 0);
  for (size_t i = 0; i < starts.size(); ++i) {
    if (isSet(shrinks, i)) {
      dropped.push_back(i);
      ends[i] = starts[i] == -1 ? kToEnd : starts[i] + 1;
      steps[i] = 1;
      continue;
    }
    const bool forwards = steps[i] > 0;
    if (isSet(fromStart, i))
      starts[i] = forwards ? 0 : kToEnd;
    if (isSet(toEnd, i))
      ends[i] = forwards ? kToEnd : kToStart;
  }
  StringRef part = cut(op, starts, ends, steps);
  if (!dropped.empty())
    part = op.graph.node("Squeeze", {part, op.graph.constant(dropped)});
  op.moved(part);
}

/// Gives the parts of operand `whole` as the operator's outputs, each without
/// `axis` where that is asked for.
void giveParts(TfliteOperator &op, size_t whole,
               std::optional<ArrayRef<int64_t>> sizes, int64_t axis,
               bool drop) {
  TfliteGraph &graph = op.graph;
  TfliteGraph::Attributes attributes = {intAttribute("axis", axis)};
  std::vector<StringRef> operands = {op.in(whole)};
  if (sizes)
    operands.push_back(graph.constant(*sizes));
  else
    attributes.push_back(
        intAttribute("num_outputs", int64_t(op.outputCount())));
  std::vector<StringRef> parts =
      graph.nodes("Split", operands, attributes, op.outputCount());
  for (auto [index, part] : llvm::enumerate(parts))
    op.moved(drop ? graph.node("Squeeze",
                               {part, graph.constant(ArrayRef<int64_t>(axis))})
                  : part,
             whole, index);
}

void importSplit(TfliteOperator &op, StringRef) {
  int64_t axis = op.integer(0, "its axis");
  giveParts(op, 1, std::nullopt, axis, /*drop=*/false);
}

void importSplitV(TfliteOperator &op, StringRef) {
  SmallVector<int64_t> sizes = op.integers(1, "the sizes of its parts");
  int64_t axis = op.integer(2, "its axis");
  giveParts(op, 0, sizes, axis, /*drop=*/false);
}

void importUnpack(TfliteOperator &op, StringRef) {
  giveParts(op, 0, std::nullopt, op.option(&tflite::UnpackOptions::axis, 0),
            /*drop=*/true);
}

void importPack(TfliteOperator &op, StringRef) {
  int64_t axis = op.option(&tflite::PackOptions::axis, 0);
  StringRef axes = op.graph.constant(ArrayRef<int64_t>(axis));
  std::vector<StringRef> parts;
  for (StringRef part : op.all())
    parts.push_back(op.graph.node("Unsqueeze", {part, axes}));
  op.result(op.graph.node("Concat", parts, {intAttribute("axis", axis)}));
}

void importGather(TfliteOperator &op, StringRef onnx) {
  using Options = tflite::GatherOptions;
  if (op.option(&Options::batch_dims, 0) != 0) {
    op.graph.fail("picks other elements in each row (batch_dims), which is "
                  "not supported");
    return;
  }
  op.moved(op.graph.node(onnx, op.all(),
                         {intAttribute("axis", op.option(&Options::axis, 0))}));
}

using Op = tflite::BuiltinOperator;
constexpr size_t kAny = TfliteRow::kAny;

constexpr TfliteRow kRows[] = {
    {Op::RESHAPE, 1, 2, 1, importReshape, "Reshape"},
    {Op::EXPAND_DIMS, 2, 2, 1, importExpandDims, "Unsqueeze"},
    {Op::SQUEEZE, 1, 1, 1, importSqueeze, "Squeeze"},
    {Op::TRANSPOSE, 2, 2, 1, importTranspose, "Transpose"},
    {Op::BROADCAST_TO, 2, 2, 1, importExpand, "Expand"},
    {Op::SHAPE, 1, 1, 1, importShape, "Shape"},
    {Op::CONCATENATION, 1, kAny, 1, importConcatenation, "Concat"},
    {Op::PACK, 1, kAny, 1, importPack},
    {Op::UNPACK, 1, 1, kAny, importUnpack},
    {Op::SPLIT, 2, 2, kAny, importSplit},
    {Op::SPLIT_V, 3, 3, kAny, importSplitV},
    {Op::SLICE, 3, 3, 1, importSlice},
    {Op::STRIDED_SLICE, 4, 4, 1, importStridedSlice},
    {Op::GATHER, 2, 2, 1, importGather, "Gather"},
};
} // namespace

ArrayRef<TfliteRow> mlir::qnet::onnx::tfliteMoveRows() { return kRows; }
