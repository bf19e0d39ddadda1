// Assertions of our own beliefs. A failed check is a bug in this program: it prints where and what, and aborts.
// Never check what a peer sent: that is an Error.
#pragma once

namespace sluice::base {

[[noreturn]] void check_failed(const char* file, int line, const char* expression, const char* belief);

}  // namespace sluice::base

/// SLUICE_CHECK(count > 0, "end_transaction() follows add()");
#define SLUICE_CHECK(expression, belief)                                     \
  do {                                                                       \
    if (!(expression)) [[unlikely]]                                          \
      ::sluice::base::check_failed(__FILE__, __LINE__, #expression, belief); \
  } while (false)
