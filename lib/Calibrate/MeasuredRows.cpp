//===- MeasuredRows.cpp - What rows say of a network ----------------------===//
#include "quantc/Calibrate/MeasuredRows.h"

#include "ByteStream.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SHA256.h"

#include <algorithm>

using namespace mlir::qnet;

static constexpr llvm::StringLiteral kMagic("\x89qcal\r\n\x1a");
static constexpr uint32_t kVersion = 1;
static constexpr size_t kDigestBytes = 32;
/// Rows of all files together, and of them values of one tensor: no count
/// wraps.
static constexpr uint64_t kMostRows = uint64_t(1) << 40;
static constexpr uint64_t kMostCounted = uint64_t(1) << 62;
/// Values a row of all inputs, and of one observed value.
static constexpr int64_t kMostValues = int64_t(1) << 31;

static std::string digestOf(llvm::StringRef bytes) {
  const auto digest = llvm::SHA256::hash(llvm::arrayRefFromStringRef(bytes));
  return {reinterpret_cast<const char *>(digest.data()), digest.size()};
}

//===----------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------===//

llvm::Error MeasuredRows::merge(const MeasuredRows &other) {
  auto refuse = [](const llvm::Twine &why) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), why);
  };
  const bool isSameNetwork =
      network == other.network && inputWidths == other.inputWidths &&
      trialRows.stored() == other.trialRows.stored() &&
      llvm::equal(tensors, other.tensors,
                  [](const Statistics &a, const Statistics &b) {
                    return a.channels() == b.channels() &&
                           a.hasHistogram() == b.hasHistogram();
                  });
  if (!isSameNetwork)
    return refuse("the statistics are of different networks, or of one "
                  "network prepared with different options; measure all parts "
                  "of the rows with the same network");
  bool canCount =
      other.rows + other.skippedRows <= kMostRows - rows - skippedRows;
  for (auto [mine, theirs] : llvm::zip_equal(tensors, other.tensors))
    canCount &= theirs.count() <= kMostCounted - mine.count();
  if (!canCount)
    return refuse("the statistics are of more rows than can be counted");
  rows += other.rows;
  skippedRows += other.skippedRows;
  for (auto [mine, theirs] : llvm::zip_equal(tensors, other.tensors))
    mine.merge(theirs);
  sample.merge(other.sample);
  trialRows.merge(other.trialRows);
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

std::string MeasuredRows::toBytes() const {
  ByteWriter to;
  to.text(kMagic);
  to.number(kVersion);
  to.text(network);
  to.number(rows);
  to.number(skippedRows);
  to.number(static_cast<uint32_t>(inputWidths.size()));
  to.numbers(llvm::ArrayRef(inputWidths));
  to.number(static_cast<uint32_t>(tensors.size()));
  to.number(static_cast<uint32_t>(trialRows.stored()));
  for (const Statistics &tensor : tensors)
    tensor.write(to);
  sample.write(to);
  trialRows.write(to);
  to.text(digestOf(to.bytes));
  return std::move(to.bytes);
}

/// What stands before the statistics of the tensors.
static bool readHead(ByteReader &from, MeasuredRows &to, uint32_t &tensors,
                     uint32_t &stored) {
  llvm::StringRef network;
  uint32_t inputs = 0;
  if (!from.text(kDigestBytes, network) || !from.number(to.rows) ||
      !from.number(to.skippedRows) || !from.number(inputs) ||
      !from.numbers(inputs, to.inputWidths) || !from.number(tensors) ||
      !from.number(stored))
    return false;
  to.network = network.str();
  int64_t left = kMostValues;
  for (int64_t width : to.inputWidths) {
    if (!from.require(width >= 0 && width <= left,
                      "an input has an impossible number of values"))
      return false;
    left -= width;
  }
  return from.require(to.rows <= kMostRows &&
                          to.skippedRows <= kMostRows - to.rows,
                      "the number of rows is impossible") &&
         from.require(stored <= tensors,
                      "more values are stored than there are");
}

static bool readBody(ByteReader &from, MeasuredRows &to) {
  uint32_t tensors = 0, stored = 0;
  constexpr uint64_t leastBytesOfTensor = 32;
  if (!readHead(from, to, tensors, stored) ||
      !from.holds(tensors, leastBytesOfTensor))
    return false;
  for (uint32_t i = 0; i < tensors; ++i) {
    Statistics &tensor = to.tensors.emplace_back(1);
    const bool isRead =
        tensor.read(from) &&
        from.require(to.rows == 0
                         ? tensor.count() == 0
                         : tensor.count() % to.rows == 0 &&
                               tensor.count() / to.rows <= kMostValues &&
                               tensor.count() <= kMostCounted,
                     "a value was not counted in every row");
    if (!isRead)
      return false;
  }
  to.sample = RowSample(to.inputWidths);
  to.trialRows = TrialRows(to.inputWidths, stored);
  return to.sample.read(from, to.rows) && to.trialRows.read(from, to.rows);
}

llvm::Expected<MeasuredRows> MeasuredRows::fromBytes(llvm::StringRef bytes,
                                                     llvm::StringRef source) {
  auto refuse = [&](const llvm::Twine &why) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "'" + source + "' " + why);
  };
  constexpr llvm::StringLiteral remedy("; measure its rows again with quantc "
                                       "calibrate");
  ByteReader from(bytes);
  llvm::StringRef magic;
  uint32_t version = 0;
  if (!from.text(kMagic.size(), magic) || magic != kMagic)
    return refuse("is no file of statistics, as quantc calibrate writes them");
  if (from.number(version) && version != kVersion)
    return refuse("is of version " + llvm::Twine(version) +
                  " of files of statistics, and this quantc reads version " +
                  llvm::Twine(kVersion) + remedy);
  if (bytes.size() < kMagic.size() + sizeof(version) + kDigestBytes ||
      digestOf(bytes.drop_back(kDigestBytes)) != bytes.take_back(kDigestBytes))
    return refuse("is damaged: its checksum is not that of its content" +
                  remedy);
  ByteReader body(bytes.drop_front(kMagic.size() + sizeof(version))
                      .drop_back(kDigestBytes));
  MeasuredRows result;
  if (readBody(body, result) &&
      body.require(body.atEnd(), "something follows its end"))
    return result;
  return refuse("is damaged: " + body.fault() + remedy);
}

llvm::Expected<MeasuredRows> MeasuredRows::readFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError(buffer.getError(),
                                   "cannot read '" + path +
                                       "': " + buffer.getError().message());
  return fromBytes((*buffer)->getBuffer(), path);
}
