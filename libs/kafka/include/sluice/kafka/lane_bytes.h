// The bytes of the records that wait in a lane or that librdkafka was lent from there: it sends them from where they
// are, so none may move or go before it says what became of its record.
//
// Thread rule: one thread. (librdkafka's threads read what they were lent.)
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice::kafka {

/// What a lane of many records takes at a time. It begins with less: there may be thousands of lanes with a record
/// each.
inline constexpr std::size_t kBlockBytes = 16'384;

/// Whole blocks that no lane needs at the moment, for whichever needs one next.
class BlockPool {
 public:
  std::unique_ptr<char[]> take();
  void give(std::unique_ptr<char[]> block);

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
};

class LaneBytes {
 public:
  /// `pool`: outlives this.
  explicit LaneBytes(BlockPool& pool) : pool_(&pool) {}

  /// Keeps the three, one behind the other, until release().
  const char* keep(std::string_view key, std::string_view value, std::string_view header);
  /// Nobody reads any more what keep() gave. `bytes`: any of it. What is none of ours is left alone.
  void release(const char* bytes);

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
    std::size_t capacity = 0;
    std::size_t kept = 0;  ///< by so many keep() that are not released
  };
  Block& block_for(std::size_t size);
  Block& new_block(std::size_t size);

  BlockPool* pool_;
  std::list<Block> blocks_;  ///< the last one is being filled
};

}  // namespace sluice::kafka
