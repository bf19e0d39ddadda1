#include "sluice/kafka/lane_bytes.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "sluice/base/check.h"

namespace sluice::kafka {
namespace {

/// A megabyte: what two full lanes need. More goes back to the system.
constexpr std::size_t kMaxPooled = 64;
constexpr std::size_t kFirstBlockBytes = 1'024;

char* put(char* to, std::string_view text) {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

}  // namespace

std::unique_ptr<char[]> BlockPool::take() {
  if (blocks_.empty()) return std::make_unique_for_overwrite<char[]>(kBlockBytes);
  std::unique_ptr<char[]> block = std::move(blocks_.back());
  blocks_.pop_back();
  return block;
}

void BlockPool::give(std::unique_ptr<char[]> block) {
  if (blocks_.size() < kMaxPooled) blocks_.push_back(std::move(block));
}

const char* LaneBytes::keep(std::string_view key, std::string_view value, std::string_view header) {
  const std::size_t size = key.size() + value.size() + header.size();
  Block& block = block_for(size);
  char* const begin = block.bytes.get() + block.size;
  put(put(put(begin, key), value), header);
  block.size += size;
  ++block.kept;
  return begin;
}

LaneBytes::Block& LaneBytes::block_for(std::size_t size) {
  // The byte behind a record is its block's too: one without bytes has a place that is in no other block.
  if (!blocks_.empty() && blocks_.back().capacity - blocks_.back().size > size) return blocks_.back();
  return new_block(size + 1);
}

LaneBytes::Block& LaneBytes::new_block(std::size_t size) {
  const std::size_t wanted = blocks_.empty() ? kFirstBlockBytes : std::min(2 * blocks_.back().capacity, kBlockBytes);
  Block block;
  block.capacity = std::max(size, wanted);
  block.bytes = block.capacity == kBlockBytes ? pool_->take() : std::make_unique_for_overwrite<char[]>(block.capacity);
  return blocks_.emplace_back(std::move(block));
}

void LaneBytes::release(const char* bytes) {
  const auto block = std::find_if(blocks_.begin(), blocks_.end(), [bytes](const Block& candidate) {
    return std::less_equal<>()(candidate.bytes.get(), bytes) &&
           std::less<>()(bytes, candidate.bytes.get() + candidate.capacity);
  });
  if (block == blocks_.end()) return;
  SLUICE_CHECK(block->kept > 0, "what is kept is released once");
  if (--block->kept > 0) return;
  if (block->capacity == kBlockBytes) pool_->give(std::move(block->bytes));
  blocks_.erase(block);
}

}  // namespace sluice::kafka
