//===- DialectTest.cpp - Shapes, constants and checked creation -----------===//
//
// Part of the quantc project.
//
// What lit can't reach: the functions that the other rooms call.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Dialect/Qnet.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace mlir::qnet;

namespace {

constexpr int64_t kDynamic = ShapedType::kDynamic;
using Shape = SmallVector<int64_t>;

/// A context, an empty module to build in, and the errors emitted.
class DialectTest : public testing::Test {
protected:
  DialectTest()
      : builder(&context), handler(&context, [this](Diagnostic &diagnostic) {
          errors.push_back(diagnostic.str());
          return success();
        }) {
    context.loadDialect<QnetDialect, func::FuncDialect>();
    module = ModuleOp::create(builder.getUnknownLoc());
    builder.setInsertionPointToStart(module->getBody());
  }

  RankedTensorType f32(ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, builder.getF32Type());
  }

  /// A value of the type, of unknown content.
  Value value(Type type) {
    return UnrealizedConversionCastOp::create(builder, builder.getUnknownLoc(),
                                              type, ValueRange())
        .getResult(0);
  }

  NamedAttribute axis(int64_t index) {
    return builder.getNamedAttr("axis", builder.getI64IntegerAttr(index));
  }

  size_t opCount() { return module->getBody()->getOperations().size(); }

  MLIRContext context;
  OpBuilder builder;
  OwningOpRef<ModuleOp> module;
  std::vector<std::string> errors;
  ScopedDiagnosticHandler handler;
};

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

TEST(ShapeTest, BroadcastsAsNumpyDoes) {
  struct Row {
    Shape lhs, rhs, result;
  };
  const Row rows[] = {
      {{}, {}, {}},
      {{}, {3}, {3}},
      {{2, 3}, {3}, {2, 3}},
      {{2, 1}, {1, 3}, {2, 3}},
      {{kDynamic, 3}, {1, 1}, {kDynamic, 3}},
      {{kDynamic}, {4}, {4}},
      {{kDynamic}, {kDynamic}, {kDynamic}},
      {{0}, {1}, {0}},
      {{kDynamic}, {0}, {0}},
  };
  for (const Row &row : rows) {
    FailureOr<Shape> there = broadcastShapes(row.lhs, row.rhs);
    FailureOr<Shape> back = broadcastShapes(row.rhs, row.lhs);
    ASSERT_TRUE(succeeded(there) && succeeded(back));
    EXPECT_EQ(*there, row.result);
    EXPECT_EQ(*back, row.result);
  }
  EXPECT_TRUE(failed(broadcastShapes({2}, {3})));
  EXPECT_TRUE(failed(broadcastShapes({0}, {2})));
  EXPECT_TRUE(failed(broadcastShapes({2, 3}, {2})));
}

TEST(ShapeTest, BroadcastsToOnlyTheGivenShape) {
  EXPECT_TRUE(broadcastsTo({}, {2, 3}));
  EXPECT_TRUE(broadcastsTo({1, 3}, {2, 3}));
  EXPECT_TRUE(broadcastsTo({3}, {kDynamic, 3}));
  EXPECT_FALSE(broadcastsTo({2, 3}, {3}));
  EXPECT_FALSE(broadcastsTo({2, 3}, {1, 3}));
}

TEST(ShapeTest, CountsElementsOrFails) {
  constexpr int64_t large = int64_t(1) << 32;
  EXPECT_EQ(*staticElementCount({}), 1);
  EXPECT_EQ(*staticElementCount({2, 3}), 6);
  EXPECT_EQ(*staticElementCount({large, 0, large}), 0);
  EXPECT_TRUE(failed(staticElementCount({large, large})));
  EXPECT_TRUE(failed(staticElementCount({kDynamic, 2})));
  EXPECT_TRUE(failed(staticElementCount({kDynamic, 0})));
}

TEST_F(DialectTest, KnowsRealAndStoredTypes) {
  Type f32 = builder.getF32Type();
  auto calibrated = quant::CalibratedQuantizedType::get(f32, -1.0, 1.0);
  auto uniform = quant::UniformQuantizedType::get(
      /*flags=*/0, builder.getIntegerType(8), f32, 0.5, 10, 0, 255);
  EXPECT_EQ(realType(f32), f32);
  EXPECT_EQ(realType(calibrated), f32);
  EXPECT_EQ(realType(uniform), f32);
  EXPECT_EQ(realType(builder.getI64Type()), builder.getI64Type());
  EXPECT_FALSE(isStoredInteger(f32));
  EXPECT_FALSE(isStoredInteger(calibrated));
  EXPECT_TRUE(isStoredInteger(uniform));
}

//===----------------------------------------------------------------------===//
// Checked creation
//===----------------------------------------------------------------------===//

