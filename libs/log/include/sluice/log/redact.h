// Takes secrets out of text (rules S-3, S-4). Known values first: whatever the configuration calls a secret is
// registered at start. Then what looks like one: password=…, "password":"…", Authorization headers, the password in a
// URL.
//
// Thread rule: any thread.
#pragma once

#include <string>
#include <string_view>

#include "sluice/base/secret.h"

namespace sluice::log {

/// From now on this value is hidden in every message, also percent-encoded and with quotes and backslashes escaped. One
/// shorter than four bytes only where it stands as a word of its own. An empty one is ignored.
void register_secret(const base::Secret& secret);

/// `text` with every secret replaced by Secret::kHidden.
std::string redacted(std::string_view text);

}  // namespace sluice::log
