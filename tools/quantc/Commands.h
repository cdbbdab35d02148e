//===- Commands.h - The subcommands of quantc -------------------*- C++ -*-===//
#ifndef QUANTC_TOOLS_COMMANDS_H
#define QUANTC_TOOLS_COMMANDS_H

#include "Reporter.h"
#include "llvm/Support/CommandLine.h"
#include <variant>

namespace quantc {

/// A subcommand: its command line, declared beside it with llvm::cl, and what
/// it does. Each returns an exit code and has reported its errors.
struct Command {
  llvm::cl::SubCommand *syntax;
  int (*run)(Reporter &reporter);
};

/// All of them, in the order in which `quantc --help` lists them.
llvm::ArrayRef<Command> commands();

extern llvm::cl::SubCommand calibrateCommand, compileCommand, runCommand,
    inspectCommand, compareCommand, reportCommand, benchCommand, tuneCommand;
int runCalibrate(Reporter &reporter);
int runCompile(Reporter &reporter);
int runRun(Reporter &reporter);
int runInspect(Reporter &reporter);
int runCompare(Reporter &reporter);
int runReport(Reporter &reporter);
int runBench(Reporter &reporter);
int runTune(Reporter &reporter);

/// Reads the command line. An exit code where there is nothing to run: wrong
/// usage, or help that has been printed.
std::variant<const Command *, int> parseCommandLine(int argc, char **argv,
                                                    Reporter &reporter);

} // namespace quantc

#endif // QUANTC_TOOLS_COMMANDS_H