TEST_F(DialectTest, CreatesWhatIsSound) {
  auto dense =
      createChecked<DenseOp>(builder, builder.getUnknownLoc(),
                             {value(f32({kDynamic, 4})), value(f32({2, 4}))});
  ASSERT_TRUE(dense);
  EXPECT_EQ(dense.getType(), f32({kDynamic, 2}));
  EXPECT_EQ(dense.getFunction(), Function::identity);

  auto softmax = createChecked<SoftmaxOp>(builder, builder.getUnknownLoc(),
                                          {dense.getResult()}, {axis(1)});
  ASSERT_TRUE(softmax);
  EXPECT_EQ(softmax.getAxis(), 1u);
  EXPECT_TRUE(errors.empty());
  EXPECT_TRUE(succeeded(verify(*module)));
}

TEST_F(DialectTest, RefusesBrokenRulesWithTheirMessage) {
  Location node = NameLoc::get(builder.getStringAttr("fc1"));
  Value x = value(f32({kDynamic, 4}));
  size_t before = opCount();
  EXPECT_FALSE(createChecked<AddOp>(builder, node, {x, value(f32({3}))}));
  EXPECT_EQ(opCount(), before + 1); // the operand alone
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].find("do not broadcast"), std::string::npos);
}

TEST_F(DialectTest, RefusesBadAttributesWithoutCrashing) {
  Location loc = builder.getUnknownLoc();
  Value x = value(f32({kDynamic, 4}));
  size_t before = opCount();
  // Missing, negative, of another kind.
  EXPECT_FALSE(createChecked<SoftmaxOp>(builder, loc, {x}));
  EXPECT_FALSE(createChecked<SoftmaxOp>(builder, loc, {x}, {axis(-1)}));
  EXPECT_FALSE(createChecked<SoftmaxOp>(
      builder, loc, {x},
      {builder.getNamedAttr("axis", builder.getStringAttr("one"))}));
  EXPECT_FALSE(createChecked<SliceOp>(builder, loc, {x}));
  EXPECT_FALSE(createChecked<ConcatOp>(builder, loc, {}, {axis(0)}));
  EXPECT_EQ(opCount(), before);
  EXPECT_GE(errors.size(), 5u);
}

TEST_F(DialectTest, RefusesUnknownRanksWithoutCrashing) {
  Value x = value(UnrankedTensorType::get(builder.getF32Type()));
  EXPECT_FALSE(createChecked<AddOp>(builder, builder.getUnknownLoc(), {x, x}));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].find("known rank"), std::string::npos);
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

TEST_F(DialectTest, ReadsIntegersOfEveryWidth) {
  struct Row {
    IntegerType type;
    int64_t given, read;
  };
  const Row rows[] = {
      {builder.getIntegerType(8), -1, -1},
      {builder.getIntegerType(8, /*isSigned=*/false), 255, 255},
      {builder.getIntegerType(4), -8, -8},
      {builder.getIntegerType(4, /*isSigned=*/false), 15, 15},
      {builder.getIntegerType(64), INT64_MIN, INT64_MIN},
      {builder.getIntegerType(32), -5, -5},
  };
  for (const Row &row : rows) {
    auto type = RankedTensorType::get({2}, row.type);
    APInt given(row.type.getWidth(), row.given, row.type.isSignless(),
                /*implicitTrunc=*/true);
    auto constant = ConstantOp::create(
        builder, builder.getUnknownLoc(),
        DenseElementsAttr::get(type, {given, APInt(row.type.getWidth(), 1)}));
    auto read = constantIntegers(constant);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(*read, (Shape{row.read, 1}));
  }
}

TEST_F(DialectTest, RefusesConstantsThatAreNone) {
  EXPECT_FALSE(constantIntegers(value(f32({2}))).has_value());
  auto floats = DenseElementsAttr::get(f32({2}), {1.0f, 2.0f});
  EXPECT_FALSE(constantIntegers(
                   ConstantOp::create(builder, builder.getUnknownLoc(), floats))
                   .has_value());
  EXPECT_FALSE(rawElements(Attribute()).has_value());
  EXPECT_FALSE(rawElements(builder.getUnitAttr()).has_value());
}

TEST_F(DialectTest, SeesDenseAndResourceAlike) {
  std::vector<float> small{1.0f, 2.0f, 3.0f};
  std::vector<float> large(kResourceBytes, 0.5f);
  for (const std::vector<float> &values : {small, large}) {
    auto type = f32({static_cast<int64_t>(values.size())});
    ElementsAttr made = makeElements<float>(type, values);
    EXPECT_EQ(isa<DenseResourceElementsAttr>(made),
              values.size() > small.size());
    FailureOr<std::vector<float>> read = readElements<float>(made);
    ASSERT_TRUE(succeeded(read));
    EXPECT_EQ(*read, values);
    std::optional<RawElements> raw = rawElements(made);
    ASSERT_TRUE(raw.has_value());
    EXPECT_EQ(raw->count, static_cast<int64_t>(values.size()));
  }
}

TEST_F(DialectTest, SplatIsOneElement) {
  auto splat = DenseElementsAttr::get(f32({1000, 1000}), 2.5f);
  std::optional<RawElements> raw = rawElements(splat);
  ASSERT_TRUE(raw.has_value());
  EXPECT_TRUE(raw->isSplat);
  EXPECT_EQ(raw->count, 1000000);
  EXPECT_EQ(raw->data.size(), sizeof(float));
}

} // namespace
