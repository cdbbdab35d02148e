//===- CpuClones.h - One loop compiled for several CPUs ---------*- C++ -*-===//
//
// Takes          a function of loops whose result does not depend on the width
//                of vectors: counting, comparing, and sums of which each
//                element has its own order.
// Gives          the function for any CPU of the architecture and for two later
//                levels of x86-64, of which the loader takes the best.
// Why            the compiler itself is built for any CPU, where calibration
//                and rounding would use an eighth of what the machine has.
// Not done here  fused multiply-adds: the build has -ffp-contract=off, so that
//                all clones give the same bits.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_NUMERICS_CPUCLONES_H
#define QUANTC_NUMERICS_CPUCLONES_H

// Sanitizers are not up yet when the loader chooses.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||     \
    __has_feature(thread_sanitizer)
#define QUANTC_IS_SANITIZED
#endif
#endif

#if defined(__x86_64__) && defined(__ELF__) && !defined(QUANTC_IS_SANITIZED)
#define QUANTC_CPU_CLONES                                                      \
  __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define QUANTC_CPU_CLONES
#endif

#endif // QUANTC_NUMERICS_CPUCLONES_H
