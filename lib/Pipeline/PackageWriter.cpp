//===- PackageWriter.cpp - The last stage's files -------------------------===//
#include "PackageWriter.h"

#include "quantc/Emit/Header.h"
#include "quantc/Emit/SharedLibrary.h"
#include "quantc/Emit/ThreadedLibrary.h"
#include "quantc/Lower/Passes.h"
#include "quantc/Pipeline/Version.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace mlir::qnet {

/// What was asked for, or what is made when nothing was.
static std::set<Artifact> artifactsFor(const CompileOptions &options,
                                       const Target &target) {
  if (options.emit)
    return *options.emit;
  std::set<Artifact> result = {Artifact::Object, Artifact::Header};
  if (canLinkSharedLibrary(target.triple))
    result.insert(Artifact::Shared);
  return result;
}

/// Multiply-adds of a part that is worth a thread: to wake one takes as long as
/// a tenth of them.
static constexpr uint64_t kWorkOfPart = uint64_t(1) << 22;

/// Rows of the least part for a thread.
static uint64_t rowsOfPart(const Manifest &manifest) {
  uint64_t work = 1;
  for (const ManifestLayer &layer : manifest.layers) {
    work += layer.outputs;
    if (layer.weightsBits != 0)
      work += layer.weightsBytes * 8 / layer.weightsBits;
  }
  return divideCeil(kWorkOfPart, work);
}

Error writeGraph(ModuleOp module, StringRef name, AtomicFolder &folder) {
  std::string text;
  raw_string_ostream os(text);
  module.print(os, OpPrintingFlags().enableDebugInfo());
  if (Error error = folder.write((name + ".mlir").str(), text))
    return error;
  return folder.commit();
}

namespace {
/// The files of one package, written into the folder as they are made.
class PackageWriter {
public:
  PackageWriter(ModuleOp module, const Target &target,
                const CompileOptions &options, const PackageFacts &facts,
                AtomicFolder &folder)
      : module(module), target(target), options(options), facts(facts),
        folder(folder), artifacts(artifactsFor(options, target)) {}

  LogicalResult write();

private:
  LogicalResult generateCode();
  Error describe();
  Error writeCode();
  Error checkLibrary() const;
  Error writeLibrary();
  /// What a library with threads is linked from, in place of the object.
  Expected<std::vector<std::string>> threadedObjects();
  Error writeNetwork();
  /// Writes N.extension and notes its size and digest as `what`.
  Error writeFile(StringRef what, StringRef extension, StringRef contents);
  bool wants(Artifact artifact) const { return artifacts.contains(artifact); }

  ModuleOp module;
  /// The same network, its hidden channels as the code has them.
  OwningOpRef<ModuleOp> ordered;
  const Target &target;
  const CompileOptions &options;
  const PackageFacts &facts;
  AtomicFolder &folder;
  std::set<Artifact> artifacts;

  ProgramInterface interface;
  SmallString<0> object, assembly, llvmText;
  Manifest manifest;
};
} // namespace

LogicalResult PackageWriter::generateCode() {
  raw_svector_ostream objectStream(object), assemblyStream(assembly),
      llvmStream(llvmText);
  // The object is made whatever is asked for: its size and digest are in the
  // manifest.
  SmallVector<NativeOutput> outputs = {{OutputKind::Object, &objectStream}};
  if (wants(Artifact::Assembly))
    outputs.push_back({OutputKind::Assembly, &assemblyStream});
  if (wants(Artifact::LLVMText))
    outputs.push_back({OutputKind::LLVMText, &llvmStream});
  ordered = module.clone();
  if (failed(orderChannels(*ordered, target)))
    return failure();
  if (!options.countClipped)
    return compileNative(*ordered, facts.name, target, outputs, interface);
  OwningOpRef<ModuleOp> counting = ordered->clone();
  PassManager passes(module.getContext());
  passes.addPass(createCountClipped());
  if (failed(passes.run(*counting)))
    return failure();
  return compileNative(*counting, facts.name, target, outputs, interface);
}

Error PackageWriter::describe() {
  manifest.version = versionString();
  manifest.name = facts.name;
  manifest.target = target.triple;
  // "native" means nothing on the machine that reads this.
  manifest.cpu = target.cpu == "native" ? target.best().cpu : target.cpu;
  for (const CpuVariant &variant : target.variants)
    manifest.variants.push_back(variant.cpu);
  manifest.features = requiredFeatures(target);
  // Object and header have none.
  manifest.threads = wants(Artifact::Shared) ? options.threads : 1;
  manifest.methods = facts.methods;
  manifest.calibrationRows = facts.calibrationRows;
  manifest.calibrationRowsSkipped = facts.calibrationRowsSkipped;
  manifest.ranges = facts.ranges;
  describeProgram(*ordered, target, interface, manifest);
  manifest.sizes["float_weights"] = facts.floatWeightBytes;
  manifest.sizes["workspace"] = interface.workspaceBytes;
  Expected<std::string> model = digestOfFiles(options.model);
  if (!model)
    return model.takeError();
  manifest.digests["model"] = std::move(*model);
  if (!facts.statisticsDigest.empty())
    manifest.digests["statistics"] = facts.statisticsDigest;
  std::vector<std::string> data = options.calibration;
  if (!options.ranges.empty())
    data.push_back(options.ranges);
  if (data.empty())
    return Error::success();
  Expected<std::string> calibration = digestOfFiles(data);
  if (!calibration)
    return calibration.takeError();
  manifest.digests["calibration"] = std::move(*calibration);
  return Error::success();
}

