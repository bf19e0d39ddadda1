// link: sluice::base
//
// Every type of PostgreSQL in the journal and in the mirror: nothing becomes a dead letter, the documents hold what the
// record holds, and what is mapped to be found is found. SLUICE_VALUES (100) says how many random rows.
#include <cstdlib>
#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "integration/value_cases.h"
#include "sluice/testing/stack.h"

using namespace sluice::testing;
using nlohmann::json;

namespace {

/// Values that PostgreSQL takes and that search engines have bounds for: beyond them, and the last ones before.
const std::map<std::string, std::vector<std::string>> kAboutBounds = {
    {"text", {"repeat('word', 20000)", "repeat('\u20ac', 20000)"}},
    {"citext", {"repeat('word', 20000)"}},
    {"xml", {"xmlelement(name a, repeat('word', 20000))"}},
    {"bytea", {"convert_to(repeat('z', 200000), 'UTF8')"}},
    {"varbit", {"repeat('10', 20000)::varbit"}},
    {"ltree", {"array_to_string(array(SELECT 'label' || n FROM generate_series(1, 5000) n), '.')::ltree"}},
    {"tsvector", {"array_to_tsvector(array(SELECT 'lexeme' || n FROM generate_series(1, 5000) n))"}},
    {"textrange", {"textrange('a', repeat('word', 20000))"}},
    {"texts", {"array[repeat('word', 20000)]"}},
    {"addr", {"row(1, repeat('word', 20000), 'infinity', null, null)::addr"}},
    {"hstore",
     {"hstore(repeat('k', 40000), 'v')", "hstore('', '')",
      "hstore(array['a.b', '.', ' ', '_id'], array['1', '2', '3', '4'])", "hstore('k', repeat('word', 20000))",
      "hstore(repeat('k', 8500), repeat('\u20ac', 8191))"}},
    {"json",
     {R"('{"a":[{"k":1,"\u006b":2}]}')", R"('{"a\u0000b":1}')", R"('{"":{"":[]}}')",
      "('0.' || repeat('9', 1000))::json", "(repeat('{\"a\":', 1000) || '1' || repeat('}', 1000))::json",
      "'[[1,{\"a\":1,\"a\":1}]]'"}},
    {"jsonb",
     {"(repeat('{\"a\":', 495) || '1' || repeat('}', 495))::jsonb", "(repeat('[', 3000) || repeat(']', 3000))::jsonb",
      "(SELECT jsonb_object_agg('key' || n, n) FROM generate_series(1, 5000) n)",
      R"('{"a.b":1,"a":{"b":2},"":3,".":4," ":5,"_id":6,"_source":{}}')",
      "to_jsonb(('0.' || repeat('9', 15000))::numeric)", "jsonb_build_object(repeat('k', 60000), 1)",
      "jsonb_build_object('k', repeat('word', 20000))", "'\"scalar\"'",
      "(repeat('{\"a\":', 480) || '1' || repeat('}', 480))::jsonb", "to_jsonb(('0.' || repeat('9', 998))::numeric)",
      "jsonb_build_object(repeat('k', 8000), repeat('\u20ac', 8191))",
      "jsonb_build_object(repeat('a', 4000), jsonb_build_object(repeat('b', 4200), repeat('\u20ac', 8191)))"}},
    {"jsonbs", {"array[(repeat('[', 2000) || repeat(']', 2000))::jsonb]"}},
    {"numeric", {"('0.' || repeat('9', 15000))::numeric", "('0.' || repeat('0', 5000) || '1')::numeric"}},
    {"numerics", {"array[1, ('0.' || repeat('9', 5000))::numeric]"}},
    {"numrange", {"numrange(0, ('0.' || repeat('9', 5000))::numeric)"}},
};

int random_rows() {
  const char* value = std::getenv("SLUICE_VALUES");
  return value == nullptr ? 100 : std::atoi(value);
}

/// As JSON numbers these are beyond the parser that judges here.
bool is_huge_number(const std::string& special) {
  return special.find("1e400") != std::string::npos || special == "repeat('9', 1000)::numeric";
}

std::vector<TypeCase> types() {
  run_ok({SLUICE_SOURCE_DIR "/Docker_Files/native/install", "extensions"});
  std::vector<TypeCase> all = kAllTypes;
  all.insert(all.end(), kPostgisTypes.begin(), kPostgisTypes.end());
  return all;
}

/// A string where all values are.
int id_of(const json& row) {
  return row["id"].is_string() ? std::stoi(row["id"].get<std::string>()) : row["id"].get<int>();
}

/// One table with a column of each type.
class ValuesInElasticsearch : public testing::Test {
 protected:
  static constexpr int kStreamed = 1'000'000;  // added to the id of a row of the snapshot

