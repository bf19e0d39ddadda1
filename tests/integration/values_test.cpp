// link: sluice::base
//
// Every type of PostgreSQL, random and special values: the snapshot and the stream write the same bytes, and they mean
// what PostgreSQL's own functions say of the value. SLUICE_VALUES (500) says how many random ones of each type.
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "integration/value_cases.h"
#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

/// The last years are beyond what extract(epoch) says to the microsecond.
const std::string kMicros =
    "case when isfinite(v) then trunc(extract(epoch from date_trunc('second', v)) * 1000000 + mod(extract(microseconds "
    "from "
    "v), 1000000))::text else to_json(v)::text end";
int values_of_each() {
  const char* value = std::getenv("SLUICE_VALUES");
  return value == nullptr ? 500 : std::atoi(value);
}

/// The bytes of v, which is the last column, in the record of a row.
std::string value_in(const std::string& record) {
  const std::size_t after = record.find(R"("after":{)");
  const std::size_t begin = record.find(R"(,"v":)", after) + 5;
  const std::size_t end = record.rfind("}}");
  return after == std::string::npos || end == std::string::npos ? "no row" : record.substr(begin, end - begin);
}

std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2)
    bytes.push_back(static_cast<char>(std::stoi(digits.substr(at, 2), nullptr, 16)));
  return bytes;
}

/// The same JSON, numbers compared by their digits.
bool means_the_same(const std::string& found, const std::string& expected) {
  if (found == expected) return true;
  const auto left = nlohmann::json::parse(found, nullptr, false);
  const auto right = nlohmann::json::parse(expected, nullptr, false);
  return !left.is_discarded() && !left.is_number() && left == right;
}

class Values : public testing::Test {
 protected:
  explicit Values(StackOptions options = {}) : stack(std::move(options)) {}

  static constexpr int kStreamed = 1'000'000;  // added to the id of a row of the snapshot

  void make_tables() {
    for (const TypeCase& type : types) {
      std::string sql = "SET timezone = 'UTC'; SELECT setseed(0.42);" + type.setup + ";CREATE TABLE t_" + type.name +
                        " (id int PRIMARY KEY, v " + type.type + ");";
      int id = -1;
      for (const std::string& special : type.specials)
        sql += "INSERT INTO t_" + type.name + " VALUES (" + std::to_string(id--) + ", " + special + ");";
      sql += "INSERT INTO t_" + type.name + " SELECT i, " + type.random + " FROM generate_series(1, " +
             std::to_string(values_of_each()) + ") i;";
      stack.sql(sql);
      tables += (tables.empty() ? "public.t_" : ", public.t_") + type.name;
    }
    stack.settings()["postgres.tables"] = "[" + tables + "]";
    // Whatever the minor version: nothing writes while the slot is made.
    stack.settings()["postgres.accept_snapshot_race"] = "on";
  }

  void carry_all() {
    stack.start_replicator();
    ASSERT_TRUE(
        eventually([&] { return stack.replicator().log().find("streaming from") != std::string::npos; }, seconds(120)))
        << stack.replicator().log();
    for (const TypeCase& type : types) {
      stack.sql("INSERT INTO t_" + type.name + " SELECT id + " + std::to_string(kStreamed) + ", v FROM t_" + type.name);
    }
    ASSERT_TRUE(stack.caught_up(seconds(120))) << stack.replicator().log();
    for (const KafkaRecord& record : stack.events()) {
      const std::size_t colon = record.key.find(':');
      found[record.key.substr(0, colon)][std::atoi(record.key.c_str() + colon + 1)] = value_in(*record.value);
    }
  }