Error PackageWriter::writeFile(StringRef what, StringRef extension,
                               StringRef contents) {
  manifest.sizes[what.str()] = contents.size();
  manifest.digests[what.str()] = sha256(contents);
  return folder.write((facts.name + "." + extension).str(), contents);
}

Error PackageWriter::checkLibrary() const {
  if (!canLinkSharedLibrary(target.triple))
    return createStringError(inconvertibleErrorCode(),
                             "no shared library can be made for " +
                                 target.triple +
                                 " here; leave 'shared' out of --emit and link "
                                 "the object with that system's linker");
  if (options.threads > 1 && !canHaveThreads(target.triple))
    return createStringError(
        inconvertibleErrorCode(),
        "--threads=" + Twine(options.threads) + ": a shared library for " +
            target.triple +
            " can have no threads here, where it does not run; leave 'shared' "
            "out of --emit and call " +
            facts.name + "_run_parallel of the object, or choose 1");
  return Error::success();
}

Expected<std::vector<std::string>> PackageWriter::threadedObjects() {
  ThreadedEntry entry;
  entry.name = facts.name;
  entry.tensors = interface.inputs.size() + interface.outputs.size();
  entry.threads = options.threads;
  entry.mostParts = uint64_t(options.threads) * kPartsOfThread;
  entry.rowsOfPart = rowsOfPart(manifest);
  entry.parallelFor = kLibraryParallelFor.str();
  SmallString<0> entryObject;
  raw_svector_ostream stream(entryObject);
  if (failed(emitThreadedEntry(
          entry, target,
          [&] { return emitError(UnknownLoc::get(module.getContext())); },
          stream)))
    return createStringError(inconvertibleErrorCode(),
                             "no entry point for the threads");
  auto program = withLocalFunctions(
      object, {facts.name + "_run", facts.name + "_workspace_size"});
  if (!program)
    return program.takeError();
  std::vector<std::string> paths;
  for (StringRef part :
       {StringRef(*program), entryObject.str(), threadPoolObject()}) {
    Expected<std::string> path = folder.writeScratch(part);
    if (!path)
      return path.takeError();
    paths.push_back(std::move(*path));
  }
  return paths;
}

Error PackageWriter::writeLibrary() {
  std::string soname = facts.name + ".so";
  std::vector<std::string> inputs, libraries;
  if (options.threads > 1) {
    auto objects = threadedObjects();
    if (!objects)
      return objects.takeError();
    inputs = std::move(*objects);
    libraries = threadPoolLibraries();
  } else {
    Expected<std::string> input = folder.writeScratch(object);
    if (!input)
      return input.takeError();
    inputs.push_back(std::move(*input));
  }
  Expected<std::string> output = folder.reserve(soname);
  if (!output)
    return output.takeError();
  if (Error error = linkSharedLibrary(inputs, *output, soname, libraries))
    return error;
  auto library = MemoryBuffer::getFile(*output, /*IsText=*/false,
                                       /*RequiresNullTerminator=*/false);
  if (!library)
    return createStringError(library.getError(),
                             "the linker left no shared library");
  manifest.sizes["shared"] = (*library)->getBufferSize();
  manifest.digests["shared"] = sha256((*library)->getBuffer());
  return Error::success();
}

Error PackageWriter::writeCode() {
  if (wants(Artifact::Object)) {
    if (Error error = writeFile("object", "o", object))
      return error;
  }
  if (wants(Artifact::Assembly))
    if (Error error = writeFile("asm", "s", assembly))
      return error;
  if (wants(Artifact::LLVMText))
    if (Error error = writeFile("llvm", "ll", llvmText))
      return error;
  if (wants(Artifact::Shared))
    if (Error error = writeLibrary())
      return error;
  if (wants(Artifact::Ranges))
    if (Error error = writeFile("ranges", "ranges.json", facts.rangesFile))
      return error;
  if (!wants(Artifact::Header))
    return Error::success();
  std::string header;
  raw_string_ostream os(header);
  writeHeader(manifest, os);
  return writeFile("header", "h", header);
}

Error PackageWriter::writeNetwork() {
  std::string bytecode;
  raw_string_ostream os(bytecode);
  if (failed(writeBytecodeToFile(module, os)))
    return createStringError(inconvertibleErrorCode(),
                             "the integer network can't be written as MLIR "
                             "bytecode");
  if (Error error = writeFile("network", "mlirbc", bytecode))
    return error;
  if (!wants(Artifact::MLIRText))
    return Error::success();
  std::string text;
  raw_string_ostream textStream(text);
  module.print(textStream, OpPrintingFlags().enableDebugInfo());
  return writeFile("mlir", "mlir", text);
}

LogicalResult PackageWriter::write() {
  auto report = [&](Error error) -> LogicalResult {
    return emitError(UnknownLoc::get(module.getContext()))
           << toString(std::move(error));
  };
  if (wants(Artifact::Shared))
    if (Error error = checkLibrary())
      return report(std::move(error));
  if (failed(generateCode()))
    return failure();
  if (Error error = describe())
    return report(std::move(error));
  if (Error error = writeCode())
    return report(std::move(error));
  if (Error error = writeNetwork())
    return report(std::move(error));
  // The manifest last: where it is, everything that it names is.
  std::string text;
  raw_string_ostream os(text);
  writeManifest(manifest, os);
  if (Error error = folder.write(facts.name + ".json", text))
    return report(std::move(error));
  if (Error error = folder.commit())
    return report(std::move(error));
  return success();
}

LogicalResult writePackage(ModuleOp integerModule, const Target &target,
                           const CompileOptions &options,
                           const PackageFacts &facts, AtomicFolder &folder) {
  return PackageWriter(integerModule, target, options, facts, folder).write();
}

} // namespace mlir::qnet
