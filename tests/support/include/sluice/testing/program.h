// Running real programs from a test: ours and those that check them (psql, kcat, curl).
//
// Thread rule: one thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace sluice::testing {

using std::chrono::seconds;

/// Letters, digits and underscores. The servers keep what earlier tests left, and process ids come again; these do not.
std::string unique_name();

struct Finished {
  int exit_code = -1;  ///< 128 + signal when it was killed
  std::string output;  ///< of a program run to its end: stdout
};

/// Runs a command to its end and returns its stdout; stderr goes to the test's own.
Finished run(const std::vector<std::string>& command, const std::string& input = "");
/// The same; a test failure when it does not exit with 0.
std::string run_ok(const std::vector<std::string>& command, const std::string& input = "");

/// Asks until the condition holds; false when it still does not at the deadline.
bool eventually(const std::function<bool()>& condition, seconds patience = seconds(60));

/// A program in the background, its stdout and stderr in one file.
class Program {
 public:
  Program(std::vector<std::string> command, std::string log_file,
          const std::map<std::string, std::string>& environment = {});
  ~Program();
  Program(Program&& other) noexcept;
  Program& operator=(Program&&) = delete;

  void signal(int number);
  bool is_running();
  /// Its exit code (128 + signal when killed), or nothing when it still runs at the deadline.
  std::optional<int> wait(seconds patience = seconds(60));
  /// SIGTERM, then wait().
  std::optional<int> stop(seconds patience = seconds(60));
  void kill_now();

  std::string log() const;
  std::string last_line() const;
  pid_t pid() const { return pid_; }
  /// Peak resident memory so far, in KiB.
  long peak_memory_kib() const;
  long memory_kib() const;

 private:
  void reap(int options);

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  std::string log_file_;
};

}  // namespace sluice::testing
