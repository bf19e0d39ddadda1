// link: sluice::base
//
// Every type of PostgreSQL, random and special values: the snapshot and the stream write the same bytes, and they mean
// what PostgreSQL's own functions say of the value. SLUICE_VALUES (500) says how many random ones of each type.
#include <cstdlib>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

/// One table a case: (id int PRIMARY KEY, v <type>). `expected` is SQL over v that yields the JSON, in a session with
/// TimeZone UTC and IntervalStyle iso_8601: nothing of it is ours.
struct TypeCase {
  std::string name;
  std::string type;
  std::string random;                 ///< SQL over the series i
  std::vector<std::string> specials;  ///< SQL expressions
  std::string expected = "to_json(v)";
  std::string setup = {};  ///< SQL before the table is made
};

const std::string kText = "to_json(v::text)";
const std::string kDay = "date '2000-01-01' + (random() * 2000000 - 700000)::int";
const std::string kMoment = "timestamp '2000-01-01' + (random() * 2000000 - 700000) * interval '1 day'";
const std::string kWords =
    "array_to_string(array(SELECT chr(case when random() < 0.1 then (array[9,10,13,34,39,44,92,123,"
    "125,40,41])[1 + (random() * 10)::int] when random() < 0.8 then 32 + (random() * 94)::int when "
    "random() < 0.9 then 161 + (random() * 1000)::int else 128512 + (random() * 60)::int end) FROM "
    "generate_series(1, (random() * 20)::int + i * 0)), '')";
/// PostgreSQL writes +00:00 for what is Z here.
const std::string kZoned = "regexp_replace(to_json(v)::text, '\\+00:00', 'Z')";
/// The last years are beyond what extract(epoch) says to the microsecond.
const std::string kMicros =
    "case when isfinite(v) then trunc(extract(epoch from date_trunc('second', v)) * 1000000 + mod(extract(microseconds "
    "from "
    "v), 1000000))::text else to_json(v)::text end";
/// `v`: the range; `bound`: what becomes of lower and upper, with a $ for it.
std::string range_of(const std::string& v, const std::string& bound = "to_jsonb($)") {
  const auto with = [](std::string text, const std::string& in_place) {
    for (std::size_t at = 0; (at = text.find('$', at)) != std::string::npos; at += in_place.size())
      text.replace(at, 1, in_place);
    return text;
  };
  const std::string lower = with(bound, "lower(" + v + ")");
  const std::string upper = with(bound, "upper(" + v + ")");
  return with(
      "case when isempty($) then '{\"empty\":true}' else jsonb_strip_nulls(jsonb_build_object("
      "'gte', case when lower_inc($) then " +
          lower + " end, 'gt', case when not lower_inc($) and not lower_inf($) then " + lower +
          " end, 'lte', case when upper_inc($) then " + upper +
          " end, 'lt', case when not upper_inc($) and not upper_inf($) then " + upper + " end)) end",
      v);
}

std::string range_random(const std::string& type, const std::string& bound) {
  // Bounds of another order are no range; a pair of equal ones is empty or one value.
  return "(SELECT " + type +
         "(case when random() < 0.1 then null else least(a, b) end, case when random() < 0.1 then null "
         "else greatest(a, b) end, (array['[]','[)','(]','()'])[1 + (random() * 3)::int]) FROM (SELECT " +
         bound + " a, " + bound + " b, i) s)";
}

