//===- InstructionPeak.h - what a row's instruction can do ------*- C++ -*-===//
#ifndef QUANTC_BENCHMARKS_INSTRUCTIONPEAK_H
#define QUANTC_BENCHMARKS_INSTRUCTIONPEAK_H

#include "quantc/Kernels/KernelTable.h"

namespace mlir::qnet {

/// Multiply-adds a second of the instruction that multiplies in a row's loop,
/// alone, on registers, with as many independent accumulators as hide its
/// latency: the ports that have it, times its width, times the clock, measured
/// as one. 0 where it is not known for the row.
double instructionPeak(const KernelRow &row);

} // namespace mlir::qnet

#endif // QUANTC_BENCHMARKS_INSTRUCTIONPEAK_H
