//===- _native.cpp - Calls a compiled library on numpy arrays -------------===//
//
// The one piece of native code in the Python package. It has no LLVM in it: it
// opens a shared library that `quantc compile` made and calls its N_run, with
// the interpreter's lock released and numpy's memory used in place.
//
// A one-row network runs in about a microsecond, so a call may not cost more
// than that: numpy's C interface is used directly, and workspaces are kept.
//
//===----------------------------------------------------------------------===//

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_1_22_API_VERSION
#include <numpy/arrayobject.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace nb = nanobind;

namespace {

/// The C interface passes one pointer a tensor, inputs first. A C++ program
/// needs one call for each count of pointers, so there is a largest count.
constexpr std::size_t kMaxTensors = 32;
/// What the C interface asks of the workspace, in bytes.
constexpr std::size_t kWorkspaceAlignment = 64;

using WorkspaceSizeFn = std::size_t (*)(std::size_t batch);
using ClippedFn = void (*)(const void *workspace, std::uint64_t *counts);
using CallFn = void (*)(void *run, void *const *tensors, std::size_t batch,
                        void *workspace);

template <std::size_t> using Pointer = void *;

/// Calls N_run(tensors[0], ..., tensors[sizeof...(I) - 1], batch, workspace).
template <std::size_t... I>
constexpr CallFn makeCall(std::index_sequence<I...>) {
  return
      [](void *run, void *const *tensors, std::size_t batch, void *workspace) {
        using RunFn = void (*)(Pointer<I>..., std::size_t, void *);
        reinterpret_cast<RunFn>(run)(tensors[I]..., batch, workspace);
      };
}

template <std::size_t... Count>
constexpr auto makeCalls(std::index_sequence<Count...>) {
  return std::array<CallFn, sizeof...(Count)>{
      makeCall(std::make_index_sequence<Count>())...};
}

constexpr auto kCalls = makeCalls(std::make_index_sequence<kMaxTensors + 1>());

struct FreeDeleter {
  void operator()(void *memory) const { std::free(memory); }
};

struct Workspace {
  std::unique_ptr<void, FreeDeleter> memory;
  std::size_t size = 0;

