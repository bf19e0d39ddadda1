#include "sluice/change/record.h"

namespace sluice::change {

void RecordBatch::clear() {
  bytes_.clear();
  entries_.clear();
}

void RecordBatch::add(Record record, Piece key, Piece value) { entries_.push_back({record, key, value}); }

Record RecordBatch::operator[](std::size_t index) const {
  const Entry& entry = entries_[index];
  Record record = entry.record;
  record.key = std::string_view(bytes_).substr(entry.key.begin, entry.key.size);
  record.value = std::string_view(bytes_).substr(entry.value.begin, entry.value.size);
  return record;
}

}  // namespace sluice::change
