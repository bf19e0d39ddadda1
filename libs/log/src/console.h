// The console: one line a record on stderr, coloured by level on a terminal, or one JSON object a line.
//
// Thread rule: one thread at a time.
#pragma once

#include <memory>

#include "record.h"
#include "sluice/log/logging.h"

namespace spdlog::sinks {
class sink;
}

namespace sluice::log {

class Console {
 public:
  Console(Format format, Color color);
  void write(const Record& record);
  /// The last line of a program.
  void write_last(const base::Error& reason);

 private:
  Format format_;
  std::shared_ptr<spdlog::sinks::sink> sink_;
};

}  // namespace sluice::log
