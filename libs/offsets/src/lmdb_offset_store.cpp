#include "sluice/offsets/lmdb_offset_store.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <lmdb.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "checkpoint_record.h"
#include "lmdb_file.h"
#include "sluice/base/check.h"
#include "sluice/base/handle.h"

namespace sluice::offsets {
namespace {

using base::Error;
using base::fail;
using base::Handle;
using base::Recovery;
using base::Result;

/// Address space, not memory and not disk: a checkpoint of 100,000 tables has about 10 MB, and LMDB keeps three.
constexpr std::size_t kMapBytes = 256U << 20;
/// Pages that one save can take beyond those of the value: copies of the pages on the way to it, and the free list.
constexpr std::uint64_t kSparePages = 64;
constexpr std::size_t kMaxDataFileBytes = kMapBytes;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;
/// The owner lock stands in for LMDB's own lock file, whose mutexes a killed process can leave behind.
constexpr unsigned kEnvironmentFlags = MDB_NOLOCK;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::string text_of(int code) {
  return code < 0 ? std::string(mdb_strerror(code)) : std::system_category().message(code);
}

/// What an errno or a code of LMDB, met while doing `what`, means to the caller.
tl::unexpected<Error> failed(const std::string& what, int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return fail(Recovery::Retry, "offsets.disk_full",
                  fmt::format("{}: {}. Nothing is confirmed meanwhile and nothing is lost: free space there", what,
                              text_of(code)));
    case MDB_CORRUPTED:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_PAGE_NOTFOUND: return fail(Recovery::Stop, "offsets.corrupt", fmt::format("{}: {}", what, text_of(code)));
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
      return fail(Recovery::Stop, "offsets.unreadable",
                  fmt::format("{}: {}. Name a directory that the user of this program can make, read and write", what,
                              text_of(code)));
    default:
      return fail(Recovery::Retry, "offsets.write_failed",
                  fmt::format("{}: {}. Nothing is confirmed meanwhile: look at the disk", what, text_of(code)));
  }
}

/// What is found to be broken stays broken: an operator has to decide how the stream goes on.
tl::unexpected<Error> with_remedy(const std::string& directory, Error error) {
  if (error.id == "offsets.corrupt") {
    error.message = fmt::format(
        "{} is damaged: {}. Move the directory away, then run `replicator slot adopt` (goes on where the slot stands, "
        "without loss) or `replicator slot reset --new-epoch` (new slot, new snapshot)",
        directory, error.message);
  }
  return tl::unexpected<Error>(std::move(error));
}

Result<void> sync_directory(const std::string& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open() || ::fsync(directory.get()) != 0) return failed("cannot sync " + path, errno);
  return {};
}

Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) == 0 || errno == EEXIST) return {};
  return failed("cannot make " + path, errno);
}

Result<void> make_directories(const std::string& state_dir, const std::string& directory) {
  std::error_code code;
  const std::filesystem::path parent = std::filesystem::absolute(state_dir, code).parent_path();
  std::filesystem::create_directories(parent, code);
  if (code) return failed("cannot make " + parent.string(), code.value());
  SLUICE_TRY(make_directory(state_dir));
  return make_directory(directory);
}

