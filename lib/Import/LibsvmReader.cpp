//===- LibsvmReader.cpp - libsvm's model files as ONNX's machines ---------===//
//
// The format is that of svm_save_model (Chang and Lin, LIBSVM 3): lines of
// "key value ...", "SV", then a line for each support vector: its coefficients,
// one less than there are classes, and "index:value" for what is not 0.
//
//===----------------------------------------------------------------------===//
#include "PairwiseCoupling.h"

#include "quantc/Import/LibsvmModel.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Error.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

namespace {

constexpr llvm::StringLiteral kMl = "ai.onnx.ml";
constexpr int64_t kMostClasses = 1024;
constexpr int64_t kMostFeatures = 1 << 20;
/// Numbers of all support vectors, zeros included: half a gigabyte.
constexpr int64_t kMostNumbers = 1 << 27;

/// The words of a line.
using Words = llvm::SmallVector<llvm::StringRef>;

class Reader {
public:
  explicit Reader(llvm::StringRef text) : rest(text) {}

  /// Fills the one node and the features of its input.
  llvm::Error run(OnnxNode &node, int64_t &features) {
    if (llvm::Error error = readHeader())
      return error;
    if (llvm::Error error = checkHeader())
      return error;
    if (llvm::Error error = readVectors())
      return error;
    features = this->features;
    fill(node);
    return llvm::Error::success();
  }

  bool isClassifier() const { return type == "c_svc" || type == "nu_svc"; }

private:
  llvm::Error fail(const llvm::Twine &reason) const {
    return llvm::createStringError(
        ("line " + llvm::Twine(lineNumber) + " of the libsvm model: " + reason)
            .str());
  }