const std::vector<TypeCase> kAllTypes = {
    {"bool", "bool", "random() < 0.5", {"true", "false", "null"}},
    {"int2", "int2", "(random() * 65535 - 32768)::int2", {"-32768", "32767", "0"}},
    {"int4", "int4", "(random() * 4294967295 - 2147483648)::int4", {"-2147483648", "2147483647"}},
    {"int8", "int8", "(random() * 1e18 - 5e17)::int8", {"-9223372036854775808", "9223372036854775807"}},
    {"oid", "oid", "(random() * 4294967295)::int8::oid", {"0", "4294967295"}, "v::text"},
    {"float4",
     "float4",
     "(random() * 2 - 1)::float4 * 10 ^ (random() * 70 - 35)::int",
     {"'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "'1e-45'", "'3.4028235e38'"},
     "case when v::text ~ '[a-zA-Z]{3}' then to_json(v::text)::text else v::text end"},
    {"float8",
     "float8",
     "(random() * 2 - 1) * 10 ^ (random() * 600 - 300)::int",
     {"'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "'5e-324'", "'1.7976931348623157e308'"},
     "case when v::text ~ '[a-zA-Z]{3}' then to_json(v::text)::text else v::text end"},
    {"numeric",
     "numeric",
     "((random() * 2 - 1)::numeric * 10::numeric ^ (random() * 60)::int)::numeric(100, 20)",
     {"'NaN'", "'Infinity'", "'-Infinity'", "repeat('9', 1000)::numeric", "('0.' || repeat('0', 999) || '1')::numeric",
      "0.00", "-0.0"},
     kText},
    {"numeric_10_2", "numeric(10,2)", "(random() * 99999999)::numeric(10,2)", {"0", "'NaN'"}, kText},
    {"money", "money", "(random() * 1e12 - 5e11)::numeric::money", {"'-92233720368547758.08'::money"}, kText},
    {"text", "text", kWords, {"''", "'NULL'", "E'\\\\u0000'", "'null'", "repeat('x', 100000)", "U&'\\+01F600'"}},
    {"varchar", "varchar(40)", "left(" + kWords + ", 40)", {"''"}},
    {"bpchar", "char(12)", "left(" + kWords + ", 12)", {"''", "'a'"}},
    {"char", "\"char\"", "chr(32 + (random() * 94)::int)::\"char\"", {"''"}, kText},
    {"name", "name", "left(" + kWords + ", 10)::name", {"'a'"}},
    {"bytea",
     "bytea",
     "decode(md5(random()::text || i), 'hex')",
     {"''", "'\\x00ff'", "convert_to(repeat('z', 1000), 'UTF8')"},
     "to_json(replace(encode(v, 'base64'), E'\\n', ''))"},
    {"date",
     "date",
     kDay,
     {"'infinity'", "'-infinity'", "'0044-03-15 BC'", "'4713-01-01 BC'", "'5874897-12-31'", "'0001-01-01'"}},
    {"time", "time", "time '00:00' + random() * interval '24 hours'", {"'24:00'", "'00:00:00.000001'"}},
    {"timetz",
     "timetz",
     "(time '00:00' + random() * interval '24 hours')::text::timetz",
     {"'24:00+00'", "'08:00:00.5-08'", "'08:00+05:30'", "'08:00-15:59:59'"},
     "to_json(regexp_replace(regexp_replace(v::text, '\\+00$', 'Z'), '([+-]\\d\\d)$', '\\1:00'))"},
    {"timestamp",
     "timestamp",
     kMoment,
     {"'infinity'", "'-infinity'", "'4713-01-01 00:00:00 BC'", "'294276-12-31 23:59:59.999999'", "'1970-01-01'"}},
    {"timestamptz",
     "timestamptz",
     "(" + kMoment + ")::timestamptz",
     {"'infinity'", "'-infinity'", "'4713-01-01 00:00:00 BC'", "'294276-12-31 23:59:59.999999'",
      "'2026-11-21 08:00:00.1+05:30'"},
     kZoned},
    {"interval",
     "interval",
     "make_interval((random() * 2000 - 1000)::int, (random() * 40 - 20)::int, 0, (random() * 99 - 50)::int, "
     "(random() * 99 - "
     "50)::int, (random() * 99)::int, random() * 200 - 100)",
     {"'0'", "'-178000000 years'", "'1 mon -1 day'", "'-00:00:00.000001'", "'2147483647 days'"},
     kText},
    {"uuid", "uuid", "md5(random()::text || i)::uuid", {"'00000000-0000-0000-0000-000000000000'"}},
    {"json",
     "json",
     "json_build_object('a', random(), 'b', " + kWords + ")",
     {"'{\"a\": 1, \"a\": 2}'", "'[1e400, -0, 12345678901234567890.1234567890]'", "'\"\\u0000\"'",
      "'{\"a\":\n  [1,\n 2]}'", "'null'"},
     "regexp_replace(v::text, E'[\\n\\r]', '', 'g')"},
    {"jsonb",
     "jsonb",
     "jsonb_build_object('a', random(), 'b', " + kWords + ", 'c', jsonb_build_array(i, null, true))",
     {"'{}'", "'[]'", "'12345678901234567890.12345678901234567890'", "'\"\\\\u0041\"'",
      "(repeat('[', 100) || repeat(']', 100))::jsonb", "'null'"},
     "v::text"},
    {"xml", "xml", "xmlelement(name a, xmlattributes(i as n), " + kWords + "::text)", {"'<a/>'"}, kText},
    {"inet", "inet", "('10.' || (random() * 255)::int || '.0.1')::inet", {"'::1'", "'192.168.0.1/24'"}},
    {"cidr", "cidr", "('10.' || (random() * 255)::int || '.0.0/16')::cidr", {"'2001:db8::/32'"}, kText},
    {"macaddr", "macaddr", "left(md5(random()::text || i), 12)::macaddr", {"'00:00:00:00:00:00'"}, kText},
    {"macaddr8", "macaddr8", "left(md5(random()::text || i), 16)::macaddr8", {"'08:00:2b:01:02:03:04:05'"}, kText},
    {"bit", "bit(10)", "(random() * 1023)::int::bit(10)", {"B'0000000000'"}, kText},
    {"varbit", "varbit", "(random() * 1023)::int::bit(10)::varbit", {"B''"}, kText},
    {"point", "point", "point(random(), -random() * 1e10)", {"'(0,-0)'", "'(Infinity,NaN)'"}, kText},
    {"line", "line", "line(point(random(), 1), point(2, random()))", {"'{1,-1,0}'"}, kText},
    {"lseg", "lseg", "lseg(point(random(), 1), point(2, random()))", {"'[(0,0),(1,1)]'"}, kText},
    {"box", "box", "box(point(random(), 1), point(2, random()))", {"'(1,1),(0,0)'"}, kText},
    {"path", "path", "path(polygon(box(point(random(), 1), point(2, random()))))", {"'[(0,0),(1,1)]'"}, kText},
    {"polygon", "polygon", "polygon(box(point(random(), 1), point(2, random())))", {"'((0,0))'"}, kText},
    {"circle", "circle", "circle(point(random(), 1), random())", {"'<(0,0),0>'"}, kText},
    {"tsvector", "tsvector", "to_tsvector('simple', " + kWords + ")", {"''", "$$'a ''quote''':1A 'b':2$$"}, kText},
    {"tsquery", "tsquery", "plainto_tsquery('simple', 'a ' || i)", {"'a & !b | c <-> d:*'"}, kText},
    {"pg_lsn",
     "pg_lsn",
     "('0/' || upper(to_hex((random() * 2147483647)::int)))::pg_lsn",
     {"'FFFFFFFF/FFFFFFFF'"},
     kText},
    {"xid8", "xid8", "(random() * 1e15)::int8::text::xid8", {"'18446744073709551615'"}, kText},
    {"jsonpath", "jsonpath", "('$.a[' || i || '] ? (@ > 1)')::jsonpath", {"'$'"}, kText},
    {"txid_snapshot", "txid_snapshot", "('10:' || (20 + i) || ':15')::txid_snapshot", {"'1:1:'"}, kText},
    {"regclass", "regclass", "'pg_class'::regclass", {"'pg_catalog.pg_type'"}, kText},
    {"int4range",
     "int4range",
     range_random("int4range", "(random() * 100)::int4"),
     {"'empty'", "'(,)'", "'[,5]'", "'(3,4)'"},
     range_of("v")},
    {"int8range",
     "int8range",
     range_random("int8range", "(random() * 1e15)::int8"),
     {"'empty'", "'[9223372036854775806,)'"},
     range_of("v")},
    {"numrange",
     "numrange",
     range_random("numrange", "random()::numeric(20,10)"),
     {"'empty'", "'(,NaN]'", "'[1.500,)'"},
     range_of("v", "to_jsonb($::text)")},
    {"daterange",
     "daterange",
     range_random("daterange", kDay),
     {"'empty'", "'[2026-11-21,infinity)'", "'[0044-03-15 BC,)'"},
     range_of("v")},
    {"tsrange", "tsrange", range_random("tsrange", kMoment), {"'empty'", "'[-infinity,infinity]'"}, range_of("v")},
    {"tstzrange",
     "tstzrange",
     range_random("tstzrange", "(" + kMoment + ")::timestamptz"),
     {"'empty'", "'(,infinity)'"},
     "replace((" + range_of("v") + ")::text, '+00:00', 'Z')"},
    {"int4multirange",
     "int4multirange",
     "int4multirange(int4range(i, i + 3), int4range(i + 10, i + 10 + (random() * 10)::int))",
     {"'{}'", "'{(,)}'", "'{[1,2),[3,)}'"},
     "(SELECT coalesce(jsonb_agg(" + range_of("r") + " ORDER BY r), '[]') FROM unnest(v) r)"},
    {"textrange",
     "textrange",
     range_random("textrange", "(" + kWords + " COLLATE \"C\")"),
     {"'empty'", "textrange('', NULL)"},
     range_of("v"),
     "CREATE TYPE textrange AS RANGE (subtype = text, collation = \"C\")"},
    {"mood",
     "mood",
     "(array['sad','so \"so\"','happy'])[1 + (random() * 2)::int]::mood",
     {"null"},
     "to_json(v)",
     "CREATE TYPE mood AS ENUM ('sad', 'so \"so\"', 'happy')"},
    {"posint",
     "posint",
     "1 + (random() * 1000)::int",
     {"1"},
     "to_json(v)",
     "CREATE DOMAIN posint AS int CHECK (value > 0)"},
    {"addr",
     "addr",
     "row(i, " + kWords + ", " + kDay + ", array[i, null], row(i, null)::pair)::addr",
     {"row(null, '', null, '{}', null)::addr", "row(null, null, null, null, null)::addr"},
     "to_json(v)",
     "CREATE TYPE pair AS (a int, \"b \"\" c\" text); CREATE TYPE addr AS (id int, street text, since date, nums "
     "int[], more pair)"},
    {"addrs",
     "addr2[]",
     "array[row(i, " + kWords + ")::addr2, null]",
     {"'{}'"},
     "to_json(v)",
     "CREATE TYPE addr2 AS (id int, street text)"},
    {"hstore",
     "hstore",
     "hstore(array['a', " + kWords + "], array[" + kWords + ", null])",
     {"''"},
     "hstore_to_json(v)",
     "CREATE EXTENSION hstore"},
    {"ltree", "ltree", "('a.b' || i)::ltree", {"''"}, kText, "CREATE EXTENSION ltree"},
    {"citext", "citext", kWords, {"''"}, kText, "CREATE EXTENSION citext"},
    {"ints",
     "int4[]",
     "array[(random() * 100)::int, null, i]",
     {"'{}'", "'{{1,2},{3,4}}'", "'[2:3]={5,6}'", "'{{{1}}}'"}},
    {"bools", "bool[]", "array[random() < 0.5, null]", {"'{}'"}},
    {"texts", "text[]", "array[" + kWords + ", null, " + kWords + "]", {"'{}'", "array['NULL', '', '{', '\"', '\\']"}},
    {"numerics", "numeric[]", "array[random()::numeric(20,10), null]", {"array['NaN'::numeric]"}, "to_json(v::text[])"},
    {"jsonbs", "jsonb[]", "array[jsonb_build_object('k', " + kWords + "), null]", {"'{}'"}},
    {"timestamps", "timestamp[]", "array[" + kMoment + ", null]", {"array['infinity'::timestamp]"}},
    {"boxes", "box[]", "array[box(point(random(), 1), point(2, random())), null]", {"'{}'"}, "to_json(v::text[])"},
    {"ranges",
     "int4range[]",
     "array[int4range(i, i + 1), null]",
     {"'{}'"},
     "(SELECT coalesce(jsonb_agg(case when r is null then 'null'::jsonb else (" + range_of("r") +
         "  )::jsonb end ORDER BY n), '[]') FROM unnest(v) WITH ORDINALITY u(r, n))"},
    {"moods", "mood2[]", "array['sad', null]::mood2[]", {"'{}'"}, "to_json(v)", "CREATE TYPE mood2 AS ENUM ('sad')"},
    {"posints",
     "posint2[]",
     "array[i, null]::posint2[]",
     {"'{}'"},
     "to_json(v::int[])",
     "CREATE DOMAIN posint2 AS int"},
    {"matrix",
     "matrix",
     "array[array[i, i + 1], array[null, 0]]",
     {"'{}'"},
     "to_json(v)",
     "CREATE DOMAIN matrix AS int[]"},
};

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

}  // namespace

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
