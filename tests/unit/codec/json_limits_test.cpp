#include "sluice/codec/json_limits.h"

#include <gtest/gtest.h>

#include <string>

using namespace sluice::codec;

namespace {

constexpr JsonLimits kLimits = {.max_nesting = 4, .max_number_bytes = 10, .max_path_bytes = 8};

bool keeps(std::string_view json) { return JsonLimitChecker().keeps(kLimits, json); }

}  // namespace

TEST(JsonLimits, AreKeptByOrdinaryValues) {
  for (const char* json : {R"({"a":1,"b":[{"a":1},{"a":2}],"c":{"a":1}})", "[]", "{}", "null", R"("{\"a\":1,\"a\":2}")",
                           R"(["a","a",{"k":"k"}])", "-1.5e+10", R"({"":1})", R"({"a" : {"a" :"a"} , "b":1})"})
    EXPECT_TRUE(keeps(json)) << json;
}

TEST(JsonLimits, FindANameThatStandsTwiceInOneObject) {
  for (const char* json : {R"({"a":1,"a":2})", R"([{"b":{"x":1,"y":2,"x":3}}])", R"({"a":1,"\u0061":2})",
                           R"({"a":{"b":1},"c":[],"a":0})", R"({"":1,"":2})"})
    EXPECT_FALSE(keeps(json)) << json;
}

TEST(JsonLimits, FindANameWithNul) {
  EXPECT_FALSE(keeps(R"({"a\u0000":1})"));
  EXPECT_TRUE(keeps(R"({"a":"\u0000"})"));
}

TEST(JsonLimits, CountBracketsThatStandInEachOther) {
  EXPECT_TRUE(keeps(R"([[{"a":[1]}],[[[]]]])"));
  EXPECT_FALSE(keeps(R"([[{"a":[[1]]}]])"));
  EXPECT_TRUE(keeps(R"(["[[[[[["])"));
}

TEST(JsonLimits, MeasureNumbersAsTheyAreWritten) {
  EXPECT_TRUE(keeps("[1234567890]"));
  EXPECT_FALSE(keeps("[12345678901]"));
  EXPECT_FALSE(keeps(R"({"a":-1.2345e+10})"));
}

TEST(JsonLimits, MeasureTheNamesThatLeadToAValue) {
  EXPECT_TRUE(keeps(R"({"12345678":1,"87654321":2})"));
  EXPECT_FALSE(keeps(R"({"123456789":1})"));
  EXPECT_TRUE(keeps(R"({"123":[{"4567":1}],"8":{"654321":1}})"));
  EXPECT_FALSE(keeps(R"({"123":[{"45678":1}]})"));
}

TEST(JsonLimits, AreAskedOfOneValueAfterTheOther) {
  JsonLimitChecker checker;
  EXPECT_FALSE(checker.keeps(kLimits, R"({"a":{"a\u0000":1}})"));
  EXPECT_TRUE(checker.keeps(kLimits, R"({"a":1})"));
}
