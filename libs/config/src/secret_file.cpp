#include "secret_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace sluice::config {
namespace {

constexpr std::size_t kMaxBytes = 64 << 10;
constexpr unsigned kOthers = 077;

struct OpenFile {
  int fd = -1;
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
};

tl::unexpected<Complaint> unreadable(const std::string& path, const std::string& reason) {
  return tl::unexpected(Complaint{"config.secret_file", fmt::format("{} cannot be read: {}", path, reason)});
}

}  // namespace

tl::expected<Secret, Complaint> read_secret_file(const std::string& path) {
  // Without O_NONBLOCK a pipe in the place of the file would hold up the start for ever.
  const OpenFile file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) return unreadable(path, std::system_category().message(errno));
  if (!S_ISREG(status.st_mode)) return unreadable(path, "it is no regular file");
  if ((status.st_mode & kOthers) != 0) {
    return tl::unexpected(Complaint{"config.secret_file_mode",
                                    fmt::format("{} has mode {:04o}, so others may read or change it: chmod 600 {}",
                                                path, status.st_mode & 07777U, path)});
  }
  std::string text(kMaxBytes + 1, '\0');
  const ssize_t size = ::read(file.fd, text.data(), text.size());
  if (size < 0) return unreadable(path, std::system_category().message(errno));
  if (static_cast<std::size_t>(size) > kMaxBytes) return unreadable(path, "it is too long for a secret");
  text.resize(static_cast<std::size_t>(size));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return unreadable(path, "it is empty");
  return Secret(std::move(text));
}

}  // namespace sluice::config