  void make_table() {
    std::string columns;
    std::string randoms;
    std::string sql = "SET timezone = 'UTC'; SELECT setseed(0.42);";
    const bool has_numbers = stack.settings().contains("encoding.decimal");
    std::map<int, std::pair<std::string, std::string>> specials;  // by row: names and values
    for (const TypeCase& type : types()) {
      const std::string name = '"' + type.name + '"';
      sql += type.setup + ";";
      columns += ", " + name + " " + type.type;
      randoms += ", " + type.random;
      auto values = type.specials;
      if (has_numbers || type.name == "json") std::erase_if(values, is_huge_number);
      if (const auto more = kAboutBounds.find(type.name); more != kAboutBounds.end())
        values.insert(values.end(), more->second.begin(), more->second.end());
      for (int row = 0; const std::string& value : values) {
        auto& [names, expressions] = specials[--row];
        names += ", " + name;
        expressions += ", " + value;
      }
    }
    sql += "CREATE TABLE everything (id int PRIMARY KEY" + columns + ");";
    for (const auto& [id, of] : specials)
      sql += "INSERT INTO everything (id" + of.first + ") VALUES (" + std::to_string(id) + of.second + ");";
    sql += "INSERT INTO everything SELECT i" + randoms + " FROM generate_series(1, " + std::to_string(random_rows()) +
           ") i;";
    stack.sql(sql);
  }

  void carry() {
    stack.settings().insert({{"postgres.tables", "[public.everything]"},
                             // Whatever the minor version: nothing writes while the slot is made.
                             {"postgres.accept_snapshot_race", "on"}});
    stack.start_replicator();
    stack.start_es_consumer();
    ASSERT_TRUE(eventually([&] { return stack.replicator().log().find("streaming from") != std::string::npos; }))
        << stack.replicator().log();
    const std::string streamed = std::to_string(kStreamed);
    stack.sql("CREATE TEMP TABLE more AS TABLE everything; UPDATE more SET id = id + " + streamed +
              "; INSERT INTO everything TABLE more");
    ASSERT_TRUE(stack.caught_up()) << stack.replicator().log();
    for (const KafkaRecord& record : stack.events()) {
      const json after = record.json()["after"];
      rows[id_of(after)] = after;
      raw[id_of(after)] = *record.value;
    }
    ASSERT_EQ(static_cast<std::int64_t>(rows.size()), stack.sql_number("SELECT count(*) FROM everything"));
    ASSERT_TRUE(stack.journal_has("everything", rows.size())) << stack.es_consumer().log();
    ASSERT_TRUE(eventually([&] {
      return stack.document_count(stack.mirror("everything")) == static_cast<std::int64_t>(rows.size());
    })) << stack.es_consumer().log();
  }

  /// The row of a document is that of the record, columns that are named as text as they stand in it.
  void compare(int id, json row, const json& as_text) {
    for (const json& name : as_text) {
      const std::string column = name;
      ASSERT_TRUE(row[column].is_string()) << column;
      const std::string member = json(column).dump() + ":" + row[column].get<std::string>();
      EXPECT_NE(raw[id].find(member), std::string::npos) << id << ' ' << member.substr(0, 200);
      row[column] = rows[id][column];
      texts.insert(column);
    }
    for (const auto& [name, value] : rows[id].items())
      EXPECT_EQ(row[name], value) << id << ' ' << name << ": " << value.dump().substr(0, 200);
    EXPECT_EQ(row.size(), rows[id].size());
  }

  void compare_all() {
    EXPECT_TRUE(stack.records(stack.topic() + ".dlq").empty())
        << stack.records(stack.topic() + ".dlq")[0].value->substr(0, 2000);
    const auto mirror = stack.documents(stack.mirror("everything"));
    ASSERT_EQ(mirror.size(), rows.size());
    for (const json& hit : mirror) {
      json row = hit["_source"];
      const json as_text = row["_sluice"].value("as_text", json::array());
      row.erase("_sluice");
      compare(id_of(row), row, as_text);
    }
    const auto journal = stack.documents(stack.journal("everything"));
    ASSERT_EQ(journal.size(), rows.size());
    for (const json& hit : journal) {
      const json& event = hit["_source"];
      compare(id_of(event["after"]), event["after"], event.value("as_text", json::array()));
    }
  }

  /// How many of the random rows have what is asked for, each its own value. `query`: of an id and a value, null: none.
  void expect_found(const std::string& index, const std::string& column,
                    const std::function<json(int, const json&)>& query) {
    json each = json::array();
    for (int id = 1; id <= random_rows(); ++id) {
      const json& value = rows[id][column];
      if (value.is_null()) continue;
      const json wanted = query(id, value);
      if (!wanted.is_null()) each.push_back(wanted);
    }
    ASSERT_FALSE(each.empty()) << column;
    const json found =
        stack.elasticsearch("POST", "/" + index + "/_count", {{"query", {{"bool", {{"should", each}}}}}});
    EXPECT_EQ(found.value("count", -1), static_cast<int>(each.size())) << index << ' ' << column << ' ' << found.dump();
  }

