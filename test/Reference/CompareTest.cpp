//===- CompareTest.cpp - Statistics between two results
//--------------------===//

#include "OpHarness.h"

#include "quantc/Reference/Compare.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::test;

namespace {

TEST(Compare, Figures) {
  Session session;
  Tensor want =
      session.parse("dense<[[3.0, 4.0], [1.0, 0.0]]> : tensor<2x2xf32>");
  Tensor got =
      session.parse("dense<[[3.0, 3.5], [1.0, 1.5]]> : tensor<2x2xf32>");
  FailureOr<Difference> difference = compareTensors(want, got);
  ASSERT_TRUE(succeeded(difference));
  EXPECT_EQ(difference->count, 4);
  EXPECT_DOUBLE_EQ(difference->sqnr(), 10 * std::log10(26 / 2.5));
  EXPECT_EQ(difference->largestError, 1.5);
  EXPECT_EQ(difference->agreement(), 0.5);
  EXPECT_EQ(difference->clippedShare(), 0);

  FailureOr<Difference> same = compareTensors(want, want);
  EXPECT_EQ(same->sqnr(), INFINITY);
  EXPECT_EQ(same->agreement(), 1);
  difference->merge(*same);
  EXPECT_DOUBLE_EQ(difference->sqnr(), 10 * std::log10(52 / 2.5));
  EXPECT_EQ(difference->agreement(), 0.75);

  EXPECT_TRUE(failed(
      compareTensors(want, session.parse("dense<1.0> : tensor<4xf32>"))));
  EXPECT_TRUE(std::isnan(Difference().sqnr()));
  EXPECT_TRUE(std::isnan(Difference().agreement()));
}

TEST(Compare, SpecialsStandApart) {
  Session session;
  Tensor want = session.parse(
      "dense<[0x7FC00000, 0x7F800000, 0xFF800000, 1.0]> : tensor<4xf32>");
  Tensor got = session.parse(
      "dense<[0x7FC00000, 0x7F800000, 5.0, 1.0]> : tensor<4xf32>");
  FailureOr<Difference> difference = compareTensors(want, got);
  EXPECT_EQ(difference->count, 1);
  EXPECT_EQ(difference->unequalSpecials, 1);
  EXPECT_EQ(difference->sqnr(), INFINITY);
}

/// Range of the type: -5 to 122.5; half a step more still rounds into it.
TEST(Compare, ClippedValuesAreThoseOutsideTheType) {
  Session session;
  Tensor want =
      session.parse("dense<[-5.2, -5.3, 0.0, 122.7, 123.0]> : tensor<5xf32>");
  Tensor got =
      session.parse(Literal("dense<[0, 0, 10, 255, 255]> : tensor<5xui8>",
                            "tensor<5x!quant.uniform<u8:f32, 0.5:10>>"));
  FailureOr<Difference> difference = compareTensors(want, got);
  EXPECT_EQ(difference->clipped, 2);
  EXPECT_NEAR(difference->largestError, 0.5, 1e-5);
}

TEST(Compare, NamesOfFusedLocations) {
  Session session;
  MLIRContext *context = &session.context();
  auto named = [&](const char *name) -> Location {
    return NameLoc::get(StringAttr::get(context, name));
  };
  Location unknown = UnknownLoc::get(context);
  EXPECT_EQ(nameOf(named("fc")), "fc");
  EXPECT_EQ(nameOf(unknown), "");
  EXPECT_EQ(nameOf(FusedLoc::get(context, {named("fc"), named("relu")})),
            "relu");
  EXPECT_EQ(nameOf(FusedLoc::get(context, {named("fc"), unknown})), "fc");
}

TEST(Compare, LayersMeetByName) {
  Session session;
  func::FuncOp real = session.parseFunction(R"(
    func.func @f(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
      %w = qnet.constant dense<2.0> : tensor<1x1xf32>
      %y = qnet.dense %x, %w : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32> loc("fc1")
      %z = qnet.activation relu %y : tensor<?x1xf32> -> tensor<?x1xf32> loc("relu1")
      return %z : tensor<?x1xf32>
    })");
  func::FuncOp quantized = session.parseFunction(R"(
    func.func @f(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
      %w = qnet.constant dense<127> : tensor<1x1xi8>
      %b = qnet.constant dense<0> : tensor<1xi32>
      %m = qnet.constant dense<0.0157480314> : tensor<1xf32>
      %q = qnet.quantize %x : tensor<?x1xf32> -> tensor<?x1x!quant.uniform<u8:f32, 0.125:0>>
      %y = qnet.qdense %q, %w, %b, %m
        : (tensor<?x1x!quant.uniform<u8:f32, 0.125:0>>, tensor<1x1xi8>, tensor<1xi32>, tensor<1xf32>)
        -> tensor<?x1x!quant.uniform<u8:f32, 0.125:0>> loc(fused["fc1", "relu1"])
      %z = qnet.dequantize %y : tensor<?x1x!quant.uniform<u8:f32, 0.125:0>> -> tensor<?x1xf32>
      return %z : tensor<?x1xf32>
    })");
  ASSERT_TRUE(real && quantized);
  Tensor x(Float32Type::get(&session.context()), {3, 1});
  x.reals = {1.0, 1.5, 100.0}; // 200 does not fit in 8 bits of 1/8
  std::vector<LayerDifference> layers;
  for (int block = 0; block != 2; ++block)
    ASSERT_TRUE(succeeded(compareLayers(real, quantized, x, layers)))
        << session.messages;
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "relu1");
  EXPECT_EQ(layers[0].op, "qnet.qdense");
  EXPECT_EQ(layers[0].difference.count, 6);
  EXPECT_EQ(layers[0].difference.clipped, 2);
  EXPECT_EQ(layers[0].difference.largestError, 200 - 31.875);
  EXPECT_EQ(layers[1].name, "result 0");
}

} // namespace
