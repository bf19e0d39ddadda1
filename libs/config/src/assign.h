// Puts what the file says into the field of a key.
#pragma once

#include <string_view>

#include "key.h"
#include "sluice/config/read_settings.h"
#include "tree.h"

namespace sluice::config {

struct Context {
  const Environment& environment;
  /// The other program reads this section: its variables may be missing, the key then keeps its default.
  bool variables_may_be_missing = false;
  Mistakes& mistakes;
};

/// Whether the value was taken; else the reason is among the mistakes.
bool assign(const Key& key, std::string_view path, const Tree& value, const Context& context);

}  // namespace sluice::config