Result<std::string> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return failed("cannot open " + path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failed("cannot look at " + path, errno);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > kMaxDataFileBytes) {
    return fail(Recovery::Stop, "offsets.corrupt",
                fmt::format("data.mdb has {} bytes, more than were ever written", size));
  }
  std::string bytes(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::read(file.get(), bytes.data() + filled, size - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("cannot read " + path, errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

using EnvironmentHandle = Handle<MDB_env, &mdb_env_close>;
using Transaction = Handle<MDB_txn, &mdb_txn_abort>;

Result<EnvironmentHandle> open_environment(const std::string& directory) {
  MDB_env* raw = nullptr;
  if (const int code = mdb_env_create(&raw)) return failed("cannot set up LMDB", code);
  EnvironmentHandle environment(raw);
  if (const int code = mdb_env_set_mapsize(raw, kMapBytes)) return failed("cannot set up LMDB", code);
  if (const int code = mdb_env_open(raw, directory.c_str(), kEnvironmentFlags, kFileMode)) {
    return failed("cannot open " + directory, code);
  }
  return environment;
}

/// LMDB makes an environment in place and takes an empty file for a new one. Ours comes into being whole, by a rename,
/// so that an empty data file is known to be a damaged one.
Result<void> create_environment(const std::string& directory, const std::string& data_file) {
  const std::string scratch = directory + "/new";
  std::error_code code;
  std::filesystem::remove_all(scratch, code);
  if (code) return failed("cannot remove " + scratch, code.value());
  SLUICE_TRY(make_directory(scratch));
  {
    SLUICE_ASSIGN(const EnvironmentHandle environment, open_environment(scratch));
    if (const int failure = mdb_env_sync(environment.get(), 1)) return failed("cannot write " + scratch, failure);
  }
  if (::rename((scratch + "/data.mdb").c_str(), data_file.c_str()) != 0)
    return failed("cannot make " + data_file, errno);
  ::rmdir(scratch.c_str());
  return sync_directory(directory);
}

Result<Transaction> begin(MDB_env* environment, unsigned flags) {
  MDB_txn* raw = nullptr;
  if (const int code = mdb_txn_begin(environment, nullptr, flags, &raw))
    return failed("cannot begin a transaction", code);
  return Transaction(raw);
}

Result<MDB_dbi> open_entries(MDB_txn* transaction) {
  MDB_dbi entries = 0;
  if (const int code = mdb_dbi_open(transaction, nullptr, 0, &entries)) return failed("cannot read the entries", code);
  return entries;
}

std::string_view view_of(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }
MDB_val value_of(std::string& bytes) { return {bytes.size(), bytes.data()}; }

}  // namespace

/// Holds the directory for this process; the kernel lets go of it however the process ends.
class LmdbOffsetStore::OwnerLock {
 public:
  static Result<std::unique_ptr<OwnerLock>> take(const std::string& path) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode));
    if (!file.is_open()) return failed("cannot open " + path, errno);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return failed("cannot lock " + path, errno);
      char text[32] = {};
      const ssize_t size = ::pread(file.get(), text, sizeof(text) - 1, 0);
      const std::string_view owner = std::string_view(text).substr(0, std::string_view(text).find(' '));
      return fail(
          Recovery::Stop, "offsets.in_use",
          fmt::format("{} is held by another replicator (process {}). Stop that one, or give this one a state_dir "
                      "of its own",
                      path, size > 0 ? owner : "unknown"));
    }
    // Only for people to read: where it cannot be written the lock holds all the same.
    const std::string owner = fmt::format("{:<20}", ::getpid());
    [[maybe_unused]] const ssize_t written = ::pwrite(file.get(), owner.data(), owner.size(), 0);
    return std::make_unique<OwnerLock>(std::move(file));
  }

  explicit OwnerLock(Descriptor file) : file_(std::move(file)) {}

 private:
  Descriptor file_;
};

class LmdbOffsetStore::Environment {
 public:
  static Result<std::unique_ptr<Environment>> open(const std::string& directory) {
    const std::string data_file = directory + "/data.mdb";
    if (::access(data_file.c_str(), F_OK) != 0) SLUICE_TRY(create_environment(directory, data_file));
    SLUICE_ASSIGN(const std::string bytes, read_file(data_file));
    SLUICE_TRY(check_lmdb_file(bytes));
    SLUICE_ASSIGN(EnvironmentHandle handle, open_environment(directory));
    auto environment = std::make_unique<Environment>(std::move(handle));
    SLUICE_TRY(environment->check_newest());
    return environment;
  }

  explicit Environment(EnvironmentHandle handle) : handle_(std::move(handle)) {}

  Result<std::optional<pipeline::Checkpoint>> load(std::string pipeline) {
    SLUICE_ASSIGN(const Transaction transaction, begin(handle_.get(), MDB_RDONLY));
    SLUICE_ASSIGN(const MDB_dbi entries, open_entries(transaction.get()));
    MDB_val key = value_of(pipeline);
    MDB_val value{};
    const int code = mdb_get(transaction.get(), entries, &key, &value);
    if (code == MDB_NOTFOUND) return std::nullopt;
    if (code != 0) return failed("cannot read the checkpoint", code);
    return decode_checkpoint(view_of(value), pipeline);
  }

  Result<void> save(std::string pipeline, const pipeline::Checkpoint& checkpoint) {
    SLUICE_ASSIGN(Transaction transaction, begin(handle_.get(), 0));
    std::string bytes = encode_checkpoint(checkpoint, pipeline, mdb_txn_id(transaction.get()));
    SLUICE_TRY(reserve(bytes.size()));
    SLUICE_ASSIGN(const MDB_dbi entries, open_entries(transaction.get()));
    MDB_val key = value_of(pipeline);
    MDB_val value = value_of(bytes);
    if (const int code = mdb_put(transaction.get(), entries, &key, &value, 0)) {
      return failed("cannot write the checkpoint", code);
    }
    // Whatever it returns, a commit has freed the transaction.
    if (const int code = mdb_txn_commit(transaction.release())) return failed("cannot write the checkpoint", code);
    return {};
  }

