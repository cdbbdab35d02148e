//===- OpHarness.cpp - One op on given values against expected ones
//--------===//

#include "OpHarness.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Parser/Parser.h"

#include "llvm/Support/Format.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::test;

Session::Session()
    : ctx(MLIRContext::Threading::DISABLED),
      handler(&ctx, [this](Diagnostic &diagnostic) {
        messages += diagnostic.str() + "\n";
        return success();
      }) {
  ctx.loadDialect<QnetDialect, func::FuncDialect, arith::ArithDialect,
                  quant::QuantDialect>();
}

Type Session::parseType(StringRef text) {
  Type type = mlir::parseType(text, &ctx);
  if (!type)
    ADD_FAILURE() << text.str() << " is no type: " << messages;
  return type;
}

Tensor Session::parse(const Literal &value) {
  auto attribute =
      dyn_cast_or_null<ElementsAttr>(parseAttribute(value.constant, &ctx));
  if (!attribute) {
    ADD_FAILURE() << value.constant << " is no constant: " << messages;
    return {};
  }
  FailureOr<Tensor> tensor = tensorFrom(attribute, int64_t(1) << 24, [&] {
    return emitError(UnknownLoc::get(&ctx));
  });
  if (failed(tensor)) {
    ADD_FAILURE() << value.constant << ": " << messages;
    return {};
  }
  if (!value.type.empty())
    tensor->elementType =
        cast<ShapedType>(parseType(value.type)).getElementType();
  return *tensor;
}

func::FuncOp Session::parseFunction(StringRef text) {
  modules.push_back(parseSourceString<ModuleOp>(text, &ctx));
  if (!modules.back()) {
    ADD_FAILURE() << text.str() << "\ndoes not parse: " << messages;
    return {};
  }
  return *modules.back()->getOps<func::FuncOp>().begin();
}

std::string test::toString(const Tensor &tensor) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << tensor.type() << ":";
  for (double value : tensor.reals)
    os << " " << llvm::format("%.17g", value);
  for (int64_t value : tensor.integers)
    os << " " << value;
  return text;
}

void test::checkOp(const char *op, const char *attributes,
                   const std::vector<Literal> &operands,
                   const std::vector<Literal> &wanted, int line) {
  SCOPED_TRACE("the row of line " + std::to_string(line) + ", " + op);
  Session session;
  std::string arguments, names, types, results;
  SmallVector<Tensor> inputs;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    inputs.push_back(session.parse(operand));
    if (!inputs.back().elementType)
      return;
    std::string type;
    llvm::raw_string_ostream(type) << inputs.back().type();
    std::string comma = i ? ", " : "", name = "%a" + std::to_string(i);
    arguments += comma + name + ": " + type;
    names += comma + name;
    types += comma + type;
  }
  SmallVector<Tensor> expected;
  std::string returned;
  for (auto [i, value] : llvm::enumerate(wanted)) {
    expected.push_back(session.parse(value));
    if (!expected.back().elementType)
      return;
    llvm::raw_string_ostream(results)
        << (i ? ", " : "") << expected.back().type();
    returned += (i ? ", %r#" : "%r#") + std::to_string(i);
  }
  std::string text = "func.func @main(" + arguments + ") -> (" + results +
                     ") {\n%r:" + std::to_string(expected.size()) + " = \"" +
                     op + "\"(" + names + ") {" + attributes + "} : (" + types +
                     ") -> (" + results + ")\nreturn " + returned + " : " +
                     results + "\n}";
  func::FuncOp function = session.parseFunction(text);
  if (!function)
    return;
  FailureOr<SmallVector<Tensor>> got = Interpreter().run(function, inputs);
  ASSERT_TRUE(succeeded(got)) << session.messages;
  ASSERT_EQ(got->size(), expected.size());
  for (auto [x, y] : llvm::zip_equal(*got, expected))
    EXPECT_TRUE(x.identical(y))
        << "got " << toString(x) << "\nwant " << toString(y);
}
