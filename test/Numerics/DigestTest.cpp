//===- DigestTest.cpp - The same bits on every host -----------------------===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//

#include "Digest.h"
#include "quantc/Numerics/Tables.h"
#include "gtest/gtest.h"

#include <string>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace quantc::numerics;

static uint64_t ofFunction(int32_t number) {
  auto f = static_cast<Function>(number);
  return digest::ofFunction(f, defaultAlpha(f), defaultBeta(f));
}

static uint64_t ofTables(int32_t number) {
  auto f = static_cast<Function>(number);
  digest::Hash hash;
  QuantParams in = chooseAffine(-6.0, 7.0, 0, 255);
  QuantParams out = chooseAffine(-1.0, 3.0, 0, 255);
  for (int32_t q : makeTable(f, defaultAlpha(f), defaultBeta(f), in, out))
    hash.word(q);
  return hash.value();
}

struct Golden {
  const char *function;
  uint64_t sequence;
  uint64_t table;
};

// A change here is a change of what every compiled program computes: it needs a
// reason in docs/numerics.md.
static const Golden golden[] = {
    // clang-format off
    {"identity", 0x9BE4970994BB8522, 0xBCD49A84817E8E96},
    {"relu", 0x1C763446080A7393, 0xF86A70E536950A7B},
    {"relu6", 0xF7444DC58ED52804, 0xF86A70E536950A7B},
    {"leaky_relu", 0x9D51C2BE603E4B7E, 0xC2E778E6825365B5},
    {"elu", 0x02E960598A169423, 0xE653E905B18B0048},
    {"selu", 0xF1858E179FFAC187, 0xBEE20994E40EFAF1},
    {"celu", 0xCEBEDEEF00EFD249, 0xE653E905B18B0048},
    {"silu", 0x3E1876B431E8A3E7, 0x6E611FF773B1BC4B},
    {"gelu", 0x502E635E5896DAD8, 0x1998D9F9A396A5F8},
    {"gelu_tanh", 0x3D8C0E1C16452A76, 0xF6F0968E673613BB},
    {"mish", 0x7E482E1CB7F0D631, 0x645EC3C1A1DC1D16},
    {"sigmoid", 0x40DBEBEE5DBD178F, 0x2BEA1EECB300F497},
    {"tanh", 0x879FA5578B9027E4, 0x84D15B5F697B576D},
    {"softplus", 0xE0E757D938CD2F5C, 0x8B483A88FC079B9B},
    {"softsign", 0x338389E7216D898C, 0xD37F3A9EA50549EE},
    {"hard_sigmoid", 0x034ECA090BDBECE4, 0x7C9C9E4F95EF848F},
    {"hard_swish", 0xA41F763DD2524714, 0xB4A2D6DD75869200},
    {"clip", 0xD4FB45AF384133C2, 0xBCD49A84817E8E96},
    {"thresholded_relu", 0x9D1E41A65A1BB2BD, 0x51C717234D131688},
    {"exp", 0x59928750D68FB89F, 0x6862FC1A5ADF2DFA},
    {"log", 0x536DF78F76D1F4EF, 0x21DF8A726C21C495},
    {"sqrt", 0x5578FA3538F96A62, 0x671E38D9026A690E},
    {"rsqrt", 0xA79D4826EB629FD2, 0x0C410B6A4B3E98B2},
    {"reciprocal", 0x0815AB4603EC6D26, 0xC242506A314C6EB1},
    {"abs", 0x3668372D47323A22, 0xE5AEB0911EF67D5A},
    {"neg", 0x1AAA934A0E2914A2, 0xD21812C80FBAAC89},
    {"sign", 0xE0F1A3E282E0DA05, 0x02DFBB1AEAA953E5},
    {"floor", 0x2C3F32A09EFD336F, 0xC283A0F456B5BF75},
    {"ceil", 0xCB216C09B769F1CA, 0xA7884643EA6C68D5},
    {"round", 0xF1079FF6CE381471, 0xD6C2AC17C253E7C5},
    {"erf", 0x3416B80B6C9D06FB, 0xE91B4D9DBD67619B},
    {"sin", 0x6C37BCA14F32C687, 0xA4CE20E2F364A2FE},
    {"cos", 0xE84877FDD81435DF, 0xADC9AF8BD3365353},
    {"square", 0xF65D55687CA240FB, 0xDEA61AB87970C51A},
    // clang-format on
};
static constexpr uint64_t goldenQuantizing = 0x793ED3AD375BC970;

TEST(Digest, FunctionsHaveTheRecordedBits) {
  ASSERT_EQ(std::size(golden), size_t(functionCount));
  for (int32_t i = 0; i < functionCount; ++i) {
    EXPECT_EQ(golden[i].function, name(static_cast<Function>(i)));
    EXPECT_EQ(ofFunction(i), golden[i].sequence)
        << golden[i].function << ": 0x" << std::hex << ofFunction(i);
    EXPECT_EQ(ofTables(i), golden[i].table)
        << golden[i].function << ": 0x" << std::hex << ofTables(i);
  }
}

TEST(Digest, QuantizingHasTheRecordedBits) {
  EXPECT_EQ(digest::ofQuantizing(), goldenQuantizing)
      << "0x" << std::hex << digest::ofQuantizing();
}

namespace {
/// What TensorFlow and PyTorch do to their process: flush subnormal results,
/// read subnormal arguments as zeros.
class FlushSubnormals {
public:
#if defined(__x86_64__)
  static constexpr bool available = true;
  FlushSubnormals() : saved(_mm_getcsr()) { _mm_setcsr(saved | 0x8040); }
  ~FlushSubnormals() { _mm_setcsr(saved); }

private:
  unsigned saved;
#elif defined(__aarch64__)
  static constexpr bool available = true;
  FlushSubnormals() {
    asm volatile("mrs %0, fpcr" : "=r"(saved));
    asm volatile("msr fpcr, %0" ::"r"(saved | uint64_t(1) << 24));
  }
  ~FlushSubnormals() { asm volatile("msr fpcr, %0" ::"r"(saved)); }

private:
  uint64_t saved;
#else
  static constexpr bool available = false;
#endif
};
} // namespace

// Breaks if loading a framework into the process changes a result.
TEST(Digest, FlushingSubnormalsChangesNoBit) {
  if (!FlushSubnormals::available)
    GTEST_SKIP() << "no known way to flush subnormals on this CPU";
  FlushSubnormals flush;
  volatile float tiny = 0x1p-126f;
  volatile float half = tiny * 0.5f;
  ASSERT_EQ(half, 0.0f) << "the mode did not take effect";
  for (int32_t i = 0; i < functionCount; ++i)
    EXPECT_EQ(ofFunction(i), golden[i].sequence) << golden[i].function;
  EXPECT_EQ(digest::ofQuantizing(), goldenQuantizing);
}
