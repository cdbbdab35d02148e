//===- Frontier.h - what quantc tune shows ----------------------*- C++ -*-===//
#ifndef QUANTC_TOOLS_FRONTIER_H
#define QUANTC_TOOLS_FRONTIER_H

#include "quantc/Pipeline/Tune.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

namespace quantc {

/// A search's result, and what it was made for.
struct Frontier {
  mlir::qnet::TuneResult result;
  mlir::qnet::Goal goal = mlir::qnet::Goal::Time;
  std::string model; ///< The file's name.
  std::string cpu;

  /// "point-3.plan.json", from 1.
  static std::string planFile(size_t point);
};

/// The layers' sensitivities, the points and a chart of characters.
void printFrontier(const Frontier &frontier, llvm::raw_ostream &os);

/// frontier.json.
std::string frontierJson(const Frontier &frontier);

/// frontier.svg: SQNR over cost, a dot for each point.
std::string frontierPicture(const Frontier &frontier);

} // namespace quantc

#endif // QUANTC_TOOLS_FRONTIER_H