  /// What PostgreSQL says of each value, by id; null stands for null.
  std::map<int, std::string> expected(const TypeCase& type) {
    std::istringstream lines(stack.sql("SET timezone = 'UTC'; SET intervalstyle = " + interval_style +
                                       "; SET extra_float_digits = 1;"
                                       "SELECT id, encode(convert_to(coalesce((" +
                                       type.expected + ")::text, 'null'), 'UTF8'), 'hex') FROM t_" + type.name +
                                       " WHERE id < " + std::to_string(kStreamed / 2)));
    std::map<int, std::string> values;
    for (std::string line; std::getline(lines, line);) {
      const std::size_t bar = line.find('|');
      values[std::atoi(line.c_str())] = from_hex(line.substr(bar + 1));
    }
    return values;
  }

  void compare_all() {
    make_tables();
    carry_all();
    for (const TypeCase& type : types) compare(type);
  }

  /// The types that are named, each with what is expected of it instead.
  void compare_only(const std::map<std::string, std::string>& by_name) {
    for (TypeCase type : kAllTypes) {
      const auto named = by_name.find(type.name);
      if (named == by_name.end()) continue;
      type.expected = named->second;
      types.push_back(std::move(type));
    }
    ASSERT_EQ(types.size(), by_name.size());
    compare_all();
  }

  void compare(const TypeCase& type) {
    SCOPED_TRACE(type.name);
    auto& values = found["public.t_" + type.name];
    const auto wanted = expected(type);
    ASSERT_EQ(wanted.size(), type.specials.size() + static_cast<std::size_t>(values_of_each()));
    std::set<std::string> distinct;
    for (auto random = wanted.upper_bound(0); random != wanted.end(); ++random) distinct.insert(random->second);
    EXPECT_TRUE(distinct.size() > 1 || type.random.find("random()") == std::string::npos) << "one value over and over";
    int shown = 0;
    for (const auto& [id, json] : wanted) {
      if (values[id] == values[id + kStreamed] && means_the_same(values[id], json)) continue;
      ADD_FAILURE() << "id " << id << ": snapshot " << values[id] << "\nstream " << values[id + kStreamed]
                    << "\nPostgreSQL " << json;
      if (++shown == 3) break;
    }
  }

  Stack stack;
  std::vector<TypeCase> types;
  std::string tables;
  std::string interval_style = "iso_8601";                  ///< of the session that says what is expected
  std::map<std::string, std::map<int, std::string>> found;  ///< by table and id
};

/// Where pgvector is.
std::string install_extensions() {
  std::string place = run_ok({SLUICE_SOURCE_DIR "/Docker_Files/native/install", "extensions"});
  return place.substr(0, place.find('\n'));
}

StackOptions with_pgvector() {
  const std::string place = install_extensions();
  return {.own_postgres = true,
          .postgres_options = {"--version", "18", "--set", "dynamic_library_path=" + place + "/lib:$libdir", "--set",
                               "extension_control_path=" + place + ":$system"}};
}

class VectorValues : public Values {
 protected:
  VectorValues() : Values(with_pgvector()) {}
};

}  // namespace

TEST_F(Values, OfPostgisAreGeoJsonOrTheirText) {
  install_extensions();
  types = kPostgisTypes;
  compare_all();
}

TEST_F(Values, OfPostgisAreTheirTextWhereThatIsWanted) {
  install_extensions();
  stack.settings()["encoding.geometry"] = "wkb";
  types = kPostgisTypes;
  for (TypeCase& type : types) type.expected = type.name == "geometries" ? "to_json(v::text[])" : kText;
  compare_all();
}

TEST_F(VectorValues, OfPgvectorAreNumbers) {
  types = kVectorTypes;
  compare_all();
}

TEST_F(Values, OfEveryTypeAreTheSameInSnapshotAndStreamAndWhatPostgresqlSaysOfThem) {
  types = kAllTypes;
  compare_all();
}

