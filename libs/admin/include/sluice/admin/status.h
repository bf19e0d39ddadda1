// What a pipeline says of itself: an immutable snapshot that its thread publishes and the HTTP thread shows.
//
// Thread rule: immutable once published; then any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sluice/admin/metrics_text.h"
#include "sluice/base/clock.h"
#include "sluice/base/error.h"

namespace sluice::admin {

/// Why the work is not being done. `id` is that of an error, or of this library's table in the README.
struct Reason {
  std::string id;
  std::string message;
};

class Status {
 public:
  virtual ~Status() = default;

  /// Empty: it does its work. Anything here makes /status and /readyz answer 503.
  virtual std::vector<Reason> reasons() const = 0;
  /// The members of /status without the braces' neighbours `reasons`: a JSON object.
  virtual std::string json() const = 0;
  virtual void write_metrics(MetricsText& out) const = 0;
  /// Labels of every metric.
  virtual std::string pipeline_name() const = 0;
};

/// What went wrong since the program began, and was lived with.
class ErrorTally {
 public:
  struct Last {
    std::string id;
    std::string message;  ///< redacted
    base::WallClock::time_point at;
  };
  void note(std::string_view id, std::string_view message);
  void note(const base::Error& error) { note(error.id, error.message); }

  const std::map<std::string, std::uint64_t>& by_id() const { return by_id_; }
  const std::optional<Last>& last() const { return last_; }

 private:
  std::map<std::string, std::uint64_t> by_id_;
  std::optional<Last> last_;
};

}  // namespace sluice::admin
