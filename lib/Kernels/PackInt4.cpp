//===- PackInt4.cpp - weights of 4 bits as kernels read them --------------===//

#include "quantc/Kernels/KernelTable.h"

using namespace mlir::qnet;

std::vector<int8_t> mlir::qnet::packNibbles(const KernelRow &row,
                                            llvm::ArrayRef<int8_t> weights,
                                            int64_t n, int64_t k) {
  constexpr unsigned nibble = 4, low = 0xf;
  int64_t group = row.group(), step = 2 * group;
  int64_t depth = row.groups(k) * row.kr;
  unsigned zero = row.nibbleOffset();
  std::vector<int8_t> packed(row.paddedChannels(n) * depth / 2,
                             static_cast<int8_t>(zero | zero << nibble));
  for (int64_t channel = 0; channel < n; ++channel) {
    int8_t *panel = packed.data() + channel / row.nr * row.nr * depth / 2 +
                    channel % row.nr * group;
    for (int64_t i = 0; i < k; ++i) {
      int8_t &byte = panel[i / step * row.nr * group + i % group];
      unsigned shift = i % step < group ? 0 : nibble;
      unsigned bits = (weights[channel * k + i] + zero) & low;
      byte = static_cast<int8_t>(
          (static_cast<uint8_t>(byte) & ~(low << shift)) | bits << shift);
    }
  }
  return packed;
}

std::vector<uint8_t>
mlir::qnet::packGroupMultipliers(const KernelRow &row,
                                 llvm::ArrayRef<uint8_t> multipliers, int64_t n,
                                 int64_t groups) {
  int64_t copies = row.multipliersPerLane();
  std::vector<uint8_t> packed(row.paddedChannels(n) * groups * copies, 0);
  for (int64_t channel = 0; channel < n; ++channel)
    for (int64_t group = 0; group < groups; ++group) {
      int64_t panel = (channel / row.nr * groups + group) * row.nr;
      std::fill_n(packed.begin() + (panel + channel % row.nr) * copies, copies,
                  multipliers[channel * groups + group]);
    }
  return packed;
}
