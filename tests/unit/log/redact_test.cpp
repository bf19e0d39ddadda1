#include "sluice/log/redact.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::log {
namespace {

using base::Secret;

struct Case {
  std::string text;
  std::string expected;
};

class WhatLooksLikeASecret : public ::testing::TestWithParam<Case> {};

TEST_P(WhatLooksLikeASecret, IsHidden) { EXPECT_EQ(redacted(GetParam().text), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(
    Forms, WhatLooksLikeASecret,
    ::testing::Values(
        Case{"host=db user=cdc password=hunter2 dbname=shop", "host=db user=cdc password=******** dbname=shop"},
        Case{"password='two words \\' quote' port=1", "password='********' port=1"},
        Case{"PASSWORD = hunter2", "PASSWORD = ********"},
        Case{R"({"password":"hunter2","user":"cdc"})", R"({"password":"********","user":"cdc"})"},
        Case{R"({"api_key" : "abc=="})", R"({"api_key" : "********"})"},
        Case{"sasl.password=hunter2,next", "sasl.password=********,next"},
        Case{"ssl.key.passphrase=x;y", "ssl.key.passphrase=********;y"},
        Case{"Authorization: Basic ZWxhc3RpYzpwdw==\r\nHost: es", "Authorization: ********\r\nHost: es"},
        Case{"{\"authorization\": \"ApiKey abc\"}", "{\"authorization\": \"********\"}"},
        Case{"cannot reach https://elastic:pw@es:9200/_bulk", "cannot reach https://elastic:********@es:9200/_bulk"},
        Case{"postgres://u:p@ss@db/x and http://a:b@c", "postgres://u:********@db/x and http://a:********@c"}));

class WhatIsNoSecret : public ::testing::TestWithParam<std::string> {};

TEST_P(WhatIsNoSecret, StaysAsItIs) { EXPECT_EQ(redacted(GetParam()), GetParam()); }

INSTANTIATE_TEST_SUITE_P(Forms, WhatIsNoSecret,
                         ::testing::Values("password authentication failed for user \"cdc\"",
                                           "wrong password: try again", "http://localhost:9200/a@b", "https://es:9200",
                                           "token bucket is empty", "password=", "authorization failed", "", "://",
                                           "a@b"));

TEST(Redacted, AKnownSecretIsHiddenWhereverItStands) {
  register_secret(Secret("tr0ub4dor&3"));
  EXPECT_EQ(redacted("FATAL: tr0ub4dor&3 is wrong"), "FATAL: ******** is wrong");
  EXPECT_EQ(redacted("xtr0ub4dor&3y"), "x********y");
  EXPECT_EQ(redacted("GET /?p=tr0ub4dor%263"), "GET /?p=********");
}

TEST(Redacted, AKnownSecretIsHiddenWithItsQuotesEscapedToo) {
  register_secret(Secret(R"(pa"ss'wo\rd)"));
  EXPECT_EQ(redacted(R"(json pa\"ss'wo\\rd, conninfo pa"ss\'wo\\rd)"), "json ********, conninfo ********");
}

TEST(Redacted, AShortSecretIsHiddenOnlyAsAWordOfItsOwn) {
  register_secret(Secret("qz"));
  EXPECT_EQ(redacted("qz but not in aqz or qzb; (qz)"), "******** but not in aqz or qzb; (********)");
}

TEST(Redacted, ASecretInsideAnotherOneDoesNotUncoverTheRest) {
  register_secret(Secret("inner-part"));
  register_secret(Secret("outer-inner-part-outer"));
  EXPECT_EQ(redacted("x outer-inner-part-outer y"), "x ******** y");
}

TEST(Redacted, AnEmptySecretHidesNothing) {
  register_secret(Secret(""));
  EXPECT_EQ(redacted("nothing to hide"), "nothing to hide");
}

}  // namespace
}  // namespace sluice::log
