//===- Header.cpp - The C header of a compiled program --------------------===//
#include "quantc/Emit/Header.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace mlir::qnet {

/// Longer names break no compiler, but linkers and file systems begin to
/// differ.
static constexpr size_t kMaxNameLength = 100;

Error checkProgramName(StringRef name) {
  auto wrong = [&](const Twine &why) {
    return createStringError(inconvertibleErrorCode(),
                             "the program's name '" +
                                 name.take_front(kMaxNameLength) + "' " + why +
                                 "; choose letters, digits and underscores, a "
                                 "letter first (--name)");
  };
  if (name.empty())
    return wrong("is empty");
  if (name.size() > kMaxNameLength)
    return wrong("is longer than " + Twine(kMaxNameLength) + " characters");
  if (!isAlpha(name.front()))
    return wrong("doesn't start with a letter");
  for (char c : name)
    if (!isAlnum(c) && c != '_')
      return wrong("can't stand in a C identifier");
  return Error::success();
}

std::string programNameFrom(StringRef text) {
  std::string name;
  for (char c : text.take_front(kMaxNameLength))
    name += isAlnum(c) ? c : '_';
  if (name.empty() || !isAlpha(name.front()))
    name = ("model_" + name).substr(0, kMaxNameLength);
  return name;
}

/// A tensor's name as text inside a C comment: printable and unable to end it.
static std::string commentText(StringRef name) {
  std::string text;
  for (char c : name.take_front(200))
    text += isPrint(c) && c != '*' && c != '/' && c != '\\' ? c : '?';
  return text;
}

static std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, size] : enumerate(shape)) {
    if (i != 0)
      text += ", ";
    text += size < 0 ? "batch" : std::to_string(size);
  }
  return text + "]";
}

/// "input", or "input0", "input1", ... where there are several.
static std::string argumentName(StringRef kind, size_t index, size_t count) {
  return count == 1 ? kind.str() : (kind + Twine(index)).str();
}

static void writeSizes(StringRef name, StringRef kind,
                       ArrayRef<ManifestTensor> tensors, raw_ostream &os) {
  for (auto [i, tensor] : enumerate(tensors)) {
    std::string macro = (name + "_" + kind).str();
    if (i != 0)
      macro += "_" + std::to_string(i);
    os << "#define " << macro << " " << tensor.values << " /* values a row, "
       << tensor.type << ": " << commentText(tensor.name) << " "
       << shapeText(tensor.shape) << " */\n";
  }
}

/// The values of a row that the program looks at; the others may be anything.
static void writeValuesRead(const ManifestTensor &tensor, raw_ostream &os) {
  constexpr size_t numbersInLine = 12, namesInLine = 4;
  const bool hasNames =
      static_cast<int64_t>(tensor.columns.size()) == tensor.values;
  const size_t valuesInLine = hasNames ? namesInLine : numbersInLine;
  os << " *     of which only " << tensor.read->size() << " are read:";
  for (auto [i, value] : enumerate(*tensor.read)) {
    os << (i % valuesInLine == 0 ? "\n *       " : " ") << value;
    if (hasNames)
      os << " (" << commentText(tensor.columns[value]) << ")";
  }
  os << "\n";
}

/// How int8 values stand for reals: scale * (q - zero point).
static void writeParameters(StringRef name, StringRef kind,
                            ArrayRef<ManifestTensor> tensors, raw_ostream &os) {
  for (auto [i, tensor] : enumerate(tensors)) {
    std::string suffix = i == 0 ? "" : "_" + std::to_string(i);
    os << formatv("#define {0}_{1}_SCALE{2} {3}f\n", name, kind, suffix,
                  llvm::format("%.9e", tensor.params->scale))
       << formatv("#define {0}_{1}_ZERO_POINT{2} ({3})\n", name, kind, suffix,
                  tensor.params->zeroPoint - 128);
  }
}

/// A string literal of C and C++, whatever the bytes: others than plain ones
/// are written in octal, which takes three digits at most and so never swallows
/// what follows.
static std::string literal(StringRef text) {
  std::string result = "\"";
  for (unsigned char c : text) {
    if (c == '"' || c == '\\' || c == '?') // "??/" would be a trigraph
      result += {'\\', static_cast<char>(c)};
    else if (isPrint(c))
      result += static_cast<char>(c);
    else
      result += formatv("\\{0}{1}{2}", c >> 6, c >> 3 & 7, c & 7).str();
  }
  return result + "\"";
}

