#include "sluice/codec/partitioner.h"

#include <gtest/gtest.h>

using namespace sluice::codec;

namespace {

// The vectors of Kafka's own test (org.apache.kafka.common.utils.UtilsTest.testMurmur2).
struct Vector {
  std::string_view key;
  std::int32_t hash;
};
constexpr Vector kVectors[] = {
    {"21", -973932308},
    {"foobar", -790332482},
    {"a-little-bit-long-string", -985981536},
    {"a-little-bit-longer-string", -1486304829},
    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
    {"abc", 479470107},
};

}  // namespace

TEST(Partitioner, HashesAsTheJavaClientDoes) {
  for (const Vector& vector : kVectors)
    EXPECT_EQ(static_cast<std::int32_t>(murmur2(vector.key)), vector.hash) << vector.key;
}

TEST(Partitioner, ClearsTheSignBitInsteadOfTakingTheAbsoluteValue) {
  EXPECT_EQ(partition_of("21", 7), (-973932308 & 0x7FFFFFFF) % 7);
  EXPECT_EQ(partition_of("abc", 7), 479470107 % 7);
}

TEST(Partitioner, AnEmptyKeyHasAPartition) {
  EXPECT_GE(partition_of("", 3), 0);
  EXPECT_LT(partition_of("", 3), 3);
  EXPECT_EQ(partition_of("any", 1), 0);
}
