//===- Manifest.h - What a compiled program says of itself ------*- C++ -*-===//
//
// N.json beside N.o: enough to call the program without a header (inputs,
// outputs, row sizes), to explain it (layers, parameters, the ledger of what
// stayed in float) and to know where it came from (digests, version, flags). It
// holds no path, no time and no host name: the same inputs give the same bytes.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_EMIT_MANIFEST_H
#define QUANTC_EMIT_MANIFEST_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mlir::qnet {

/// How stored integers stand for reals: scale * (q - zeroPoint), q in
/// [qmin, qmax].
struct ManifestParams {
  float scale = 1.0f;
  int64_t zeroPoint = 0;
  int64_t qmin = 0;
  int64_t qmax = 255;
};

/// One argument of `N_run`. Sizes that the caller chooses (the batch) are -1
/// here and null in the file.
struct ManifestTensor {
  std::string name;
  std::vector<int64_t> shape;
  /// Values a row.
  int64_t values = 0;
  /// Parameters of the stored integers behind it: what `N_run_i8` takes and
  /// gives (less 128), or without one what an input is quantized to. (`N_run`
  /// may store an input in more bits: the layer that quantizes it says so.)
  /// Absent where the program reads or writes floats without them.
  std::optional<ManifestParams> params;
  /// Of an input of which not all is read: the values of a row that are, in
  /// ascending order. Nothing where all are.
  std::optional<std::vector<int64_t>> read = std::nullopt;
  /// "f32"; of an output also "i32" or "i64": classes, say.
  std::string type = "f32";
  /// Of an output of indices of classes: the classes' names; of one whose
  /// columns are named (the scores of classes): their names. Mostly empty, and
  /// then not in the file.
  std::vector<std::string> classes = {};
  std::vector<std::string> columns = {};
  /// Of an input that is text in the model: of each column the names of its
  /// categories, whose indices the program takes (any other number is an
  /// unknown category). Mostly empty, and then not in the file.
  std::vector<std::vector<std::string>> categories = {};
};

/// Bytes of a value of a tensor's type.
inline size_t bytesOf(const ManifestTensor &tensor) {
  return tensor.type == "i64" ? 8 : 4;
}

/// One op of the program that computes.
struct ManifestLayer {
  std::string name;
  std::string op;
  /// Kernel of Kernels' table that runs it, empty where it has no weights.
  std::string kernel;
  /// Bits in which the kernel adds products before it goes on in 32; 0 without
  /// a kernel. Of 16, no sum can overflow (verify-narrow-sums); `visitedShare`
  /// of the groups of weights are visited a second time to make it so.
  int64_t sumBits = 0;
  double visitedShare = 0;
  /// Weights that are zero, of all; groups of weights that the kernel
  /// multiplies, of all: less than 1 where it skips zero groups.
  double zeroShare = 0;
  double listedShare = 1;
  std::string function;
  /// Nodes of the model that the op does the work of, in order; the last is
  /// `name`.
  std::vector<std::string> nodes;
  /// Multiply-adds a row; of a kernel, its time over that of the float layer by
  /// the cost model (0 where it has none).
  int64_t products = 0;
  double timeOverFloat = 0;
  /// Values a row that go in and come out.
  int64_t inputs = 0;
  int64_t outputs = 0;
  /// 0 where the op has no weights; 32 where it computes in float.
  int64_t weightsBits = 0;
  /// Why these bits and not those that were asked for; mostly empty, and then
  /// not in the file.
  std::string weightsNote;
  /// Why its input has more than 8 bits, where the compiler chose; mostly
  /// empty, and then not in the file.
  std::string inputNote;
  /// Signal over error of the network's outputs in dB on calibration rows, if
  /// nothing is rounded but what this op stores, to 8 bits, whatever its bits
  /// are; infinite without an error, nothing where it was not measured.
  std::optional<double> storageSqnr;
  /// Signal over error of the op's own output in dB on calibration rows, if
  /// nothing is rounded but its weights.
  std::optional<double> weightsSqnr;
  /// What pruning took of it, and what error that adds; mostly empty, and then
  /// not in the file.
  std::string prunedNote;
  /// Whether its parameters were frozen; only then in the file.
  bool isFrozen = false;
  int64_t inputBits = 0;
  int64_t outputBits = 0;
  uint64_t weightsBytes = 0;
  std::optional<ManifestParams> inputParams;
  std::optional<ManifestParams> outputParams;
};

/// An op that stayed in float, and why; or an integer layer that is slower than
/// the float one would be.
struct LedgerEntry {
  std::string node;
  std::string op;
  std::string reason;
};

/// How the range of a value was found.
struct ManifestRange {
  std::string name;
  std::string method; ///< "minmax", "searched", "fixed", ...
  double lo = 0;
  double hi = 0;
  /// Why this method, where the compiler chose; else empty and not in the file.
  std::string reason;
  /// Where the compiler chose: signal over error of the outputs in dB that it
  /// found for each method, the best of its ranges; infinite without error.
  std::map<std::string, double> outputSqnr;
};

/// What a front end of the Python package adds for itself, as far as a reader
/// of figures wants it: columns of the one input, meaning of the first output.
struct ManifestFrontend {
  std::vector<std::string> columns; ///< empty without names
  std::vector<std::string> classes; ///< of indices; empty for numbers
  bool givesLabels = false;
};

struct Manifest {
  std::string version;
  std::string name;
  std::string target;
  std::string cpu;
  /// Code variants in the object, in the order in which they are preferred.
  std::vector<std::string> variants;
  /// What a CPU must have to run it, by LLVM's names: "avx2", "dotprod".
  std::vector<std::string> features;
  /// Threads that `N_run` of the shared library uses.
  int64_t threads = 1;
  std::vector<ManifestTensor> inputs;
  std::vector<ManifestTensor> outputs;
  /// Whether there is an `N_run_i8`: every tensor has 8-bit parameters.
  bool eightBitEntry = false;
  /// Names of what `N_clipped` counts, in its order; empty without it.
  std::vector<std::string> clipped;
  std::vector<ManifestLayer> layers;
  std::vector<LedgerEntry> ledger;
  /// Bytes: "object", "weights", "float_weights", "workspace_row", ...
  std::map<std::string, uint64_t> sizes;
  /// SHA-256 in hexadecimal: "model", "calibration", "object", ...
  std::map<std::string, std::string> digests;
  /// What was asked for: "calibration", "weights", "activations", ...
  std::map<std::string, std::string> methods;
  /// Rows that calibration saw, and those it passed over (NaN in the row).
  int64_t calibrationRows = 0;
  int64_t calibrationRowsSkipped = 0;
  std::vector<ManifestRange> ranges;
  /// Read where it is there and whole; not written.
  std::optional<ManifestFrontend> frontend;
};

/// Writes JSON with sorted keys, two spaces of indent, and a final newline.
void writeManifest(const Manifest &manifest, llvm::raw_ostream &os);

/// Reads and checks a manifest. `where` names the file in messages.
llvm::Expected<Manifest> readManifest(llvm::StringRef text,
                                      llvm::StringRef where);

/// SHA-256 of the bytes, in hexadecimal.
std::string sha256(llvm::StringRef bytes);

/// Of a file's contents; of several files, of their digests one after the
/// other.
llvm::Expected<std::string> digestOfFiles(llvm::ArrayRef<std::string> paths);

} // namespace mlir::qnet

#endif // QUANTC_EMIT_MANIFEST_H
