// The other end: asks a running program, for the commands at a terminal.
//
// Thread rule: pure but for the request.
#pragma once

#include <string>

#include "sluice/base/error.h"
#include "sluice/base/secret.h"

namespace sluice::admin {

struct Reply {
  int code = 0;
  std::string body;
};

/// GET of `path` at the address that a program listens on; an address of all interfaces is asked at this host. Waits
/// two seconds at most for each step. Error: admin.no_answer (Retry): nothing answers there.
base::Result<Reply> fetch(const std::string& address, const std::string& path, const base::Secret& token);

/// The JSON of /status as lines for people; nothing is left out. Error: admin.bad_answer (Stop): it is no status.
base::Result<std::string> status_text(const std::string& status_json);

}  // namespace sluice::admin
