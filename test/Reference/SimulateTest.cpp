//===- SimulateTest.cpp - Quantization, switched on and off ---------------===//
//
// If this fails, quantc compare blames the wrong layer.
//
//===----------------------------------------------------------------------===//

#include "OpHarness.h"

#include "quantc/Reference/Simulate.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::test;

namespace {

const char *const kFloat = R"(
  func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
    %w = qnet.constant dense<[[0.26, -0.5], [1.0, 0.75]]> : tensor<2x2xf32>
    %b = qnet.constant dense<[0.5, -0.25]> : tensor<2xf32>
    %v = qnet.constant dense<[[1.0, -0.49]]> : tensor<1x2xf32>
    %h = qnet.dense %x, %w, %b {function = #qnet.fn<tanh>}
       : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32> loc("hidden")
    %y = qnet.dense %h, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32> loc("out")
    return %y : tensor<?x1xf32>
  })";

/// Weights in quarters and steps of 1/8: far from kFloat, but exact in f32.
const char *const kInteger = R"(
  func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
    %w = qnet.constant dense<[[1, -2], [4, 3]]> : tensor<2x2xi8>
    %b = qnet.constant dense<[20, -64]> : tensor<2xi32>
    %m = qnet.constant dense<0.25> : tensor<2xf32>
    %t = qnet.constant dense<[0, 1, 2, 4, 7, 9, 12, 14]> : tensor<8xui8>
    %v = qnet.constant dense<[[2, -1]]> : tensor<1x2xi8>
    %c = qnet.constant dense<[-8]> : tensor<1xi32>
    %n = qnet.constant dense<0.0625> : tensor<1xf32>
    %q = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!quant.uniform<u8<0:15>:f32, 0.125:8>>
    %p = qnet.qdense %q, %w, %b, %m
       : (tensor<?x2x!quant.uniform<u8<0:15>:f32, 0.125:8>>, tensor<2x2xi8>, tensor<2xi32>, tensor<2xf32>)
      -> tensor<?x2x!quant.uniform<u8<0:7>:f32, 0.125:4>> loc("hidden")
    %h = qnet.lookup %p, %t : (tensor<?x2x!quant.uniform<u8<0:7>:f32, 0.125:4>>, tensor<8xui8>)
      -> tensor<?x2x!quant.uniform<u8<0:15>:f32, 0.125:7>> loc("hidden")
    %y = qnet.qdense %h, %v, %c, %n
       : (tensor<?x2x!quant.uniform<u8<0:15>:f32, 0.125:7>>, tensor<1x2xi8>, tensor<1xi32>, tensor<1xf32>)
      -> tensor<?x1xf32> loc("out")
    return %y : tensor<?x1xf32>
  })";

struct SimulateTest : ::testing::Test {
  Session session;
  Tensor input = session.parse(
      "dense<[[0.3, -0.2], [0.9, 0.8], [-3.0, 0.4], [0.1, 0.05]]> : "
      "tensor<4x2xf32>");

  FailureOr<Simulation> simulate(const char *expected, const char *actual) {
    func::FuncOp f = session.parseFunction(expected);
    func::FuncOp g = session.parseFunction(actual);
    if (!f || !g)
      return failure();
    return simulateQuantization(f, g);
  }
  /// The result with those effects on that `isOn` names.
  std::vector<double> run(const Simulation &simulation,
                          llvm::function_ref<bool(const Switch &)> isOn) {
    SmallVector<Tensor> inputs = {input};
    for (const Switch &effect : simulation.switches) {
      Tensor mask(input.elementType, {4, effect.channels});
      llvm::fill(mask.reals, isOn(effect) ? 1 : 0);
      inputs.push_back(mask);
    }
    auto main = cast<func::FuncOp>(simulation.module.get().getBody()->front());
    auto results = Interpreter().run(main, inputs);
    EXPECT_TRUE(succeeded(results)) << session.messages;
    return succeeded(results) ? results->front().reals : std::vector<double>();
  }
  std::vector<double> runText(const char *text) {
    auto results = Interpreter().run(session.parseFunction(text), input);
    EXPECT_TRUE(succeeded(results)) << session.messages;
    return succeeded(results) ? results->front().reals : std::vector<double>();
  }
};

TEST_F(SimulateTest, AllOffIsTheFloatNetwork) {
  auto simulation = simulate(kFloat, kInteger);
  ASSERT_TRUE(succeeded(simulation)) << session.messages;
  EXPECT_EQ(run(*simulation, [](const Switch &) { return false; }),
            runText(kFloat));
}

