// README's table of values is what the encoder does: every row is tried, and every built-in type has one.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "sluice/codec/value_encoder.h"

using namespace sluice;
using namespace sluice::codec;

namespace {

struct Row {
  std::vector<std::string> types;
  std::string option;  ///< "time: micros", or nothing
  std::string text;
  std::string json;
};

std::vector<std::string> in_ticks(const std::string& cell) {
  std::vector<std::string> found;
  const std::regex ticks("`([^`]*)`");
  for (std::sregex_iterator it(cell.begin(), cell.end(), ticks), end; it != end; ++it) found.push_back((*it)[1]);
  return found;
}

/// The rows of the first table behind a line.
std::vector<Row> rows(std::string_view heading = "### Values") {
  std::ifstream readme(SLUICE_SOURCE_DIR "/README.md");
  std::vector<Row> found;
  bool inside = false;
  for (std::string line; std::getline(readme, line);) {
    if (line == heading) inside = true;
    if (inside && line.empty() && !found.empty()) break;
    const std::regex shape("\\| (.*) \\| `(.*)` \\| `(.*)` \\|");
    std::smatch parts;
    if (!inside || !std::regex_match(line, parts, shape)) continue;
    Row row{in_ticks(parts[1]), "", parts[2], parts[3]};
    std::erase_if(row.types, [&](const std::string& tick) {
      if (tick.starts_with("encoding.")) row.option = tick.substr(9);
      return tick.starts_with("encoding.") || tick == "debezium";
    });
    found.push_back(row);
  }
  return found;
}

ValueOptions options_of(const std::string& text) {
  if (text == "decimal: number") return {.decimal = DecimalForm::Number};
  if (text == "decimal: double") return {.decimal = DecimalForm::Double};
  if (text == "time: micros") return {.time = TimeForm::Micros};
  if (text == "time: debezium") return {.time = TimeForm::Debezium};
  if (text == "bytea: hex") return {.bytea = BytesForm::Hex};
  if (text == "geometry: wkb") return {.geometry = GeometryForm::Wkb};
  if (text == "json: string") return {.json = JsonForm::String};
  EXPECT_EQ(text, "") << "an option that nobody knows";
  return {};
}

}  // namespace

TEST(ReadmeTypes, EveryRowIsWhatTheEncoderDoes) {
  std::map<std::string, std::uint32_t> oids;
  for (const BuiltinName& type : builtin_types()) {
    oids.emplace(type.name, type.oid);
    oids.emplace("_" + std::string(type.name), type.array_oid);
  }
  ASSERT_GT(rows().size(), 30U);
  for (const Row& row : rows()) {
    for (const std::string& type : row.types) {
      SCOPED_TRACE(type + " " + row.text);
      ASSERT_TRUE(oids.contains(type));
      ValueEncoder encoder;
      base::TextBuffer out;
      EXPECT_TRUE(encoder.append(**resolve_type(oids.at(type), nullptr, options_of(row.option)), row.text, out));
      EXPECT_EQ(out.view(), row.json);
    }
  }
}

TEST(ReadmeTypes, EveryBuiltInTypeHasARow) {
  std::set<std::string> named;
  for (const Row& row : rows()) named.insert(row.types.begin(), row.types.end());
  for (const BuiltinName& type : builtin_types()) EXPECT_TRUE(named.contains(std::string(type.name))) << type.name;
}

TEST(ReadmeTypes, RowsOfExtensionsAreWhatTheEncoderDoes) {
  const std::map<std::string, std::string> extensions = {{"hstore", "hstore"},    {"vector", "vector"},
                                                         {"halfvec", "vector"},   {"sparsevec", "vector"},
                                                         {"geometry", "postgis"}, {"geography", "postgis"}};
  std::set<std::string> tried;
  for (const Row& row : rows("Beyond those that are built in:")) {
    for (const std::string& name : row.types) {
      if (!extensions.contains(name)) continue;
      SCOPED_TRACE(name + " " + row.text);
      sluice::change::TypeDescription type;
      type.oid = 30'000;
      type.name = name;
      type.extension = extensions.at(name);
      ValueEncoder encoder;
      base::TextBuffer out;
      EXPECT_TRUE(encoder.append(**resolve_type(type.oid, &type, options_of(row.option)), row.text, out));
      EXPECT_EQ(out.view(), row.json);
      tried.insert(name);
    }
  }
  EXPECT_EQ(tried.size(), extensions.size());
}
