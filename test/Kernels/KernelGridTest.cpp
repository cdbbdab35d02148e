//===- KernelGridTest.cpp - every kernel row against plain arithmetic
//------===//
//
// If this fails, a kernel of this machine's architecture computes other bits
// than the definition for some number of rows, channels or inputs. Sizes are
// one less than, equal to and one more than each tile, so every remainder runs;
// values are at their extremes in some rows. Kernels that this machine cannot
// run do so under emulation in test/python/test_kernel_rows.py.
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Constants.h"
#include "quantc/Kernels/Schedule.h"
#include "quantc/Numerics/Evaluate.h"
#include "quantc/Pipeline/Native.h"
#include "quantc/Pipeline/Pipeline.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include "gtest/gtest.h"

#include <array>
#include <bit>
#include <random>

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

namespace {

constexpr int64_t rowCounts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 65};
constexpr int64_t channelCounts[] = {1, 15, 16, 17, 31, 32, 33};
constexpr int64_t inputCounts[] = {1, 2, 3, 4, 5, 8, 9, 31};
// A step of 4-bit weights is 64 channels, and one of its parts 2 or 8.
constexpr int64_t groupedInputCounts[] = {1, 7, 8, 9, 63, 64, 65, 127, 200};

/// A layer of random integers; some channels and rows at their extremes.
struct Layer {
  int64_t n, k;
  std::vector<int8_t> weights;
  std::vector<uint8_t> groups; ///< Multipliers of 4-bit weights, or empty.
  std::vector<int32_t> bias;
  std::vector<float> multiplier, outBias;

  Layer(int64_t n, int64_t k, std::mt19937 &random, bool isGrouped = false)
      : n(n), k(k) {
    int most = isGrouped ? QDenseOp::kMaxGroupedWeight : 127;
    // Of a model that comes quantized, which uses all of its bytes.
    const int least = isGrouped ? -most : -most - 1;
    std::uniform_int_distribution<int> weight(least, most), offset(-5000, 5000);
    for (int64_t i = 0; i < n * k; ++i)
      weights.push_back(i < k ? most : i < 2 * k ? least : weight(random));
    for (int64_t i = 0; isGrouped && i < n * QDenseOp::groupsOf(k); ++i)
      groups.push_back(i < 2 * QDenseOp::groupsOf(k) ? 255
                                                     : 1 + random() % 255);
    for (int64_t i = 0; i < n; ++i) {
      bias.push_back(offset(random));
      multiplier.push_back(0.001f + 0.0001f * static_cast<float>(i));
      outBias.push_back(0.25f * static_cast<float>(i));
    }
  }

  /// Sets weights to zero in blocks of 8 channels by 2 inputs, so that groups
  /// of every row of the table are whole, in part and not there at all.
  void thin(double share, std::mt19937 &random) {
    std::bernoulli_distribution isZero(share);
    for (int64_t channel = 0; channel < n; channel += 8)
      for (int64_t input = 0; input < k; input += 2)
        if (isZero(random))
          for (int64_t c = channel; c < std::min(channel + 8, n); ++c)
            for (int64_t i = input; i < std::min(input + 2, k); ++i)
              weights[c * k + i] = 0;
  }

  int32_t accumulate(const float *row, int64_t channel) const {
    int32_t sum = bias[channel];
    for (int64_t i = 0; i < k; ++i)
      sum += static_cast<int32_t>(row[i]) * weights[channel * k + i] *
             (groups.empty() ? 1
                             : groups[channel * QDenseOp::groupsOf(k) +
                                      i / QDenseOp::kGroupChannels]);
    return sum;
  }
};

