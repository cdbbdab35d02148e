//===- EvaluateMain.cpp - Print what a function computes
//-------------------===//
//
// Takes          a module with a function over network- and integer-level ops.
// Gives          the same module; the results' values on standard output.
// Why            a pass is right if a function means the same before and after
//                it, and a lit test can only compare text.
// Not done here  running lowered code (see `quantc run`).
//
//===----------------------------------------------------------------------===//

#include "quantc/Reference/Interpreter.h"
#include "quantc/Reference/Passes.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/xxhash.h"

#include <charconv>
#include <cmath>

#define DEBUG_TYPE "evaluate-main"

namespace mlir::qnet {
#define GEN_PASS_DEF_EVALUATEMAIN
#include "quantc/Reference/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

/// On an argument of the function: the tensor to run it on.
static constexpr llvm::StringLiteral kExampleAttr = "qnet.example";

namespace {

/// splitmix64 (Steele, Lea, Flood, OOPSLA 2014): the same on every host.
class Generator {
public:
  explicit Generator(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// 0 to bound - 1; bound is small, so the bias of % does not matter.
  uint64_t below(uint64_t bound) { return next() % bound; }

private:
  uint64_t state;
};

struct EvaluateMain : qnet::impl::EvaluateMainBase<EvaluateMain> {
  using EvaluateMainBase::EvaluateMainBase;
  void runOnOperation() override;
  FailureOr<Tensor> makeInput(func::FuncOp main, unsigned argument);
  void fill(Tensor &input, Generator generator);
  void print(StringRef name, const Tensor &result);
};

} // namespace

/// Each seventh value in turn. The extremes are powers of two, exact in f32.
static double specialValue(uint64_t turn) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double values[] = {std::numeric_limits<double>::quiet_NaN(),
                           infinity,
                           -infinity,
                           0.0,
                           -0.0,
                           0x1p100,
                           -0x1p100,
                           0x1p-120};
  return values[turn % std::size(values)];
}

void EvaluateMain::fill(Tensor &input, Generator generator) {
  constexpr double grid = 256;
  ElementFormat format = input.format();
  auto steps =
      static_cast<uint64_t>(std::clamp(range * grid, 0.0, double(1 << 30)));
  for (auto [i, value] : llvm::enumerate(input.reals)) {
    double number = generator.below(2 * steps + 1);
    value = format.round((number - static_cast<double>(steps)) / grid);
    if (specials && i % 7 == 6)
      value = format.round(specialValue(i / 7));
  }
  int64_t low = std::max<int64_t>(format.smallest(), -8);
  int64_t high = format.width < 5 ? format.largest() : 8;
  if (auto stored = dyn_cast<quant::QuantizedType>(input.elementType)) {
    low = stored.getStorageTypeMin();
    high = stored.getStorageTypeMax();
  }
  for (int64_t &value : input.integers)
    value = low + static_cast<int64_t>(generator.below(high - low + 1));
}

FailureOr<Tensor> EvaluateMain::makeInput(func::FuncOp main,
                                          unsigned argument) {
  auto emitError = [&] {
    return main.emitError() << "argument " << argument << ": ";
  };
  if (Attribute example = main.getArgAttr(argument, kExampleAttr)) {
    auto elements = dyn_cast<ElementsAttr>(example);
    if (!elements) {
      emitError() << kExampleAttr << " must be a tensor constant";
      return failure();
    }
    return tensorFrom(elements, Limits().elements, emitError);
  }
  auto type = dyn_cast<RankedTensorType>(main.getArgumentTypes()[argument]);
  if (!type || !elementFormat(type.getElementType())) {
    emitError() << "cannot make values of type "
                << main.getArgumentTypes()[argument];
    return failure();
  }
  SmallVector<int64_t> shape(type.getShape());
  for (int64_t &dim : shape)
    if (ShapedType::isDynamic(dim))
      dim = rows;
  FailureOr<int64_t> count = staticElementCount(shape);
  if (failed(count) || *count > Limits().elements) {
    emitError() << "with " << rows.getValue() << " rows has too many values";
    return failure();
  }
  Type element = type.getElementType();
  Tensor input(isStoredInteger(element) ? element : realType(element), shape);
  // Of the argument's number, so that a pass that drops another argument
  // changes nothing here.
  fill(input, Generator(seed + argument * 0x632BE59BD9B4E019u));
  return input;
}

/// The shortest text that reads back as the same number.
static void printNumber(raw_ostream &os, double value, ElementFormat format,
                        unsigned digits) {
  if (std::isnan(value)) { // its sign depends on the host
    os << "nan";
    return;
  }
  if (digits) {
    os << llvm::format("%.*g", static_cast<int>(digits), value);
    return;
  }
  char text[32];
  std::to_chars_result end =
      format.kind == ElementFormat::Kind::Float64
          ? std::to_chars(text, std::end(text), value)
          : std::to_chars(text, std::end(text), static_cast<float>(value));
  os << StringRef(text, end.ptr - text);
}

void EvaluateMain::print(StringRef name, const Tensor &result) {
  raw_ostream &os = llvm::outs();
  ElementFormat format = result.format();
  os << name << ": ";
  for (int64_t dim : result.shape)
    os << dim << "x";
  if (isStoredInteger(result.elementType))
    os << (format.isUnsigned ? "u" : "s") << format.width;
  else
    os << result.elementType;
  os << ":";
  if (digest) {
    std::vector<char> bytes = bufferFrom(result);
    os << " "
       << llvm::format_hex(
              llvm::xxh3_64bits(ArrayRef<uint8_t>(
                  reinterpret_cast<uint8_t *>(bytes.data()), bytes.size())),
              18)
       << "\n";
    return;
  }
  for (double value : result.reals) {
    os << " ";
    printNumber(os, value, format, digits);
  }
  for (int64_t value : result.integers) {
    os << " ";
    if (format.isUnsigned)
      os << static_cast<uint64_t>(value);
    else
      os << value;
  }
  os << "\n";
}

void EvaluateMain::runOnOperation() {
  markAllAnalysesPreserved();
  auto main = getOperation().lookupSymbol<func::FuncOp>(function);
  if (!main) {
    getOperation().emitError()
        << "there is no function @" << function.getValue() << " to evaluate";
    return signalPassFailure();
  }
  if (rows < 0) {
    main.emitError() << "cannot be run on " << rows.getValue() << " rows";
    return signalPassFailure();
  }
  SmallVector<Tensor> inputs;
  for (unsigned i = 0; i != main.getNumArguments(); ++i) {
    FailureOr<Tensor> input = makeInput(main, i);
    if (failed(input))
      return signalPassFailure();
    inputs.push_back(std::move(*input));
  }
  FailureOr<SmallVector<Tensor>> results = Interpreter().run(main, inputs);
  if (failed(results))
    return signalPassFailure();
  for (auto [i, result] : llvm::enumerate(*results)) {
    auto name = main.getResultAttrOfType<StringAttr>(i, kNameAttr);
    print(name ? name.getValue().str() : "result " + std::to_string(i), result);
  }
  llvm::outs().flush();
}
