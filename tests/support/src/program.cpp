#include "sluice/testing/program.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::testing {
namespace {

int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

std::vector<char*> pointers(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  return arguments;
}

std::string contents(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

long status_kib(pid_t pid, const std::string& field) {
  std::istringstream status(contents("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) return std::strtol(line.c_str() + field.size(), nullptr, 10);
  }
  return 0;
}

}  // namespace

std::string unique_name() {
  static std::atomic<int> count{0};
  static const auto begun = std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
  return "t" + std::to_string(getpid()) + "_" + std::to_string(begun) + "_" + std::to_string(++count);
}

Finished run(const std::vector<std::string>& command, const std::string& input) {
  std::array<int, 2> out{};
  std::array<int, 2> in{};
  if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(in.data(), O_CLOEXEC) != 0) return {};
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    const auto arguments = pointers(command);
    execvp(arguments[0], arguments.data());
    std::fprintf(stderr, "cannot run %s: %s\n", arguments[0], std::strerror(errno));
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  // The commands of tests read their input before they write much.
  if (!input.empty() && write(in[1], input.data(), input.size()) < 0) ADD_FAILURE() << "cannot write to " << command[0];
  close(in[1]);
  Finished finished;
  std::array<char, 65'536> buffer{};
  ssize_t size = 0;
  while ((size = read(out[0], buffer.data(), buffer.size())) > 0) {
    finished.output.append(buffer.data(), static_cast<std::size_t>(size));
  }
  close(out[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  finished.exit_code = exit_code_of(status);
  return finished;
}

std::string run_ok(const std::vector<std::string>& command, const std::string& input) {
  Finished finished = run(command, input);
  EXPECT_EQ(finished.exit_code, 0) << command[0] << " " << (command.size() > 1 ? command.back() : "");
  return std::move(finished.output);
}

// What is asked costs the servers and the programs time; so it is asked the less often, the longer it takes.
bool eventually(const std::function<bool()>& condition, seconds patience) {
  using std::chrono::milliseconds;
  constexpr milliseconds kShortest{10};
  constexpr milliseconds kLongest{200};
  const auto begin = std::chrono::steady_clock::now();
  while (!condition()) {
    const auto waited = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
    if (waited > patience) return false;
    poll(nullptr, 0, static_cast<int>(std::clamp(waited / 20, kShortest, kLongest).count()));
  }
  return true;
}

Program::Program(std::vector<std::string> command, std::string log_file,
                 const std::map<std::string, std::string>& environment)
    : log_file_(std::move(log_file)) {
  pid_ = fork();
  if (pid_ == 0) {
    const int log = open(log_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    const auto arguments = pointers(command);
    execvp(arguments[0], arguments.data());
    std::fprintf(stderr, "cannot run %s: %s\n", arguments[0], std::strerror(errno));
    _exit(127);
  }
}

Program::Program(Program&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), exit_code_(other.exit_code_), log_file_(std::move(other.log_file_)) {}

Program::~Program() { kill_now(); }

void Program::signal(int number) {
  if (is_running()) kill(pid_, number);
}

void Program::reap(int options) {
  int status = 0;
  if (pid_ > 0 && !exit_code_ && waitpid(pid_, &status, options) == pid_) exit_code_ = exit_code_of(status);
}

bool Program::is_running() {
  reap(WNOHANG);
  return pid_ > 0 && !exit_code_;
}

std::optional<int> Program::wait(seconds patience) {
  eventually([this] { return !is_running(); }, patience);
  return exit_code_;
}

std::optional<int> Program::stop(seconds patience) {
  signal(SIGTERM);
  return wait(patience);
}

void Program::kill_now() {
  signal(SIGKILL);
  reap(0);
}

std::string Program::log() const { return contents(log_file_); }

std::string Program::last_line() const {
  std::istringstream lines(log());
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

long Program::peak_memory_kib() const { return status_kib(pid_, "VmHWM:"); }
long Program::memory_kib() const { return status_kib(pid_, "VmRSS:"); }

}  // namespace sluice::testing
