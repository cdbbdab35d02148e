//===- Target.cpp - triples, CPUs and what they can do --------------------===//

#include "MachineTarget.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// The instruction sets of an architecture, from the most capable on, with the
/// LLVM features that each needs.
struct IsaRule {
  Isa isa;
  const char *features;
};
constexpr IsaRule x86Rules[] = {{Isa::avx512vnni, "+avx512bw,+avx512vnni"},
                                {Isa::avx512bw, "+avx512bw"},
                                {Isa::avxvnni, "+avxvnni"},
                                {Isa::avx2, "+avx2"},
                                {Isa::sse41, "+sse4.1"}};
// SVE2 adds no instruction that a dot needs: its CPUs have +sve and +i8mm.
constexpr IsaRule aarch64Rules[] = {{Isa::svei8mm, "+sve,+i8mm"},
                                    {Isa::i8mm, "+i8mm"},
                                    {Isa::sve, "+sve"},
                                    {Isa::dotprod, "+dotprod"},
                                    {Isa::neon, "+neon"}};

llvm::ArrayRef<IsaRule> rulesOf(const llvm::Triple &triple) {
  if (triple.isX86())
    return x86Rules;
  if (triple.isAArch64())
    return aarch64Rules;
  return {};
}

std::unique_ptr<llvm::MCSubtargetInfo> subtargetOf(const llvm::Target *target,
                                                   const llvm::Triple &triple,
                                                   StringRef cpu,
                                                   StringRef features) {
  return std::unique_ptr<llvm::MCSubtargetInfo>(
      target->createMCSubtargetInfo(triple, cpu, features));
}

Isa isaOf(const llvm::Triple &triple, const llvm::MCSubtargetInfo &subtarget) {
  for (const IsaRule &rule : rulesOf(triple))
    if (subtarget.checkFeatures(rule.features))
      return rule.isa;
  return Isa::portable;
}

/// What a named CPU's code is better without. A pair of vectors in one load
/// takes more of these CPUs' decoders than two loads do (LLVM's scheduling
/// models of them; benchmarks/mca.py).
std::string tuningOf(const llvm::Triple &triple, StringRef cpu) {
  constexpr llvm::StringLiteral single[] = {
      "cortex-a55", "cortex-a76", "cortex-a76ae", "cortex-a77", "neoverse-v2"};
  return triple.isAArch64() && llvm::is_contained(single, cpu) ? "+disable-ldp"
                                                               : "";
}

std::string hostFeatures() {
  llvm::SmallVector<std::string> features;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    features.push_back((feature.second ? "+" : "-") + feature.first().str());
  llvm::sort(features);
  return llvm::join(features, ",");
}

/// LLVM takes vpdpwssd apart into vpmaddwd and vpaddd where it sees a chain of
/// sums. A kernel has as many sums as hide the latency: half as many
/// instructions are what counts.
void keepPairs(CpuVariant &variant) {
  if (variant.isa == Isa::avxvnni || variant.isa == Isa::avx512vnni ||
      variant.isa == Isa::amx)
    variant.features +=
        variant.features.empty() ? "+fast-dpwssd" : ",+fast-dpwssd";
}

/// Whether the system lets this process use the tile registers. It is asked for
/// them, as Dispatch.cpp's code asks: once granted, they stay.
bool mayUseTiles() {
#if defined(__linux__) && defined(__x86_64__)
  constexpr long requestPermission = 0x1023, tileData = 18;
  static const bool isGranted =
      syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
  return isGranted;
#else
  return false;
#endif
}

/// This machine's CPU, from the least on: without and with tiles.
std::vector<CpuVariant> nativeVariants(const CpuVariant &whole,
                                       const llvm::MCSubtargetInfo &subtarget) {
  if (whole.isa != Isa::avx512vnni ||
      !subtarget.checkFeatures("+amx-tile,+amx-int8") || !mayUseTiles())
    return {whole};
  CpuVariant least = whole, tiles = whole;
  least.features += ",-amx-tile,-amx-int8";
  tiles.isa = Isa::amx;
  return {least, tiles};
}

