#include "sluice/offsets/lmdb_offset_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "contract/offset_store_contract.h"
#include "sluice/testing/memory_offset_store.h"
#include "sluice/testing/temporary_directory.h"

namespace sluice::testing {
namespace {

using offsets::LmdbOffsetStore;
using pipeline::Checkpoint;

class LmdbPlace final : public OffsetPlace {
 public:
  std::unique_ptr<pipeline::OffsetStore> open() override {
    auto opened = LmdbOffsetStore::open(directory_.path(), "orders");
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }

 private:
  TemporaryDirectory directory_;
};

class MemoryPlace final : public OffsetPlace {
 public:
  std::unique_ptr<pipeline::OffsetStore> open() override { return std::make_unique<MemoryOffsetStore>(disk_); }

 private:
  MemoryDisk disk_;
};

INSTANTIATE_TEST_SUITE_P(Lmdb, OffsetStoreContract, ::testing::Values([] { return std::make_unique<LmdbPlace>(); }));
INSTANTIATE_TEST_SUITE_P(Memory, OffsetStoreContract,
                         ::testing::Values([] { return std::make_unique<MemoryPlace>(); }));

Checkpoint at_position(std::uint64_t position) {
  Checkpoint checkpoint = full_checkpoint();
  checkpoint.position = {position};
  return checkpoint;
}

/// A state directory with two saves in it, whose data file a test then damages.
class DamagedOffsets : public ::testing::Test {
 protected:
  DamagedOffsets() {
    auto store = LmdbOffsetStore::open(directory_.path(), "orders");
    (void)(*store)->save(at_position(1));
    (void)(*store)->save(at_position(2));
    store->reset();
    std::ifstream file(data_file(), std::ios::binary);
    good_ = std::string(std::istreambuf_iterator<char>(file), {});
  }

