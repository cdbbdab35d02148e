//===- NetworkOpsTest.cpp - The network level, op by op
//--------------------===//
//
// Expected values are worked out by hand, or by numpy where the line says so.
//
//===----------------------------------------------------------------------===//

#include "OpHarness.h"

#include "quantc/Numerics/Evaluate.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::test;
namespace numerics = quantc::numerics;

namespace {

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

TEST(Dense, MultipliesByTheTransposeAndAddsTheBias) {
  checkOp("qnet.dense", "",
          {"dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>",
           "dense<[[1.0, 10.0], [0.0, 1.0], [-1.0, 0.5]]> : tensor<3x2xf32>",
           "dense<[0.5, 0.0, -1.0]> : tensor<3xf32>"},
          {"dense<[[21.5, 2.0, -1.0], [43.5, 4.0, -2.0]]> : tensor<2x3xf32>"});
  checkOp("qnet.dense", "function = #qnet.fn<relu>",
          {"dense<[-1.0, 2.0]> : tensor<2xf32>",
           "dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>"},
          {"dense<[0.0, 2.0]> : tensor<2xf32>"});
  checkOp(
      "qnet.dense", "function = #qnet.fn<leaky_relu>, alpha = 0.5 : f32",
      {"dense<[[[-4.0]]]> : tensor<1x1x1xf64>", "dense<1.0> : tensor<1x1xf64>"},
      {"dense<-2.0> : tensor<1x1x1xf64>"});
}

/// 1 + 2^-24 - 1 is 0 if each sum rounds to f32.
TEST(Dense, AccumulatesInDoubleAndRoundsOnce) {
  checkOp("qnet.dense", "",
          {"dense<[1.0, 5.9604644775390625e-08, -1.0]> : tensor<3xf32>",
           "dense<1.0> : tensor<1x3xf32>"},
          {"dense<5.9604644775390625e-08> : tensor<1xf32>"});
  checkOp(
      "qnet.dense", "",
      {"dense<[2048.0, 1.0]> : tensor<2xf16>", "dense<1.0> : tensor<1x2xf16>"},
      {"dense<2048.0> : tensor<1xf16>"}); // a tie to even
  checkOp("qnet.dense", "",               // no terms
          {"dense<> : tensor<2x0xf32>", "dense<> : tensor<1x0xf32>",
           "dense<3.0> : tensor<1xf32>"},
          {"dense<3.0> : tensor<2x1xf32>"});
}

TEST(Matmul, FollowsNumpy) {
  checkOp("qnet.matmul", "",
          {"dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>",
           "dense<[[1.0, 0.0, 2.0], [0.5, 1.0, 0.0]]> : tensor<2x3xf32>"},
          {"dense<[[2.0, 2.0, 2.0], [5.0, 4.0, 6.0]]> : tensor<2x3xf32>"});
  checkOp(
      "qnet.matmul", "", // vectors
      {"dense<[1, 2, 3]> : tensor<3xi32>", "dense<[4, 5, 6]> : tensor<3xi32>"},
      {"dense<32> : tensor<i32>"});
  checkOp("qnet.matmul", "", // row times matrices
          {"dense<[1, 2]> : tensor<2xi64>",
           "dense<[[[1], [2]], [[3], [4]]]> : tensor<2x2x1xi64>"},
          {"dense<[[5], [11]]> : tensor<2x1xi64>"});
  checkOp("qnet.matmul", "", // broadcast of leading dimensions
          {"dense<[[[[1.0]]], [[[2.0]]]]> : tensor<2x1x1x1xf32>",
           "dense<[[[3.0]], [[4.0]], [[5.0]]]> : tensor<3x1x1xf32>"},
          {"dense<[[[[3.0]], [[4.0]], [[5.0]]], [[[6.0]], [[8.0]], [[10.0]]]]> "
           ": tensor<2x3x1x1xf32>"});
  checkOp("qnet.matmul", "", // integers wrap: 100 * 2 = -56
          {"dense<[[100]]> : tensor<1x1xi8>", "dense<[[2]]> : tensor<1x1xi8>"},
          {"dense<-56> : tensor<1x1xi8>"});
}

//===----------------------------------------------------------------------===//
// One value
//===----------------------------------------------------------------------===//

/// f32 must be Numerics' sequence, bit for bit, f16 and bf16 its rounding, f64
/// close to the real function.
TEST(Activation, EveryFunctionIsNumericsSequence) {
  Session session;
  std::vector<double> values = {0.0,      -0.0,      1.0,  -1.0,  0.5,
                                -2.5,     3.25,      -7.0, 100.0, -100.0,
                                INFINITY, -INFINITY, NAN};
  for (const char *name : {"f32", "f16", "bf16", "f64"}) {
    Type element = session.parseType(name);
    for (int32_t code = 0; code != numerics::functionCount; ++code) {
      auto function = static_cast<numerics::Function>(code);
      std::string type = "tensor<13x" + std::string(name) + ">";
      func::FuncOp f = session.parseFunction(
          "func.func @f(%x: " + type + ") -> " + type +
          " {\n%r = qnet.activation " + std::string(numerics::name(function)) +
          " %x : " + type + " -> " + type + "\nreturn %r : " + type + "\n}");
      ASSERT_TRUE(f);
      Tensor input(element, {13});
      input.reals = values;
      auto got = Interpreter().run(f, input);
      ASSERT_TRUE(succeeded(got)) << session.messages;
      double alpha = numerics::defaultAlpha(function);
      double beta = numerics::defaultBeta(function);
      Tensor want(element, {13});
      for (auto [to, x] : llvm::zip_equal(want.reals, values))
        to = element.isF64() ? numerics::evaluate(function, x, alpha, beta)
                             : want.format().round(
                                   numerics::apply(function, x, alpha, beta));
      EXPECT_TRUE((*got)[0].identical(want))
          << numerics::name(function) << ": got " << toString((*got)[0])
          << "\nwant " << toString(want);
    }
  }
}

TEST(Activation, ParametersReplaceTheDefaults) {
  checkOp("qnet.activation",
          "function = #qnet.fn<clip>, alpha = -1.0 : f32, beta = 2.0 : f32",
          {"dense<[-3.0, 0.5, 7.0, 0x7FC00000]> : tensor<4xf32>"},
          {"dense<[-1.0, 0.5, 2.0, 0x7FC00000]> : tensor<4xf32>"});
  checkOp("qnet.activation",
          "function = #qnet.fn<leaky_relu>, alpha = 0.25 : f32",
          {"dense<[-4.0, 4.0]> : tensor<2xf32>"},
          {"dense<[-1.0, 4.0]> : tensor<2xf32>"});
}

TEST(Activation, IntegersWrap) {
  const char *input = "dense<[-128, -3, 0, 100]> : tensor<4xi8>";
  auto check = [&](const char *attributes, const char *want) {
    checkOp("qnet.activation", attributes, {input}, {want});
  };
  check("function = #qnet.fn<identity>",
        "dense<[-128, -3, 0, 100]> : tensor<4xi8>");
  check("function = #qnet.fn<relu>", "dense<[0, 0, 0, 100]> : tensor<4xi8>");
  check("function = #qnet.fn<abs>", "dense<[-128, 3, 0, 100]> : tensor<4xi8>");
  check("function = #qnet.fn<neg>", "dense<[-128, 3, 0, -100]> : tensor<4xi8>");
  check("function = #qnet.fn<sign>", "dense<[-1, -1, 0, 1]> : tensor<4xi8>");
  check("function = #qnet.fn<square>", "dense<[0, 9, 0, 16]> : tensor<4xi8>");
  check("function = #qnet.fn<clip>, alpha = -2.5 : f32, beta = 7.9 : f32",
        "dense<[-2, -2, 0, 7]> : tensor<4xi8>");
  check("function = #qnet.fn<clip>",
        "dense<[-128, -3, 0, 100]> : tensor<4xi8>");
  checkOp("qnet.activation", "function = #qnet.fn<sign>",
          {"dense<[255, 0]> : tensor<2xui8>"},
          {"dense<[1, 0]> : tensor<2xui8>"});
}

TEST(Prelu, NanAndBroadcast) {
  checkOp("qnet.prelu", "",
          {"dense<[[-2.0, -2.0], [3.0, 0x7FC00000]]> : tensor<2x2xf32>",
           "dense<[0.5, 10.0]> : tensor<2xf32>"},
          {"dense<[[-1.0, -20.0], [3.0, 0x7FC00000]]> : tensor<2x2xf32>"});
  checkOp("qnet.prelu", "",
          {"dense<[-2, 3]> : tensor<2xi32>", "dense<4> : tensor<1xi32>"},
          {"dense<[-8, 3]> : tensor<2xi32>"});
}

TEST(Cast, FollowsOnnx) {
  checkOp("qnet.cast", "",
          {"dense<[-1.9, 1.9, 300.0, 0x7FC00000, 0xFF800000]> : tensor<5xf32>"},
          {"dense<[-1, 1, 127, 0, -128]> : tensor<5xi8>"});
  checkOp("qnet.cast", "", {"dense<[300, -1]> : tensor<2xi32>"},
          {"dense<[44, 255]> : tensor<2xui8>"});
  checkOp("qnet.cast", "", {"dense<[255, 128]> : tensor<2xui8>"},
          {"dense<[-1, -128]> : tensor<2xi8>"});
  checkOp("qnet.cast", "",
          {"dense<[0.0, -0.0, 0.25, 0x7FC00000]> : tensor<4xf32>"},
          {"dense<[false, false, true, true]> : tensor<4xi1>"});
  checkOp("qnet.cast", "", {"dense<[256, 0]> : tensor<2xi32>"},
          {"dense<[true, false]> : tensor<2xi1>"});
  checkOp("qnet.cast", "", {"dense<[true, false]> : tensor<2xi1>"},
          {"dense<[1.0, 0.0]> : tensor<2xf16>"});
  checkOp("qnet.cast", "", {"dense<[1.0e10, 2049.0]> : tensor<2xf64>"},
          {"dense<[0x7C00, 2048.0]> : tensor<2xf16>"});
  checkOp("qnet.cast", "", {"dense<18446744073709551615> : tensor<1xui64>"},
          {"dense<18446744073709551616.0> : tensor<1xf32>"});
  checkOp("qnet.cast", "", {"dense<[7.9, -8.9]> : tensor<2xf32>"},
          {"dense<[7, -8]> : tensor<2xi4>"});
}

TEST(Classify, NanInfinityAndNot) {
  const char *input =
      "dense<[1.0, 0x7FC00000, 0x7F800000, 0xFF800000]> : tensor<4xf32>";
  checkOp("qnet.is_nan", "", {input},
          {"dense<[false, true, false, false]> : tensor<4xi1>"});
  checkOp("qnet.is_inf", "", {input},
          {"dense<[false, false, true, true]> : tensor<4xi1>"});
  checkOp("qnet.is_inf", "detect_negative = false", {input},
          {"dense<[false, false, true, false]> : tensor<4xi1>"});
  checkOp("qnet.is_inf", "detect_positive = false", {input},
          {"dense<[false, false, false, true]> : tensor<4xi1>"});
  checkOp("qnet.not", "", {"dense<[true, false]> : tensor<2xi1>"},
          {"dense<[false, true]> : tensor<2xi1>"});
}

//===----------------------------------------------------------------------===//
// Two and three values
//===----------------------------------------------------------------------===//

TEST(Binary, EachOpOnReals) {
  const char *lhs = "dense<[6.0, -1.0, 0x7FC00000, 1.0]> : tensor<4xf32>";
  const char *rhs = "dense<[4.0, 0.0, 1.0, 0x7FC00000]> : tensor<4xf32>";
  auto check = [&](const char *op, const char *want) {
    checkOp(op, "", {lhs, rhs}, {want});
  };
  check("qnet.add",
        "dense<[10.0, -1.0, 0x7FC00000, 0x7FC00000]> : tensor<4xf32>");
  check("qnet.sub",
        "dense<[2.0, -1.0, 0x7FC00000, 0x7FC00000]> : tensor<4xf32>");
  check("qnet.mul",
        "dense<[24.0, -0.0, 0x7FC00000, 0x7FC00000]> : tensor<4xf32>");
  check("qnet.div",
        "dense<[1.5, 0xFF800000, 0x7FC00000, 0x7FC00000]> : tensor<4xf32>");
  check("qnet.min",
        "dense<[4.0, -1.0, 0x7FC00000, 0x7FC00000]> : tensor<4xf32>");
  check("qnet.max",
        "dense<[6.0, 0.0, 0x7FC00000, 0x7FC00000]> : tensor<4xf32>");
  checkOp("qnet.pow", "",
          {"dense<[2.0, -2.0, 9.0, 0.0]> : tensor<4xf32>",
           "dense<[10.0, 3.0, 0.5, 0.0]> : tensor<4xf32>"},
          {"dense<[1024.0, -8.0, 3.0, 1.0]> : tensor<4xf32>"});
}

/// 0.1f + 0.2f and 1 / 3 to the bit, in each width.
TEST(Binary, RoundsToTheElementType) {
  checkOp("qnet.add", "",
          {"dense<0x3DCCCCCD> : tensor<1xf32>",
           "dense<0x3E4CCCCD> : tensor<1xf32>"},
          {"dense<0x3E99999A> : tensor<1xf32>"});
  checkOp("qnet.div", "",
          {"dense<1.0> : tensor<1xf32>", "dense<3.0> : tensor<1xf32>"},
          {"dense<0x3EAAAAAB> : tensor<1xf32>"});
  checkOp("qnet.div", "",
          {"dense<1.0> : tensor<1xf16>", "dense<3.0> : tensor<1xf16>"},
          {"dense<0x3555> : tensor<1xf16>"});
  checkOp("qnet.div", "",
          {"dense<1.0> : tensor<1xbf16>", "dense<3.0> : tensor<1xbf16>"},
          {"dense<0x3EAB> : tensor<1xbf16>"});
  checkOp("qnet.div", "",
          {"dense<1.0> : tensor<1xf64>", "dense<3.0> : tensor<1xf64>"},
          {"dense<0x3FD5555555555555> : tensor<1xf64>"});
  checkOp("qnet.mul", "",
          {"dense<60000.0> : tensor<1xf16>", "dense<2.0> : tensor<1xf16>"},
          {"dense<0x7C00> : tensor<1xf16>"});
}

TEST(Binary, IntegersWrapTruncateAndNeverTrap) {
  auto check = [](const char *op, const char *lhs, const char *rhs,
                  const char *want) { checkOp(op, "", {lhs, rhs}, {want}); };
  check("qnet.add", "dense<[127, 1]> : tensor<2xi8>", "dense<1> : tensor<2xi8>",
        "dense<[-128, 2]> : tensor<2xi8>");
  check("qnet.sub", "dense<0> : tensor<1xui8>", "dense<1> : tensor<1xui8>",
        "dense<255> : tensor<1xui8>");
  check("qnet.mul", "dense<9223372036854775807> : tensor<1xi64>",
        "dense<2> : tensor<1xi64>", "dense<-2> : tensor<1xi64>");
  check("qnet.div", "dense<[-7, 7, 5, -2147483648]> : tensor<4xi32>",
        "dense<[2, -2, 0, -1]> : tensor<4xi32>",
        "dense<[-3, -3, 0, -2147483648]> : tensor<4xi32>");
  check("qnet.div", "dense<-9223372036854775808> : tensor<1xi64>",
        "dense<-1> : tensor<1xi64>",
        "dense<-9223372036854775808> : tensor<1xi64>");
  check("qnet.div", "dense<18446744073709551615> : tensor<1xui64>",
        "dense<2> : tensor<1xui64>",
        "dense<9223372036854775807> : tensor<1xui64>");
  check("qnet.pow", "dense<[3, -1, 2, 0]> : tensor<4xi32>",
        "dense<[4, -3, -1, 0]> : tensor<4xi32>",
        "dense<[81, -1, 0, 1]> : tensor<4xi32>");
  check("qnet.max", "dense<18446744073709551615> : tensor<1xui64>",
        "dense<1> : tensor<1xui64>",
        "dense<18446744073709551615> : tensor<1xui64>");
  check("qnet.min", "dense<[-5, 3]> : tensor<2xi16>",
        "dense<0> : tensor<1xi16>", "dense<[-5, 0]> : tensor<2xi16>");
}

TEST(Binary, Broadcasts) {
  checkOp("qnet.sub", "",
          {"dense<[[1.0], [2.0]]> : tensor<2x1xf32>",
           "dense<[10.0, 20.0, 30.0]> : tensor<3xf32>"},
          {"dense<[[-9.0, -19.0, -29.0], [-8.0, -18.0, -28.0]]> : "
           "tensor<2x3xf32>"});
  checkOp("qnet.add", "",
          {"dense<5> : tensor<i32>", "dense<[[1, 2]]> : tensor<1x2xi32>"},
          {"dense<[[6, 7]]> : tensor<1x2xi32>"});
  checkOp("qnet.add", "",
          {"dense<> : tensor<0x2xf32>", "dense<1.0> : tensor<2xf32>"},
          {"dense<> : tensor<0x2xf32>"});
}

TEST(Binary, Logic) {
  const char *lhs = "dense<[true, true, false, false]> : tensor<4xi1>";
  const char *rhs = "dense<[true, false, true, false]> : tensor<4xi1>";
  checkOp("qnet.and", "", {lhs, rhs},
          {"dense<[true, false, false, false]> : tensor<4xi1>"});
  checkOp("qnet.or", "", {lhs, rhs},
          {"dense<[true, true, true, false]> : tensor<4xi1>"});
  checkOp("qnet.xor", "", {lhs, rhs},
          {"dense<[false, true, true, false]> : tensor<4xi1>"});
}

TEST(Compare, IsFalseWithNan) {
  const char *lhs = "dense<[1.0, 2.0, 3.0, 0x7FC00000]> : tensor<4xf32>";
  const char *rhs = "dense<[2.0, 2.0, 2.0, 0x7FC00000]> : tensor<4xf32>";
  auto check = [&](const char *predicate, const char *want) {
    checkOp("qnet.compare", predicate, {lhs, rhs}, {want});
  };
  check("predicate = #qnet.predicate<eq>",
        "dense<[false, true, false, false]> : tensor<4xi1>");
  check("predicate = #qnet.predicate<lt>",
        "dense<[true, false, false, false]> : tensor<4xi1>");
  check("predicate = #qnet.predicate<le>",
        "dense<[true, true, false, false]> : tensor<4xi1>");
  check("predicate = #qnet.predicate<gt>",
        "dense<[false, false, true, false]> : tensor<4xi1>");
  check("predicate = #qnet.predicate<ge>",
        "dense<[false, true, true, false]> : tensor<4xi1>");
  checkOp("qnet.compare", "predicate = #qnet.predicate<gt>", // unsigned
          {"dense<18446744073709551615> : tensor<1xui64>",
           "dense<1> : tensor<2xui64>"},
          {"dense<true> : tensor<2xi1>"});
}

TEST(Where, BroadcastsAllThree) {
  checkOp("qnet.where", "",
          {"dense<[[true], [false]]> : tensor<2x1xi1>",
           "dense<[1, 2]> : tensor<2xi64>", "dense<9> : tensor<i64>"},
          {"dense<[[1, 2], [9, 9]]> : tensor<2x2xi64>"});
}

//===----------------------------------------------------------------------===//
// Normalization
//===----------------------------------------------------------------------===//

TEST(Softmax, IsNumericsRowAlongAnyAxis) {
  Session session;
  for (int64_t axis : {0, 1, 2}) {
    std::string type = "tensor<2x3x4xf32>";
    for (bool logarithm : {false, true}) {
      func::FuncOp f = session.parseFunction(
          "func.func @f(%x: " + type + ") -> " + type + " {\n%r = qnet." +
          (logarithm ? "log_softmax" : "softmax") +
          " %x {axis = " + std::to_string(axis) + " : i64} : " + type + " -> " +
          type + "\nreturn %r : " + type + "\n}");
      Tensor input(Float32Type::get(&session.context()), {2, 3, 4});
      for (auto [i, x] : llvm::enumerate(input.reals))
        x = std::sin(double(i)) * 4;
      for (double &x : input.reals)
        x = static_cast<float>(x);
      auto got = Interpreter().run(f, input);
      ASSERT_TRUE(succeeded(got)) << session.messages;
      const int64_t stride = axis == 0 ? 12 : axis == 1 ? 4 : 1;
      const int64_t extent = input.shape[axis];
      Tensor want = input;
      for (int64_t i = 0; i != 24; ++i) {
        if (i / stride % extent)
          continue;
        std::vector<float> row;
        for (int64_t k = 0; k != extent; ++k)
          row.push_back(input.reals[i + k * stride]);
        logarithm ? numerics::logSoftmaxRow(row) : numerics::softmaxRow(row);
        for (int64_t k = 0; k != extent; ++k)
          want.reals[i + k * stride] = row[k];
      }
      EXPECT_TRUE((*got)[0].identical(want)) << "axis " << axis;
    }
  }
  checkOp("qnet.softmax", "axis = 1 : i64",
          {"dense<[[0.0, 0.0, 0.0, 0.0]]> : tensor<1x4xf64>"},
          {"dense<0.25> : tensor<1x4xf64>"});
  checkOp("qnet.softmax", "axis = 0 : i64",
          {"dense<[1.0, 1.0]> : tensor<2xf16>"},
          {"dense<0.5> : tensor<2xf16>"});
}

TEST(BatchNorm, ChannelsAreDimensionOne) {
  const char *scale = "dense<[2.0, 1.0]> : tensor<2xf32>";
  const char *bias = "dense<[0.5, 0.0]> : tensor<2xf32>";
  const char *mean = "dense<[1.0, 0.0]> : tensor<2xf32>";
  const char *variance = "dense<[3.0, 0.0]> : tensor<2xf32>";
  checkOp("qnet.batch_norm", "epsilon = 1.0 : f32",
          {"dense<[[[5.0, 1.0], [7.0, 8.0]]]> : tensor<1x2x2xf32>", scale, bias,
           mean, variance},
          {"dense<[[[4.5, 0.5], [7.0, 8.0]]]> : tensor<1x2x2xf32>"});
  checkOp("qnet.batch_norm", "epsilon = 1.0 : f32",
          {"dense<[5.0, 7.0]> : tensor<2xf32>", scale, bias, mean, variance},
          {"dense<[4.5, 7.0]> : tensor<2xf32>"});
}

TEST(LayerNorm, MeanVarianceAndRms) {
  // Mean 3, variance 4.
  checkOp("qnet.layer_norm", "axis = 1 : i64, epsilon = 0.0 : f32",
          {"dense<[[1.0, 5.0]]> : tensor<1x2xf32>",
           "dense<[10.0, 1.0]> : tensor<2xf32>",
           "dense<[0.5, 0.25]> : tensor<2xf32>"},
          {"dense<[[-9.5, 1.25]]> : tensor<1x2xf32>"});
  // Over both dimensions; mean square 25.
  checkOp(
      "qnet.layer_norm", "axis = 0 : i64, epsilon = 0.0 : f32, rms",
      {"dense<[[7.0], [1.0]]> : tensor<2x1xf32>", "dense<5.0> : tensor<1xf32>"},
      {"dense<[[7.0], [1.0]]> : tensor<2x1xf32>"});
}

/// The stated order: f32, index by index. 2^24 + 1 + 1 stays 2^24.
TEST(LayerNorm, SumsInIndexOrderInSinglePrecision) {
  // The mean of [2^24, 1, 1, -2^24] is 0 that way (in fact 0.5), so the ones
  // stay ones; they are divided by the f32 root of 2^47.
  checkOp("qnet.layer_norm", "axis = 0 : i64, epsilon = 0.0 : f32",
          {"dense<[16777216.0, 1.0, 1.0, -16777216.0]> : tensor<4xf32>",
           "dense<[0.0, 11863283.0, 11863283.0, 0.0]> : tensor<4xf32>"},
          {"dense<[0.0, 0x3F7FFFFF, 0x3F7FFFFF, -0.0]> : tensor<4xf32>"});
}

//===----------------------------------------------------------------------===//
// Moving values
//===----------------------------------------------------------------------===//

TEST(Shape, Concat) {
  checkOp("qnet.concat", "axis = 1 : i64",
          {"dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>",
           "dense<> : tensor<2x0xi32>", "dense<[[5], [6]]> : tensor<2x1xi32>"},
          {"dense<[[1, 2, 5], [3, 4, 6]]> : tensor<2x3xi32>"});
  checkOp("qnet.concat", "axis = 0 : i64",
          {"dense<[1.0]> : tensor<1xf16>", "dense<[2.0]> : tensor<1xf16>"},
          {"dense<[1.0, 2.0]> : tensor<2xf16>"});
}

TEST(Shape, Slice) {
  const char *input =
      "dense<[[0, 1, 2, 3], [10, 11, 12, 13]]> : tensor<2x4xi32>";
  checkOp("qnet.slice",
          "starts = array<i64: 0, 1>, sizes = array<i64: 2, 2>, steps = "
          "array<i64: 1, 2>",
          {input}, {"dense<[[1, 3], [11, 13]]> : tensor<2x2xi32>"});
  checkOp("qnet.slice",
          "starts = array<i64: 1, 3>, sizes = array<i64: 2, 4>, steps = "
          "array<i64: -1, -1>",
          {input},
          {"dense<[[13, 12, 11, 10], [3, 2, 1, 0]]> : tensor<2x4xi32>"});
  checkOp("qnet.slice",
          "starts = array<i64: 1, 0>, sizes = array<i64: 1, 0>, steps = "
          "array<i64: 9223372036854775807, 1>",
          {input}, {"dense<> : tensor<1x0xi32>"});
}

TEST(Shape, ReshapeTransposeBroadcast) {
  checkOp("qnet.reshape", "",
          {"dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>"},
          {"dense<[[[1], [2]], [[3], [4]], [[5], [6]]]> : tensor<3x2x1xi8>"});
  checkOp("qnet.reshape", "", {"dense<[[1.5]]> : tensor<1x1xf32>"},
          {"dense<1.5> : tensor<f32>"});
  checkOp("qnet.transpose", "permutation = array<i64: 1, 0>",
          {"dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>"},
          {"dense<[[1, 4], [2, 5], [3, 6]]> : tensor<3x2xi8>"});
  checkOp("qnet.transpose", "permutation = array<i64: 2, 0, 1>",
          {"dense<[[[1, 2], [3, 4], [5, 6]]]> : tensor<1x3x2xi8>"},
          {"dense<[[[1, 3, 5]], [[2, 4, 6]]]> : tensor<2x1x3xi8>"});
  checkOp("qnet.broadcast", "", {"dense<[[1.0], [2.0]]> : tensor<2x1xf32>"},
          {"dense<[[[1.0, 1.0], [2.0, 2.0]], [[1.0, 1.0], [2.0, 2.0]]]> : "
           "tensor<2x2x2xf32>"});
}

TEST(Shape, Gather) {
  const char *input = "dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>";
  checkOp("qnet.gather", "axis = 1 : i64",
          {input, "dense<[-1, 0]> : tensor<2xi64>"},
          {"dense<[[3, 1], [6, 4]]> : tensor<2x2xi32>"});
  checkOp("qnet.gather", "axis = 0 : i64",
          {input, "dense<[[1], [0]]> : tensor<2x1xi32>"},
          {"dense<[[[4, 5, 6]], [[1, 2, 3]]]> : tensor<2x1x3xi32>"});
  checkOp("qnet.gather", "axis = 1 : i64", {input, "dense<1> : tensor<i64>"},
          {"dense<[2, 5]> : tensor<2xi32>"});
}

//===----------------------------------------------------------------------===//
// Along axes
//===----------------------------------------------------------------------===//

TEST(Reduce, EveryKind) {
  auto check = [](const char *kind, const char *want, const char *wantInteger) {
    std::string attributes = "kind = #qnet.reduction<" + std::string(kind) +
                             ">, axes = array<i64: 1>";
    SCOPED_TRACE(kind);
    checkOp("qnet.reduce", attributes.c_str(),
            {"dense<[[3.0, -4.0], [0.0, 2.0]]> : tensor<2x2xf32>"}, {want});
    checkOp("qnet.reduce", attributes.c_str(),
            {"dense<[[3, -4], [0, 2]]> : tensor<2x2xi32>"}, {wantInteger});
  };
  check("sum", "dense<[-1.0, 2.0]> : tensor<2xf32>",
        "dense<[-1, 2]> : tensor<2xi32>");
  check("mean", "dense<[-0.5, 1.0]> : tensor<2xf32>",
        "dense<[0, 1]> : tensor<2xi32>");
  check("max", "dense<[3.0, 2.0]> : tensor<2xf32>",
        "dense<[3, 2]> : tensor<2xi32>");
  check("min", "dense<[-4.0, 0.0]> : tensor<2xf32>",
        "dense<[-4, 0]> : tensor<2xi32>");
  check("l2", "dense<[5.0, 2.0]> : tensor<2xf32>",
        "dense<[5, 2]> : tensor<2xi32>");
  check("sum_square", "dense<[25.0, 4.0]> : tensor<2xf32>",
        "dense<[25, 4]> : tensor<2xi32>");
  check("l1", "dense<[7.0, 2.0]> : tensor<2xf32>",
        "dense<[7, 2]> : tensor<2xi32>");
  check("prod", "dense<[-12.0, 0.0]> : tensor<2xf32>",
        "dense<[-12, 0]> : tensor<2xi32>");
}

TEST(Reduce, AxesOrderAndSpecials) {
  const char *cube = "dense<[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, "
                     "8.0]]]> : tensor<2x2x2xf64>";
  checkOp("qnet.reduce",
          "kind = #qnet.reduction<sum>, axes = array<i64: 0, 2>, keep_dims",
          {cube}, {"dense<[[[14.0], [22.0]]]> : tensor<1x2x1xf64>"});
  checkOp("qnet.reduce",
          "kind = #qnet.reduction<sum>, axes = array<i64: 0, 1, 2>", {cube},
          {"dense<36.0> : tensor<f64>"});
  // f32, index by index: 2^24 + 1 + 1 stays 2^24.
  checkOp("qnet.reduce", "kind = #qnet.reduction<sum>, axes = array<i64: 0>",
          {"dense<[16777216.0, 1.0, 1.0]> : tensor<3xf32>"},
          {"dense<16777216.0> : tensor<f32>"});
  // f16 sums in f32: 2048 + 1 + 1 = 2050.
  checkOp("qnet.reduce", "kind = #qnet.reduction<sum>, axes = array<i64: 0>",
          {"dense<[2048.0, 1.0, 1.0]> : tensor<3xf16>"},
          {"dense<2050.0> : tensor<f16>"});
  checkOp("qnet.reduce", "kind = #qnet.reduction<max>, axes = array<i64: 0>",
          {"dense<[1.0, 0x7FC00000, 9.0]> : tensor<3xf32>"},
          {"dense<0x7FC00000> : tensor<f32>"});
  checkOp("qnet.reduce", "kind = #qnet.reduction<min>, axes = array<i64: 0>",
          {"dense<> : tensor<0x1xf32>"}, {"dense<0x7F800000> : tensor<1xf32>"});
  checkOp("qnet.reduce", "kind = #qnet.reduction<prod>, axes = array<i64: 0>",
          {"dense<> : tensor<0x1xi32>"}, {"dense<1> : tensor<1xi32>"});
  checkOp("qnet.reduce", "kind = #qnet.reduction<max>, axes = array<i64: 0>",
          {"dense<[200, 100]> : tensor<2xui8>"}, {"dense<200> : tensor<ui8>"});
}

TEST(Arg, FirstLastAndNan) {
  const char *input =
      "dense<[[1.0, 3.0, 3.0], [0x7FC00000, -1.0, -2.0]]> : tensor<2x3xf32>";
  checkOp("qnet.argmax", "axis = 1 : i64", {input},
          {"dense<[1, 1]> : tensor<2xi64>"});
  checkOp("qnet.argmax", "axis = 1 : i64, select_last, keep_dims", {input},
          {"dense<[[2], [1]]> : tensor<2x1xi64>"});
  checkOp("qnet.argmin", "axis = 1 : i64", {input},
          {"dense<[0, 2]> : tensor<2xi64>"});
  checkOp("qnet.argmin", "axis = 0 : i64",
          {"dense<[[5, 1], [5, 0]]> : tensor<2x2xui8>"},
          {"dense<[0, 1]> : tensor<2xi64>"});
  checkOp("qnet.argmax", "axis = 0 : i64",
          {"dense<0x7FC00000> : tensor<3xf32>"}, {"dense<0> : tensor<i64>"});
}

TEST(TopK, SortedLowestIndexFirstNanLast) {
  checkOp("qnet.top_k", "axis = 1 : i64, k = 3 : i64",
          {"dense<[[0x7FC00000, 2.0, 7.0, 2.0]]> : tensor<1x4xf32>"},
          {"dense<[[7.0, 2.0, 2.0]]> : tensor<1x3xf32>",
           "dense<[[2, 1, 3]]> : tensor<1x3xi64>"});
  checkOp("qnet.top_k", "axis = 0 : i64, k = 2 : i64, largest = false",
          {"dense<[[3, 9], [1, 8], [2, 7]]> : tensor<3x2xi32>"},
          {"dense<[[1, 7], [2, 8]]> : tensor<2x2xi32>",
           "dense<[[1, 2], [2, 1]]> : tensor<2x2xi64>"});
}

} // namespace