TEST_F(SimulateTest, EveryEffectIsASwitch) {
  auto simulation = simulate(kFloat, kInteger);
  ASSERT_TRUE(succeeded(simulation)) << session.messages;
  EXPECT_TRUE(simulation->fixed.empty());
  int weights = 0, inputs = 0, indices = 0, values = 0;
  for (const Switch &effect : simulation->switches) {
    weights += effect.effect == Effect::Weights;
    inputs += effect.place == Place::Input;
    indices += effect.place == Place::Index;
    values += effect.place == Place::Value && effect.effect != Effect::Weights;
  }
  EXPECT_EQ(weights, 2);
  EXPECT_EQ(inputs, 2);
  EXPECT_EQ(indices, 2);
  EXPECT_EQ(values, 2);
  // Each of them does something to these rows.
  std::vector<double> none = runText(kFloat);
  int changing = 0;
  for (const Switch &alone : simulation->switches)
    changing += run(*simulation, [&](const Switch &other) {
                  return &other == &alone;
                }) != none;
  EXPECT_EQ(changing, 8);
}

/// A range that clips is one switch, the rounding inside it another.
TEST_F(SimulateTest, ClippingAndRoundingOfTheInput) {
  auto simulation = simulate(kFloat, kInteger);
  ASSERT_TRUE(succeeded(simulation)) << session.messages;
  auto clipped = run(*simulation, [](const Switch &effect) {
    return effect.place == Place::Input && effect.effect == Effect::Clipping;
  });
  std::vector<double> none = runText(kFloat);
  // Of the input's range, -1 to 0.875, rows 1 and 2 leave it.
  EXPECT_EQ(clipped[0], none[0]);
  EXPECT_NE(clipped[1], none[1]);
  EXPECT_NE(clipped[2], none[2]);
  EXPECT_EQ(clipped[3], none[3]);
}

/// With a ReLU as the layer's function, all on gives the integers' result.
TEST_F(SimulateTest, AllOnIsTheIntegerNetwork) {
  const char *const floats = R"(
    func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
      %w = qnet.constant dense<[[0.26, -0.5], [1.0, 0.75]]> : tensor<2x2xf32>
      %h = qnet.dense %x, %w {function = #qnet.fn<relu>}
         : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32> loc("hidden")
      return %h : tensor<?x2xf32>
    })";
  const char *const integers = R"(
    func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
      %w = qnet.constant dense<[[1, -2], [4, 3]]> : tensor<2x2xi8>
      %b = qnet.constant dense<[8, -56]> : tensor<2xi32>
      %m = qnet.constant dense<0.25> : tensor<2xf32>
      %q = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!quant.uniform<u8<0:15>:f32, 0.125:8>>
      %p = qnet.qdense %q, %w, %b, %m
         : (tensor<?x2x!quant.uniform<u8<0:15>:f32, 0.125:8>>, tensor<2x2xi8>, tensor<2xi32>, tensor<2xf32>)
        -> tensor<?x2x!quant.uniform<u8<0:7>:f32, 0.125>> loc("hidden")
      %y = qnet.dequantize %p : tensor<?x2x!quant.uniform<u8<0:7>:f32, 0.125>> -> tensor<?x2xf32>
      return %y : tensor<?x2xf32>
    })";
  auto simulation = simulate(floats, integers);
  ASSERT_TRUE(succeeded(simulation)) << session.messages;
  EXPECT_EQ(run(*simulation, [](const Switch &) { return true; }),
            runText(integers));
  EXPECT_EQ(run(*simulation, [](const Switch &) { return false; }),
            runText(floats));
}

TEST_F(SimulateTest, UnknownLayersStayAsTheyAre) {
  std::string renamed = kFloat;
  renamed.replace(renamed.find("loc(\"out\")"), 10, "loc(\"other\")");
  auto simulation = simulate(renamed.c_str(), kInteger);
  ASSERT_TRUE(succeeded(simulation)) << session.messages;
  ASSERT_EQ(simulation->fixed.size(), 1u);
  EXPECT_EQ(simulation->fixed[0].substr(0, 4), "out:");
}

TEST_F(SimulateTest, RowsMustStayRows) {
  const char *const regrouped = R"(
    func.func @main(%x: tensor<?x2xf32>) -> tensor<?xf32> {
      %y = qnet.reshape %x : tensor<?x2xf32> -> tensor<?xf32> loc("flat")
      return %y : tensor<?xf32>
    })";
  EXPECT_TRUE(failed(simulate(regrouped, regrouped)));
  EXPECT_NE(session.messages.find("makes rows of parts of rows"),
            std::string::npos)
      << session.messages;
}

} // namespace
