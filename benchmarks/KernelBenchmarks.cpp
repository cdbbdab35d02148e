//===- KernelBenchmarks.cpp - every kernel row that this machine can run --===//
//
// One dense layer of 512 inputs and 1,024 channels (half a megabyte of weights:
// beyond the first cache, within the second), compiled in this process by a row
// of the table, called with one row of activations and with 256; and one of
// 16,384 channels (8 MB: beyond the second) for one row of activations; of
// 4-bit weights half as many bytes. GMAC/s counts the layer's own
// multiply-adds; the bytes are those of its weights, read once a call; shares
// are of InstructionPeak and, for one row, of ReadSpeed. Quantizing the input
// and scaling the output are in the time: they are 1 to 3% of it. Weights of 8
// bits are so small that no 16-bit sum overflows.
//
//===----------------------------------------------------------------------===//

#include "InstructionPeak.h"
#include "ReadSpeed.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Pipeline/Native.h"
#include "quantc/Pipeline/Pipeline.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/Process.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <benchmark/benchmark.h>
#include <cstdlib>
#include <random>

using namespace mlir;
using namespace mlir::qnet;

namespace {

constexpr int64_t inputs = 512, fewChannels = 1024, manyChannels = 16384;
constexpr size_t cacheLine = 64;

/// What this machine runs a row with, or nothing.
std::optional<CpuVariant> variantOf(const KernelRow &row) {
  auto features = llvm::sys::getHostCPUFeatures();
  auto has = [&](std::initializer_list<const char *> names) {
    return llvm::all_of(
        names, [&](const char *name) { return features.lookup(name); });
  };
  bool isX86 = llvm::Triple(llvm::sys::getProcessTriple()).isX86();
  bool isArm = llvm::Triple(llvm::sys::getProcessTriple()).isAArch64();
  bool v4 = has({"avx512bw", "avx512vl", "avx512dq", "avx512cd"});
  auto when = [&](bool can, const char *cpu,
                  const char *extra) -> std::optional<CpuVariant> {
    return can ? std::optional(CpuVariant{cpu, extra, row.isa}) : std::nullopt;
  };
  switch (row.isa) {
  case Isa::portable:
    return when(true, "", "");
  case Isa::sse41:
    return when(isX86 && has({"sse4.1"}), "x86-64-v2", "");
  case Isa::avx2:
    return when(isX86 && has({"avx2"}), "x86-64-v3", "");
  case Isa::avxvnni:
    return when(isX86 && has({"avxvnni"}), "x86-64-v3", "+avxvnni");
  case Isa::avx512bw:
    return when(isX86 && v4, "x86-64-v4", "");
  case Isa::avx512vnni:
    return when(isX86 && v4 && has({"avx512vnni"}), "x86-64-v4", "+avx512vnni");
  case Isa::amx: // Nothing here asks the kernel for the tile registers.
    return std::nullopt;
  case Isa::neon:
    return when(isArm, "generic", "");
  case Isa::dotprod:
    return when(isArm && has({"dotprod"}), "generic", "+dotprod");
  case Isa::i8mm:
    return when(isArm && has({"i8mm"}), "generic", "+dotprod,+i8mm");
  case Isa::sve:
    return when(isArm && has({"sve"}), "generic", "+sve");
  case Isa::svei8mm:
    return when(isArm && has({"sve", "i8mm"}), "generic", "+sve,+i8mm");
  }
  return std::nullopt;
}

/// quantize and one layer that the row can run, floats in and out.
OwningOpRef<ModuleOp> layer(MLIRContext &context, const KernelRow &row,
                            int64_t channels) {
  OpBuilder builder(&context);
  Location loc = builder.getUnknownLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  Type f32 = builder.getF32Type();
  auto in = RankedTensorType::get({ShapedType::kDynamic, inputs}, f32);
  auto out = RankedTensorType::get({ShapedType::kDynamic, channels}, f32);
  auto byte = quant::UniformQuantizedType::get(0, builder.getI8Type(), f32, 1.0,
                                               0, 0, 255);
  auto main =
      func::FuncOp::create(loc, "main", builder.getFunctionType(in, out));
  module->push_back(main);
  builder.setInsertionPointToStart(main.addEntryBlock());
  // So small that all sums of rows that add in 16 bits fit: what is timed is
  // the loop, not what a layer's weights make of it.
  std::mt19937 random{7};
  const int most = row.isGrouped() ? QDenseOp::kMaxGroupedWeight : 15;
  std::uniform_int_distribution<int> small(-most, most);
  std::vector<int8_t> weights(channels * inputs);
  for (int8_t &weight : weights)
    weight = static_cast<int8_t>(small(random));
  Value x =
      QuantizeOp::create(builder, loc, in.clone(byte), main.getArgument(0));
  Value w, groups;
  if (row.isGrouped()) {
    const int64_t count = QDenseOp::groupsOf(inputs);
    w = makeNibbles(builder, loc, {channels, inputs}, weights);
    groups =
        makeConstant<uint8_t>(builder, loc, {channels, count},
                              builder.getIntegerType(8, /*isSigned=*/false),
                              std::vector<uint8_t>(channels * count, most));
  } else {
    w = makeConstant<int8_t>(builder, loc, {channels, inputs},
                             builder.getI8Type(), weights);
  }
  Value b =
      makeConstant<int32_t>(builder, loc, {channels}, builder.getI32Type(),
                            std::vector<int32_t>(channels, 5));
  Value m = makeConstant<float>(builder, loc, {channels}, f32,
                                std::vector<float>(channels, 0.01f));
  func::ReturnOp::create(builder, loc,
                         Value(QDenseOp::create(builder, loc, out, x, w, b, m,
                                                Value(), Value(), groups)));
  return module;
}

/// A row compiled and loaded, until the end of the process.
struct Compiled {
  std::unique_ptr<JitProgram> program;
  void (*run)(const float *, float *, size_t, void *) = nullptr;
  uint64_t workspaceBytes = 0;
};

FailureOr<Compiled> compile(const KernelRow &row, const CpuVariant &variant,
                            int64_t channels) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  context.loadDialect<QnetDialect, func::FuncDialect, quant::QuantDialect>();
  OwningOpRef<ModuleOp> module = layer(context, row, channels);
  Target target;
  target.triple = llvm::sys::getProcessTriple();
  target.variants = {variant};
  ProgramInterface interface;
  if (failed(lowerToNative(*module, "t", target, variant, interface,
                           /*packedEntry=*/false, row.name)))
    return failure();
  FailureOr<std::unique_ptr<JitProgram>> program =
      jitCompile(*module, "t", target);
  if (failed(program))
    return failure();
  Compiled compiled;
  compiled.program = std::move(*program);
  compiled.run = reinterpret_cast<decltype(compiled.run)>(
      compiled.program->lookup("t_run"));
  compiled.workspaceBytes = interface.workspaceBytes;
  if (!compiled.run)
    return failure();
  return compiled;
}