  bool nextLine(Words &words) {
    words.clear();
    if (rest.empty())
      return false;
    llvm::StringRef line;
    std::tie(line, rest) = rest.split('\n');
    ++lineNumber;
    line.trim().split(words, ' ', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
    return true;
  }

  llvm::Expected<float> number(llvm::StringRef word) const {
    double value = 0;
    if (word.getAsDouble(value) || !std::isfinite(static_cast<float>(value)))
      return fail(quoted(word) + " is no finite number");
    return static_cast<float>(value);
  }

  llvm::Expected<int64_t> integer(llvm::StringRef word, int64_t least,
                                  int64_t most) const {
    int64_t value = 0;
    if (word.getAsInteger(10, value) || value < least || value > most)
      return fail(quoted(word) + " is no whole number from " +
                  llvm::Twine(least) + " to " + llvm::Twine(most));
    return value;
  }

  llvm::Error readHeader();
  llvm::Error readKey(llvm::StringRef key, llvm::ArrayRef<llvm::StringRef> of);
  llvm::Error checkHeader();
  llvm::Error readVectors();
  llvm::Error readVector(llvm::ArrayRef<llvm::StringRef> words, int64_t row);
  void fill(OnnxNode &node) const;

  llvm::Error numbers(llvm::ArrayRef<llvm::StringRef> words,
                      std::vector<float> &to) const {
    for (llvm::StringRef word : words) {
      llvm::Expected<float> value = number(word);
      if (!value)
        return value.takeError();
      to.push_back(*value);
    }
    return llvm::Error::success();
  }
  llvm::Error integers(llvm::ArrayRef<llvm::StringRef> words, int64_t least,
                       int64_t most, std::vector<int64_t> &to) const {
    for (llvm::StringRef word : words) {
      llvm::Expected<int64_t> value = integer(word, least, most);
      if (!value)
        return value.takeError();
      to.push_back(*value);
    }
    return llvm::Error::success();
  }

  llvm::StringRef rest;
  int64_t lineNumber = 0;
  llvm::StringRef type, kernel;
  float gamma = 0, coef0 = 0, degree = 3;
  int64_t classes = 2, count = 0, features = 0, lines = 1;
  std::vector<float> rho, probA, probB;
  std::vector<int64_t> labels, perClass;
  std::vector<float> coefficients; ///< [lines, count]
  std::vector<std::vector<std::pair<int64_t, float>>> vectors;
};

llvm::Error Reader::readHeader() {
  Words words;
  while (nextLine(words)) {
    if (words.empty())
      continue;
    if (words[0] == "SV")
      return llvm::Error::success();
    if (llvm::Error error =
            readKey(words[0], llvm::ArrayRef(words).drop_front()))
      return error;
  }
  return fail("the file ends before its line 'SV'; it is cut or no model");
}

llvm::Error Reader::readKey(llvm::StringRef key,
                            llvm::ArrayRef<llvm::StringRef> of) {
  if (of.empty())
    return fail(quoted(key) + " has no value");
  constexpr int64_t most = int64_t(1) << 31;
  auto one = [&](float &to) -> llvm::Error {
    llvm::Expected<float> value = number(of[0]);
    if (!value)
      return value.takeError();
    to = *value;
    return llvm::Error::success();
  };
  auto whole = [&](int64_t &to, int64_t least, int64_t limit) -> llvm::Error {
    llvm::Expected<int64_t> value = integer(of[0], least, limit);
    if (!value)
      return value.takeError();
    to = *value;
    return llvm::Error::success();
  };
  if (key == "svm_type") {
    type = of[0];
    return llvm::Error::success();
  }
  if (key == "kernel_type") {
    kernel = of[0];
    return llvm::Error::success();
  }
  if (key == "gamma")
    return one(gamma);
  if (key == "coef0")
    return one(coef0);
  if (key == "degree")
    return one(degree);
  if (key == "nr_class")
    return whole(classes, 2, kMostClasses);
  if (key == "total_sv")
    return whole(count, 1, kMaxElements);
  if (key == "rho")
    return numbers(of, rho);
  if (key == "label")
    return integers(of, -most, most, labels);
  if (key == "probA")
    return numbers(of, probA);
  if (key == "probB")
    return numbers(of, probB);
  if (key == "nr_sv")
    return integers(of, 0, kMaxElements, perClass);
  if (key == "prob_density_marks") // of one_class; nothing that is computed
    return llvm::Error::success();
  return fail(quoted(key) + " is no key of a libsvm model");
}

llvm::Error Reader::checkHeader() {
  const bool isRegressor =
      type == "epsilon_svr" || type == "nu_svr" || type == "one_class";
  if (!isRegressor && !isClassifier())
    return fail("svm_type " + quoted(type) +
                " is none of c_svc, nu_svc, one_class, epsilon_svr and nu_svr");
  if (kernel != "linear" && kernel != "polynomial" && kernel != "rbf" &&
      kernel != "sigmoid")
    return fail("kernel_type " + quoted(kernel) +
                " is none of linear, polynomial, rbf and sigmoid");
  if (count == 0)
    return fail("there is no 'total_sv', or no support vector");
  const size_t pairs = isRegressor ? 1 : classes * (classes - 1) / 2;
  if (rho.size() != pairs)
    return fail("'rho' has " + llvm::Twine(rho.size()) +
                " numbers; the model needs " + llvm::Twine(pairs));
  if (isRegressor) {
    probA.clear(); // the width of the noise, which no prediction needs
    probB.clear();
    return llvm::Error::success();
  }
  lines = classes - 1;
  if (labels.size() != static_cast<size_t>(classes) ||
      perClass.size() != static_cast<size_t>(classes))
    return fail("'label' has " + llvm::Twine(labels.size()) +
                " numbers and 'nr_sv' " + llvm::Twine(perClass.size()) +
                " for " + llvm::Twine(classes) + " classes");
  if (std::accumulate(perClass.begin(), perClass.end(), int64_t(0)) != count)
    return fail("'nr_sv' does not add up to 'total_sv', " + llvm::Twine(count));
  if (probA.size() != probB.size() || (!probA.empty() && probA.size() != pairs))
    return fail("'probA' has " + llvm::Twine(probA.size()) +
                " numbers and 'probB' " + llvm::Twine(probB.size()) + " for " +
                llvm::Twine(pairs) + " pairs of classes");
  return llvm::Error::success();
}

llvm::Error Reader::readVector(llvm::ArrayRef<llvm::StringRef> words,
                               int64_t row) {
  if (static_cast<int64_t>(words.size()) < lines)
    return fail("has fewer than " + llvm::Twine(lines) + " coefficients");
  std::vector<float> own;
  if (llvm::Error error = numbers(words.take_front(lines), own))
    return error;
  for (int64_t line = 0; line < lines; ++line)
    coefficients[line * count + row] = own[line];
  for (llvm::StringRef word : words.drop_front(lines)) {
    auto [index, value] = word.split(':');
    llvm::Expected<int64_t> at = integer(index, 1, kMostFeatures);
    if (!at)
      return at.takeError();
    llvm::Expected<float> number = this->number(value);
    if (!number)
      return number.takeError();
    vectors[row].emplace_back(*at - 1, *number);
    features = std::max(features, *at);
  }
  return llvm::Error::success();
}

llvm::Error Reader::readVectors() {
  // A vector takes two bytes at least: a count that the file cannot hold must
  // not ask for memory.
  if (count > static_cast<int64_t>(rest.size()))
    return fail("'total_sv' is " + llvm::Twine(count) +
                ", but the file ends before that many; it is cut");
  coefficients.assign(lines * count, 0.0f);
  vectors.resize(count);
  int64_t row = 0;
  Words words;
  while (nextLine(words)) {
    if (words.empty())
      continue;
    if (row == count)
      return fail("there are more support vectors than 'total_sv', " +
                  llvm::Twine(count));
    if (llvm::Error error = readVector(words, row++))
      return error;
  }
  if (row != count)
    return fail("the file ends after " + llvm::Twine(row) + " of " +
                llvm::Twine(count) + " support vectors; it is cut");
  if (features == 0)
    return fail("no support vector has a feature");
  if (count > kMostNumbers / features)
    return fail("its support vectors have too many numbers: " +
                llvm::Twine(count) + " times " + llvm::Twine(features));
  return llvm::Error::success();
}

void Reader::fill(OnnxNode &node) const {
  auto add = [&](llvm::StringRef name, AttributeKind kind) -> OnnxAttribute & {
    OnnxAttribute &attribute = node.attributes.emplace_back();
    attribute.name = name;
    attribute.kind = kind;
    return attribute;
  };
  auto floats = [&](llvm::StringRef name, std::vector<float> values) {
    add(name, AttributeKind::Floats).floats = std::move(values);
  };
  std::vector<float> dense(count * features, 0.0f);
  for (auto [row, entries] : llvm::enumerate(vectors))
    for (auto [column, value] : entries)
      dense[row * features + column] = value;
  // libsvm subtracts what ONNX adds.
  std::vector<float> added(rho);
  for (float &value : added)
    value = -value;
  floats("support_vectors", std::move(dense));
  floats("coefficients", coefficients);
  floats("rho", std::move(added));
  floats("kernel_params", {gamma, coef0, degree});
  add("kernel_type", AttributeKind::String).s =
      llvm::StringSwitch<llvm::StringRef>(kernel)
          .Case("linear", "LINEAR")
          .Case("polynomial", "POLY")
          .Case("rbf", "RBF")
          .Default("SIGMOID");
  node.name = "svm";
  node.domain = kMl;
  node.inputs = {"x"};
  if (isClassifier()) {
    node.opType = "SVMClassifier";
    node.outputs = {"label", "scores"};
    add("classlabels_ints", AttributeKind::Ints).ints = labels;
    add("vectors_per_class", AttributeKind::Ints).ints = perClass;
    if (!probA.empty()) {
      floats("prob_a", probA);
      floats("prob_b", probB);
    }
    return;
  }
  node.opType = "SVMRegressor";
  node.outputs = {"y"};
  add("n_supports", AttributeKind::Int).i = count;
  add("one_class", AttributeKind::Int).i = type == "one_class";
}

OnnxValueInfo tensorInfo(llvm::StringRef name, DataType type,
                         std::optional<int64_t> features) {
  OnnxValueInfo info;
  info.name = name;
  info.kind = "tensor";
  info.type = type;
  if (features)
    info.shape = {OnnxDim{std::nullopt, "batch"}, OnnxDim{features, ""}};
  return info;
}

} // namespace

bool onnx::isLibsvmModel(llvm::StringRef content) {
  return content.starts_with("svm_type ");
}

llvm::Expected<std::unique_ptr<OnnxModel>>
onnx::readLibsvmModel(std::unique_ptr<llvm::MemoryBuffer> buffer) {
  auto model = std::make_unique<OnnxModel>();
  constexpr int64_t irVersion = 8, opset = 17;
  model->irVersion = irVersion;
  model->producer = "libsvm";
  model->opsets[""] = opset;
  model->opsets[kMl] = 1;
  OnnxNode &node = model->graph.nodes.emplace_back();
  int64_t features = 0;
  Reader reader(buffer->getBuffer());
  if (llvm::Error error = reader.run(node, features))
    return std::move(error);
  model->graph.name = "libsvm";
  model->graph.inputs.push_back(tensorInfo("x", DataType::Float, features));
  if (reader.isClassifier()) {
    model->graph.outputs.push_back(
        tensorInfo("label", DataType::Int64, std::nullopt));
    // Of very many classes only the labels where there would be probabilities.
    const bool hasScores =
        node.attribute("prob_a") == nullptr ||
        node.attribute("classlabels_ints")->ints.size() <= kMostCoupledClasses;
    if (hasScores)
      model->graph.outputs.push_back(
          tensorInfo("scores", DataType::Float, std::nullopt));
    else
      node.outputs.pop_back();
  } else {
    model->graph.outputs.push_back(
        tensorInfo("y", DataType::Float, std::nullopt));
  }
  model->files.push_back(std::move(buffer));
  return model;
}