/// What a "portable" object holds. On x86-64, microarchitecture levels 2 and 3,
/// and the CPUs that have vpdpbusd on top of levels 3 and 4 (level 4 alone
/// gains too little over 3 to carry the weights once more); on 64-bit ARM under
/// Linux, what the kernel lets a program ask the CPU for; elsewhere one variant
/// for the least CPU of the triple.
std::vector<CpuVariant> portableVariants(const llvm::Triple &triple) {
  if (triple.getArch() == llvm::Triple::x86_64) {
    std::vector<CpuVariant> variants{
        {"x86-64-v2", "", Isa::sse41},
        {"x86-64-v3", "", Isa::avx2},
        {"x86-64-v3", "+avxvnni", Isa::avxvnni},
        {"x86-64-v4", "+avx512vnni", Isa::avx512vnni}};
    // The chooser asks Linux for the tile registers.
    if (triple.isOSLinux())
      variants.push_back(
          {"x86-64-v4", "+avx512vnni,+amx-tile,+amx-int8", Isa::amx});
    return variants;
  }
  if (triple.isAArch64() && triple.isOSLinux())
    return {{"generic", "", Isa::neon},
            {"generic", "+dotprod", Isa::dotprod},
            {"generic", "+sve", Isa::sve},
            {"generic", "+dotprod,+i8mm", Isa::i8mm}};
  return {};
}

} // namespace

const llvm::Target *mlir::qnet::lookupTarget(const llvm::Triple &triple) {
  static bool initialized = [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
    return true;
  }();
  (void)initialized;
  std::string message;
  return llvm::TargetRegistry::lookupTarget(triple.str(), message);
}

FailureOr<Target> mlir::qnet::resolveTarget(StringRef tripleText, StringRef cpu,
                                            EmitErrorFn emitError) {
  llvm::Triple host(llvm::sys::getProcessTriple());
  llvm::Triple triple = tripleText.empty()
                            ? host
                            : llvm::Triple(llvm::Triple::normalize(tripleText));
  const llvm::Target *target = lookupTarget(triple);
  if (!target) {
    emitError() << "unknown target '" << tripleText
                << "': LLVM has no code generator for it (say a triple such as "
                   "x86_64-linux-gnu, aarch64-linux-gnu or riscv64-linux-gnu)";
    return failure();
  }
  Target result;
  result.triple = triple.str();
  result.cpu = cpu.str();
  result.pointerBits = triple.isArch64Bit() ? 64 : 32;
  if (triple.isArch16Bit()) {
    emitError() << "target '" << tripleText
                << "' has 16-bit pointers; 32 or 64 bits are needed";
    return failure();
  }

  CpuVariant variant;
  if (cpu == "native") {
    if (triple.getArch() != host.getArch() || triple.getOS() != host.getOS()) {
      emitError() << "--cpu=native is this machine's CPU, which is not a "
                  << triple.str() << " one: name a CPU, or say portable";
      return failure();
    }
    variant.cpu = llvm::sys::getHostCPUName().str();
    variant.features = hostFeatures();
  } else if (cpu == "portable" || cpu.empty()) {
    result.variants = portableVariants(triple);
    llvm::for_each(result.variants, keepPairs);
    if (!result.variants.empty())
      return result;
    // riscv64 without its float extensions would call a library.
    if (triple.isRISCV())
      variant.features = "+m,+a,+f,+d,+c";
    if (triple.isARM() || triple.isThumb())
      variant.features = "+vfp3,+v7";
    if (triple.isAArch64() && triple.isOSDarwin())
      variant.cpu = "apple-m1";
  } else {
    variant.cpu = cpu.str();
    variant.features = tuningOf(triple, cpu);
    auto known = subtargetOf(target, triple, "", "");
    if (!known || !known->isCPUStringValid(cpu)) {
      emitError() << "unknown CPU '" << cpu << "' for " << triple.str()
                  << " (say native, portable, or a name that `clang --target="
                  << triple.str() << " --print-supported-cpus` prints)";
      return failure();
    }
  }
  auto subtarget = subtargetOf(target, triple, variant.cpu, variant.features);
  if (triple.getArch() == llvm::Triple::x86 &&
      !subtarget->checkFeatures("+sse2")) {
    emitError() << "32-bit x86 without SSE2 rounds floats to 80 bits, so the "
                   "result would differ: name a CPU with SSE2, e.g. pentium4";
    return failure();
  }
  variant.isa = isaOf(triple, *subtarget);
  result.variants = {variant};
  if (cpu == "native")
    result.variants = nativeVariants(variant, *subtarget);
  llvm::for_each(result.variants, keepPairs);
  return result;
}
