//===- TensorTest.cpp - Formats of numbers and storage of tensors
//----------===//

#include "OpHarness.h"

#include "mlir/AsmParser/AsmParser.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::test;
using Kind = ElementFormat::Kind;

namespace {

constexpr ElementFormat kHalf{Kind::Float16, 16, false};
constexpr ElementFormat kBrain{Kind::BFloat16, 16, false};
constexpr ElementFormat kSingle{Kind::Float32, 32, false};
constexpr ElementFormat kDouble{Kind::Float64, 64, false};

ElementFormat integer(unsigned width, bool isUnsigned) {
  return {Kind::Integer, width, isUnsigned};
}

/// If this fails, every f16, bf16 and f32 result is off by a rounding: compare
/// with LLVM's own software floats, around every kind of boundary.
TEST(Format, RoundsAsSoftwareFloatsDo) {
  std::mt19937_64 random(1);
  std::vector<double> values = {
      0.0,        -0.0,       65504,     65519.99,   65520,       -65520,
      0x1p-24,    0x1p-25,    0x1.8p-25, 0x1p-26,    0x1.FEp127,  0x1.FFp127,
      0x1p128,    0x1p-133,   0x1p-134,  0x1.8p-134, 1 + 0x1p-11, 1 + 0x3p-11,
      1 + 0x1p-8, 1 + 0x3p-8, 0x1p-149,  0x1p-150,   INFINITY};
  for (int i = 0; i != 20000; ++i) {
    double value =
        std::ldexp(double(random() >> 11), int(random() % 330) - 220);
    values.push_back(i % 2 ? value : -value);
    // A short significand makes exact ties.
    values.push_back(
        std::ldexp(double(random() % 8192), int(random() % 60) - 45));
  }
  const std::pair<ElementFormat, const llvm::fltSemantics &> formats[] = {
      {kHalf, APFloat::IEEEhalf()},
      {kBrain, APFloat::BFloat()},
      {kSingle, APFloat::IEEEsingle()}};
  for (const auto &[format, semantics] : formats)
    for (double value : values) {
      APFloat model(value);
      bool losesInfo;
      model.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
      double want = model.convertToDouble();
      ASSERT_EQ(format.round(value), want) << value;
      ASSERT_EQ(std::signbit(format.round(value)), std::signbit(want)) << value;
    }
  EXPECT_TRUE(std::isnan(kHalf.round(NAN)));
}

TEST(Format, WrapsModuloTheWidth) {
  EXPECT_EQ(integer(8, false).wrap(128), -128);
  EXPECT_EQ(integer(8, true).wrap(-1), 255);
  EXPECT_EQ(integer(4, false).wrap(9), -7);
  EXPECT_EQ(integer(1, true).wrap(3), 1);
  EXPECT_EQ(integer(64, true).wrap(-1), -1);
  EXPECT_EQ(integer(32, false).wrap(int64_t(1) << 31), INT32_MIN);
  EXPECT_EQ(integer(8, false).smallest(), -128);
  EXPECT_EQ(integer(8, false).largest(), 127);
  EXPECT_EQ(integer(16, true).largest(), 65535);
  EXPECT_EQ(integer(64, false).smallest(), INT64_MIN);
  EXPECT_EQ(integer(64, false).largest(), INT64_MAX);
}

/// int64 to a narrower float must round once, not through double.
TEST(Format, IntegersRoundOnceToReals) {
  ElementFormat i64 = integer(64, false), u64 = integer(64, true);
  // Just above the tie between two f32 values, by less than a double can tell.
  int64_t aboveTie = (int64_t(1) << 60) + (int64_t(1) << 36) + 1;
  EXPECT_EQ(i64.toReal(aboveTie, kSingle), 0x1.000002p60);
  EXPECT_EQ(i64.toReal(-aboveTie, kSingle), -0x1.000002p60);
  EXPECT_EQ(i64.toReal(aboveTie - 1, kSingle), 0x1p60);
  EXPECT_EQ(i64.toReal(INT64_MIN, kDouble), -0x1p63);
  EXPECT_EQ(u64.toReal(-1, kSingle), 0x1p64);
  EXPECT_EQ(u64.toReal(-1, kDouble), 0x1p64);
  EXPECT_EQ(i64.toReal(65520, kHalf), INFINITY);
  std::mt19937_64 random(2);
  for (int i = 0; i != 10000; ++i) {
    auto value = static_cast<int64_t>(random() >> (random() % 64));
    ASSERT_EQ(i64.toReal(value, kSingle), static_cast<float>(value));
    ASSERT_EQ(u64.toReal(value, kSingle),
              static_cast<float>(static_cast<uint64_t>(value)));
  }
}

TEST(Format, RealsSaturateToIntegers) {
  EXPECT_EQ(integer(8, false).fromReal(-128.9), -128);
  EXPECT_EQ(integer(8, false).fromReal(-129.0), -128);
  EXPECT_EQ(integer(8, false).fromReal(127.9), 127);
  EXPECT_EQ(integer(8, false).fromReal(1e300), 127);
  EXPECT_EQ(integer(8, true).fromReal(-0.9), 0);
  EXPECT_EQ(integer(8, true).fromReal(255.9), 255);
  EXPECT_EQ(integer(64, false).fromReal(0x1p63), INT64_MAX);
  EXPECT_EQ(integer(64, false).fromReal(-INFINITY), INT64_MIN);
  EXPECT_EQ(integer(64, true).fromReal(0x1.8p63), int64_t(0xC000000000000000));
  EXPECT_EQ(integer(64, true).fromReal(INFINITY), -1);
  EXPECT_EQ(integer(32, false).fromReal(NAN), 0);
}

TEST(Format, RefusesTypesItCannotHold) {
  Session session;
  for (const char *text : {"f8E4M3FN", "tf32", "i65", "index", "f80",
                           "!quant.any<i8:f32>", "vector<4xf32>"})
    EXPECT_FALSE(elementFormat(session.parseType(text))) << text;
  EXPECT_TRUE(
      elementFormat(session.parseType("!quant.calibrated<f32<-1.0:1.0>>"))
          ->isReal());
  auto stored =
      elementFormat(session.parseType("!quant.uniform<u8<1:200>:f32, 0.5:10>"));
  EXPECT_EQ(stored->width, 8u);
  EXPECT_TRUE(stored->isUnsigned);
}

/// Each constant must come back as the same attribute.
TEST(Storage, AttributesRoundTrip) {
  Session session;
  for (const char *text : {
           "dense<[1.5, -0.0, 0x7F800000]> : tensor<3xf32>",
           "dense<[1.0, 65504.0, 6.0e-8]> : tensor<3xf16>",
           "dense<[1.0, -3.0e38, 0x0001]> : tensor<3xbf16>",
           "dense<[[1.0e300, -1.0e-300]]> : tensor<1x2xf64>",
           "dense<[true, false, true, true, true, false, true, true, true]> : "
           "tensor<9xi1>",
           "dense<[-8, 7, 0]> : tensor<3xi4>",
           "dense<[15, 7, 0]> : tensor<3xui4>",
           "dense<[-128, 127]> : tensor<2xi8>",
           "dense<[255, 1]> : tensor<2xui8>",
           "dense<[-32768, 7]> : tensor<2xi16>",
           "dense<[65535, 7]> : tensor<2xui16>",
           "dense<[4294967295, 7]> : tensor<2xui32>",
           "dense<[18446744073709551615, 7]> : tensor<2xui64>",
           "dense<[-9223372036854775808, 7]> : tensor<2xi64>",
           "dense<3.5> : tensor<100000xf32>", // splats stay splats
           "dense<true> : tensor<100xi1>",
           "dense<> : tensor<0x3xf32>",
           "dense<7> : tensor<i32>",
       }) {
    Tensor tensor = session.parse(text);
    if (!tensor.elementType)
      continue;
    EXPECT_EQ(attributeFrom(tensor), parseAttribute(text, &session.context()))
        << text;
  }
}

TEST(Storage, ValuesAreWhatTheTextSays) {
  Session session;
  EXPECT_EQ(session.parse("dense<[255, 1]> : tensor<2xui8>").integers,
            (std::vector<int64_t>{255, 1}));
  EXPECT_EQ(session.parse("dense<[-8, 7]> : tensor<2xi4>").integers,
            (std::vector<int64_t>{-8, 7}));
  EXPECT_EQ(session.parse("dense<[0.1, 1.0]> : tensor<2xf32>").reals,
            (std::vector<double>{0.1f, 1.0}));
  EXPECT_EQ(session.parse("dense<[[true, false]]> : tensor<1x2xi1>").integers,
            (std::vector<int64_t>{1, 0}));
}

TEST(Storage, LargeConstantsAreResources) {
  Session session;
  Tensor tensor(Float32Type::get(&session.context()), {40, 50});
  for (auto [i, value] : llvm::enumerate(tensor.reals))
    value = double(i) / 8;
  ElementsAttr attribute = attributeFrom(tensor);
  ASSERT_TRUE(isa<DenseResourceElementsAttr>(attribute));
  FailureOr<Tensor> back = tensorFrom(attribute, 1 << 20, [&] {
    return emitError(UnknownLoc::get(&session.context()));
  });
  ASSERT_TRUE(succeeded(back));
  EXPECT_TRUE(back->identical(tensor));
}

TEST(Storage, QuantizedTensorsGiveTheirStorage) {
  Session session;
  Tensor tensor(session.parseType("!quant.uniform<u8:f32, 0.5:10>"), {2});
  tensor.integers = {0, 255};
  EXPECT_EQ(
      attributeFrom(tensor),
      parseAttribute("dense<[0, 255]> : tensor<2xui8>", &session.context()));
}

/// Wrong sizes and types must end in a message, never in a wild read.
TEST(Storage, RefusesWhatItCannotRead) {
  Session session;
  auto error = [&] { return emitError(UnknownLoc::get(&session.context())); };
  Type f32 = Float32Type::get(&session.context());
  std::vector<char> bytes(12);
  EXPECT_TRUE(succeeded(tensorFromBuffer(f32, {3}, bytes, error)));
  EXPECT_TRUE(failed(tensorFromBuffer(f32, {4}, bytes, error)));
  EXPECT_NE(session.messages.find("12 bytes does not hold"), std::string::npos);
  EXPECT_TRUE(failed(tensorFromBuffer(f32, {int64_t(1) << 62}, bytes, error)));
  EXPECT_TRUE(
      failed(tensorFromBuffer(f32, {ShapedType::kDynamic}, bytes, error)));
  EXPECT_TRUE(failed(tensorFromBuffer(IntegerType::get(&session.context(), 128),
                                      {1}, bytes, error)));
  auto attribute = [&](const char *text) {
    return cast<ElementsAttr>(parseAttribute(text, &session.context()));
  };
  EXPECT_TRUE(failed(tensorFrom(
      attribute("dense<0.0> : tensor<1048576x1048576xf32>"), 1 << 20, error)));
  EXPECT_NE(session.messages.find("over the limit"), std::string::npos);
  EXPECT_TRUE(failed(tensorFrom(
      attribute("sparse<[[0]], [1.0]> : tensor<2xf32>"), 1 << 20, error)));
  EXPECT_TRUE(failed(tensorFrom(
      attribute("dense_resource<absent> : tensor<2xf32>"), 1 << 20, error)));
  EXPECT_NE(session.messages.find("'absent'"), std::string::npos);
}

TEST(Storage, NanBytesDoNotDependOnTheHost) {
  Session session;
  Tensor tensor(Float32Type::get(&session.context()), {2});
  tensor.reals = {-NAN, NAN};
  std::vector<char> bytes = bufferFrom(tensor);
  uint32_t bits[2];
  std::memcpy(bits, bytes.data(), sizeof(bits));
  EXPECT_EQ(bits[0], 0x7FC00000u);
  EXPECT_EQ(bits[1], 0x7FC00000u);
}

} // namespace
