#include "sluice/change/row.h"

#include <cstring>

namespace sluice::change {

Row Row::owned() const {
  Row copy;
  std::size_t size = 0;
  for (const Cell& cell : cells_) size += cell.bytes.size();
  copy.storage_.resize(size);
  copy.cells_.reserve(cells_.size());
  char* next = copy.storage_.data();
  for (const Cell& cell : cells_) {
    if (!cell.bytes.empty()) std::memcpy(next, cell.bytes.data(), cell.bytes.size());
    copy.cells_.push_back({cell.kind, std::string_view(next, cell.bytes.size())});
    next += cell.bytes.size();
  }
  return copy;
}

}  // namespace sluice::change
