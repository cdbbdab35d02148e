//===- InterpreterTest.cpp - Functions, limits and errors
//------------------===//

#include "OpHarness.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::test;

namespace {

struct InterpreterTest : ::testing::Test {
  Session session;

  /// Runs on one f32 input of `shape`, all ones.
  FailureOr<SmallVector<Tensor>> run(const char *text, ArrayRef<int64_t> shape,
                                     Limits limits = {}) {
    func::FuncOp f = session.parseFunction(text);
    if (!f)
      return failure();
    Tensor input(Float32Type::get(&session.context()), shape);
    llvm::fill(input.reals, 1);
    return Interpreter(limits).run(f, input);
  }
  void expectError(const char *part) {
    EXPECT_NE(session.messages.find(part), std::string::npos)
        << "no \"" << part << "\" in: " << session.messages;
    session.messages.clear();
  }
};

const char *const kLayer = R"(
  func.func @f(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x1xf32>) {
    %w = qnet.constant dense<[[1.0, 1.0], [2.0, 0.0]]> : tensor<2x2xf32>
    %y = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32> loc("fc")
    %m = qnet.reduce mean %y {axes = array<i64: 1>, keep_dims} : tensor<?x2xf32> -> tensor<?x1xf32>
    return %y, %m : tensor<?x2xf32>, tensor<?x1xf32>
  })";

TEST_F(InterpreterTest, AnyBatch) {
  for (int64_t rows : {0, 1, 5}) {
    auto got = run(kLayer, {rows, 2});
    ASSERT_TRUE(succeeded(got)) << session.messages;
    EXPECT_EQ((*got)[0].shape, (SmallVector<int64_t>{rows, 2}));
    EXPECT_EQ((*got)[1].shape, (SmallVector<int64_t>{rows, 1}));
    EXPECT_EQ((*got)[0].reals, std::vector<double>(2 * rows, 2.0));
  }
}

TEST_F(InterpreterTest, CalibratedTypesAreTheirNumbers) {
  auto got = run(R"(
    func.func @f(%x: tensor<?x1x!quant.calibrated<f32<-1.0:1.0>>>) -> tensor<?x1x!quant.calibrated<f32<0.0:1.0>>> {
      %y = qnet.activation relu %x : tensor<?x1x!quant.calibrated<f32<-1.0:1.0>>> -> tensor<?x1x!quant.calibrated<f32<0.0:1.0>>>
      return %y : tensor<?x1x!quant.calibrated<f32<0.0:1.0>>>
    })",
                 {3, 1});
  ASSERT_TRUE(succeeded(got)) << session.messages;
  EXPECT_TRUE((*got)[0].elementType.isF32());
}

TEST_F(InterpreterTest, InputsMustFit) {
  func::FuncOp f = session.parseFunction(kLayer);
  ASSERT_TRUE(f);
  Type f32 = Float32Type::get(&session.context());
  EXPECT_TRUE(failed(Interpreter().run(f, {})));
  expectError("takes 1 inputs, not 0");
  EXPECT_TRUE(failed(Interpreter().run(f, Tensor(f32, {4, 3}))));
  expectError("is 'tensor<?x2xf32>', but the data is 'tensor<4x3xf32>'");
  EXPECT_TRUE(failed(Interpreter().run(f, Tensor(f32, {2}))));
  expectError("but the data is 'tensor<2xf32>'");
  EXPECT_TRUE(failed(Interpreter().run(
      f, Tensor(Float64Type::get(&session.context()), {4, 2}))));
  expectError("but the data is 'tensor<4x2xf64>'");
}

