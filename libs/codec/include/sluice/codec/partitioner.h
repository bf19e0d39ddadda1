// Which partition a key belongs to: murmur2 as the Java client of Kafka places it, so that other producers and
// consumers that compute the partition of a key agree with us (org.apache.kafka.common.utils.Utils.murmur2,
// BuiltInPartitioner).
//
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::codec {

/// MurmurHash2, 32 bits, seed 0x9747b28c, little endian.
std::uint32_t murmur2(std::string_view key);

/// toPositive(murmur2(key)) % partitions. REQUIRES: partitions > 0.
std::int32_t partition_of(std::string_view key, std::int32_t partitions);

}  // namespace sluice::codec
