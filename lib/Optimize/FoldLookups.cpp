//===- FoldLookups.cpp - tables behind tables as one ----------------------===//
//
// Takes          an integer graph.
// Gives          lookup(lookup(q)), lookup(requantize(q)),
// requantize(lookup(q))
//                as one lookup; no lookup that gives back its index.
// Why            a function of at most 12 bits costs one table, however many
//                functions it is made of.
// Not done here  making tables (convert-to-integer).
//
//===----------------------------------------------------------------------===//
#include "StoredFunction.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Optimize/Passes.h"

#define DEBUG_TYPE "fold-lookups"

namespace mlir::qnet {
#define GEN_PASS_DEF_FOLDLOOKUPS
#include "quantc/Optimize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// The op before, if it is a table that nothing else reads.
FailureOr<std::vector<int32_t>> innerTable(Operation *outer,
                                           PatternRewriter &rewriter) {
  Operation *inner = outer->getOperand(0).getDefiningOp();
  if (!isa_and_present<LookupOp, RequantizeOp>(inner))
    return rewriter.notifyMatchFailure(
        outer, "its input is neither looked up nor requantized");
  if (!inner->hasOneUse())
    return rewriter.notifyMatchFailure(outer,
                                       "the value between is read elsewhere");
  std::optional<std::vector<int32_t>> values = valuesOf(inner);
  if (!values)
    return rewriter.notifyMatchFailure(
        outer, "the table before is not constant or has over 4096 entries");
  return *values;
}

/// lookup(lookup | requantize) -> lookup, integers or f32.
struct ComposeLookup : OpRewritePattern<LookupOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LookupOp outer,
                                PatternRewriter &rewriter) const override {
    FailureOr<std::vector<int32_t>> inner = innerTable(outer, rewriter);
    if (failed(inner))
      return failure();
    Value input = outer.getInput().getDefiningOp()->getOperand(0);
    int32_t outerMin = storedType(outer.getInput()).getStorageTypeMin();
    if (auto floats = readConstant<float>(outer.getTable());
        succeeded(floats) && !storedType(outer.getResult())) {
      std::vector<float> values;
      for (int32_t q : *inner)
        values.push_back((*floats)[q - outerMin]);
      Value table = makeConstant<float>(rewriter, outer.getLoc(),
                                        {static_cast<int64_t>(values.size())},
                                        rewriter.getF32Type(), values);
      rewriter.replaceOpWithNewOp<LookupOp>(outer, outer.getType(), input,
                                            table);
      return success();
    }
    std::optional<std::vector<int32_t>> values = valuesOf(outer);
    if (!values)
      return rewriter.notifyMatchFailure(outer, "its table is not constant");
    replaceStoring(rewriter, outer,
                   createLookup(rewriter, outer.getLoc(), input,
                                outer.getType(),
                                composed(*inner, *values, outerMin)));
    return success();
  }
};

/// requantize(lookup) -> lookup.
struct ComposeRequantize : OpRewritePattern<RequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RequantizeOp outer,
                                PatternRewriter &rewriter) const override {
    if (!outer.getInput().getDefiningOp<LookupOp>())
      return rewriter.notifyMatchFailure(outer, "its input is not looked up");
    FailureOr<std::vector<int32_t>> inner = innerTable(outer, rewriter);
    if (failed(inner))
      return failure();
    std::optional<std::vector<int32_t>> values = valuesOf(outer);
    if (!values)
      return rewriter.notifyMatchFailure(outer, "its types have no table");
    Value input = outer.getInput().getDefiningOp()->getOperand(0);
    replaceStoring(
        rewriter, outer,
        createLookup(
            rewriter, outer.getLoc(), input, outer.getType(),
            composed(*inner, *values,
                     storedType(outer.getInput()).getStorageTypeMin())));
    return success();
  }
};

/// lookup(q) = q -> q.
struct RemoveIdentity : OpRewritePattern<LookupOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LookupOp lookup,
                                PatternRewriter &rewriter) const override {
    if (lookup.getType() != lookup.getInput().getType())
      return rewriter.notifyMatchFailure(lookup, "its types differ");
    std::optional<std::vector<int32_t>> values = valuesOf(lookup);
    if (!values)
      return rewriter.notifyMatchFailure(lookup, "its table is not constant");
    int32_t least = storedType(lookup.getInput()).getStorageTypeMin();
    for (auto [i, value] : llvm::enumerate(*values))
      if (value != least + static_cast<int32_t>(i))
        return rewriter.notifyMatchFailure(lookup, "its table changes a value");
    replaceStoring(rewriter, lookup, lookup.getInput());
    return success();
  }
};

struct FoldLookups : qnet::impl::FoldLookupsBase<FoldLookups> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ComposeLookup, ComposeRequantize, RemoveIdentity>(
        &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns)))) {
      getOperation().emitError("fold-lookups: rewriting did not come to rest");
      signalPassFailure();
    }
  }
};

} // namespace
