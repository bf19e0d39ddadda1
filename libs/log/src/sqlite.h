// The C handles of SQLite, and its failures as errors.
#pragma once

#include <fmt/format.h>
#include <sqlite3.h>

#include <string>
#include <string_view>

#include "sluice/base/error.h"
#include "sluice/base/handle.h"

namespace sluice::log {

using Connection = base::Handle<sqlite3, &sqlite3_close>;
using Statement = base::Handle<sqlite3_stmt, &sqlite3_finalize>;

inline tl::unexpected<base::Error> sqlite_failure(base::Recovery recovery, std::string_view id, std::string_view path,
                                                  int code) {
  return base::fail(recovery, id, fmt::format("{}: {}", path, sqlite3_errstr(code)));
}

inline void bind_text(sqlite3_stmt* statement, int ordinal, std::string_view text) {
  // The caller keeps the text until the statement was stepped.
  sqlite3_bind_text64(statement, ordinal, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

inline std::string column_text(sqlite3_stmt* statement, int ordinal) {
  const void* text = sqlite3_column_text(statement, ordinal);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, ordinal));
  return text == nullptr ? std::string() : std::string(static_cast<const char*>(text), size);
}

}  // namespace sluice::log
