//===- OnnxGraph.cpp - Names and order of an ONNX graph -------------------===//
//
// An ONNX graph is in single-assignment form and its nodes are sorted, says the
// standard. The first is checked, the second restored where it fails.
//
//===----------------------------------------------------------------------===//

#include "OnnxParts.h"
#include "llvm/ADT/DenseMap.h"
#include <queue>

using namespace mlir::qnet::onnx;
using llvm::StringRef;

namespace {
/// Stands for the graph itself (inputs and initializers) among the producers.
constexpr size_t kGraph = ~size_t(0);

class GraphChecker {
public:
  explicit GraphChecker(OnnxGraph &graph) : graph(graph) {}

  void run() {
    defineGraphNames();
    defineNodeOutputs();
    checkUses();
    sortNodes();
  }

private:
  void defineGraphNames() {
    llvm::DenseMap<StringRef, char> inputs;
    for (const OnnxValueInfo &input : graph.inputs) {
      if (input.name.empty())
        throw MalformedModel{"a graph input has no name"};
      if (!inputs.try_emplace(input.name, 0).second)
        throw MalformedModel{"graph input " + quoted(input.name) +
                             " is declared twice"};
      producers[input.name] = kGraph;
    }
    llvm::DenseMap<StringRef, char> initializers;
    for (const OnnxTensor &tensor : graph.initializers) {
      if (tensor.name.empty())
        throw MalformedModel{"an initializer has no name"};
      if (!initializers.try_emplace(tensor.name, 0).second)
        throw MalformedModel{"initializer " + quoted(tensor.name) +
                             " is defined twice"};
      producers[tensor.name] = kGraph;
    }
  }

  void defineNodeOutputs() {
    for (size_t i = 0; i < graph.nodes.size(); ++i)
      for (StringRef output : graph.nodes[i].outputs) {
        if (output.empty())
          continue;
        auto [it, inserted] = producers.try_emplace(output, i);
        if (inserted)
          continue;
        std::string other =
            it->second == kGraph
                ? "a graph input or an initializer has that name already"
                : graph.nodes[it->second].describe() + " defines it too";
        throw MalformedModel{graph.nodes[i].describe() + ": output " +
                             quoted(output) + " is defined twice; " + other};
      }
  }

  void checkUses() {
    for (const OnnxNode &node : graph.nodes)
      for (StringRef input : node.inputs)
        if (!input.empty() && !producers.contains(input))
          throw MalformedModel{
              node.describe() + ": input " + quoted(input) +
              " is defined by no node, graph input or initializer; the model "
              "is incomplete, export it again"};
    if (graph.outputs.empty())
      throw MalformedModel{"the graph has no output"};
    llvm::DenseMap<StringRef, char> outputs;
    for (const OnnxValueInfo &output : graph.outputs) {
      if (!producers.contains(output.name))
        throw MalformedModel{"graph output " + quoted(output.name) +
                             " is computed by no node"};
      if (!outputs.try_emplace(output.name, 0).second)
        throw MalformedModel{"graph output " + quoted(output.name) +
                             " is declared twice"};
    }
  }

  /// Kahn's algorithm, taking the earliest ready node so that a sorted graph
  /// stays as it is.
  void sortNodes() {
    std::vector<size_t> missing(graph.nodes.size(), 0);
    std::vector<std::vector<size_t>> users(graph.nodes.size());
    for (size_t i = 0; i < graph.nodes.size(); ++i)
      for (StringRef input : graph.nodes[i].inputs) {
        if (input.empty())
          continue;
        size_t producer = producers.lookup(input);
        if (producer == kGraph)
          continue;
        users[producer].push_back(i);
        ++missing[i];
      }
    std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
    for (size_t i = 0; i < missing.size(); ++i)
      if (missing[i] == 0)
        ready.push(i);
    std::vector<size_t> order;
    while (!ready.empty()) {
      size_t next = ready.top();
      ready.pop();
      order.push_back(next);
      for (size_t user : users[next])
        if (--missing[user] == 0)
          ready.push(user);
    }
    if (order.size() != graph.nodes.size())
      throw MalformedModel{describeCycle(missing)};
    if (llvm::is_sorted(order))
      return;
    std::vector<OnnxNode> sorted;
    sorted.reserve(order.size());
    for (size_t index : order)
      sorted.push_back(std::move(graph.nodes[index]));
    graph.nodes = std::move(sorted);
  }

  /// Walks back from a node that never became ready: every such node has a
  /// producer that did not either, so the walk must close a cycle.
  std::string describeCycle(const std::vector<size_t> &missing) {
    size_t node = 0;
    while (missing[node] == 0)
      ++node;
    std::vector<bool> visited(graph.nodes.size(), false);
    StringRef through;
    while (!visited[node]) {
      visited[node] = true;
      for (StringRef input : graph.nodes[node].inputs) {
        size_t producer = input.empty() ? kGraph : producers.lookup(input);
        if (producer == kGraph || missing[producer] == 0)
          continue;
        through = input;
        node = producer;
        break;
      }
    }
    return graph.nodes[node].describe() +
           ": depends on its own output (through " + quoted(through) +
           "); a graph with a cycle cannot be compiled";
  }

  OnnxGraph &graph;
  llvm::DenseMap<StringRef, size_t> producers;
};
} // namespace

void mlir::qnet::onnx::checkAndSortGraph(OnnxGraph &graph) {
  GraphChecker(graph).run();
}
