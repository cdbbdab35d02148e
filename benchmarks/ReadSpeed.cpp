//===- ReadSpeed.cpp - what a single row of a layer can reach -------------===//

#include "ReadSpeed.h"

#include <algorithm>
#include <chrono>
#include <sys/mman.h>
#include <vector>

#if defined(__x86_64__)

namespace {

constexpr int64_t page = 4096, turn = 256;
constexpr int passes = 200;

#define READ_XMM(At, N) "movdqa " #At "(%0), %%xmm" #N "\n"
#define READ_YMM(At, N) "vmovdqa " #At "(%0), %%ymm" #N "\n"
#define READ_ZMM(At, N) "vmovdqa64 " #At "(%0), %%zmm" #N "\n"
#define TURN_XMM                                                               \
  READ_XMM(0, 0)                                                               \
  READ_XMM(16, 1)                                                              \
  READ_XMM(32, 2)                                                              \
  READ_XMM(48, 3)                                                              \
  READ_XMM(64, 4)                                                              \
  READ_XMM(80, 5)                                                              \
  READ_XMM(96, 6)                                                              \
  READ_XMM(112, 7)                                                             \
  READ_XMM(128, 0)                                                             \
  READ_XMM(144, 1)                                                             \
  READ_XMM(160, 2)                                                             \
  READ_XMM(176, 3)                                                             \
  READ_XMM(192, 4)                                                             \
  READ_XMM(208, 5)                                                             \
  READ_XMM(224, 6)                                                             \
  READ_XMM(240, 7)
#define TURN_YMM                                                               \
  READ_YMM(0, 0)                                                               \
  READ_YMM(32, 1)                                                              \
  READ_YMM(64, 2)                                                              \
  READ_YMM(96, 3)                                                              \
  READ_YMM(128, 4)                                                             \
  READ_YMM(160, 5)                                                             \
  READ_YMM(192, 6)                                                             \
  READ_YMM(224, 7)
#define TURN_ZMM                                                               \
  READ_ZMM(0, 0) READ_ZMM(64, 1) READ_ZMM(128, 2) READ_ZMM(192, 3)

#define PASS(Name, Turn)                                                       \
  void Name(const char *from, const char *to, bool asks) {                     \
    for (; from != to; from += turn) {                                         \
      if (asks) /* one line of four, a page ahead */                           \
        __builtin_prefetch(from + page, 0, 2);                                 \
      asm volatile(Turn                                                        \
                   :                                                           \
                   : "r"(from)                                                 \
                   : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", \
                     "xmm6", "xmm7");                                          \
    }                                                                          \
  }
PASS(passXmm, TURN_XMM)
PASS(passYmm, TURN_YMM)
PASS(passZmm, TURN_ZMM)

} // namespace

double mlir::qnet::readSpeed(int64_t bytes, int64_t width) {
  auto *pass = width == 64 ? passZmm : width == 32 ? passYmm : passXmm;
  const int64_t size = bytes / turn * turn;
  // Pages of the size that constants of a program have.
  void *memory = mmap(nullptr, size + page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return 0;
#if defined(MADV_NOHUGEPAGE)
  madvise(memory, size + page, MADV_NOHUGEPAGE);
#endif
  auto *first = static_cast<char *>(memory);
  std::fill_n(first, size, char(1)); // else all pages are one page of zeros
  double most = 0;
  for (bool asks : {false, true}) {
    std::vector<double> seconds;
    for (int i = 0; i < passes; ++i) {
      auto start = std::chrono::steady_clock::now();
      pass(first, first + size, asks);
      if (width > 16) // else code for SSE after it waits for the upper halves
        asm volatile("vzeroupper");
      std::chrono::duration<double> time =
          std::chrono::steady_clock::now() - start;
      seconds.push_back(time.count());
    }
    auto middle = seconds.begin() + passes / 2;
    std::nth_element(seconds.begin(), middle, seconds.end());
    most = std::max(most, double(size) / *middle);
  }
  munmap(memory, size + page);
  return most;
}

#else
double mlir::qnet::readSpeed(int64_t /*bytes*/, int64_t /*width*/) { return 0; }
#endif
