//===- AccuracyBudget.cpp - how much accuracy may be lost -----------------===//
#include "quantc/Pipeline/Tune.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace llvm;

namespace mlir::qnet {

/// What mixed bits keep without a budget: of decisions as in float, and of the
/// signal-to-noise ratio of 8 bits.
static constexpr double kLeastAgreement = 0.998;
static constexpr double kMostDecibelsLost = 1.0;

/// Shares are of whole rows; a difference of them is exact to about this.
static constexpr double kRounding = 1e-9;

static constexpr double kPercent = 100;

std::string AccuracyBudget::text() const {
  std::string text;
  raw_string_ostream(text) << format("%g", amount);
  return text + (isDecibels ? "dB" : "%");
}

Expected<AccuracyBudget> parseBudget(StringRef text) {
  auto wrong = [&](const Twine &why) {
    return createStringError(
        inconvertibleErrorCode(),
        "--accuracy-budget=" + text + why +
            "; write how many percentage points may be lost, such as 0.1%, or "
            "the least signal-to-noise ratio, such as 40dB");
  };
  AccuracyBudget budget;
  StringRef number = text;
  if (number.consume_back_insensitive("dB"))
    budget.isDecibels = true;
  else if (!number.consume_back("%"))
    return wrong(" has no unit");
  if (number.trim().getAsDouble(budget.amount) || !std::isfinite(budget.amount))
    return wrong(" is no number");
  if (!budget.isDecibels && (budget.amount < 0 || budget.amount >= kPercent))
    return wrong(" is not from 0% to less than 100%");
  return budget;
}

Expected<Requirement> Requirement::ofBudget(const AccuracyBudget &budget,
                                            const Evaluation &evaluation) {
  Requirement result;
  if (budget.isDecibels) {
    result.least = budget.amount;
    return result;
  }
  if (evaluation.hasLabels()) {
    result.kind = Kind::Score;
    result.least = *evaluation.floatScore() - budget.amount / kPercent;
    return result;
  }
  if (!evaluation.decides())
    return createStringError(
        inconvertibleErrorCode(),
        "--accuracy-budget=" + budget.text() +
            " is a share of decisions, but the network's output is one number "
            "a row; give the least signal-to-noise ratio, such as 40dB, or "
            "--labels if the number is the score of class 1");
  result.kind = Kind::Agreement;
  result.least = 1 - budget.amount / kPercent;
  return result;
}

Requirement Requirement::byDefault(const Evaluation &evaluation,
                                   const Quality &int8) {
  Requirement result;
  if (evaluation.decides()) {
    result.kind = Kind::Agreement;
    result.least = std::min(kLeastAgreement, int8.agreement.value_or(1));
  } else {
    result.least = int8.sqnr() - kMostDecibelsLost;
  }
  return result;
}

double Requirement::shortfall(const Quality &quality) const {
  switch (kind) {
  case Kind::Score:
    return least - quality.score.value_or(0);
  case Kind::Agreement:
    return least - quality.agreement.value_or(0);
  case Kind::Sqnr:
    return least - quality.sqnr();
  }
  llvm_unreachable("all kinds are listed");
}

bool Requirement::isMet(const Quality &quality) const {
  return shortfall(quality) <= kRounding;
}

std::string figuresText(const TunePoint &point) {
  const Quality &quality = point.quality;
  std::string text = formatv("{0:f2} dB", quality.sqnr());
  if (quality.agreement)
    text += formatv(", an agreement of {0:f2}%", *quality.agreement * kPercent);
  if (quality.score)
    text += formatv(", a score of {0:f2}%", *quality.score * kPercent);
  return text;
}

std::string Requirement::text() const {
  switch (kind) {
  case Kind::Score:
    return formatv("a score of at least {0:f2}%", least * kPercent);
  case Kind::Agreement:
    return formatv("an agreement with float of at least {0:f2}%",
                   least * kPercent);
  case Kind::Sqnr:
    return formatv("a signal-to-noise ratio of at least {0:f2} dB", least);
  }
  llvm_unreachable("all kinds are listed");
}

} // namespace mlir::qnet