TEST_F(Values, AsNumbersHexAndStringsWhereThatIsWanted) {
  stack.settings().insert({{"encoding.decimal", "number"},
                           {"encoding.time", "micros"},
                           {"encoding.bytea", "hex"},
                           {"encoding.json", "string"}});
  const std::map<std::string, std::string> expected = {
      {"numeric", "case when v::text ~ '[a-z]' then to_json(v::text)::text else v::text end"},
      {"numeric_10_2", "case when v::text ~ '[a-z]' then to_json(v::text)::text else v::text end"},
      {"date", "case when isfinite(v) then (v - date '1970-01-01')::text else to_json(v)::text end"},
      {"time", "trunc(extract(epoch from v) * 1000000)::text"},
      {"timestamp", kMicros},
      {"timestamptz", kMicros},
      {"bytea", "to_json(encode(v, 'hex'))"},
      {"json", kText},
      {"jsonb", kText},
      {"numerics", "replace(replace(to_json(v)::text, 'NaN', '\"NaN\"'), '\"\"', '\"')"},
  };
  compare_only(expected);
}

TEST_F(Values, AsDebeziumWritesTimes) {
  stack.settings()["encoding.time"] = "debezium";
  const std::map<std::string, std::string> expected = {
      {"timestamp", kMicros},
      {"timestamptz", kZoned},
      {"interval",
       "trunc((extract(year from v) * 12 + extract(month from v)) * 2629800000000 + extract(day from v) * 86400000000 "
       "+ "
       "extract(hour from v) * 3600000000 + extract(minute from v) * 60000000 + extract(microseconds from v))::text"}};
  compare_only(expected);
}

TEST_F(Values, AsPostgresqlsOwnText) {
  stack.settings()["encoding.values"] = "text";
  types = kAllTypes;
  for (TypeCase& type : types) type.expected = "case when num_nonnulls(v) = 1 then to_json(format('%s', v)) end";
  interval_style = "postgres";
  compare_all();
}

TEST(AlteredComposite, StandsAsTextUntilItsTableIsDescribedAgain) {
  Stack stack;
  stack.sql("CREATE TYPE addr AS (no int, street text); CREATE TABLE people (id int PRIMARY KEY, v addr)");
  stack.settings()["postgres.tables"] = "[public.people]";
  stack.settings()["postgres.accept_snapshot_race"] = "on";
  stack.start_replicator();
  ASSERT_TRUE(eventually([&] { return stack.replicator().log().find("streaming from") != std::string::npos; }))
      << stack.replicator().log();
  stack.sql("INSERT INTO people VALUES (1, (1, 'Elm'))");
  ASSERT_TRUE(stack.topic_has(1));
  stack.sql("ALTER TYPE addr ADD ATTRIBUTE zip text; INSERT INTO people VALUES (2, (2, 'Oak', 'x'))");
  ASSERT_TRUE(stack.topic_has(2));
  stack.sql("ALTER TABLE people ADD COLUMN w int; INSERT INTO people VALUES (3, (3, 'Ash', 'y'), 1)");
  ASSERT_TRUE(stack.topic_has(3));
  std::map<int, nlohmann::json> found;
  for (const KafkaRecord& record : stack.events()) {
    const nlohmann::json after = record.json()["after"];
    found[after["id"]] = after["v"];
  }
  EXPECT_EQ(found[1], nlohmann::json::parse(R"({"no":1,"street":"Elm"})"));
  EXPECT_EQ(found[2], "(2,Oak,x)");
  EXPECT_EQ(found[3], nlohmann::json::parse(R"({"no":3,"street":"Ash","zip":"y"})"));
}

TEST(ValuesChecker, TellsWhatIsNotTheSame) {
  EXPECT_TRUE(means_the_same(R"({"a":1,"b":[null]})", R"({"b": [null], "a": 1})"));
  EXPECT_TRUE(means_the_same(R"("\u0041")", "\"A\""));
  EXPECT_FALSE(means_the_same("1.50", "1.5"));
  EXPECT_FALSE(means_the_same("1", "\"1\""));
  EXPECT_FALSE(means_the_same("{", "{ "));
  EXPECT_FALSE(means_the_same("null", "\"null\""));
}
