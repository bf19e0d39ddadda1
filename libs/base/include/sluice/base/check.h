// Assertions of our own beliefs. A failed check is a bug in this program: it prints where and what, with the call
// stack, and ends the process with exit code 70.
// Never check what a peer sent: that is an Error.
//
// Thread rule: any thread.
#pragma once

namespace sluice::base {

[[noreturn]] void check_failed(const char* file, int line, const char* expression, const char* belief);

/// From now on what would call std::terminate (an exception that nobody expected, a library's assertion) ends likewise.
void end_unhandled_as_bug();

}  // namespace sluice::base

/// SLUICE_CHECK(count > 0, "end_transaction() follows add()");
#define SLUICE_CHECK(expression, belief)                                     \
  do {                                                                       \
    if (!(expression)) [[unlikely]]                                          \
      ::sluice::base::check_failed(__FILE__, __LINE__, #expression, belief); \
  } while (false)
