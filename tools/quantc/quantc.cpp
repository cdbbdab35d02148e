//===- quantc.cpp - The driver a person uses ------------------------------===//
//
// A trained network goes in, a native integer program comes out. One file a
// subcommand; all the work is in the library.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"

#include "llvm/Support/InitLLVM.h"

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  quantc::Reporter reporter;
  auto parsed = quantc::parseCommandLine(argc, argv, reporter);
  if (auto *command = std::get_if<const quantc::Command *>(&parsed))
    return (*command)->run(reporter);
  return *std::get_if<int>(&parsed);
}
