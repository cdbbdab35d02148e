// If these fail, a compilation that ends early leaves half-written files.
#include "quantc/Emit/AtomicFolder.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "gtest/gtest.h"
#include <set>

using namespace llvm;
using mlir::qnet::AtomicFolder;

namespace {

class AtomicFolderTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(sys::fs::createUniqueDirectory("quantc-folder", root));
  }
  void TearDown() override { EXPECT_FALSE(sys::fs::remove_directories(root)); }

  std::string at(StringRef name) const {
    SmallString<128> path(root);
    sys::path::append(path, name);
    return path.str().str();
  }
  std::string contents(StringRef name) const {
    auto buffer = MemoryBuffer::getFile(at(name));
    return buffer ? (*buffer)->getBuffer().str() : "(no file)";
  }
  std::set<std::string> files(StringRef name) const {
    std::set<std::string> result;
    std::error_code error;
    for (sys::fs::directory_iterator file(at(name), error), end;
         !error && file != end; file.increment(error))
      result.insert(sys::path::filename(file->path()).str());
    return result;
  }

  SmallString<128> root;
};

TEST_F(AtomicFolderTest, FilesAppearTogetherWithCommit) {
  auto folder = cantFail(AtomicFolder::open(at("a/b")));
  EXPECT_FALSE(sys::fs::exists(at("a"))) << "made before there is a file";
  ASSERT_FALSE(errorToBool(folder->write("x", "one")));
  ASSERT_FALSE(errorToBool(folder->write("y", "two")));
  EXPECT_EQ(contents("a/b/x"), "(no file)");
  ASSERT_FALSE(errorToBool(folder->commit()));
  EXPECT_EQ(contents("a/b/x"), "one");
  EXPECT_EQ(contents("a/b/y"), "two");
  EXPECT_EQ(files("a/b"), (std::set<std::string>{"x", "y"}));
}

TEST_F(AtomicFolderTest, WithoutCommitNothingChanges) {
  {
    auto first = cantFail(AtomicFolder::open(at("out")));
    ASSERT_FALSE(errorToBool(first->write("x", "old")));
    ASSERT_FALSE(errorToBool(first->commit()));
  }
  {
    auto second = cantFail(AtomicFolder::open(at("out")));
    ASSERT_FALSE(errorToBool(second->write("x", "new")));
    cantFail(second->reserve("z"));
    cantFail(second->writeScratch("scratch"));
  }
  EXPECT_EQ(contents("out/x"), "old");
  EXPECT_EQ(files("out"), (std::set<std::string>{"x"}));
}

TEST_F(AtomicFolderTest, FoldersMadeForNothingAreRemoved) {
  {
    auto folder = cantFail(AtomicFolder::open(at("a/b/c")));
    ASSERT_FALSE(errorToBool(folder->write("x", "one")));
  }
  EXPECT_FALSE(sys::fs::exists(at("a")));
  EXPECT_TRUE(sys::fs::exists(root));
}

TEST_F(AtomicFolderTest, ScratchFilesGoWithCommit) {
  auto folder = cantFail(AtomicFolder::open(at("out")));
  std::string scratch = cantFail(folder->writeScratch("object"));
  EXPECT_TRUE(sys::fs::exists(scratch));
  ASSERT_FALSE(errorToBool(folder->write("x", "one")));
  ASSERT_FALSE(errorToBool(folder->commit()));
  EXPECT_EQ(files("out"), (std::set<std::string>{"x"}));
}

TEST_F(AtomicFolderTest, AReservedFileIsWhatTheOtherProcessMadeOfIt) {
  auto folder = cantFail(AtomicFolder::open(at("out")));
  std::string path = cantFail(folder->reserve("lib.so"));
  std::error_code error;
  // A linker replaces the file instead of writing into it.
  ASSERT_FALSE(sys::fs::remove(path));
  {
    raw_fd_ostream os(path, error);
    os << "linked";
  }
  ASSERT_FALSE(error);
  ASSERT_FALSE(errorToBool(folder->commit()));
  EXPECT_EQ(contents("out/lib.so"), "linked");
}

TEST_F(AtomicFolderTest, AFolderThatCannotBeIsOneErrorBeforeTheWork) {
  {
    std::error_code error;
    raw_fd_ostream os(at("file"), error);
  }
  for (const std::string &path :
       {at("file"), at("file/below"), std::string()}) {
    auto folder = AtomicFolder::open(path);
    ASSERT_FALSE(bool(folder)) << path;
    std::string message = toString(folder.takeError());
    EXPECT_NE(message.find("cannot write to the output folder"),
              std::string::npos)
        << message;
    EXPECT_NE(message.find("-o"), std::string::npos) << message;
  }
}

} // namespace
