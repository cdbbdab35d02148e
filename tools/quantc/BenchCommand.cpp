//===- BenchCommand.cpp - quantc bench ------------------------------------===//
#include "Commands.h"
#include "Program.h"
#include "ProgramTimes.h"
#include "TextTable.h"
#include "Timing.h"

#include "quantc/Emit/ThreadedLibrary.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

using namespace llvm;

namespace quantc {

cl::SubCommand benchCommand("bench", "time a compiled library");

static cl::opt<std::string> program(cl::Positional, cl::Required,
                                    cl::desc("<OUT/N.so>"),
                                    cl::sub(benchCommand));
static cl::list<unsigned> batches("batch", cl::value_desc("1,16,256"),
                                  cl::CommaSeparated,
                                  cl::desc("rows a call (1, 16 and 256)"),
                                  cl::sub(benchCommand));
static cl::opt<int> threads("threads", cl::value_desc("T"),
                            cl::desc("N_run_parallel on as many threads of "
                                     "this tool (N_run as it is compiled)"),
                            cl::init(0), cl::sub(benchCommand));

static cl::opt<bool>
    layers("layers",
           cl::desc("also each dense layer alone, and its share of what its "
                    "kernel reaches on data in the first cache (on)"),
           cl::init(true), cl::sub(benchCommand));

/// Rows a call; more than this is no batch but a data set.
static constexpr unsigned kMaxBatch = 1u << 20;

int runBench(Reporter &reporter) {
  if (threads.getNumOccurrences() != 0 &&
      (threads < 1 || threads > mlir::qnet::kMaxThreads)) {
    reporter.error(formatv("--threads={0} is not from 1 to {1}",
                           threads.getValue(), mlir::qnet::kMaxThreads)
                       .str());
    return ExitCode::Usage;
  }
  std::vector<unsigned> sizes(batches.begin(), batches.end());
  if (sizes.empty())
    sizes = {1, 16, 256};
  for (unsigned size : sizes)
    if (size == 0 || size > kMaxBatch) {
      reporter.error(
          formatv("--batch={0} is not from 1 to {1}", size, kMaxBatch).str());
      return ExitCode::Usage;
    }
  Expected<ProgramPaths> paths = findProgram(program);
  if (!paths)
    return reporter.fail(paths.takeError());
  auto library = Program::load(*paths);
  if (!library)
    return reporter.fail(library.takeError());

  TextTable table(
      {"batch", "best us", "median us", "median us a row", "p50 us", "p99 us"});
  for (unsigned batch : sizes) {
    CallTimes times = timeProgram(**library, batch, threads);
    table.add({std::to_string(batch), formatv("{0:f2}", times.best * 1e6),
               formatv("{0:f2}", times.median * 1e6),
               formatv("{0:f3}", times.median * 1e6 / batch),
               formatv("{0:f2}", times.p50 * 1e6),
               formatv("{0:f2}", times.p99 * 1e6)});
  }
  table.print(outs());
  if (layers) {
    outs() << "\n";
    auto times = timeLayers(*paths, (*library)->manifest(), sizes);
    if (!times)
      return reporter.fail(times.takeError());
    printLayerTimes(*times);
  }
  reporter.done();
  return ExitCode::Done;
}

} // namespace quantc
