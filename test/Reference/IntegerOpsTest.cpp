//===- IntegerOpsTest.cpp - The integer level, op by op
//--------------------===//

#include "OpHarness.h"

#include "quantc/Numerics/Evaluate.h"
#include "quantc/Numerics/Tables.h"

#include <random>

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::test;
namespace numerics = quantc::numerics;

namespace {

/// Tensors of a function's argument types.
SmallVector<Tensor> zerosFor(func::FuncOp function) {
  SmallVector<Tensor> tensors;
  for (Type type : function.getArgumentTypes())
    tensors.emplace_back(cast<ShapedType>(type).getElementType(),
                         cast<ShapedType>(type).getShape());
  return tensors;
}

void fillBias(Tensor &bias, std::mt19937 &random) {
  for (int64_t &b : bias.integers)
    b = int64_t(random() % 20001) - 10000;
}

TEST(Quantize, TiesClampsAndSpecials) {
  // Halves go to the even neighbour; the zero point is added afterwards.
  checkOp("qnet.quantize", "",
          {"dense<[0.25, 0.75, -0.25, 1000.0, -1000.0, 0x7FC00000, 0x7F800000, "
           "0xFF800000]> : tensor<8xf32>"},
          {Literal("dense<[10, 12, 10, 255, 0, 10, 255, 0]> : tensor<8xui8>",
                   "tensor<8x!quant.uniform<u8:f32, 0.5:10>>")});
  checkOp("qnet.quantize", "", // a narrow range, clamped
          {"dense<[-5.0, 0.0, 5.0]> : tensor<3xf32>"},
          {Literal("dense<[2, 4, 7]> : tensor<3xui8>",
                   "tensor<3x!quant.uniform<u8<2:7>:f32, 1.0:4>>")});
  checkOp("qnet.quantize", "", // sixteen bits
          {"dense<[4095.0, 1.0e9]> : tensor<2xf32>"},
          {Literal("dense<[4095, 65535]> : tensor<2xui16>",
                   "tensor<2x!quant.uniform<u16:f32, 1.0>>")});
  checkOp("qnet.quantize", "", // signed storage
          {"dense<[-1.0, 100.0]> : tensor<2xf32>"},
          {Literal("dense<[-2, 127]> : tensor<2xi8>",
                   "tensor<2x!quant.uniform<i8:f32, 0.5>>")});
}

TEST(Quantize, PerAxis) {
  const char *type = "tensor<2x2x!quant.uniform<u8:f32:1, {0.5:10, 2.0:0}>>";
  checkOp("qnet.quantize", "",
          {"dense<[[1.0, 4.0], [-1.0, 9.0]]> : tensor<2x2xf32>"},
          {Literal("dense<[[12, 2], [8, 4]]> : tensor<2x2xui8>", type)});
  checkOp("qnet.dequantize", "",
          {Literal("dense<[[12, 2], [8, 4]]> : tensor<2x2xui8>", type)},
          {"dense<[[1.0, 4.0], [-1.0, 8.0]]> : tensor<2x2xf32>"});
  checkOp("qnet.dequantize", "",
          {Literal("dense<[[12, 2], [8, 4]]> : tensor<2x2xui8>",
                   "tensor<2x2x!quant.uniform<u8:f32:0, {0.5:10, 2.0:0}>>")},
          {"dense<[[1.0, -4.0], [16.0, 8.0]]> : tensor<2x2xf32>"});
}

TEST(Dequantize, IsOneProduct) {
  checkOp("qnet.dequantize", "",
          {Literal("dense<[0, 10, 255]> : tensor<3xui8>",
                   "tensor<3x!quant.uniform<u8:f32, 0.1:10>>")},
          // f32(0.1) * -10, 0, 245
          {"dense<[0xBF800000, 0.0, 0x41C40000]> : tensor<3xf32>"});
}

TEST(Requantize, MultipliesByTheRoundedQuotientOfScales) {
  checkOp("qnet.requantize", "",
          {Literal("dense<[0, 10, 13, 255]> : tensor<4xui8>",
                   "tensor<4x!quant.uniform<u8:f32, 0.5:10>>")},
          // -5, 0, 1.5 and 122.5 in steps of 1: halves to even
          {Literal("dense<[15, 20, 22, 142]> : tensor<4xui8>",
                   "tensor<4x!quant.uniform<u8:f32, 1.0:20>>")});
}

TEST(Lookup, CountsFromTheSmallestStoredValue) {
  checkOp("qnet.lookup", "",
          {Literal("dense<[2, 4, 3]> : tensor<3xui8>",
                   "tensor<3x!quant.uniform<u8<2:4>:f32, 1.0:2>>"),
           "dense<[7, 200, 9]> : tensor<3xui8>"},
          {Literal("dense<[7, 9, 200]> : tensor<3xui8>",
                   "tensor<3x!quant.uniform<u8:f32, 0.5:0>>")});
  checkOp("qnet.lookup", "",
          {Literal("dense<[2, 4]> : tensor<2xui8>",
                   "tensor<2x!quant.uniform<u8<2:4>:f32, 1.0:2>>"),
           "dense<[0.5, 1.5, 0x7F800000]> : tensor<3xf32>"},
          {"dense<[0.5, 0x7F800000]> : tensor<2xf32>"});
}

TEST(QBinary, EachOp) {
  const char *a = "tensor<3x!quant.uniform<u8:f32, 0.5:10>>";
  const char *b = "tensor<1x!quant.uniform<u8:f32, 0.25:0>>";
  const char *out = "tensor<3x!quant.uniform<u8:f32, 1.0:100>>";
  // a = -5, 0, 122.5; b = 3
  Literal lhs("dense<[0, 10, 255]> : tensor<3xui8>", a),
      rhs("dense<12> : tensor<1xui8>", b);
  checkOp("qnet.qadd", "", {lhs, rhs},
          {Literal("dense<[98, 103, 226]> : tensor<3xui8>", out)});
  checkOp("qnet.qsub", "", {lhs, rhs},
          {Literal("dense<[92, 97, 220]> : tensor<3xui8>", out)});
  checkOp("qnet.qmul", "", {lhs, rhs},
          {Literal("dense<[85, 100, 255]> : tensor<3xui8>", out)});
}

TEST(Moves, KeepStoredIntegers) {
  const char *type = "tensor<2x2x!quant.uniform<u8:f32, 0.5:10>>";
  checkOp("qnet.transpose", "permutation = array<i64: 1, 0>",
          {Literal("dense<[[1, 2], [3, 4]]> : tensor<2x2xui8>", type)},
          {Literal("dense<[[1, 3], [2, 4]]> : tensor<2x2xui8>", type)});
  checkOp("qnet.max", "",
          {Literal("dense<[[1, 2], [200, 4]]> : tensor<2x2xui8>", type),
           Literal("dense<[[2, 1], [100, 4]]> : tensor<2x2xui8>", type)},
          {Literal("dense<[[2, 2], [200, 4]]> : tensor<2x2xui8>", type)});
  checkOp("qnet.gather", "axis = 0 : i64",
          {Literal("dense<[[1, 2], [3, 4]]> : tensor<2x2xui8>", type),
           "dense<[1, 0]> : tensor<2xi64>"},
          {Literal("dense<[[3, 4], [1, 2]]> : tensor<2x2xui8>", type)});
}

//===----------------------------------------------------------------------===//
// qdense
//===----------------------------------------------------------------------===//

const char *const kPlain =
    "operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0>";
const char *const kShift =
    "operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0>";
const char *const kOutBias =
    "operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 1, 0>";
const char *const kGrouped =
    "operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 1>";

TEST(QDense, InputOf16Bits) {
  // 32767 * 127 * 300: more than an i32 takes of products one by one of bytes.
  std::string most, weights;
  for (int i = 0; i < 300; ++i) {
    most += i ? ", 32767" : "32767";
    weights += i ? ", 127" : "127";
  }
  most = "dense<[[" + most + "]]> : tensor<1x300xui16>";
  weights = "dense<[[" + weights + "]]> : tensor<1x300xi8>";
  Literal input(most.c_str(),
                "tensor<1x300x!quant.uniform<u16<0:32767>:f32, 0.5:10>>");
  checkOp("qnet.qdense", kPlain,
          {input, weights.c_str(), "dense<-1248422692> : tensor<1xi32>",
           "dense<0.25> : tensor<1xf32>"},
          {"dense<2.0> : tensor<1x1xf32>"});
}

TEST(QDense, EachFinish) {
  Literal input("dense<[[1, 2, 255]]> : tensor<1x3xui8>",
                "tensor<1x3x!quant.uniform<u8:f32, 0.5:10>>");
  const char *weights = "dense<[[1, -2, 3], [-127, 127, 0]]> : tensor<2x3xi8>";
  const char *bias = "dense<[-700, 23]> : tensor<2xi32>"; // acc = 62, 150
  checkOp(
      "qnet.qdense", kPlain,
      {input, weights, bias, "dense<[0.25, 2.0]> : tensor<2xf32>"},
      {Literal("dense<[[21, 255]]> : tensor<1x2xui8>", // 15.5 is a tie: 16 + 5
               "tensor<1x2x!quant.uniform<u8:f32, 0.25:5>>")});
  checkOp("qnet.qdense", kPlain,
          {input, weights, bias, "dense<[0.25, -2.0]> : tensor<2xf32>"},
          {"dense<[[15.5, -300.0]]> : tensor<1x2xf32>"});
  checkOp("qnet.qdense", kOutBias,
          {input, weights, bias, "dense<[0.25, -2.0]> : tensor<2xf32>",
           "dense<[0.5, 1.0]> : tensor<2xf32>"},
          {"dense<[[16.0, -299.0]]> : tensor<1x2xf32>"});
  // 2^30 * 2^-32 = 1/4, and 1/2.
  checkOp("qnet.qdense", kShift,
          {input, weights, bias, "dense<1073741824> : tensor<2xi32>",
           "dense<[32, 31]> : tensor<2xi32>"},
          {Literal("dense<[[21, 80]]> : tensor<1x2xui8>",
                   "tensor<1x2x!quant.uniform<u8:f32, 0.25:5>>")});
}

/// 4-bit weights count as often as their group's multiplier says.
TEST(QDense, GroupedWeights) {
  checkOp("qnet.qdense", kGrouped,
          {Literal("dense<[[1, 2, 255]]> : tensor<1x3xui8>",
                   "tensor<1x3x!quant.uniform<u8:f32, 0.5:10>>"),
           "dense<[[7, -7, 0], [1, -1, -7]]> : tensor<2x3xi4>",
           "dense<[1, 20]> : tensor<2xi32>",
           "dense<[1.0, 0.5]> : tensor<2xf32>",
           "dense<[[3], [255]]> : tensor<2x1xui8>"},
          // 1 + 3 * (7 - 14); (20 + 255 * (1 - 2 - 1785)) / 2
          {"dense<[[-20.0, -227705.0]]> : tensor<1x2xf32>"});
}

/// Random layers against a plain triple loop and Numerics' own requantize.
TEST(QDense, EqualsAPlainLoop) {
  std::mt19937 random(7);
  for (auto [rows, columns, depth] :
       {std::array<int64_t, 3>{1, 1, 1}, {3, 17, 33}, {5, 8, 130}}) {
    Session session;
    auto shape = [](int64_t a, int64_t b, const char *element) {
      return "tensor<" + std::to_string(a) + "x" + std::to_string(b) + "x" +
             element + ">";
    };
    std::string in = shape(rows, depth, "!quant.uniform<u8:f32, 0.5:10>"),
                w = shape(columns, depth, "i8"),
                n = "tensor<" + std::to_string(columns) + "x",
                out = shape(rows, columns,
                            "!quant.uniform<u8<3:250>:f32, 0.25:77>");
    func::FuncOp f = session.parseFunction(
        "func.func @f(%x: " + in + ", %w: " + w + ", %b: " + n +
        "i32>, %m: " + n + "f32>) -> " + out +
        " {\n%r = qnet.qdense %x, %w, %b, %m : (" + in + ", " + w + ", " + n +
        "i32>, " + n + "f32>) -> " + out + "\nreturn %r : " + out + "\n}");
    ASSERT_TRUE(f);
    SmallVector<Tensor> inputs = zerosFor(f);
    for (int64_t &q : inputs[0].integers)
      q = random() % 256;
    for (int64_t &q : inputs[1].integers)
      q = int64_t(random() % 255) - 127;
    fillBias(inputs[2], random);
    for (double &m : inputs[3].reals)
      m = static_cast<float>(double(random() % 1000 + 1) * 1e-5);
    auto got = Interpreter().run(f, inputs);
    ASSERT_TRUE(succeeded(got)) << session.messages;
    numerics::QuantParams params{0.25f, 77, 3, 250};
    for (int64_t r = 0; r != rows; ++r)
      for (int64_t c = 0; c != columns; ++c) {
        int64_t acc = inputs[2].integers[c];
        for (int64_t k = 0; k != depth; ++k)
          acc += inputs[0].integers[r * depth + k] *
                 inputs[1].integers[c * depth + k];
        ASSERT_EQ((*got)[0].integers[r * columns + c],
                  numerics::requantize(acc, inputs[3].reals[c], params));
      }
  }
}

/// The same for 4-bit weights: groups of 64, the last one of 2.
TEST(QDense, GroupsEqualAPlainLoop) {
  std::mt19937 random(7);
  constexpr int64_t rows = 3, columns = 5, depth = 130, groups = 3;
  Session session;
  func::FuncOp f = session.parseFunction(R"(
    func.func @f(%x: tensor<3x130x!quant.uniform<u8:f32, 0.5:10>>, %w: tensor<5x130xi4>, %b: tensor<5xi32>, %m: tensor<5xf32>, %g: tensor<5x3xui8>) -> tensor<3x5xf32> {
      %r = qnet.qdense %x, %w, %b, %m group_multiplier(%g) : (tensor<3x130x!quant.uniform<u8:f32, 0.5:10>>, tensor<5x130xi4>, tensor<5xi32>, tensor<5xf32>, tensor<5x3xui8>) -> tensor<3x5xf32>
      return %r : tensor<3x5xf32>
    })");
  ASSERT_TRUE(f);
  SmallVector<Tensor> inputs = zerosFor(f);
  for (int64_t &q : inputs[0].integers)
    q = random() % 256;
  for (int64_t &q : inputs[1].integers)
    q = int64_t(random() % 15) - 7;
  fillBias(inputs[2], random);
  llvm::fill(inputs[3].reals, 1.0);
  for (int64_t &q : inputs[4].integers)
    q = random() % 255 + 1;
  auto got = Interpreter().run(f, inputs);
  ASSERT_TRUE(succeeded(got)) << session.messages;
  for (int64_t r = 0; r != rows; ++r)
    for (int64_t c = 0; c != columns; ++c) {
      int64_t acc = inputs[2].integers[c];
      for (int64_t k = 0; k != depth; ++k)
        acc += inputs[4].integers[c * groups + k / 64] *
               inputs[0].integers[r * depth + k] *
               inputs[1].integers[c * depth + k];
      ASSERT_EQ((*got)[0].reals[r * columns + c],
                static_cast<double>(static_cast<float>(acc)));
    }
}

/// 67,000 products of 255 * 127 do not fit in 32 bits. A silent wrap here would
/// make every proof about accumulators worthless.
TEST(QDense, ReportsAnOverflow) {
  Session session;
  func::FuncOp f = session.parseFunction(R"(
    func.func @f(%x: tensor<1x67000x!quant.uniform<u8:f32, 0.5:0>>) -> tensor<1x1xf32> {
      %w = qnet.constant dense<127> : tensor<1x67000xi8>
      %b = qnet.constant dense<0> : tensor<1xi32>
      %m = qnet.constant dense<1.0> : tensor<1xf32>
      %r = qnet.qdense %x, %w, %b, %m : (tensor<1x67000x!quant.uniform<u8:f32, 0.5:0>>, tensor<1x67000xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<1x1xf32> loc("fc1")
      return %r : tensor<1x1xf32>
    })");
  ASSERT_TRUE(f);
  Tensor input(cast<ShapedType>(f.getArgumentTypes()[0]).getElementType(),
               {1, 67000});
  llvm::fill(input.integers, 200);
  auto fits = Interpreter().run(f, input);
  ASSERT_TRUE(succeeded(fits)) << session.messages;
  EXPECT_EQ((*fits)[0].reals[0], double(float(200 * 127 * 67000)));
  llvm::fill(input.integers, 255);
  EXPECT_TRUE(failed(Interpreter().run(f, input)));
  EXPECT_NE(
      session.messages.find(
          "overflows its 32-bit accumulator: output 0 sums to 2169795000"),
      std::string::npos)
      << session.messages;
}

/// What Numerics has no meaning for is an error, not a number.
TEST(QDense, RefusesBadFinishes) {
  const char *body = R"(
    func.func @f(%x: tensor<1x1x!quant.uniform<u8:f32, 0.5:0>>, %m: tensor<1xMM>SHIFTARG) -> tensor<1x1x!quant.uniform<u8:f32, 0.5:0>> {
      %w = qnet.constant dense<1> : tensor<1x1xi8>
      %b = qnet.constant dense<0> : tensor<1xi32>
      %r = qnet.qdense %x, %w, %b, %m SHIFT : (tensor<1x1x!quant.uniform<u8:f32, 0.5:0>>, tensor<1x1xi8>, tensor<1xi32>, tensor<1xMM>SHIFTTYPE) -> tensor<1x1x!quant.uniform<u8:f32, 0.5:0>>
      return %r : tensor<1x1x!quant.uniform<u8:f32, 0.5:0>>
    })";
  auto make = [&](bool fixed) {
    std::string text = body;
    auto replace = [&](const std::string &from, const std::string &to) {
      for (size_t at; (at = text.find(from)) != std::string::npos;)
        text.replace(at, from.size(), to);
    };
    replace("SHIFTARG", fixed ? ", %s: tensor<1xi32>" : "");
    replace("SHIFTTYPE", fixed ? ", tensor<1xi32>" : "");
    replace("SHIFT", fixed ? "shift(%s)" : "");
    replace("MM", fixed ? "i32" : "f32");
    return text;
  };
  Session session;
  func::FuncOp f = session.parseFunction(make(false));
  ASSERT_TRUE(f);
  Tensor x(cast<ShapedType>(f.getArgumentTypes()[0]).getElementType(), {1, 1});
  Tensor m(Float32Type::get(&session.context()), {1});
  for (double bad : {std::nan(""), double(INFINITY), 0x1p40}) {
    m.reals = {bad};
    EXPECT_TRUE(failed(Interpreter().run(f, {x, m}))) << bad;
  }
  m.reals = {0.0}; // a channel of zeros
  EXPECT_TRUE(succeeded(Interpreter().run(f, {x, m})));

  func::FuncOp g = session.parseFunction(make(true));
  ASSERT_TRUE(g);
  Type i32 = IntegerType::get(&session.context(), 32);
  Tensor mantissa(i32, {1}), shift(i32, {1});
  for (int64_t bad : {0, 63, -1}) {
    mantissa.integers = {1 << 30};
    shift.integers = {bad};
    EXPECT_TRUE(failed(Interpreter().run(g, {x, mantissa, shift}))) << bad;
  }
  mantissa.integers = {-5};
  shift.integers = {3};
  EXPECT_TRUE(failed(Interpreter().run(g, {x, mantissa, shift})));
}

} // namespace