/// Types of arguments pass no verifier of ours.
TEST_F(InterpreterTest, ScalesOfArgumentsMustFit) {
  for (const char *axis : {"1", "0"}) {
    std::string type = "tensor<?x!quant.uniform<u8:f32:" + std::string(axis) +
                       ", {0.5, 1.0}>>";
    func::FuncOp f =
        session.parseFunction("func.func @f(%x: " + type + ") -> " + type +
                              " { return %x : " + type + " }");
    ASSERT_TRUE(f);
    Tensor x(cast<ShapedType>(f.getArgumentTypes()[0]).getElementType(), {3});
    EXPECT_TRUE(failed(Interpreter().run(f, x)));
    expectError("but the data is");
  }
}

TEST_F(InterpreterTest, ShapesOfTheRunAreChecked) {
  // Both dynamic: only the run can tell.
  func::FuncOp f = session.parseFunction(R"(
    func.func @f(%x: tensor<?x2xf32>, %y: tensor<?x2xf32>) -> tensor<?x2xf32> {
      %z = qnet.add %x, %y : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32> loc("sum")
      return %z : tensor<?x2xf32>
    })");
  ASSERT_TRUE(f);
  Type f32 = Float32Type::get(&session.context());
  EXPECT_TRUE(
      failed(Interpreter().run(f, {Tensor(f32, {2, 2}), Tensor(f32, {3, 2})})));
  expectError("shapes do not broadcast: 'tensor<2x2xf32>' 'tensor<3x2xf32>'");

  EXPECT_TRUE(failed(run(R"(
    func.func @f(%x: tensor<?x?xf32>) -> tensor<?x6xf32> {
      %z = qnet.reshape %x : tensor<?x?xf32> -> tensor<?x6xf32>
      return %z : tensor<?x6xf32>
    })",
                         {4, 2})));
  expectError("cannot view 'tensor<4x2xf32>'");
}

TEST_F(InterpreterTest, IndicesOutOfRange) {
  func::FuncOp f = session.parseFunction(R"(
    func.func @f(%x: tensor<2x3xf32>, %i: tensor<1xi64>) -> tensor<2x1xf32> {
      %z = qnet.gather %x, %i {axis = 1 : i64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
      return %z : tensor<2x1xf32>
    })");
  ASSERT_TRUE(f);
  Tensor x(Float32Type::get(&session.context()), {2, 3});
  Tensor index(IntegerType::get(&session.context(), 64), {1});
  for (int64_t bad : {int64_t(3), int64_t(-4), INT64_MIN, INT64_MAX}) {
    index.integers = {bad};
    EXPECT_TRUE(failed(Interpreter().run(f, {x, index})));
    expectError("which has [-3, 3)");
  }
  index.integers = {-3};
  EXPECT_TRUE(succeeded(Interpreter().run(f, {x, index})));
}

/// A graph of a few lines must not take all memory or all day.
TEST_F(InterpreterTest, LimitsHold) {
  EXPECT_TRUE(failed(run(R"(
    func.func @f(%x: tensor<1x1xf32>) -> tensor<1000000x1000000xf32> {
      %z = qnet.broadcast %x : tensor<1x1xf32> -> tensor<1000000x1000000xf32>
      return %z : tensor<1000000x1000000xf32>
    })",
                         {1, 1})));
  expectError("result of shape [1000000x1000000], over the limit");
  EXPECT_TRUE(failed(run(R"(
    func.func @f(%x: tensor<1xf32>) -> tensor<9223372036854775807xf32> {
      %z = qnet.constant dense<0.0> : tensor<9223372036854775807xf32>
      return %z : tensor<9223372036854775807xf32>
    })",
                         {1})));
  expectError("over the limit of");
  Limits few;
  few.products = 7;
  EXPECT_TRUE(failed(run(kLayer, {2, 2}, few)));
  expectError("takes more than 7 multiplications");
  few.products = 8;
  EXPECT_TRUE(succeeded(run(kLayer, {2, 2}, few)));
}

