//===- BenchLayers.cpp - Where a program's time goes ----------------------===//
#include "BenchLayers.h"
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

/// Billions of multiply-adds a second, of those that are done.
static double speed(const LayerProgram &layer, int64_t rows, double seconds) {
  auto products = static_cast<double>(layer.inputs * layer.outputs * rows);
  return 1e-9 * layer.multipliedShare * products / seconds;
}

Error benchLayers(const ProgramPaths &paths,
                  const mlir::qnet::Manifest &manifest,
                  ArrayRef<unsigned> batches) {
  std::string network = paths.file("mlirbc");
  if (!sys::fs::exists(network))
    return createStringError("no integer network '" + network +
                             "' beside the program; compile the model again");
  mlir::DialectRegistry registry;
  mlir::qnet::registerAllDialects(registry);
  mlir::MLIRContext context(registry);
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

  struct Row {
    const LayerProgram *layer;
    unsigned batch;
    double seconds;
  };
  std::vector<Row> rows;
  for (unsigned batch : batches)
    for (const std::unique_ptr<LayerProgram> &layer : *layers)
      rows.push_back({layer.get(), batch, secondsACall(*layer, batch)});

  // What a kernel can do at best: alone, or in a layer where it did better.
  StringMap<double> peaks;
  for (const std::unique_ptr<LayerProgram> &kernel : *alone)
    if (auto [known, isNew] = peaks.try_emplace(kernel->kernel, 0); isNew)
      for (int64_t count : kAloneRows)
        known->second = std::max(
            known->second, speed(*kernel, count, secondsACall(*kernel, count)));
  for (const Row &row : rows) {
    double &peak = peaks[row.layer->kernel];
    peak = std::max(peak, speed(*row.layer, row.batch, row.seconds));
  }

  TextTable table({"batch", "layer", "size", "kernel", "multiplied", "best us",
                   "GMAC/s", "of peak", "weights GB/s"});
  for (const auto &[layer, batch, seconds] : rows) {
    double reached = speed(*layer, batch, seconds);
    table.add(
        {std::to_string(batch), layer->name,
         formatv("{0}x{1}", layer->inputs, layer->outputs), layer->kernel,
         formatv("{0:P0}", layer->multipliedShare),
         formatv("{0:f2}", seconds * 1e6), formatv("{0:f1}", reached),
         formatv("{0:P0}", reached / peaks.lookup(layer->kernel)),
         // Of more rows it is not known how often each weight is read.
         batch == 1
             ? formatv("{0:f1}",
                       1e-9 * static_cast<double>(layer->weightBytes) / seconds)
                   .str()
             : "-"});
  }
  table.print(outs());
  return Error::success();
}

} // namespace quantc
