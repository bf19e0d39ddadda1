#include "sluice/pipeline/replication_status.h"

#include <algorithm>

namespace sluice::pipeline {

void LatencyHistogram::observe(std::int64_t latency_us) {
  const auto bound = std::lower_bound(kBounds_us.begin(), kBounds_us.end(), latency_us);
  ++buckets_[static_cast<std::size_t>(bound - kBounds_us.begin())];
  ++count_;
  sum_us_ += static_cast<std::uint64_t>(std::max<std::int64_t>(latency_us, 0));
}

std::int64_t LatencyHistogram::quantile_us(double share) const {
  if (count_ == 0) return 0;
  const double wanted = share * static_cast<double>(count_);
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < kBounds_us.size(); ++bucket) {
    seen += buckets_[bucket];
    if (static_cast<double>(seen) >= wanted) return kBounds_us[bucket];
  }
  return kBounds_us.back();
}

void TableCounters::count(change::Op op, std::uint64_t times) {
  switch (op) {
    case change::Op::Snapshot: snapshot += times; break;
    case change::Op::Insert: inserted += times; break;
    case change::Op::Update: updated += times; break;
    case change::Op::Delete: deleted += times; break;
    case change::Op::Truncate: truncated += times; break;
    case change::Op::Message: break;
  }
}

void TableCounters::add(const TableCounters& more) {
  snapshot += more.snapshot;
  inserted += more.inserted;
  updated += more.updated;
  deleted += more.deleted;
  truncated += more.truncated;
  not_sent += more.not_sent;
}

}  // namespace sluice::pipeline
