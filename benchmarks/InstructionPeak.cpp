//===- InstructionPeak.cpp - what a row's instruction can do --------------===//

#include "InstructionPeak.h"

#include <algorithm>
#include <chrono>
#include <map>

using namespace mlir::qnet;

namespace {

/// Instructions of one turn of a loop.
constexpr int64_t unrolled = 12;
constexpr int64_t turns = 1 << 14;
constexpr int repeats = 50;

/// Multiply-adds of one instruction, and what does `turns` times `unrolled` of
/// it.
struct Loop {
  int64_t width;
  void (*run)();
};

#if defined(__x86_64__)
// Twelve registers are enough for a latency of 5 and two ports, and leave the
// operands theirs where there are 16.
#define TWELVE(F)                                                              \
  F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14) F(15)
#define CLOBBERS                                                               \
  "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",   \
      "xmm13", "xmm14", "xmm15"
// Wider vectors end so, or code for SSE after them waits for the upper halves.
#define UPPER "vzeroupper"
#define LOOP(Name, Line, End)                                                  \
  void Name() {                                                                \
    for (int64_t i = 0; i < turns; ++i)                                        \
      asm volatile(TWELVE(Line) : : : CLOBBERS);                               \
    asm volatile(End);                                                         \
  }
#define MADDWD_XMM(N) "pmaddwd %%xmm0, %%xmm" #N "\n"
#define MADDUBSW_XMM(N) "pmaddubsw %%xmm0, %%xmm" #N "\n"
#define MADDWD_YMM(N) "vpmaddwd %%ymm0, %%ymm1, %%ymm" #N "\n"
#define MADDUBSW_YMM(N) "vpmaddubsw %%ymm0, %%ymm1, %%ymm" #N "\n"
#define DPBUSD_YMM(N) "%{vex%} vpdpbusd %%ymm0, %%ymm1, %%ymm" #N "\n"
#define MADDWD_ZMM(N) "vpmaddwd %%zmm0, %%zmm1, %%zmm" #N "\n"
#define MADDUBSW_ZMM(N) "vpmaddubsw %%zmm0, %%zmm1, %%zmm" #N "\n"
#define DPBUSD_ZMM(N) "vpdpbusd %%zmm0, %%zmm1, %%zmm" #N "\n"
LOOP(maddwdXmm, MADDWD_XMM, "")
LOOP(maddubswXmm, MADDUBSW_XMM, "")
LOOP(maddwdYmm, MADDWD_YMM, UPPER)
LOOP(maddubswYmm, MADDUBSW_YMM, UPPER)
LOOP(dpbusdYmm, DPBUSD_YMM, UPPER)
LOOP(maddwdZmm, MADDWD_ZMM, UPPER)
LOOP(maddubswZmm, MADDUBSW_ZMM, UPPER)
LOOP(dpbusdZmm, DPBUSD_ZMM, UPPER)

Loop loopOf(const KernelRow &row) {
  bool wide = row.lhs == LhsStorage::S16, narrow = row.hasNarrowSums();
  if (row.isFloat())
    return {};
  switch (row.isa) {
  case Isa::sse41:
    return wide ? Loop{8, maddwdXmm} : Loop{16, maddubswXmm};
  case Isa::avx2:
    return wide ? Loop{16, maddwdYmm} : Loop{32, maddubswYmm};
  case Isa::avxvnni:
    return {32, dpbusdYmm};
  case Isa::avx512bw:
    return wide ? Loop{32, maddwdZmm} : Loop{64, maddubswZmm};
  case Isa::avx512vnni:
    return narrow ? Loop{64, maddubswZmm} : Loop{64, dpbusdZmm};
  default:
    return {};
  }
}
#else
Loop loopOf(const KernelRow &) { return {}; }
#endif

} // namespace

double mlir::qnet::instructionPeak(const KernelRow &row) {
  static std::map<void (*)(), double> known;
  Loop loop = loopOf(row);
  if (!loop.run)
    return 0;
  auto [found, isNew] = known.try_emplace(loop.run, 0.0);
  if (isNew)
    for (int i = 0; i < repeats; ++i) {
      auto start = std::chrono::steady_clock::now();
      loop.run();
      std::chrono::duration<double> time =
          std::chrono::steady_clock::now() - start;
      found->second = std::max(
          found->second, double(loop.width * unrolled * turns) / time.count());
    }
  return found->second;
}
