//===- CalibrationData.cpp - What a compilation calibrates on -------------===//
#include "CalibrationData.h"

#include "quantc/Emit/Manifest.h"
#include "quantc/Pipeline/Native.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace mlir::qnet {

Error CalibrationData::open() {
  for (const std::string &path : options.statistics) {
    Expected<MeasuredRows> read = MeasuredRows::readFile(path);
    if (!read)
      return read.takeError();
    auto found = statistics.find(read->network);
    if (found == statistics.end()) {
      std::string network = read->network;
      statistics.emplace(std::move(network), Given{std::move(*read), path});
    } else if (Error error = found->second.measured.merge(*read)) {
      return createStringError(inconvertibleErrorCode(),
                               "'" + path + "' can't be merged with '" +
                                   found->second.path +
                                   "': " + toString(std::move(error)));
    }
  }
  return Error::success();
}

FailureOr<CalibrationSummary>
CalibrationData::calibrate(ModuleOp module, const CalibrationOptions &stage) {
  if (!options.calibration.empty()) {
    FailureOr<SmallVector<RowShape>> inputs = describeInputs(module);
    if (failed(inputs))
      return failure();
    auto rows = RowSource::open(options.calibration, *inputs);
    if (!rows)
      return emitError(UnknownLoc::get(module.getContext()))
             << toString(rows.takeError());
    return qnet::calibrate(module, **rows, makeNativeRunner, stage);
  }
  if (missing)
    return failure();
  auto found = statistics.find(networkDigest(module));
  if (found == statistics.end()) {
    raw_string_ostream os(missing.emplace());
    if (failed(writeBytecodeToFile(module, os)))
      return module.emitError("cannot be written as MLIR bytecode");
    return failure();
  }
  found->second.isUsed = true;
  last = &found->second;
  return qnet::calibrate(module, found->second.measured, makeNativeRunner,
                         stage);
}

LogicalResult CalibrationData::reportMissing(MLIRContext &context) const {
  const Location nowhere = UnknownLoc::get(&context);
  if (options.missing.empty())
    return emitError(nowhere)
           << "no file of --statistics is of the network that this model and "
              "these options give; write that network with --missing=FILE, "
              "measure the rows with quantc calibrate FILE, and give the "
              "result with --statistics too";
  if (Error error =
          writeToOutput(options.missing, [&](raw_ostream &os) -> Error {
            os << *missing;
            return Error::success();
          }))
    return emitError(nowhere) << "cannot write to '" << options.missing
                              << "': " << toString(std::move(error))
                              << "; choose another file with --missing";
  return emitError(nowhere)
         << "statistics of a network are missing; measure the rows with quantc "
            "calibrate '"
         << options.missing << "', and give the result with --statistics too";
}

Error CalibrationData::checkUsed() const {
  for (const auto &[network, given] : statistics)
    if (!given.isUsed)
      return createStringError(
          inconvertibleErrorCode(),
          "'" + given.path +
              "' has the statistics of a network that this model and these "
              "options do not give; measure the rows with this model, or leave "
              "the file out");
  return Error::success();
}

std::string CalibrationData::digest() const {
  return last ? sha256(last->measured.toBytes()) : std::string();
}

} // namespace mlir::qnet
