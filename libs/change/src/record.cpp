#include "sluice/change/record.h"

#include "sluice/base/check.h"

namespace sluice::change {

void RecordBatch::clear() {
  bytes_.clear();
  entries_.clear();
}

RecordBatch::Piece RecordBatch::append(std::string_view text) {
  const Piece piece{bytes_.size(), text.size()};
  bytes_.append(text);
  return piece;
}

Record& RecordBatch::add(Piece key, Piece value) {
  Entry& entry = entries_.emplace_back();
  entry.key = key;
  entry.value = value;
  return entry.record;
}

Record& RecordBatch::operator[](std::size_t index) {
  Entry& entry = entries_[index];
  const std::string_view bytes = bytes_.view();
  entry.record.key = bytes.substr(entry.key.begin, entry.key.size);
  entry.record.value = bytes.substr(entry.value.begin, entry.value.size);
  return entry.record;
}

void RecordBatch::cut_back_to(Mark mark) {
  SLUICE_CHECK(mark.records <= entries_.size(), "a batch is cut back to where it was before");
  entries_.resize(mark.records);
  bytes_.cut_back_to(mark.bytes);
}

}  // namespace sluice::change
