// What a room says to the people who run it:
//
//   const log::Logger logger = log::get("postgres");
//   logger.warning("slot {} retains {} bytes of WAL", slot, bytes);
//
// A message is redacted (redact.h), its control characters are escaped, and it goes to the console at once and to the
// database soon (logging.h). It costs about a microsecond: never a line per row. No cell value at info or above (rule
// S-4). Errors are not logged where they arise but returned; whoever ends their way logs them, once, by error().
//
// Thread rule: any thread.
#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

#include "sluice/base/error.h"

namespace sluice::log {

enum class Level { Debug, Info, Warning, Error };

std::string_view to_string(Level level);

/// Below this nothing is formatted; set by Logging.
bool is_enabled(Level level);

class Logger {
 public:
  template <class... Arguments>
  void debug(fmt::format_string<Arguments...> format, Arguments&&... arguments) const {
    write(Level::Debug, {}, format, fmt::make_format_args(arguments...));
  }
  template <class... Arguments>
  void info(fmt::format_string<Arguments...> format, Arguments&&... arguments) const {
    write(Level::Info, {}, format, fmt::make_format_args(arguments...));
  }
  template <class... Arguments>
  void warning(fmt::format_string<Arguments...> format, Arguments&&... arguments) const {
    write(Level::Warning, {}, format, fmt::make_format_args(arguments...));
  }
  /// A warning that the README's operations table knows by its id.
  void warning(const base::Error& error) const {
    write(Level::Warning, error.id, "{}", fmt::make_format_args(error.message));
  }
  void error(const base::Error& error) const {
    write(Level::Error, error.id, "{}", fmt::make_format_args(error.message));
  }

 private:
  friend Logger get(std::string_view room);
  explicit Logger(std::string_view room) : room_(room) {}
  void write(Level level, std::string_view error_id, fmt::string_view format, fmt::format_args arguments) const;

  std::string_view room_;
};

/// REQUIRES: `room` is a string literal, the name of a library or program.
inline Logger get(std::string_view room) { return Logger(room); }

}  // namespace sluice::log