  static json both(const json& first, const json& second) {
    return {{"bool", {{"filter", json::array({first, second})}}}};
  }
  static json term(const std::string& field, const json& value) { return {{"term", {{field, {{"value", value}}}}}}; }

  /// Each row by the very value that its document has in `field`.
  void expect_found_by_value(const std::string& column, const std::string& field) {
    expect_found(stack.mirror("everything"), column,
                 [&](int id, const json& value) { return both(term("id", id), term(field, value)); });
  }

  Stack stack;
  std::map<int, json> rows;        ///< `after` by id
  std::map<int, std::string> raw;  ///< the record's value by id
  std::set<std::string> texts;     ///< columns that stood as text in a document
};

/// A date that the date field takes: years of four digits after Christ.
bool is_plain_date(const json& value) {
  const auto& text = value.get_ref<const std::string&>();
  return text.size() > 4 && text[4] == '-' && !text.ends_with(" BC");
}

}  // namespace

TEST_F(ValuesInElasticsearch, AreAllInJournalAndMirrorAndAreFound) {
  make_table();
  carry();
  compare_all();
  for (const char* column : {"json", "jsonb", "jsonbs", "hstore"}) EXPECT_TRUE(texts.contains(column)) << column;
  EXPECT_EQ(texts.size(), 4U) << json(texts).dump();

  for (const char* column :
       {"bool",     "int2",   "int4", "int8", "oid",     "float8",   "numeric", "numeric_10_2", "money", "uuid",
        "varchar",  "name",   "inet", "cidr", "macaddr", "macaddr8", "bit",     "varbit",       "time",  "timetz",
        "interval", "pg_lsn", "xid8", "mood", "posint",  "ltree",    "citext",  "text",         "point"})
    expect_found_by_value(column, column);
  expect_found_by_value("inet", "inet.ip");
  const std::string mirror = stack.mirror("everything");
  for (const char* column : {"date", "timestamp", "timestamptz"}) {
    expect_found(mirror, column, [&](int id, const json& value) {
      return is_plain_date(value) ? both(term("id", id), term(column, value)) : json();
    });
  }
  expect_found(mirror, "numeric_10_2", [&](int id, const json& value) {
    const double number = std::stod(value.get<std::string>());
    return both(term("id", id), {{"range", {{"numeric_10_2.n", {{"gte", number}, {"lte", number}}}}}});
  });
  for (const char* column : {"ints", "bools", "texts", "numerics", "posints"}) {
    expect_found(mirror, column,
                 [&](int id, const json& value) { return both(term("id", id), term(column, value[0])); });
  }
  for (const char* column : {"int4range", "int8range", "numrange"}) {
    expect_found(mirror, column, [&](int id, const json& value) {
      return value.contains("gte") ? both(term("id", id), term(std::string(column) + ".gte", value["gte"])) : json();
    });
  }
  for (const char* column : {"daterange", "tsrange", "tstzrange"}) {
    expect_found(mirror, column, [&](int id, const json& value) {
      const bool has = value.contains("gte") && is_plain_date(value["gte"]);
      return has ? both(term("id", id), term(std::string(column) + ".gte", value["gte"])) : json();
    });
  }
  for (const char* column : {"int4", "text", "uuid", "timestamp", "numeric_10_2", "inet", "bool"}) {
    expect_found(stack.journal("everything"), column, [&](int id, const json& value) {
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      return both(term("after.id", std::to_string(id)), term("after." + std::string(column), text));
    });
  }
}

TEST_F(ValuesInElasticsearch, AreAllThereAsNumbersHexAndStrings) {
  stack.settings().insert({{"encoding.decimal", "number"},
                           {"encoding.time", "micros"},
                           {"encoding.bytea", "hex"},
                           {"encoding.json", "string"}});
  make_table();
  carry();
  compare_all();
  EXPECT_TRUE(texts.contains("numeric")) << "numbers of more than 1,000 digits";
  for (const char* column : {"date", "time", "timestamp", "timestamptz", "bytea"})
    expect_found_by_value(column, column);
  expect_found_by_value("numeric_10_2", "numeric_10_2.n");
}

TEST_F(ValuesInElasticsearch, AreAllThereAsDoublesAndAsDebeziumWritesTimes) {
  stack.settings().insert({{"encoding.decimal", "double"}, {"encoding.time", "debezium"}});
  make_table();
  carry();
  compare_all();
  for (const char* column : {"numeric_10_2", "date", "timestamp"}) expect_found_by_value(column, column);
}

TEST_F(ValuesInElasticsearch, AreAllThereAsPostgresqlsOwnText) {
  stack.settings()["encoding.values"] = "text";
  make_table();
  carry();
  compare_all();
  EXPECT_TRUE(texts.empty());
  for (const char* column : {"int4", "numeric", "timestamp", "bytea", "json", "int4range", "addr", "ints"})
    expect_found_by_value(column, column);
}
