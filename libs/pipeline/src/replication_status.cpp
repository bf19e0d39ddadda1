#include "sluice/pipeline/replication_status.h"

#include <algorithm>

namespace sluice::pipeline {

template <class Bounds>
void Histogram<Bounds>::observe(std::int64_t value) {
  const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), value);
  ++buckets_[static_cast<std::size_t>(bound - kBounds.begin())];
  ++count_;
  sum_ += static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
}

template <class Bounds>
std::int64_t Histogram<Bounds>::quantile(double share) const {
  if (count_ == 0) return 0;
  const double wanted = share * static_cast<double>(count_);
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < kBounds.size(); ++bucket) {
    seen += buckets_[bucket];
    if (static_cast<double>(seen) >= wanted) return kBounds[bucket];
  }
  return kBounds.back();
}

template class Histogram<LatencyBounds>;
template class Histogram<SizeBounds>;

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