TEST_F(InterpreterTest, RefusesWhatItHasNoMeaningFor) {
  EXPECT_TRUE(failed(run(R"(
    func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
      %z = arith.negf %x : tensor<2xf32>
      return %z : tensor<2xf32>
    })",
                         {2})));
  expectError("'arith.negf' op has no meaning in the reference interpreter");
  EXPECT_TRUE(failed(run("func.func private @f(tensor<2xf32>)", {2})));
  expectError("must have a body of one block");
  EXPECT_TRUE(failed(run(R"(
    func.func @f(%x: tensor<*xf32>) { return })",
                         {2})));
  expectError("has a type that cannot be run");
  EXPECT_TRUE(failed(run(R"(
    func.func @f(%x: tensor<2xf32>) -> tensor<2xf8E4M3FN> {
      %z = qnet.cast %x : tensor<2xf32> -> tensor<2xf8E4M3FN>
      return %z : tensor<2xf8E4M3FN>
    })",
                         {2})));
  expectError("cannot be evaluated on 'tensor<2xf8E4M3FN>'");
}

TEST_F(InterpreterTest, ObserverSeesEveryOpAndTheObservedTensor) {
  func::FuncOp f = session.parseFunction(R"(
    func.func @f(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
      qnet.observe %x {tensor = 0 : i64} : tensor<?x2xf32>
      %z = qnet.activation neg %x : tensor<?x2xf32> -> tensor<?x2xf32>
      %unused = qnet.activation abs %x : tensor<?x2xf32> -> tensor<?x2xf32>
      return %z : tensor<?x2xf32>
    })");
  ASSERT_TRUE(f);
  Interpreter interpreter;
  std::string seen;
  interpreter.setObserver([&](Operation *op, ArrayRef<Tensor> results) {
    ASSERT_EQ(results.size(), 1u);
    seen += op->getName().getStringRef().str() + " " +
            std::to_string(int(results[0].reals[0])) + "\n";
  });
  Tensor x(Float32Type::get(&session.context()), {1, 2});
  x.reals = {5, 6};
  ASSERT_TRUE(succeeded(interpreter.run(f, x)));
  EXPECT_EQ(seen, "qnet.observe 5\nqnet.activation -5\nqnet.activation 5\n");
}

TEST_F(InterpreterTest, EvaluateOpFoldsAndChecksOperands) {
  func::FuncOp f = session.parseFunction(kLayer);
  ASSERT_TRUE(f);
  Operation *constant = &f.getBody().front().front();
  EXPECT_TRUE(isEvaluable(constant));
  EXPECT_FALSE(isEvaluable(f.getBody().front().getTerminator()));
  auto weights = evaluateOp(constant, {});
  ASSERT_TRUE(succeeded(weights));
  Operation *dense = constant->getNextNode();
  Tensor x(Float32Type::get(&session.context()), {1, 2});
  x.reals = {3, 4};
  auto got = evaluateOp(dense, {x, (*weights)[0]});
  ASSERT_TRUE(succeeded(got)) << session.messages;
  EXPECT_EQ((*got)[0].reals, (std::vector<double>{7, 6}));
  EXPECT_TRUE(failed(evaluateOp(dense, x)));
  expectError("with 1 operands, not 2");
  EXPECT_TRUE(failed(evaluateOp(dense, {x, x})));
  expectError(
      "operand of type 'tensor<1x2xf32>' where it takes 'tensor<2x2xf32>'");
}

/// A function may return an argument, or one value twice.
TEST_F(InterpreterTest, ValuesMayBeUsedMoreThanOnce) {
  auto got = run(R"(
    func.func @f(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
      %z = qnet.add %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      %y = qnet.mul %z, %z : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      return %x, %y, %y : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
    })",
                 {2});
  ASSERT_TRUE(succeeded(got)) << session.messages;
  EXPECT_EQ((*got)[0].reals, (std::vector<double>{1, 1}));
  EXPECT_EQ((*got)[1].reals, (std::vector<double>{4, 4}));
  EXPECT_EQ((*got)[2].reals, (std::vector<double>{4, 4}));
}

} // namespace
