//===- ProgramTimes.cpp - Where a program's time goes ---------------------===//
#include "ProgramTimes.h"
#include "Reporter.h"
#include "TextTable.h"
#include "Timing.h"

#include "mlir/IR/Diagnostics.h"
#include "quantc/Pipeline/Compile.h"
#include "quantc/Pipeline/LayerPrograms.h"
#include "quantc/Pipeline/Pipeline.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using mlir::qnet::LayerProgram;

namespace quantc {

static constexpr int kSamples = 31;
/// Rows that a kernel alone works on, the best of them: whole tiles, whose
/// activations stay in the first cache.
static constexpr int64_t kAloneRows[] = {8, 12, 24};

static double secondsACall(LayerProgram &layer, int64_t rows) {
  // Numbers that any quantization stores.
  std::vector<uint8_t> input(layer.inputBytes * rows);
  for (size_t i = 0; i != input.size(); ++i)
    input[i] = layer.inputBytes == layer.inputs ? i % 101 : i % 2;
  std::vector<uint8_t> output(layer.outputBytes * rows);
  return timeSamples([&] { layer.run(input.data(), output.data(), rows); },
                     kSamples)
      .best;
}

/// Multiply-adds a second, of those that are done.
static double speed(const LayerProgram &layer, int64_t rows, double seconds) {
  auto products = static_cast<double>(layer.inputs * layer.outputs * rows);
  return layer.multipliedShare * products / seconds;
}

/// Numbers in [0, 1) that are the same in every run.
static void fill(std::vector<float> &values) {
  uint32_t state = 1;
  for (float &value : values) {
    state = state * 1664525u + 1013904223u;
    value = (state >> 8) * 0x1p-24f;
  }
}

CallTimes timeProgram(const Program &library, unsigned batch, int threads) {
  std::vector<std::vector<float>> buffers;
  for (const auto *tensors :
       {&library.manifest().inputs, &library.manifest().outputs})
    for (const auto &tensor : *tensors)
      fill(buffers.emplace_back(batch * tensor.values * bytesOf(tensor) /
                                sizeof(float)));
  std::vector<const void *> pointers;
  for (std::vector<float> &buffer : buffers)
    pointers.push_back(buffer.data());
  Workspace workspace(threads > 0
                          ? library.parallelWorkspaceSize(batch, threads)
                          : library.workspaceSize(batch));
  return timeCalls([&] {
    if (threads > 0)
      library.runParallel(pointers, batch, workspace.data(), threads);
    else
      library.run(pointers, batch, workspace.data());
  });
}

namespace {
/// The dense layers, as the program has them and their kernels alone.
struct CompiledLayers {
  std::vector<std::unique_ptr<LayerProgram>> layers, alone;
};
} // namespace

static Error compileParts(StringRef network,
                          const mlir::qnet::Manifest &manifest,
                          mlir::MLIRContext &context, CompiledLayers &parts) {
  // A fat object runs its best part; what that is here, the machine knows.
  bool isFat = manifest.variants.size() > 1;
  auto target =
      mlir::qnet::resolveTarget("", isFat ? "native" : manifest.cpu, [&] {
        return mlir::emitError(mlir::UnknownLoc::get(&context));
      });
  auto module =
      mlir::qnet::loadFloatNetwork(network, context, /*prepared=*/false);
  if (failed(target) || !module)
    return createStringError("the program's layers cannot be timed");
  auto layers = mlir::qnet::compileLayers(*module, target->bestAlone(), false);
  auto alone = mlir::qnet::compileLayers(*module, target->bestAlone(), true);
  if (failed(layers) || failed(alone))
    return createStringError("the program's layers cannot be compiled alone");
  parts = {std::move(*layers), std::move(*alone)};
  return Error::success();
}

static LayerTime timeOf(const LayerProgram &layer, unsigned batch,
                        double seconds) {
  LayerTime time = {.batch = batch,
                    .name = layer.name,
                    .kernel = layer.kernel,
                    .inputs = layer.inputs,
                    .outputs = layer.outputs,
                    .multipliedShare = layer.multipliedShare,
                    .seconds = seconds,
                    .speed = speed(layer, batch, seconds),
                    .weightSpeed = std::nullopt};
  if (batch == 1)
    time.weightSpeed = static_cast<double>(layer.weightBytes) / seconds;
  return time;
}

Expected<std::vector<LayerTime>>
timeLayers(const ProgramPaths &paths, const mlir::qnet::Manifest &manifest,
           ArrayRef<unsigned> batches) {
  std::string network = paths.file("mlirbc");
  if (!sys::fs::exists(network))
    return createStringError("no integer network '" + network +
                             "' beside the program; compile the model again");
  mlir::DialectRegistry registry;
  mlir::qnet::registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  CompiledLayers parts;
  if (Error error = captured(context, [&] {
        return compileParts(network, manifest, context, parts);
      }))
    return std::move(error);

  std::vector<LayerTime> times;
  for (unsigned batch : batches)
    for (const std::unique_ptr<LayerProgram> &layer : parts.layers)
      times.push_back(timeOf(*layer, batch, secondsACall(*layer, batch)));

  // What a kernel can do at best: alone, or in a layer where it did better.
  StringMap<double> peaks;
  for (const std::unique_ptr<LayerProgram> &kernel : parts.alone)
    if (auto [known, isNew] = peaks.try_emplace(kernel->kernel, 0); isNew)
      for (int64_t count : kAloneRows)
        known->second = std::max(
            known->second, speed(*kernel, count, secondsACall(*kernel, count)));
  for (const LayerTime &time : times)
    peaks[time.kernel] = std::max(peaks[time.kernel], time.speed);
  for (LayerTime &time : times)
    time.ofPeak = time.speed / peaks.lookup(time.kernel);
  return times;
}

void printLayerTimes(ArrayRef<LayerTime> times) {
  TextTable table({"batch", "layer", "size", "kernel", "multiplied", "best us",
                   "GMAC/s", "of peak", "weights GB/s"});
  for (const LayerTime &time : times)
    table.add(
        {std::to_string(time.batch), time.name,
         formatv("{0}x{1}", time.inputs, time.outputs), time.kernel,
         formatv("{0:P0}", time.multipliedShare),
         formatv("{0:f2}", time.seconds * 1e6),
         formatv("{0:f1}", time.speed * 1e-9), formatv("{0:P0}", time.ofPeak),
         time.weightSpeed ? formatv("{0:f1}", *time.weightSpeed * 1e-9).str()
                          : "-"});
  table.print(outs());
}

} // namespace quantc