void measure(benchmark::State &state, const KernelRow &row,
             const CpuVariant &variant) {
  // A row is compiled once for all batches.
  static std::map<std::pair<const KernelRow *, int64_t>, Compiled> programs;
  int64_t batch = state.range(0), channels = state.range(1);
  Compiled &compiled = programs[{&row, channels}];
  if (!compiled.run) {
    FailureOr<Compiled> fresh = compile(row, variant, channels);
    if (failed(fresh))
      return state.SkipWithError("does not compile");
    compiled = std::move(*fresh);
  }
  std::vector<float> x(batch * inputs), y(batch * channels);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(i * 37 % 256);
  std::unique_ptr<void, decltype(&std::free)> workspace(
      std::aligned_alloc(cacheLine,
                         llvm::alignTo(compiled.workspaceBytes, cacheLine)),
      &std::free);
  for (auto _ : state) {
    compiled.run(x.data(), y.data(), batch, workspace.get());
    benchmark::ClobberMemory();
  }
  using benchmark::Counter;
  double work = double(batch) * inputs * channels;
  state.counters["MAC/s"] =
      Counter(work, Counter::kIsIterationInvariantRate, Counter::kIs1000);
  const int64_t bytes =
      row.paddedChannels(channels) * row.groups(inputs) * row.stepBytes();
  state.SetBytesProcessed(state.iterations() * bytes);
  if (double peak = instructionPeak(row))
    state.counters["peak_MAC/s"] = peak;
  constexpr int64_t laneBytes = 4;
  if (batch == 1)
    if (double speed = readSpeed(bytes, row.lanes * laneBytes))
      state.counters["read_B/s"] = speed;
}

/// A reporter that also tells what share of its peak a row reaches, and of the
/// speed at which its weights can be read.
template <typename Reporter> class WithShare : public Reporter {
public:
  using Reporter::Reporter;
  void ReportRuns(
      const std::vector<benchmark::BenchmarkReporter::Run> &runs) override {
    auto told = runs;
    for (auto &run : told) {
      auto share = [&](const char *of, const char *what, const char *name) {
        auto most = run.counters.find(of);
        if (most == run.counters.end())
          return;
        run.counters[name] = run.counters[what].value / most->second.value;
        run.counters.erase(most);
      };
      share("peak_MAC/s", "MAC/s", "of_peak");
      share("read_B/s", "bytes_per_second", "of_read");
    }
    Reporter::ReportRuns(told);
  }
};

/// Whether the library was asked for a file, which needs a reporter.
bool wantsFile(int argc, char **argv) {
  return std::any_of(argv, argv + argc, [](llvm::StringRef argument) {
    return argument.starts_with("--benchmark_out=");
  });
}

} // namespace

int main(int argc, char **argv) {
  // Batches and channels, all rows of the table for each.
  for (auto [batch, channels] : {std::pair(int64_t(256), fewChannels),
                                 std::pair(int64_t(1), fewChannels),
                                 std::pair(int64_t(1), manyChannels)})
    for (const KernelRow &row : kernelTable()) {
      std::optional<CpuVariant> variant = variantOf(row);
      if (row.isFloat() || !variant)
        continue;
      benchmark::RegisterBenchmark(row.name.str().c_str(),
                                   [&row, variant](benchmark::State &state) {
                                     measure(state, row, *variant);
                                   })
          ->ArgNames({"batch", "channels"})
          ->Args({batch, channels});
    }
  bool toFile = wantsFile(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  using Console = benchmark::ConsoleReporter;
  bool isTerminal = llvm::sys::Process::StandardOutIsDisplayed();
  WithShare<Console> console(isTerminal ? Console::OO_ColorTabular
                                        : Console::OO_Tabular);
  WithShare<benchmark::JSONReporter> file;
  benchmark::RunSpecifiedBenchmarks(&console, toFile ? &file : nullptr);
  benchmark::Shutdown();
  return 0;
}
