#include "sluice/admin/status.h"

#include "sluice/log/redact.h"

namespace sluice::admin {

void ErrorTally::note(std::string_view id, std::string_view message) {
  ++by_id_[std::string(id)];
  last_ = Last{std::string(id), log::redacted(message), base::WallClock::now()};
}

}  // namespace sluice::admin
