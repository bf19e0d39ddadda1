#include "sluice/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace sluice::base {

void check_failed(const char* file, int line, const char* expression, const char* belief) {
  std::fprintf(
      stderr,
      "ERROR internal.check_failed: %s:%d: %s does not hold (%s). This is a bug: please report it with this line.\n",
      file, line, expression, belief);
  std::abort();
}

}  // namespace sluice::base