  void grow(std::size_t wanted) {
    if (wanted <= size && memory)
      return;
    if (wanted > std::numeric_limits<std::size_t>::max() - kWorkspaceAlignment)
      throw std::bad_alloc();
    // aligned_alloc takes whole multiples of the alignment, and at least one.
    std::size_t rounded =
        (wanted / kWorkspaceAlignment + 1) * kWorkspaceAlignment;
    memory.reset(std::aligned_alloc(kWorkspaceAlignment, rounded));
    size = memory ? rounded : 0;
    if (!memory)
      throw std::bad_alloc();
  }
};

/// One input or output: its name, its dimensions after the batch, and numpy's
/// number of its type.
struct Tensor {
  std::string name;
  std::vector<npy_intp> rowShape;
  int type = NPY_FLOAT32;
};

int typeNamed(const std::string &name) {
  if (name == "float32")
    return NPY_FLOAT32;
  if (name == "int32")
    return NPY_INT32;
  if (name == "int64")
    return NPY_INT64;
  throw nb::value_error(
      ("no tensor has the type " + name + "; there are float32, int32, int64")
          .c_str());
}

std::string shapeText(const npy_intp *shape, std::size_t rank,
                      const char *first = nullptr) {
  std::string text = "(";
  if (first)
    text += std::string(first) + (rank == 0 ? "," : ", ");
  for (std::size_t i = 0; i < rank; ++i) {
    text += std::to_string(shape[i]);
    if (i + 1 < rank)
      text += ", ";
    else if (rank == 1 && !first)
      text += ",";
  }
  return text + ")";
}

std::vector<Tensor> tensorsFrom(nb::handle list) {
  std::vector<Tensor> tensors;
  for (nb::handle item : list) {
    auto pair = nb::cast<nb::tuple>(item);
    Tensor tensor;
    tensor.name = nb::cast<std::string>(pair[0]);
    for (nb::handle dimension : nb::cast<nb::tuple>(pair[1])) {
      auto value = nb::cast<npy_intp>(dimension);
      if (value < 0)
        throw nb::value_error("a tensor's dimension is negative");
      tensor.rowShape.push_back(value);
    }
    if (pair.size() > 2)
      tensor.type = typeNamed(nb::cast<std::string>(pair[2]));
    if (tensor.rowShape.size() + 1 > NPY_MAXDIMS_LEGACY_ITERS)
      throw nb::value_error("a tensor has too many dimensions");
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

/// Numbers that mean themselves as float32: bool, integers, floats.
bool isReal(PyArray_Descr *type) {
  switch (type->kind) {
  case 'b':
  case 'i':
  case 'u':
  case 'f':
    return true;
  default:
    return false;
  }
}

std::string dtypeText(PyArrayObject *array) {
  return nb::cast<std::string>(
      nb::str(reinterpret_cast<PyObject *>(PyArray_DESCR(array))));
}

class Library {
public:
  Library(const std::string &path, const std::string &name, nb::list inputs,
          nb::list outputs, std::size_t counters)
      : clippedTotals(counters), inputs(tensorsFrom(inputs)),
        outputs(tensorsFrom(outputs)) {
    count = this->inputs.size() + this->outputs.size();
    if (this->inputs.empty() || this->outputs.empty())
      throw nb::value_error("a compiled library has at least one input and one "
                            "output");
    if (count > kMaxTensors)
      throw nb::value_error(("a compiled library with more than " +
                             std::to_string(kMaxTensors) +
                             " inputs and outputs cannot be called from Python")
                                .c_str());
    handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      throw std::runtime_error("cannot open " + path + ": " + dlerror());
    run = symbol(path, name + "_run");
    workspaceSize = reinterpret_cast<WorkspaceSizeFn>(
        symbol(path, name + "_workspace_size"));
    if (counters != 0)
      readClipped =
          reinterpret_cast<ClippedFn>(symbol(path, name + "_clipped"));
  }

  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;

  ~Library() {
    if (handle)
      dlclose(handle);
  }

  /// Runs the network on `arguments`, one array an input; gives one array, or
  /// a tuple of them where the network has several outputs.
  nb::object call(nb::args arguments) {
    if (arguments.size() != inputs.size())
      throw nb::type_error(inputCountMessage(arguments.size()).c_str());

    std::array<nb::object, kMaxTensors> arrays;
    std::array<void *, kMaxTensors> pointers;
    npy_intp batch = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      arrays[i] = inputArray(inputs[i], arguments[i]);
      auto *array = reinterpret_cast<PyArrayObject *>(arrays[i].ptr());
      npy_intp rows = PyArray_DIM(array, 0);
      if (i == 0)
        batch = rows;
      else if (rows != batch)
        throw nb::value_error(("input '" + inputs[i].name + "' has " +
                               std::to_string(rows) + " rows where '" +
                               inputs[0].name + "' has " +
                               std::to_string(batch) +
                               "; all inputs need the same number of rows")
                                  .c_str());
      pointers[i] = PyArray_DATA(array);
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      std::size_t slot = inputs.size() + i;
      arrays[slot] = outputArray(outputs[i], batch);
      pointers[slot] =
          PyArray_DATA(reinterpret_cast<PyArrayObject *>(arrays[slot].ptr()));
    }

    if (batch > 0) {
      Workspace workspace = takeWorkspace();
      workspace.grow(workspaceSize(static_cast<std::size_t>(batch)));
      {
        nb::gil_scoped_release release;
        kCalls[count](run, pointers.data(), static_cast<std::size_t>(batch),
                      workspace.memory.get());
      }
      if (readClipped)
        addClipped(workspace.memory.get());
      giveWorkspace(std::move(workspace));
    }

    if (outputs.size() == 1)
      return std::move(arrays[inputs.size()]);
    nb::object result =
        nb::steal(PyTuple_New(static_cast<Py_ssize_t>(outputs.size())));
    if (!result.is_valid())
      throw nb::python_error();
    for (std::size_t i = 0; i < outputs.size(); ++i)
      PyTuple_SET_ITEM(result.ptr(), static_cast<Py_ssize_t>(i),
                       arrays[inputs.size() + i].release().ptr());
    return result;
  }

  /// The counts of clipped values of all calls so far, or since `reset`.
  std::vector<std::uint64_t> clipped(bool reset) {
    std::lock_guard<std::mutex> lock(workspacesMutex);
    std::vector<std::uint64_t> totals = clippedTotals;
    if (reset)
      std::fill(clippedTotals.begin(), clippedTotals.end(), 0);
    return totals;
  }

private:
  void addClipped(const void *workspace) {
    std::vector<std::uint64_t> counts(clippedTotals.size());
    readClipped(workspace, counts.data());
    std::lock_guard<std::mutex> lock(workspacesMutex);
    for (std::size_t i = 0; i < counts.size(); ++i)
      clippedTotals[i] += counts[i];
  }

  void *symbol(const std::string &path, const std::string &name) {
    void *address = dlsym(handle, name.c_str());
    if (address)
      return address;
    dlclose(handle);
    handle = nullptr;
    throw std::runtime_error(path + " has no symbol " + name +
                             "; was it compiled under another --name?");
  }

  std::string inputCountMessage(std::size_t given) const {
    std::string text = "this network has " + std::to_string(inputs.size()) +
                       (inputs.size() == 1 ? " input (" : " inputs (");
    for (std::size_t i = 0; i < inputs.size(); ++i)
      text += (i ? ", " : "") + inputs[i].name;
    return text + "), got " + std::to_string(given);
  }

  /// `argument` as a C-contiguous float32 array of the input's shape: itself
  /// where it is one already, otherwise a converted copy.
  static nb::object inputArray(const Tensor &input, nb::handle argument) {
    nb::object array = nb::borrow(argument);
    if (!PyArray_Check(array.ptr())) {
      array =
          nb::steal(PyArray_FromAny(argument.ptr(), nullptr, 0, 0, 0, nullptr));
      if (!array.is_valid())
        throw nb::python_error();
    }
    auto *raw = reinterpret_cast<PyArrayObject *>(array.ptr());
    if (!isReal(PyArray_DESCR(raw)))
      throw nb::type_error(("input '" + input.name +
                            "' needs real numbers (float32 is used without a "
                            "copy), got dtype " +
                            dtypeText(raw))
                               .c_str());
    std::size_t rank = input.rowShape.size();
    bool fits = PyArray_NDIM(raw) == static_cast<int>(rank) + 1;
    for (std::size_t i = 0; fits && i < rank; ++i)
      fits = PyArray_DIM(raw, static_cast<int>(i) + 1) == input.rowShape[i];
    if (!fits) {
      std::string message =
          "input '" + input.name + "' needs shape " +
          shapeText(input.rowShape.data(), rank, "rows") + ", got " +
          shapeText(PyArray_DIMS(raw),
                    static_cast<std::size_t>(PyArray_NDIM(raw)));
      if (PyArray_NDIM(raw) == static_cast<int>(rank))
        message += "; a single row is x[None]";
      throw nb::value_error(message.c_str());
    }
    constexpr int kInPlace = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED;
    if (PyArray_TYPE(raw) == NPY_FLOAT32 && PyArray_CHKFLAGS(raw, kInPlace) &&
        PyArray_ISNOTSWAPPED(raw))
      return array;
    nb::object converted =
        nb::steal(PyArray_FromArray(raw, PyArray_DescrFromType(NPY_FLOAT32),
                                    NPY_ARRAY_IN_ARRAY | NPY_ARRAY_FORCECAST));
    if (!converted.is_valid())
      throw nb::python_error();
    return converted;
  }

  static nb::object outputArray(const Tensor &output, npy_intp batch) {
    std::array<npy_intp, NPY_MAXDIMS_LEGACY_ITERS> shape;
    shape[0] = batch;
    std::copy(output.rowShape.begin(), output.rowShape.end(),
              shape.begin() + 1);
    nb::object array = nb::steal(
        PyArray_SimpleNew(static_cast<int>(output.rowShape.size()) + 1,
                          shape.data(), output.type));
    if (!array.is_valid())
      throw nb::python_error();
    return array;
  }

  /// As many workspaces are kept as calls ran at the same time.
  Workspace takeWorkspace() {
    std::lock_guard<std::mutex> lock(workspacesMutex);
    if (workspaces.empty())
      return {};
    Workspace workspace = std::move(workspaces.back());
    workspaces.pop_back();
    return workspace;
  }

  void giveWorkspace(Workspace workspace) {
    std::lock_guard<std::mutex> lock(workspacesMutex);
    workspaces.push_back(std::move(workspace));
  }

  std::vector<std::uint64_t> clippedTotals;
  ClippedFn readClipped = nullptr;
  std::vector<Tensor> inputs, outputs;
  std::size_t count = 0;
  void *handle = nullptr;
  void *run = nullptr;
  WorkspaceSizeFn workspaceSize = nullptr;
  std::mutex workspacesMutex;
  std::vector<Workspace> workspaces;
};

} // namespace

NB_MODULE(_native, module) {
  if (_import_array() < 0)
    throw nb::python_error();
  module.doc() = "Calls a compiled library on numpy arrays.";
  module.attr("MAX_TENSORS") = kMaxTensors;
  nb::class_<Library>(module, "Library",
                      "A compiled network: Library(path, name, inputs, outputs)"
                      ", inputs and outputs as lists of (name, row shape), "
                      "outputs with a dtype behind it unless they are float32.")
      .def(nb::init<const std::string &, const std::string &, nb::list,
                    nb::list, std::size_t>(),
           nb::arg("path"), nb::arg("name"), nb::arg("inputs"),
           nb::arg("outputs"), nb::arg("counters") = 0)
      .def("__call__", &Library::call)
      .def("clipped", &Library::clipped, nb::arg("reset") = false,
           "How many values each counted layer clipped in all calls so far.");
}