  std::string data_file() const { return directory_ / "offsets/data.mdb"; }
  void write(const std::string& bytes) {
    std::ofstream(data_file(), std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  void put(std::size_t offset, char byte) {
    std::fstream file(data_file(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(offset)).put(byte);
  }
  base::Result<std::optional<Checkpoint>> open_and_load() {
    auto store = LmdbOffsetStore::open(directory_.path(), "orders");
    if (!store) return tl::unexpected<base::Error>(store.error());
    return (*store)->load();
  }

  TemporaryDirectory directory_;
  std::string good_;
};

TEST_F(DamagedOffsets, AreFoundWhereverTheFileWasCut) {
  // Pages that were reserved and never used may go; what is in use may not.
  bool still_whole = true;
  for (std::size_t size = good_.size(); still_whole && size > 0; size -= 4096) {
    write(good_.substr(0, size - 4096));
    const auto loaded = open_and_load();
    still_whole = loaded.has_value();
    if (!still_whole) break;
    ASSERT_EQ(*loaded, at_position(2)) << size;
  }
  EXPECT_FALSE(still_whole);
  for (const std::size_t size : {0UL, 1UL, 100UL, 152UL, 4095UL, 4096UL, 4247UL, 8191UL, 8192UL, 12'288UL}) {
    write(good_.substr(0, size));
    const auto loaded = open_and_load();
    ASSERT_FALSE(loaded) << "cut to " << size;
    EXPECT_EQ(loaded.error().id, "offsets.corrupt") << "cut to " << size;
    EXPECT_EQ(loaded.error().recovery, base::Recovery::Stop);
    EXPECT_NE(loaded.error().message.find("slot adopt"), std::string::npos) << "it must say what to do";
  }
}

TEST_F(DamagedOffsets, AFlippedBitIsFoundOrHarmlessAndNeverAnOlderPosition) {
  const auto used = good_.find_last_not_of('\0') + 1;
  std::size_t found = 0;
  for (std::size_t byte = 0; byte < used; byte += byte < 2 * 4096 + 64 && byte % 4096 < 160 ? 1U : 7U) {
    put(byte, static_cast<char>(good_[byte] ^ (1 << (byte % 8))));
    const auto loaded = open_and_load();
    if (!loaded) {
      ++found;
      ASSERT_EQ(loaded.error().id, "offsets.corrupt") << "byte " << byte << ": " << loaded.error().message;
    } else {
      ASSERT_EQ(*loaded, at_position(2)) << "byte " << byte;
    }
    put(byte, good_[byte]);
  }
  EXPECT_GT(found, 100U);
}

TEST_F(DamagedOffsets, NoiseIsNoDataFile) {
  std::string noise(good_.size(), '\0');
  for (std::size_t byte = 0; byte < noise.size(); ++byte) noise[byte] = static_cast<char>(byte * 131 >> 3);
  write(noise);
  const auto loaded = open_and_load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().id, "offsets.corrupt");
}

TEST_F(DamagedOffsets, ADeletedDataFileIsAsIfNothingHadBeenSaved) {
  std::filesystem::remove(data_file());
  const auto loaded = open_and_load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_FALSE(loaded->has_value());
}

TEST(LmdbOffsetStore, TwoOnOneDirectoryAreRefused) {
  const TemporaryDirectory directory;
  auto first = LmdbOffsetStore::open(directory.path(), "orders");
  ASSERT_TRUE(first);
  const auto second = LmdbOffsetStore::open(directory.path(), "orders");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().id, "offsets.in_use");
  EXPECT_EQ(second.error().recovery, base::Recovery::Stop);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
  first->reset();
  EXPECT_TRUE(LmdbOffsetStore::open(directory.path(), "orders")) << "the directory is free again";
}

TEST(LmdbOffsetStore, PipelinesDoNotSeeEachOther) {
  const TemporaryDirectory directory;
  ASSERT_TRUE((*LmdbOffsetStore::open(directory.path(), "orders"))->save(at_position(5)));
  EXPECT_EQ(*(*LmdbOffsetStore::open(directory.path(), "stock"))->load(), std::nullopt);
  ASSERT_TRUE((*LmdbOffsetStore::open(directory.path(), "stock"))->save(at_position(9)));
  EXPECT_EQ(*(*LmdbOffsetStore::open(directory.path(), "orders"))->load(), at_position(5));
}

TEST(LmdbOffsetStore, NobodyElseMayReadTheState) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(LmdbOffsetStore::open(directory / "state", "orders"));
  struct stat status {};
  for (const char* path : {"state", "state/offsets", "state/offsets/data.mdb", "state/offsets/owner"}) {
    ASSERT_EQ(::stat((directory / path).c_str(), &status), 0) << path;
    EXPECT_EQ(status.st_mode & 077, 0U) << path;
  }
}

TEST(LmdbOffsetStore, NamesThatAreNoUtf8ComeBackAsTheyWere) {
  const TemporaryDirectory directory;
  auto store = LmdbOffsetStore::open(directory.path(), "orders");
  Checkpoint checkpoint = full_checkpoint();
  checkpoint.tables = {{"public.caf\xe9",
                        {{16'391, {{"th\xe9", 25, -1}}, {{"th\xe9"}}},
                         pipeline::TableHalt{"another type of column th\xe9", change::Lsn(5)}}}};
  checkpoint.publication.members = {{"public.caf\xe9", 1, 2}};
  ASSERT_TRUE((*store)->save(checkpoint));
  EXPECT_EQ(*(*store)->load(), checkpoint);
}

TEST(LmdbOffsetStore, TheStateOfAnOlderVersionIsReadAndKnowsOfNoTable) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "offsets");
  std::filesystem::copy(SLUICE_SOURCE_DIR "/tests/data/offsets/format_1.mdb", directory / "offsets/data.mdb");
  const auto store = LmdbOffsetStore::open(directory.path(), "orders");
  ASSERT_TRUE(store) << store.error().message;
  const auto loaded = (*store)->load();
  ASSERT_TRUE(loaded && loaded->has_value()) << loaded.error().message;
  EXPECT_EQ((*loaded)->position, change::Position{0x1693E30});
  EXPECT_EQ((*loaded)->publication.members,
            (std::vector<pipeline::PublicationIncarnation::Member>{{"public.orders", 16'401, 772}}));
  EXPECT_TRUE((*loaded)->settled);
  EXPECT_TRUE((*loaded)->tables.empty());
  ASSERT_TRUE((*store)->save(full_checkpoint()));
  EXPECT_EQ(*(*store)->load(), full_checkpoint());
}

TEST(LmdbOffsetStore, TheTablesOfAnOlderVersionComeBackWithTheirHaltsAndWithoutKeys) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "offsets");
  std::filesystem::copy(SLUICE_SOURCE_DIR "/tests/data/offsets/format_3.mdb", directory / "offsets/data.mdb");
  const auto store = LmdbOffsetStore::open(directory.path(), "orders");
  ASSERT_TRUE(store) << store.error().message;
  const auto loaded = (*store)->load();
  ASSERT_TRUE(loaded && loaded->has_value()) << loaded.error().message;
  pipeline::TableStates wanted;
  wanted["public.orders"] = {{16'390, {{"id", 20, -1}, {"strange \n name", 1043, 24}}}, std::nullopt};
  wanted["public.broken"] = {{16'391, {}}, pipeline::TableHalt{"another type of column a", change::Lsn(0x1693E28)}};
  EXPECT_EQ((*loaded)->tables, wanted);
}

TEST(LmdbOffsetStore, AKilledProcessLeavesTheLastSaveOrTheOneBefore) {
  const TemporaryDirectory directory;
  std::uint64_t before = 0;
  for (int round = 0; round < 12; ++round) {
    int reported[2];
    ASSERT_EQ(::pipe(reported), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto store = LmdbOffsetStore::open(directory.path(), "orders");
      for (std::uint64_t position = before + 1; store; ++position) {
        if (!(*store)->save(at_position(position))) break;
        if (::write(reported[1], &position, sizeof(position)) < 0) break;
      }
      ::_exit(1);
    }
    ::close(reported[1]);
    std::uint64_t acknowledged = 0;
    const std::uint64_t enough = before + 3 + static_cast<std::uint64_t>(round);
    while (acknowledged<enough&& ::read(reported[0], &acknowledged, sizeof(acknowledged))> 0) continue;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(reported[0], &acknowledged, sizeof(acknowledged)) > 0) continue;
    ::close(reported[0]);

    const auto store = LmdbOffsetStore::open(directory.path(), "orders");
    ASSERT_TRUE(store) << store.error().message;
    const auto loaded = (*store)->load();
    ASSERT_TRUE(loaded && loaded->has_value());
    before = (*loaded)->position.value;
    EXPECT_GE(before, acknowledged) << "an acknowledged save is lost";
    EXPECT_LE(before, acknowledged + 1);
  }
}

/// A file system of one MiB.
class SmallDisk {
 public:
  SmallDisk() : mounted_(::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=1m") == 0) {}
  ~SmallDisk() {
    if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  const std::string& path() const { return directory_.path(); }
  void fill() {
    std::ofstream file(path() + "/ballast", std::ios::binary);
    const std::string block(4096, 'x');
    while (file.write(block.data(), 4096).flush()) continue;
  }
  void free() { std::filesystem::remove(path() + "/ballast"); }

 private:
  TemporaryDirectory directory_;
  bool mounted_;
};

TEST(LmdbOffsetStore, OnAFullDiskNothingIsLostAndSavingGoesOnWhenThereIsSpace) {
  SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "mounting a tmpfs needs root";
  auto store = LmdbOffsetStore::open(disk.path(), "orders");
  ASSERT_TRUE(store) << store.error().message;
  ASSERT_TRUE((*store)->save(at_position(1)));
  disk.fill();
  // What was reserved before is enough for a while; a checkpoint that needs more is refused.
  Checkpoint large = at_position(2);
  large.fingerprint.assign(300'000, 'f');
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto saved = (*store)->save(large);
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error().id, "offsets.disk_full") << saved.error().message;
    EXPECT_EQ(saved.error().recovery, base::Recovery::Retry);
    EXPECT_EQ(*(*store)->load(), at_position(1));
  }
  disk.free();
  ASSERT_TRUE((*store)->save(large));
  store->reset();
  EXPECT_EQ(*(*LmdbOffsetStore::open(disk.path(), "orders"))->load(), large);
}

TEST(LmdbOffsetStore, AFullDiskAtTheFirstStartIsNamed) {
  SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "mounting a tmpfs needs root";
  disk.fill();
  auto store = LmdbOffsetStore::open(disk.path(), "orders");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().id, "offsets.disk_full") << store.error().message;
  disk.free();
  EXPECT_TRUE(LmdbOffsetStore::open(disk.path(), "orders"));
}

TEST(LmdbOffsetStore, ADirectoryThatCannotBeMadeIsAnErrorThatNamesIt) {
  const auto store = LmdbOffsetStore::open("/proc/nowhere/state", "orders");
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find("/proc/nowhere"), std::string::npos) << store.error().message;
}

}  // namespace
}  // namespace sluice::testing