 private:
  /// Makes sure that the file has room, on the disk, for whatever the save may take. So a full disk is met before LMDB
  /// has written anything, and the file is never shorter than its last page, which is how a cut file is told
  /// (lmdb_file.h).
  Result<void> reserve(std::size_t value_bytes) {
    MDB_envinfo extent{};
    MDB_stat pages{};
    int fd = -1;
    if (mdb_env_info(handle_.get(), &extent) != 0 || mdb_env_stat(handle_.get(), &pages) != 0 ||
        mdb_env_get_fd(handle_.get(), &fd) != 0) {
      return failed("cannot ask LMDB for its extent", EINVAL);
    }
    const std::uint64_t needed_pages = extent.me_last_pgno + 1 + value_bytes / pages.ms_psize + 1 + kSparePages;
    const auto needed_bytes = static_cast<off_t>(needed_pages * pages.ms_psize);
    struct stat status {};
    if (::fstat(fd, &status) != 0) return failed("cannot look at the data file", errno);
    if (status.st_size >= needed_bytes) return {};
    if (::fallocate(fd, 0, 0, needed_bytes) == 0) return {};
    if (errno != EOPNOTSUPP) return failed("cannot reserve space for the checkpoint", errno);
    if (::ftruncate(fd, needed_bytes) == 0) return {};
    return failed("cannot reserve space for the checkpoint", errno);
  }

  /// Every transaction writes an entry that carries its number, so the last one must be found in one of them: else an
  /// old page lies where the newest should.
  Result<void> check_newest() {
    SLUICE_ASSIGN(const Transaction transaction, begin(handle_.get(), MDB_RDONLY));
    SLUICE_ASSIGN(const MDB_dbi entries, open_entries(transaction.get()));
    MDB_cursor* raw = nullptr;
    if (const int code = mdb_cursor_open(transaction.get(), entries, &raw))
      return failed("cannot read the entries", code);
    const Handle<MDB_cursor, &mdb_cursor_close> cursor(raw);
    std::uint64_t newest = 0;
    MDB_val key{};
    MDB_val value{};
    int code = mdb_cursor_get(raw, &key, &value, MDB_FIRST);
    for (; code == 0; code = mdb_cursor_get(raw, &key, &value, MDB_NEXT)) {
      SLUICE_ASSIGN(const std::uint64_t written_by, transaction_of(view_of(value), view_of(key)));
      newest = std::max(newest, written_by);
    }
    if (code != MDB_NOTFOUND) return failed("cannot read the entries", code);
    MDB_envinfo extent{};
    mdb_env_info(handle_.get(), &extent);
    if (newest == extent.me_last_txnid) return {};
    return fail(Recovery::Stop, "offsets.corrupt",
                fmt::format("the last transaction is {}, the newest entry is of {}", extent.me_last_txnid, newest));
  }

  EnvironmentHandle handle_;
};

LmdbOffsetStore::LmdbOffsetStore(std::string directory, std::string pipeline)
    : directory_(std::move(directory)), pipeline_(std::move(pipeline)) {}

LmdbOffsetStore::~LmdbOffsetStore() = default;

Result<std::unique_ptr<LmdbOffsetStore>> LmdbOffsetStore::open(const std::string& state_dir, std::string pipeline) {
  SLUICE_CHECK(!pipeline.empty() && pipeline.size() <= 511, "a pipeline's name is a key of LMDB");
  const std::string directory = state_dir + "/offsets";
  SLUICE_TRY(make_directories(state_dir, directory));
  std::unique_ptr<LmdbOffsetStore> store(new LmdbOffsetStore(directory, std::move(pipeline)));
  SLUICE_ASSIGN(store->lock_, OwnerLock::take(directory + "/owner"));
  SLUICE_TRY(store->ensure_open());
  return store;
}

Result<std::optional<pipeline::Checkpoint>> LmdbOffsetStore::read(const std::string& state_dir, std::string pipeline) {
  const std::string data_file = state_dir + "/offsets/data.mdb";
  if (::access(data_file.c_str(), F_OK) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return failed("cannot look at " + data_file, errno);
  }
  SLUICE_ASSIGN(const auto store, open(state_dir, std::move(pipeline)));
  return store->load();
}

Result<void> LmdbOffsetStore::ensure_open() {
  if (environment_) return {};
  auto opened = Environment::open(directory_);
  if (!opened) return with_remedy(directory_, std::move(opened.error()));
  environment_ = std::move(*opened);
  return {};
}

Result<std::optional<pipeline::Checkpoint>> LmdbOffsetStore::load() {
  SLUICE_TRY(ensure_open());
  auto loaded = environment_->load(pipeline_);
  if (!loaded) return with_remedy(directory_, std::move(loaded.error()));
  return loaded;
}

Result<void> LmdbOffsetStore::save(const pipeline::Checkpoint& checkpoint) {
  SLUICE_TRY(ensure_open());
  auto saved = environment_->save(pipeline_, checkpoint);
  if (saved) return {};
  // After a failed write LMDB refuses everything until it is opened again.
  environment_.reset();
  return with_remedy(directory_, std::move(saved.error()));
}

}  // namespace sluice::offsets
