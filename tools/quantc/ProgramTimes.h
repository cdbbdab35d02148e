//===- ProgramTimes.h - Where a program's time goes -------------*- C++ -*-===//
#ifndef QUANTC_TOOLS_PROGRAMTIMES_H
#define QUANTC_TOOLS_PROGRAMTIMES_H

#include "Program.h"
#include "Timing.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>

namespace quantc {

/// One dense layer at one batch.
struct LayerTime {
  unsigned batch = 0;
  std::string name, kernel;
  int64_t inputs = 0, outputs = 0;
  double multipliedShare = 1;
  double seconds = 0; ///< of a call, the best
  double speed = 0;   ///< multiply-adds a second
  double ofPeak = 0;  ///< share of what its kernel reaches at best
  /// Bytes of weights a second; of one row only: of more it is not known how
  /// often each weight is read.
  std::optional<double> weightSpeed;
};

/// Compiles each dense layer of the program's integer network alone for the
/// program's CPU and times it, by batch.
llvm::Expected<std::vector<LayerTime>>
timeLayers(const ProgramPaths &paths, const mlir::qnet::Manifest &manifest,
           llvm::ArrayRef<unsigned> batches);

/// A table of them.
void printLayerTimes(llvm::ArrayRef<LayerTime> times);

/// Times calls of `batch` rows of numbers that are the same in every run, on
/// `threads` threads of this process; 0 is as the library is compiled.
CallTimes timeProgram(const Program &library, unsigned batch, int threads = 0);

} // namespace quantc

#endif // QUANTC_TOOLS_PROGRAMTIMES_H