/// `#define NAME {"a", "b"}`, and how many there are.
static void writeNames(const std::string &macro, ArrayRef<std::string> names,
                       raw_ostream &os) {
  os << "#define " << macro << "_COUNT " << names.size() << "\n#define "
     << macro << " {";
  for (auto [i, name] : enumerate(names))
    os << (i == 0 ? "" : ", ") << literal(name);
  os << "}\n";
}

/// The words behind numbers, as initializers of arrays.
static void writeWords(const Manifest &manifest, raw_ostream &os) {
  auto macro = [&](StringRef kind, size_t index) {
    return (manifest.name + "_" + kind).str() +
           (index == 0 ? "" : "_" + std::to_string(index));
  };
  for (auto [i, tensor] : enumerate(manifest.outputs)) {
    std::string comment = "\n/* " + commentText(tensor.name) + ": ";
    if (!tensor.classes.empty()) {
      os << comment << "the classes that its values are indices of,\n * static "
         << "const char *const classes[] = " << macro("OUTPUT_CLASSES", i)
         << "; */\n";
      writeNames(macro("OUTPUT_CLASSES", i), tensor.classes, os);
    }
    if (!tensor.columns.empty()) {
      os << comment << "the names of a row's values */\n";
      writeNames(macro("OUTPUT_COLUMNS", i), tensor.columns, os);
    }
  }
  for (auto [i, tensor] : enumerate(manifest.inputs))
    if (!tensor.columns.empty()) {
      os << "\n/* " << commentText(tensor.name)
         << ": the names of a row's values */\n";
      writeNames(macro("INPUT_COLUMNS", i), tensor.columns, os);
    }
  for (auto [i, tensor] : enumerate(manifest.inputs))
    for (auto [j, column] : enumerate(tensor.categories))
      if (!column.empty()) {
        os << "\n/* " << commentText(tensor.name) << ": value " << j
           << " of a row is the index of one of these categories; any other "
           << "number is an unknown one */\n";
        writeNames(macro("INPUT_CATEGORIES", i) + "_COLUMN_" +
                       std::to_string(j),
                   column, os);
      }
}

/// The C type of a tensor's values.
static StringRef cType(const ManifestTensor &tensor) {
  if (tensor.type == "f32")
    return "float";
  return tensor.type == "i64" ? "int64_t" : "int32_t";
}

/// `void NAME_run(const float *input, ..., void *workspace);`, with `more`
/// arguments; all tensors of one type where one is named.
static void writeFunction(const Manifest &manifest, StringRef suffix,
                          StringRef type, raw_ostream &os,
                          StringRef more = "") {
  os << "void " << manifest.name << suffix << "(";
  for (size_t i = 0; i != manifest.inputs.size(); ++i)
    os << "const " << (type.empty() ? cType(manifest.inputs[i]) : type) << " *"
       << argumentName("input", i, manifest.inputs.size()) << ", ";
  for (size_t i = 0; i != manifest.outputs.size(); ++i)
    os << (type.empty() ? cType(manifest.outputs[i]) : type) << " *"
       << argumentName("output", i, manifest.outputs.size()) << ", ";
  os << "size_t batch, void *workspace" << more << ");\n\n";
}

/// NAME_clipped, and what each of its counts is of.
static void writeClipped(const Manifest &manifest, raw_ostream &os) {
  const std::string &name = manifest.name;
  os << "/* How many values were clipped to their range in the last call of "
     << name << "_run or\n * " << name
     << "_run_parallel in this workspace, by the layer that stores them:\n";
  for (auto [i, layer] : enumerate(manifest.clipped))
    os << " *   " << i << ": " << commentText(layer) << "\n";
  os << " * The counts are that call's alone: add them up, or look at them "
        "when "
        "you like. */\n#define "
     << name << "_CLIPPED " << manifest.clipped.size() << "\nvoid " << name
     << "_clipped(const void *workspace, uint64_t counts[" << name
     << "_CLIPPED]);\n\n";
}

