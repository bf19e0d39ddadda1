#include "sluice/postgres/spill_directory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/core.h>

namespace sluice::postgres {
namespace {

[[gnu::cold]] tl::unexpected<base::Error> failed(std::string_view what, const std::string& path, int code) {
  return base::fail(
      base::Recovery::Retry, "pg.spool_failed",
      fmt::format("cannot {} a file for transactions in progress in {}: {}. They are asked for again. Free "
                  "space there, or set postgres.streaming: off, with which PostgreSQL keeps them on its "
                  "own disk",
                  what, path, std::generic_category().message(code)));
}

class NamelessFile final : public pgoutput::SpillFile {
 public:
  NamelessFile(int descriptor, std::string directory) : descriptor_(descriptor), directory_(std::move(directory)) {}
  ~NamelessFile() override { ::close(descriptor_); }

  base::Result<void> append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return failed("write", directory_, written < 0 ? errno : ENOSPC);
      size_ += static_cast<std::uint64_t>(written);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  base::Result<void> read(std::uint64_t offset, std::span<char> out) override {
    while (!out.empty()) {
      const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return failed("read", directory_, got < 0 ? errno : EIO);
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

  base::Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return failed("shorten", directory_, errno);
    size_ = size;
    return {};
  }

 private:
  int descriptor_;
  std::string directory_;
  std::uint64_t size_ = 0;
};

/// Not every file system makes files without a name; there one loses it at once.
int open_nameless(const std::string& directory) {
  const int descriptor = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0 || errno != EOPNOTSUPP) return descriptor;
  std::string path = directory + "/spool-XXXXXX";
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0 && ::unlink(path.c_str()) != 0) {
    const int code = errno;
    ::close(named);
    errno = code;
    return -1;
  }
  return named;
}

}  // namespace

base::Result<std::unique_ptr<pgoutput::SpillFile>> SpillDirectory::make_file() {
  const int descriptor = open_nameless(path_);
  if (descriptor < 0) return failed("make", path_, errno);
  return std::make_unique<NamelessFile>(descriptor, path_);
}

}  // namespace sluice::postgres
