#include "sluice/base/check.h"

#include <cstdio>
#include <cstdlib>
#include <exception>

#include <execinfo.h>

namespace sluice::base {

namespace {

[[noreturn]] void end_as_bug() {
  void* frames[48];
  backtrace_symbols_fd(frames, backtrace(frames, 48), 2);
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  std::abort();  // what a fuzzer takes for a finding, and writes the input down
#else
  constexpr int kBug = 70;  // the exit code that contracts promise
  std::_Exit(kBug);
#endif
}

}  // namespace

void check_failed(const char* file, int line, const char* expression, const char* belief) {
  std::fprintf(
      stderr,
      "ERROR internal.check_failed: %s:%d: %s does not hold (%s). This is a bug: please report it with the lines "
      "that follow\n",
      file, line, expression, belief);
  end_as_bug();
}

void end_unhandled_as_bug() {
  std::set_terminate([] {
    std::fputs(
        "ERROR internal.terminated: an exception or assertion that nobody expected. This is a bug: please report it "
        "with the lines that follow\n",
        stderr);
    end_as_bug();
  });
}

}  // namespace sluice::base