/// NAME_run on threads of the caller's.
static void writeParallel(const Manifest &manifest, raw_ostream &os) {
  const std::string &name = manifest.name;
  os << formatv(
      R"(/* A task of {0}_run_parallel, and a parallel-for of the caller's: it calls
 * task(context, part) once for each part from 0 to parts - 1, in any order, on
 * any threads, and returns when all calls have. With OpenMP:
 *
 *   static void for_all(void *pool, size_t parts, {0}_task task, void *context) {{
 *     (void)pool;
 *   #pragma omp parallel for
 *     for (size_t part = 0; part < parts; ++part) task(context, part);
 *   }
 */
typedef void (*{0}_task)(void *context, size_t part);
typedef void (*{0}_parallel_for)(void *pool, size_t parts, {0}_task task, void *context);

/* Bytes of workspace that {0}_run_parallel needs. */
size_t {0}_parallel_workspace_size(size_t batch, size_t parts);

/* {0}_run, its rows split into parts that run at the same time; the same bits.
 *   workspace: {0}_parallel_workspace_size(batch, parts) bytes, aligned to 64
 *   parts: at most this many, and none of fewer than 8 rows but the last: as
 *     many as there are threads, or twice as many where a thread that is done
 *     takes the next one. With one (or 0), all is done in this call and
 *     parallel_for, which may be null then, is not used.
 *   pool: handed to parallel_for as it is */
)",
      name);
  writeFunction(
      manifest, "_run_parallel", "", os,
      (", size_t parts, " + name + "_parallel_for parallel_for, void *pool"));
}

static bool usesIntegers(const Manifest &manifest) {
  return manifest.eightBitEntry || !manifest.clipped.empty() ||
         any_of(manifest.outputs, [](const ManifestTensor &tensor) {
           return tensor.type != "f32";
         });
}

void writeHeader(const Manifest &manifest, raw_ostream &os) {
  const std::string &name = manifest.name;
  std::string guard = "QUANTC_" + name + "_H";
  os << "/* " << name << ": a network compiled by quantc " << manifest.version
     << " for " << commentText(manifest.target) << " ("
     << commentText(manifest.cpu) << ").\n"
     << " *\n"
     << " * The program allocates nothing and calls nothing but a parallel-for "
        "that it\n"
     << " * is given. It may run in many threads at once, each with a "
        "workspace "
        "of its\n * own.\n"
     << " */\n"
     << "#ifndef " << guard << "\n#define " << guard << "\n\n"
     << "#include <stddef.h>\n"
     << (usesIntegers(manifest) ? "#include <stdint.h>\n\n" : "\n");
  writeSizes(name, "INPUTS", manifest.inputs, os);
  writeSizes(name, "OUTPUTS", manifest.outputs, os);
  if (manifest.eightBitEntry) {
    os << "\n/* int8 values of " << name
       << "_run_i8: real = SCALE * (value - ZERO_POINT) */\n";
    writeParameters(name, "INPUT", manifest.inputs, os);
    writeParameters(name, "OUTPUT", manifest.outputs, os);
  }
  writeWords(manifest, os);
  os << "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
     << "/* Bytes of workspace that " << name << "_run needs for `batch` rows. "
     << "*/\n"
     << "size_t " << name << "_workspace_size(size_t batch);\n\n"
     << "/* Runs the network on `batch` rows.\n";
  for (auto [i, tensor] : enumerate(manifest.inputs)) {
    os << " *   " << argumentName("input", i, manifest.inputs.size())
       << ": batch * " << tensor.values << " values, row by row\n";
    if (tensor.read)
      writeValuesRead(tensor, os);
  }
  for (auto [i, tensor] : enumerate(manifest.outputs))
    os << " *   " << argumentName("output", i, manifest.outputs.size())
       << ": room for batch * " << tensor.values << " values\n";
  os << " *   workspace: " << name
     << "_workspace_size(batch) bytes, aligned to "
     << "64\n"
     << " * Inputs are only read; no two buffers may overlap. */\n";
  writeFunction(manifest, "_run", "", os);
  if (manifest.eightBitEntry) {
    os << "/* The same on int8 values: " << name
       << "_run of the reals that they stand for, its\n"
       << " * result rounded to the nearest int8 (ties to even) and clamped. "
          "*/\n";
    writeFunction(manifest, "_run_i8", "int8_t", os);
  }
  writeParallel(manifest, os);
  if (!manifest.clipped.empty())
    writeClipped(manifest, os);
  os << "#ifdef __cplusplus\n}\n#endif\n\n"
     << "#endif /* " << guard << " */\n";
}

} // namespace mlir::qnet
