//===- Functions.h - The unary functions of the network --------*- C++ -*-===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_FUNCTIONS_H
#define QUANTC_NUMERICS_FUNCTIONS_H

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace quantc::numerics {

/// The functions of Functions.def, numbered from 0 in its order.
enum class Function : int32_t {
#define QUANTC_FUNCTION(Enumerator, Name, Onnx, Alpha, Beta) Enumerator,
#include "quantc/Numerics/Functions.def"
};

/// How many functions there are; valid values of Function are below it.
// NOLINTBEGIN(bugprone-macro-parentheses): a term of a sum.
constexpr int32_t functionCount = 0
#define QUANTC_FUNCTION(Enumerator, Name, Onnx, Alpha, Beta) +1
#include "quantc/Numerics/Functions.def"
    ;
// NOLINTEND(bugprone-macro-parentheses)

/// The name in the IR and in reports, such as "leaky_relu".
std::string_view name(Function function);

/// The ONNX op that the function comes from (see Functions.def).
std::string_view onnxSource(Function function);

/// The function of that name in the IR.
std::optional<Function> functionByName(std::string_view name);

/// What ONNX takes for a parameter that is not given.
double defaultAlpha(Function function);
double defaultBeta(Function function);

/// Whether the parameters are ones the function is defined for: never NaN;
/// finite (clip alone may have infinite bounds); celu's alpha above zero. On
/// failure `why` says which parameter is wrong.
bool validParameters(Function function, double alpha, double beta,
                     std::string *why = nullptr);

/// The value in double precision by the host's libm, for float references and
/// error measures. Its last bits differ between hosts, so nothing that reaches
/// a compiled program may come from it: tables come from Tables.h and float
/// code from Sequences.h. NaN gives NaN; an infinity gives the limit.
double evaluate(Function function, double x, double alpha, double beta);

/// Whether the function never decreases on its domain (log, sqrt: where they
/// are not NaN) for its default parameters and any others that are >= 0.
bool isMonotone(Function function);

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_FUNCTIONS_H
