//===- ReportTimes.cpp - Calls timed for a report -------------------------===//
#include "ReportDocument.h"

#include "JsonNumber.h"
#include "ProgramTimes.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;

namespace quantc {

static constexpr unsigned kBatches[] = {1, 16, 256};
static constexpr double kMicroseconds = 1e6;

/// What the system calls this CPU, or LLVM's name of its kind.
static std::string cpuName() {
  std::string kind = sys::getHostCPUName().str();
  auto info = MemoryBuffer::getFileAsStream("/proc/cpuinfo");
  if (!info)
    return kind;
  SmallVector<StringRef> lines;
  (*info)->getBuffer().split(lines, '\n');
  for (StringRef line : lines)
    if (line.consume_front("model name"))
      return (line.ltrim(" \t:") + " (" + kind + ")").str();
  return kind;
}

static json::Object layerJson(const LayerTime &time, double sum) {
  return json::Object{{"name", json::fixUTF8(time.name)},
                      {"kernel", json::fixUTF8(time.kernel)},
                      {"best_us", time.seconds * kMicroseconds},
                      {"share", finite(time.seconds / sum)},
                      {"gmacs", finite(time.speed * 1e-9)},
                      {"of_peak", finite(time.ofPeak)}};
}

json::Object timesSection(const ProgramPaths &paths) {
  auto library = Program::load(paths);
  if (!library)
    return missingSection(
        "The library was not timed: " + toString(library.takeError()) + ".",
        "make the report on a machine that runs it");
  json::Array batches;
  // Without the layers there still are the calls.
  std::vector<LayerTime> layers;
  std::string problem;
  if (auto times = timeLayers(paths, (*library)->manifest(), kBatches))
    layers = std::move(*times);
  else
    problem = toString(times.takeError());
  for (unsigned batch : kBatches) {
    CallTimes times = timeProgram(**library, batch);
    double sum = 0;
    for (const LayerTime &layer : layers)
      sum += layer.batch == batch ? layer.seconds : 0;
    json::Array parts;
    for (const LayerTime &layer : layers)
      if (layer.batch == batch && parts.size() < kMostReportLayers)
        parts.push_back(layerJson(layer, sum));
    batches.push_back(json::Object{{"rows", batch},
                                   {"best_us", times.best * kMicroseconds},
                                   {"median_us", times.median * kMicroseconds},
                                   {"p50_us", times.p50 * kMicroseconds},
                                   {"p99_us", times.p99 * kMicroseconds},
                                   {"layers", std::move(parts)}});
  }
  json::Object section{{"cpu", json::fixUTF8(cpuName())},
                       {"threads", (*library)->manifest().threads},
                       {"batches", std::move(batches)}};
  if (!problem.empty())
    section["layers_problem"] = json::fixUTF8(problem);
  return section;
}

} // namespace quantc
