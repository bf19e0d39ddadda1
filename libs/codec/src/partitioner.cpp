#include "sluice/codec/partitioner.h"

#include <bit>
#include <cstring>

#include "sluice/base/check.h"

namespace sluice::codec {
namespace {

constexpr std::uint32_t kSeed = 0x9747b28c;
constexpr std::uint32_t kMultiplier = 0x5bd1e995;

static_assert(std::endian::native == std::endian::little, "murmur2 reads little-endian words");

std::uint32_t byte_at(const char* bytes, std::size_t index) { return static_cast<unsigned char>(bytes[index]); }

}  // namespace

std::uint32_t murmur2(std::string_view key) {
  std::uint32_t hash = kSeed ^ static_cast<std::uint32_t>(key.size());
  const char* rest = key.data();
  std::size_t left = key.size();
  for (; left >= 4; rest += 4, left -= 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, rest, 4);
    word *= kMultiplier;
    word ^= word >> 24;
    word *= kMultiplier;
    hash *= kMultiplier;
    hash ^= word;
  }
  if (left == 3) hash ^= byte_at(rest, 2) << 16;
  if (left >= 2) hash ^= byte_at(rest, 1) << 8;
  if (left >= 1) {
    hash ^= byte_at(rest, 0);
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return hash;
}

std::int32_t partition_of(std::string_view key, std::int32_t partitions) {
  SLUICE_CHECK(partitions > 0, "a topic has partitions");
  // Java's toPositive() clears the sign bit; it is not an absolute value.
  return static_cast<std::int32_t>(murmur2(key) & 0x7FFF'FFFF) % partitions;
}

}  // namespace sluice::codec
