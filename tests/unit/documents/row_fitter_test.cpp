#include "sluice/documents/row_fitter.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

using namespace sluice::documents;

namespace {

/// The names that stand as text.
std::vector<std::string> names(const RowFitter& fitter) { return {fitter.as_text().begin(), fitter.as_text().end()}; }

std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

}  // namespace

TEST(RowFitter, LeavesARowAsItIs) {
  RowFitter fitter;
  const std::string long_text = "\"" + std::string(100'000, '[') + "\"";
  for (const std::string& row : {std::string(), std::string("{}"), std::string(R"({"id":1,"doc":{"a":[1,{"a":2}]}})"),
                                 R"({"id":1,"doc":)" + nested(480) + "}", R"({"id":1,"t":)" + long_text + "}",
                                 R"({"n":)" + std::string(1'000, '9') + "}"}) {
    EXPECT_EQ(fitter.fit(row).data(), row.data());
    EXPECT_TRUE(fitter.as_text().empty());
  }
}

TEST(RowFitter, MakesTextOfWhatASearchEngineRefuses) {
  for (const std::string& value :
       {std::string(R"({"a":1,"a":2})"), std::string(R"([{"\u0000":"\""}])"), nested(481), std::string(1'001, '9'),
        "[-0." + std::string(1'000, '0') + "]", R"({")" + std::string(8'001, 'k') + R"(":1})"}) {
    RowFitter fitter;
    const std::string row = R"({"id":1,"doc":)" + value + R"(,"odd \"name\"":)" + value + R"(,"other":"x"})";
    const auto fitted = nlohmann::ordered_json::parse(fitter.fit(row));
    EXPECT_EQ(fitted, (nlohmann::ordered_json{{"id", 1}, {"doc", value}, {"odd \"name\"", value}, {"other", "x"}}));
    EXPECT_EQ(names(fitter), (std::vector<std::string>{"\"doc\"", R"("odd \"name\"")"}));
    EXPECT_EQ(fitter.fit("{\"id\":1}"), "{\"id\":1}");
    EXPECT_TRUE(fitter.as_text().empty());
  }
}