/// The variants of this architecture that this machine can run.
std::vector<CpuVariant> hostVariants() {
  std::vector<CpuVariant> variants{{"", "", Isa::portable}};
  auto features = llvm::sys::getHostCPUFeatures();
  llvm::Triple triple(llvm::sys::getProcessTriple());
  if (triple.isX86()) {
    if (features.lookup("sse4.1"))
      variants.push_back({"x86-64-v2", "", Isa::sse41});
    if (features.lookup("avx2"))
      variants.push_back({"x86-64-v3", "", Isa::avx2});
    if (features.lookup("avxvnni"))
      variants.push_back({"x86-64-v3", "+avxvnni", Isa::avxvnni});
    if (features.lookup("avx512bw") && features.lookup("avx512vl") &&
        features.lookup("avx512dq") && features.lookup("avx512cd")) {
      variants.push_back({"x86-64-v4", "", Isa::avx512bw});
      if (features.lookup("avx512vnni"))
        variants.push_back({"x86-64-v4", "+avx512vnni", Isa::avx512vnni});
    }
  } else if (triple.isAArch64()) {
    variants.push_back({"generic", "", Isa::neon});
    if (features.lookup("dotprod"))
      variants.push_back({"generic", "+dotprod", Isa::dotprod});
    if (features.lookup("i8mm"))
      variants.push_back({"generic", "+dotprod,+i8mm", Isa::i8mm});
    if (features.lookup("sve"))
      variants.push_back({"generic", "+sve", Isa::sve});
    if (features.lookup("sve") && features.lookup("i8mm"))
      variants.push_back({"generic", "+sve,+i8mm", Isa::svei8mm});
  }
  return variants;
}

/// Every integer row that this machine can run, with what, and the largest
/// activation that it is given.
struct RowOnHost {
  const KernelRow *row;
  CpuVariant variant;
  int32_t lhsMax;
};

std::vector<RowOnHost> hostRows() {
  std::vector<RowOnHost> result;
  for (const CpuVariant &variant : hostVariants())
    for (const KernelRow &row : kernelTable())
      for (int32_t lhsMax : {255, int32_t(QDenseOp::kMaxInput)})
        if (row.isa == variant.isa && row.reads(lhsMax))
          result.push_back({&row, variant, lhsMax});
  return result;
}

std::string nameOf(const testing::TestParamInfo<RowOnHost> &info) {
  return info.param.row->name.str() +
         (info.param.lhsMax > 255 ? "_16bits" : "");
}

class KernelGrid : public testing::TestWithParam<RowOnHost> {
protected:
  KernelGrid() : builder(&context) {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadDialect<QnetDialect, func::FuncDialect, quant::QuantDialect>();
  }

  /// Of a quantized result.
  static numerics::QuantParams resultParams() {
    return GetParam().lhsMax > 255
               ? numerics::QuantParams{1.0f, 10000, 0, 30000}
               : numerics::QuantParams{1.0f, 100, 0, 200};
  }

  /// quantize (scale 1, so that a float is its own integer), the layer, and for
  /// a quantized result dequantize (scale 1 again): floats in, floats out.
  OwningOpRef<ModuleOp> graphOf(const Layer &layer, bool quantizedResult) {
    Location loc = builder.getUnknownLoc();
    OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
    Type f32 = builder.getF32Type();
    auto dynamic = ShapedType::kDynamic;
    auto in = RankedTensorType::get({dynamic, layer.k}, f32);
    auto out = RankedTensorType::get({dynamic, layer.n}, f32);
    int32_t lhsMax = GetParam().lhsMax;
    Type storage = builder.getIntegerType(lhsMax > 255 ? 16 : 8);
    auto byte =
        quant::UniformQuantizedType::get(0, storage, f32, 1.0, 0, 0, lhsMax);
    numerics::QuantParams stored = resultParams();
    auto shifted = quant::UniformQuantizedType::get(
        0, storage, f32, 1.0, stored.zeroPoint, 0, stored.qmax);
    auto main =
        func::FuncOp::create(loc, "main", builder.getFunctionType(in, out));
    module->push_back(main);
    builder.setInsertionPointToStart(main.addEntryBlock());
    Value x =
        QuantizeOp::create(builder, loc, in.clone(byte), main.getArgument(0));
    Value w, g;
    if (layer.groups.empty()) {
      w = makeConstant<int8_t>(builder, loc, {layer.n, layer.k},
                               builder.getI8Type(), layer.weights);
    } else {
      w = makeNibbles(builder, loc, {layer.n, layer.k}, layer.weights);
      g = makeConstant<uint8_t>(
          builder, loc, {layer.n, QDenseOp::groupsOf(layer.k)},
          builder.getIntegerType(8, /*isSigned=*/false), layer.groups);
    }
    Value b = makeConstant<int32_t>(builder, loc, {layer.n},
                                    builder.getI32Type(), layer.bias);
    Value m =
        makeConstant<float>(builder, loc, {layer.n}, f32, layer.multiplier);
    Value result;
    if (quantizedResult) {
      Value y = QDenseOp::create(builder, loc, out.clone(shifted), x, w, b, m,
                                 Value(), Value(), g);
      result = DequantizeOp::create(builder, loc, out, y);
    } else {
      Value o =
          makeConstant<float>(builder, loc, {layer.n}, f32, layer.outBias);
      result = QDenseOp::create(builder, loc, out, x, w, b, m, Value(), o, g);
    }
    func::ReturnOp::create(builder, loc, result);
    return module;
  }

