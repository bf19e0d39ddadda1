// What is no configuration at all: the place, and what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sluice/config/read_settings.h"

namespace sluice::config {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// "place id message" each. REQUIRES: there is one.
std::vector<std::string> mistakes_of(std::string text) {
  Request request;
  request.text = std::move(text);
  request.environment = [](const std::string&) { return std::nullopt; };
  const Reading reading = read_settings(request);
  if (reading) return {"none"};
  std::vector<std::string> texts;
  for (const Mistake& mistake : reading.error()) {
    texts.push_back(mistake.place + " " + std::string(mistake.id) + " " + mistake.message);
  }
  return texts;
}

TEST(ReadSettingsYaml, IsOneMistakeWithItsPlace) {
  EXPECT_THAT(mistakes_of("postgres:\n  host: [a\nkafka: {").front(), HasSubstr("config.bad_yaml"));
  EXPECT_THAT(mistakes_of("a: b\n\tc: d\n").front(), StartsWith("config.yaml:2"));
  EXPECT_THAT(mistakes_of("host: caf\xe9\n").front(), HasSubstr(" config.bad_yaml "));
  EXPECT_THAT(mistakes_of(std::string("a: b\0c", 6)).front(), HasSubstr(" config.bad_yaml "));
  EXPECT_THAT(mistakes_of("a: b\n---\nc: d\n").front(), HasSubstr(" config.bad_yaml "));
  EXPECT_THAT(mistakes_of(",kafka").front(), HasSubstr(" config.bad_yaml "))
      << "the parser never comes to the end of this one";
  EXPECT_THAT(mistakes_of("- a\n- b\n").front(), HasSubstr(" config.wrong_type "));
  EXPECT_THAT(mistakes_of("just words\n").front(), HasSubstr(" config.wrong_type "));
  EXPECT_THAT(mistakes_of("postgres: 5\n").front(), HasSubstr(" config.wrong_type "));
}

TEST(ReadSettingsYaml, IsToldInTheWordsOfWhoeverWroteIt) {
  EXPECT_EQ(mistakes_of("postgres:\n  host: caf\xe9\n").front(),
            "config.yaml:2:12 config.bad_yaml this is no text in UTF-8: save the file in that encoding");
  EXPECT_EQ(mistakes_of("postgres:\n\thost: a\n\tport: 5\n").front(),
            "config.yaml:2:1 config.bad_yaml a tab indents this line: use blanks");
  EXPECT_THAT(mistakes_of("postgres:\n   host: a\n  port: 5\n").front(),
              HasSubstr("config.yaml:3:3 config.bad_yaml this line is not indented as the keys"));
  EXPECT_THAT(mistakes_of("postgres:\n  password: @x\n").front(), HasSubstr("in quotes"));
}

}  // namespace
}  // namespace sluice::config
