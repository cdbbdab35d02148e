// If these fail, programs can't read what a compilation wrote, or a broken
// manifest crashes them.
#include "quantc/Emit/Manifest.h"

#include "gtest/gtest.h"
#include <cmath>
#include <limits>

using namespace llvm;
using namespace mlir::qnet;

namespace {

Manifest sample() {
  Manifest manifest;
  manifest.version = "0.1.0";
  manifest.name = "net";
  manifest.target = "x86_64-unknown-linux-gnu";
  manifest.cpu = "haswell";
  manifest.variants = {"haswell"};
  manifest.threads = 2;
  manifest.inputs = {{"x", {-1, 4}, 4, ManifestParams{0.1f, 3, 0, 255}}};
  manifest.outputs = {{"y", {-1, 2}, 2, std::nullopt}};
  manifest.outputs[0].classes = {"no", "y\xc3\xa4s"};
  manifest.outputs[0].columns = {"left", "right"};
  manifest.inputs[0].categories = {{"red", "green"}, {}};
  ManifestLayer layer;
  layer.name = "fc1";
  layer.op = "qdense";
  layer.kernel = "gemm_u8s8s32_4x16x4_avx2";
  layer.inputs = 4;
  layer.outputs = 2;
  layer.weightsBits = 8;
  layer.weightsBytes = 8;
  layer.zeroShare = 0.75;
  layer.listedShare = 0.5;
  layer.inputParams = ManifestParams{0.1f, 3, 0, 255};
  layer.storageSqnr = 48.25;
  layer.weightsSqnr = HUGE_VAL;
  layer.inputNote = "15 bits: in 8 its input alone would leave 31.2 dB";
  manifest.layers = {layer};
  manifest.ledger = {
      {"soft", "softmax", "the result is wanted as probabilities"}};
  manifest.sizes = {{"object", 1234}};
  manifest.digests = {{"model", sha256("")}};
  manifest.methods = {{"calibration", "minmax"}};
  manifest.calibrationRows = 500;
  manifest.ranges = {
      {"x", "fixed", -1, 1, "fixed by the user", {}},
      {"fc1", "mse", 0, 2.5, "", {{"minmax", 40.5}, {"mse", HUGE_VAL}}}};
  return manifest;
}

std::string textOf(const Manifest &manifest) {
  std::string text;
  raw_string_ostream os(text);
  writeManifest(manifest, os);
  return text;
}

std::string errorOf(StringRef text) {
  auto manifest = readManifest(text, "N.json");
  return manifest ? std::string() : toString(manifest.takeError());
}

TEST(ManifestTest, ReadsBackWhatItWrote) {
  std::string text = textOf(sample());
  Expected<Manifest> read = readManifest(text, "N.json");
  ASSERT_TRUE(bool(read)) << toString(read.takeError());
  EXPECT_EQ(textOf(*read), text);
  EXPECT_EQ(read->inputs[0].params->scale, 0.1f);
  EXPECT_EQ(read->inputs[0].shape, (std::vector<int64_t>{-1, 4}));
  EXPECT_EQ(read->layers[0].kernel, "gemm_u8s8s32_4x16x4_avx2");
  EXPECT_EQ(read->layers[0].zeroShare, 0.75);
  EXPECT_EQ(read->layers[0].listedShare, 0.5);
  EXPECT_EQ(read->layers[0].storageSqnr, 48.25);
  EXPECT_EQ(read->layers[0].weightsSqnr, HUGE_VAL);
  EXPECT_EQ(read->ledger[0].node, "soft");
  EXPECT_EQ(read->threads, 2);
  EXPECT_EQ(read->outputs[0].classes, sample().outputs[0].classes);
  EXPECT_EQ(read->outputs[0].columns, sample().outputs[0].columns);
  EXPECT_EQ(read->inputs[0].categories, sample().inputs[0].categories);
}

TEST(ManifestTest, FloatsKeepTheirBits) {
  // The shortest text of a float may round to a neighbour on its way through
  // double: every one must come back.
  uint32_t state = 7;
  for (int i = 0; i != 2000; ++i) {
    state = state * 1664525u + 1013904223u;
    float scale = std::ldexp(1.0f + (state >> 9) * 0x1p-23f,
                             static_cast<int>(state % 200) - 100);
    Manifest manifest = sample();
    manifest.inputs[0].params->scale = scale;
    Expected<Manifest> read = readManifest(textOf(manifest), "N.json");
    ASSERT_TRUE(bool(read)) << toString(read.takeError());
    EXPECT_EQ(read->inputs[0].params->scale, scale);
  }
}

TEST(ManifestTest, KeysAreSorted) {
  std::string text = textOf(sample());
  size_t last = 0;
  for (StringRef key :
       {"\"calibration\"", "\"cpu\"", "\"digests\"", "\"inputs\"", "\"layers\"",
        "\"ledger\"", "\"methods\"", "\"name\": \"net\"", "\"outputs\"",
        "\"sizes\"", "\"target\"", "\"threads\"", "\"variants\"",
        "\"version\""}) {
    size_t found = StringRef(text).find(("\n  " + key).str());
    ASSERT_NE(found, StringRef::npos) << key.str();
    EXPECT_GE(found, last) << key.str();
    last = found;
  }
}

TEST(ManifestTest, NamesThatAreNoTextAreStillJson) {
  Manifest manifest = sample();
  manifest.inputs[0].name = "\xff\xfe\x01\"";
  EXPECT_EQ(errorOf(textOf(manifest)), "");
}

TEST(ManifestTest, BrokenManifestsAreOneError) {
  std::string good = textOf(sample());
  // Cut anywhere.
  for (size_t length = 0; length + 2 < good.size(); length += 7)
    EXPECT_NE(errorOf(StringRef(good).take_front(length)), "") << length;
  // Deeper than any stack.
  EXPECT_NE(errorOf(std::string(1000000, '[')), "");
  EXPECT_NE(errorOf("{}"), "");
  EXPECT_NE(errorOf("[1, 2]"), "");
  // One wrong value each.
  for (auto [from, to] :
       {std::pair("\"values\": 4", "\"values\": -4"),
        std::pair("\"values\": 4", "\"values\": 18446744073709551615"),
        std::pair("\"values\": 4", "\"values\": \"4\""),
        std::pair("\"storage_sqnr_db\": 48.25", "\"storage_sqnr_db\": \"48\""),
        std::pair("\"scale\": 0.1", "\"scale\": 0"),
        std::pair("\"scale\": 0.1", "\"scale\": 1e300"),
        std::pair("\"zero_point\": 3", "\"zero_point\": 300"),
        std::pair("\"name\": \"net\"", "\"name\": 7"),
        std::pair("\"object\": 1234", "\"object\": -1"),
        std::pair("\"threads\": 2", "\"threads\": 0"), std::pair("\"no\"", "7"),
        std::pair("\"left\"", "[\"left\"]"), std::pair("\"red\"", "null"),
        std::pair("\"model\": \"", "\"model\": 1, \"x\": \"")}) {
    std::string bad = good;
    size_t at = bad.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    bad.replace(at, StringRef(from).size(), to);
    std::string message = errorOf(bad);
    EXPECT_TRUE(StringRef(message).contains("N.json")) << to << ": " << message;
    EXPECT_TRUE(StringRef(message).contains("compile the model again"))
        << message;
  }
}

TEST(ManifestTest, DigestIsSha256) {
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb41"
                           "0ff61f20015ad");
}

} // namespace