  void check(const Layer &layer, bool quantizedResult, bool lists = false) {
    OwningOpRef<ModuleOp> module = graphOf(layer, quantizedResult);
    Target target;
    target.triple = llvm::sys::getProcessTriple();
    const auto &[row, variant, lhsMax] = GetParam();
    target.variants = {variant};
    ProgramInterface interface;
    ASSERT_TRUE(
        succeeded(lowerToNative(*module, "t", target, variant, interface,
                                /*packedEntry=*/false, row->name, lists)));
    auto program = jitCompile(*module, "t", target);
    ASSERT_TRUE(succeeded(program));
    auto run =
        reinterpret_cast<void (*)(const float *, float *, size_t, void *)>(
            (*program)->lookup("t_run"));
    ASSERT_NE(run, nullptr);
    std::vector<char> workspace(interface.workspaceBytes + 64);
    void *aligned = reinterpret_cast<void *>(
        (reinterpret_cast<uintptr_t>(workspace.data()) + 63) & ~uintptr_t(63));
    for (int64_t rows : rowCounts) {
      std::vector<float> x(rows * layer.k), y(rows * layer.n, -1.0f);
      for (auto [i, value] : llvm::enumerate(x))
        value = i / layer.k == 0   ? float(lhsMax)
                : i / layer.k == 1 ? 0.0f
                                   : float(random() % (lhsMax + 1));
      run(x.data(), y.data(), rows, aligned);
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < layer.n; ++c) {
          int32_t acc = layer.accumulate(&x[r * layer.k], c);
          float expected =
              quantizedResult
                  ? float(numerics::requantize(acc, layer.multiplier[c],
                                               resultParams()) -
                          resultParams().zeroPoint)
                  : numerics::scaleAccumulator(acc, layer.multiplier[c],
                                               layer.outBias[c]);
          ASSERT_EQ(std::bit_cast<uint32_t>(expected),
                    std::bit_cast<uint32_t>(y[r * layer.n + c]))
              << row->name.str() << ": row " << r << " of " << rows
              << ", channel " << c << " of " << layer.n << ", " << layer.k
              << " inputs: " << y[r * layer.n + c] << " instead of "
              << expected;
        }
    }
  }

  MLIRContext context;
  OpBuilder builder;
  std::mt19937 random{7};
};

TEST_P(KernelGrid, FloatResultIsTheDefinition) {
  bool isGrouped = GetParam().row->isGrouped();
  for (int64_t n : channelCounts)
    for (int64_t k : isGrouped ? std::array<int64_t, 3>{1, 64, 130}
                               : std::array<int64_t, 3>{1, 4, 31})
      check(Layer(n, k, random, isGrouped), /*quantizedResult=*/false);
}

TEST_P(KernelGrid, QuantizedResultIsTheDefinition) {
  bool isGrouped = GetParam().row->isGrouped();
  for (int64_t k : isGrouped ? ArrayRef<int64_t>(groupedInputCounts)
                             : ArrayRef<int64_t>(inputCounts))
    for (int64_t n : {1, 17})
      check(Layer(n, k, random, isGrouped), /*quantizedResult=*/true);
}

/// Rows whose panels can list groups.
class KernelLists : public KernelGrid {};

std::vector<RowOnHost> listingRows() {
  std::vector<RowOnHost> rows = hostRows();
  llvm::erase_if(rows, [](const RowOnHost &on) {
    return on.row->hasSteps() || !on.row->isByteRow();
  });
  return rows;
}

TEST_P(KernelLists, ListedGroupsAreTheDefinition) {
  for (int64_t n : channelCounts) {
    Layer layer(n, /*k=*/31, random);
    layer.thin(0.8, random);
    check(layer, /*quantizedResult=*/true, /*lists=*/true);
  }
  for (int64_t k : inputCounts) {
    Layer layer(/*n=*/33, k, random);
    layer.thin(0.5, random);
    check(layer, /*quantizedResult=*/false, /*lists=*/true);
  }
}

