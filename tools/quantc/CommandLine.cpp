//===- CommandLine.cpp - Which subcommand, and wrong usage ----------------===//
#include "Commands.h"

#include "quantc/Pipeline/Version.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace quantc {

static constexpr StringLiteral kOverview =
    "quantc: compiles trained dense networks to native integer programs\n";

/// How messages and progress are written, for every subcommand.
static cl::opt<std::string>
    progressFormat("progress", cl::value_desc("FORMAT"),
                   cl::desc("auto, or json: one JSON object a line on stderr"),
                   cl::init("auto"), cl::sub(cl::SubCommand::getAll()));

ArrayRef<Command> commands() {
  static const Command table[] = {
      {&compileCommand, runCompile}, {&calibrateCommand, runCalibrate},
      {&runCommand, runRun},         {&inspectCommand, runInspect},
      {&compareCommand, runCompare}, {&reportCommand, runReport},
      {&benchCommand, runBench},     {&tuneCommand, runTune}};
  return table;
}

static void printUsage(raw_ostream &os) {
  os << kOverview << "\nusage: quantc COMMAND [options]\n\n";
  for (const Command &command : commands())
    os << "  " << command.syntax->getName()
       << std::string(10 - command.syntax->getName().size(), ' ')
       << command.syntax->getDescription() << "\n";
  os << "\n`quantc COMMAND --help` lists a command's options; `quantc "
        "--version` the version.\n";
}

/// Words of the interface that this version does not have yet.
static bool isPlanned(StringRef word) { return word == "certify"; }

std::variant<const Command *, int> parseCommandLine(int argc, char **argv,
                                                    Reporter &reporter) {
  // Before parsing, so that a parsing error comes in the format asked for.
  for (StringRef argument : ArrayRef(argv, argc))
    if (argument == "--progress=json" || argument == "-progress=json")
      reporter.useJson();
  StringRef word = argc > 1 ? argv[1] : "";
  if (word.empty()) {
    printUsage(errs());
    return ExitCode::Usage;
  }
  if (word == "--help" || word == "-h" || word == "help") {
    printUsage(outs());
    return ExitCode::Done;
  }
  if (word == "--version") {
    outs() << "quantc " << mlir::qnet::versionString() << "\n";
    return ExitCode::Done;
  }
  const auto *found = find_if(commands(), [&](const Command &command) {
    return command.syntax->getName() == word;
  });
  if (found == commands().end()) {
    reporter.error(("unknown command '" + word + "'").str(), "",
                   isPlanned(word)
                       ? "it is not part of this version; see quantc --help"
                       : "see quantc --help for the commands");
    return ExitCode::Usage;
  }
  std::string problem;
  raw_string_ostream os(problem);
  if (!cl::ParseCommandLineOptions(argc, argv, kOverview, &os)) {
    // llvm::cl writes "quantc: what" and a hint on a line of its own.
    StringRef what = StringRef(problem).trim();
    what.consume_front(sys::path::filename(argv[0]));
    what.consume_front(":");
    auto [first, rest] = what.trim().split('\n');
    reporter.error(first.trim(), "", rest.trim());
    return ExitCode::Usage;
  }
  if (progressFormat != "auto" && progressFormat != "json") {
    reporter.error("--progress=" + progressFormat + " is unknown", "",
                   "choose auto or json");
    return ExitCode::Usage;
  }
  return found;
}

} // namespace quantc
