//===- Features.cpp - what a CPU must have to run an object ---------------===//
//
// An object for a newer CPU ends the process (SIGILL) on an older one, in the
// middle of a network. The manifest lists what the object needs, so that
// whoever loads it can say so first.
//
//===----------------------------------------------------------------------===//

#include "MachineTarget.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace mlir::qnet;

/// LLVM's names of the features that generated code uses and that an operating
/// system reports.
static constexpr llvm::StringLiteral x86Features[] = {
    "ssse3",    "sse4.1",     "sse4.2",  "popcnt",   "avx",
    "avx2",     "fma",        "f16c",    "bmi",      "bmi2",
    "lzcnt",    "movbe",      "avx512f", "avx512bw", "avx512dq",
    "avx512vl", "avx512vnni", "avxvnni", "amx-tile", "amx-int8"};
static constexpr llvm::StringLiteral armFeatures[] = {"dotprod", "i8mm", "sve",
                                                      "sve2"};

static llvm::ArrayRef<llvm::StringLiteral>
knownFeatures(const llvm::Triple &triple) {
  if (triple.isX86())
    return x86Features;
  return triple.isAArch64() ? llvm::ArrayRef(armFeatures)
                            : llvm::ArrayRef<llvm::StringLiteral>();
}

std::vector<std::string> mlir::qnet::requiredFeatures(const Target &target) {
  llvm::Triple triple(target.triple);
  const llvm::Target *known = lookupTarget(triple);
  // A fat object runs where its least variant runs.
  const CpuVariant &least = target.variants.front();
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      known ? known->createMCSubtargetInfo(triple, least.cpu, least.features)
            : nullptr);
  std::vector<std::string> required;
  if (subtarget)
    for (llvm::StringRef feature : knownFeatures(triple))
      if (subtarget->checkFeatures(("+" + feature).str()))
        required.push_back(feature.str());
  return required;
}

std::vector<std::string>
mlir::qnet::missingOnHost(llvm::ArrayRef<std::string> required) {
  llvm::Triple host(llvm::sys::getProcessTriple());
  auto features = llvm::sys::getHostCPUFeatures();
  std::vector<std::string> missing;
  for (const std::string &feature : required)
    if (llvm::is_contained(knownFeatures(host), feature) &&
        !features.lookup(feature))
      missing.push_back(feature);
  return missing;
}