// A panel without a group, a layer without one, and lists that leave out none.
TEST_P(KernelLists, ListsMayBeEmptyOrFull) {
  Layer full(/*n=*/35, /*k=*/67, random);
  check(full, /*quantizedResult=*/false, /*lists=*/true);
  Layer last = full;
  std::fill(last.weights.begin(), last.weights.end() - 1, 0);
  check(last, /*quantizedResult=*/false, /*lists=*/true);
  last.weights.back() = 0;
  check(last, /*quantizedResult=*/true, /*lists=*/true);
}

// Steps of zeros stand between the panels of so large a layer. Weights so small
// repeat no group, which would change the panels' length.
TEST_P(KernelLists, PanelsOfWholePagesAreTheDefinition) {
  Layer pages(/*n=*/257, /*k=*/4096, random);
  for (int8_t &weight : pages.weights)
    weight = static_cast<int8_t>(random() % 3) - 1;
  check(pages, /*quantizedResult=*/false, /*lists=*/true);
}

INSTANTIATE_TEST_SUITE_P(Host, KernelGrid, testing::ValuesIn(hostRows()),
                         nameOf);
INSTANTIATE_TEST_SUITE_P(Host, KernelLists, testing::ValuesIn(listingRows()),
                         nameOf);

// A row whose name lies about its tile would be found, tested and benchmarked
// under the wrong name.
TEST(KernelTable, NamesSayWhatTheRowsSay) {
  for (const KernelRow &row : kernelTable()) {
    std::string lhs = row.lhs == LhsStorage::S16  ? "s16"
                      : row.lhs == LhsStorage::S8 ? "s8"
                      : row.lhs == LhsStorage::U8 ? "u8"
                                                  : "f32";
    std::string rhs = row.rhs == RhsStorage::U4   ? "u4"
                      : row.rhs == RhsStorage::S4 ? "s4"
                      : row.isFloat()             ? "f32"
                                                  : "s8";
    std::string name = "gemm_" + lhs + rhs + (row.isFloat() ? "f" : "s") +
                       std::to_string(row.sumBits) + "_" +
                       std::to_string(row.mr) + "x" + std::to_string(row.nr) +
                       "x" + std::to_string(row.kr) + "_" +
                       isaName(row.isa).str();
    EXPECT_EQ(row.name.str(), name);
    EXPECT_EQ(row.nr % row.lanes, 0) << name;
    EXPECT_EQ(row.kr % row.group(), 0) << name;
    EXPECT_GT(row.rate, 0) << name;
  }
}

// Every instruction set must have a kernel of each kind, or a layer has none.
TEST(KernelTable, EveryIsaHasAllKinds) {
  for (Isa isa : {Isa::portable, Isa::sse41, Isa::avx2, Isa::avxvnni,
                  Isa::avx512bw, Isa::avx512vnni, Isa::neon, Isa::dotprod,
                  Isa::i8mm, Isa::sve, Isa::svei8mm, Isa::amx}) {
    EXPECT_EQ(floatKernel(isa).isa, isa);
    EXPECT_TRUE(floatKernel(isa).isFloat());
    const int8_t weight = 1;
    const KernelRow *row = chooseRow({weight, 1, 1, 255}, isa).row;
    ASSERT_NE(row, nullptr);
    EXPECT_EQ(row->isa, isa);
    EXPECT_TRUE(row->isByteRow());
    const KernelRow *wide =
        chooseRow({weight, 1, 1, QDenseOp::kMaxInput}, isa).row;
    ASSERT_NE(wide, nullptr);
    EXPECT_EQ(wide->isa, isa);
    EXPECT_EQ(wide->lhsBits(), 16u);
    EXPECT_EQ(chooseGroupedRow(1, isa).isa, isa);
    EXPECT_TRUE(chooseGroupedRow(1, isa).isGrouped());
  }
}

// If a small layer took tile registers, filling and emptying them would be most
// of its time.
TEST(Schedule, TilesAreForLargeLayers) {
  std::vector<int8_t> weights(512 * 784, 1);
  EXPECT_TRUE(chooseRow({weights, 512, 784, 255}, Isa::amx).row->hasTiles());
  LayerWeights small{llvm::ArrayRef(weights).take_front(50 * 37), 50, 37, 255};
  EXPECT_FALSE(chooseRow(small, Isa::amx).row->hasTiles());
}

} // namespace
