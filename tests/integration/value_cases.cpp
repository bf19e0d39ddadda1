#include "integration/value_cases.h"

namespace sluice::testing {

const std::string kText = "to_json(v::text)";
/// PostgreSQL writes +00:00 for what is Z here.
const std::string kZoned = "regexp_replace(to_json(v)::text, '\\+00:00', 'Z')";
namespace {

const std::string kDay = "date '2000-01-01' + (random() * 2000000 - 700000)::int";
const std::string kMoment = "timestamp '2000-01-01' + (random() * 2000000 - 700000) * interval '1 day'";
const std::string kWords =
    "array_to_string(array(SELECT chr(case when random() < 0.1 then (array[9,10,13,34,39,44,92,123,"
    "125,40,41])[1 + (random() * 10)::int] when random() < 0.8 then 32 + (random() * 94)::int when "
    "random() < 0.9 then 161 + (random() * 1000)::int else 128512 + (random() * 60)::int end) FROM "
    "generate_series(1, (random() * 20)::int + i * 0)), '')";
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
         "(case when random() < 0.1 + i * 0 then null else least(a, b) end, case when random() < 0.1 then null "
         "else greatest(a, b) end, (array['[]','[)','(]','()'])[1 + (random() * 3)::int]) FROM (SELECT " +
         bound + " a, " + bound + " b, i) s)";
}

}  // namespace

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

namespace {

const std::string kPlace =
    "round((random() * 360 - 180)::numeric, 6)::float8, round((random() * 180 - 90)::numeric, 6)::float8";
/// ST_AsGeoJSON writes up to 15 decimals, and says the reference system only in its own way.
std::string geojson_of(const std::string& v) {
  return "(ST_AsGeoJSON(" + v + ", 15, 0)::jsonb || case when ST_SRID(" + v +
         "::geometry) = 0 then '{}' else jsonb_build_object('srid', ST_SRID(" + v + "::geometry)) end)";
}
/// A point, line or polygon, or several.
const std::string kShape =
    "(array[ST_MakePoint(" + kPlace + "), ST_MakePoint(" + kPlace + ", i), ST_MakeLine(ST_MakePoint(" + kPlace +
    "), ST_MakePoint(" + kPlace + ")), ST_MakeEnvelope(" + kPlace + ", " + kPlace + "), ST_Multi(ST_MakePoint(" +
    kPlace + ")), ST_Multi(ST_MakeEnvelope(" + kPlace + ", " + kPlace + ", 3857)), ST_Collect(ST_MakePoint(" + kPlace +
    "), ST_MakeEnvelope(" + kPlace + ", " + kPlace + "))])[1 + (random() * 6)::int]";

std::string of_elements(const std::string& piece) {
  return "(SELECT coalesce(jsonb_agg(" + piece +
         " ORDER BY n), '[]') FROM unnest(string_to_array(trim(both '{}' from split_part(v::text, '/', 1)), ',')) WITH "
         "ORDINALITY u(e, n))";
}

}  // namespace

const std::vector<TypeCase> kPostgisTypes = {
    {"geometry",
     "geometry",
     kShape,
     {"'POINT EMPTY'", "'LINESTRING EMPTY'", "'POLYGON EMPTY'", "'MULTIPOLYGON EMPTY'", "'GEOMETRYCOLLECTION EMPTY'",
      "'SRID=3857;POINT Z (1 2 3)'", "'POLYGON((0 0,1 0,1 1,0 0),(0.1 0.1,0.2 0.1,0.2 0.2,0.1 0.1))'",
      "'MULTILINESTRING((0 0,1 1),(2 2,3 3))'", "'POLYGON((0 0,1 1,1 0,0 1,0 0))'", "'POINT(1e10 -1e10)'"},
     geojson_of("v"),
     "CREATE EXTENSION postgis"},
    {"geopoint",
     "geometry(Point, 4326)",
     "ST_SetSRID(ST_MakePoint((random() - 0.5) * 10 ^ (random() * 26 - 13)::int, random()), 4326)",
     {"'SRID=4326;POINT(0.1 1e300)'"},
     "jsonb_build_object('type', 'Point', 'srid', 4326, 'coordinates', jsonb_build_array(ST_X(v), ST_Y(v)))"},
    {"geography", "geography", "ST_MakePoint(" + kPlace + ")::geography", {"'LINESTRING(0 0,1 1)'"}, geojson_of("v")},
    {"geometries",
     "geometry[]",
     "array[" + kShape + ", null]",
     {"'{}'"},
     "(SELECT coalesce(jsonb_agg(" + geojson_of("g") + " ORDER BY n), '[]') FROM unnest(v) WITH ORDINALITY u(g, n))"},
    {"no_geojson",
     "geometry",
     "ST_MakePointM(" + kPlace + ", i)",
     {"'POINT ZM (1 2 3 4)'", "'CIRCULARSTRING(0 0,1 1,2 0)'", "'COMPOUNDCURVE(CIRCULARSTRING(0 0,1 1,2 0),(2 0,3 0))'",
      "'CURVEPOLYGON(CIRCULARSTRING(0 0,1 1,2 0,1 -1,0 0))'", "'TRIANGLE((0 0,1 0,1 1,0 0))'",
      "'TIN(((0 0,1 0,1 1,0 0)))'", "'POLYHEDRALSURFACE(((0 0,1 0,1 1,0 0)))'", "'MULTICURVE((0 0,1 1))'",
      "ST_MakePoint('Infinity', 1)", "ST_MakePoint('NaN', 1)"},
     kText},
    {"box2d", "box2d", "box2d(ST_MakeEnvelope(" + kPlace + ", " + kPlace + "))", {"'BOX(0 0,1 1)'"}, kText},
};

const std::vector<TypeCase> kVectorTypes = {
    {"vector",
     "vector",
     "array[random() - 0.5, random() * 1e30, -random() / 1e30, i]::vector",
     {"'[1]'", "'[0,-0]'", "array_fill(0.5, array[16000])::vector"},
     "v::text",
     "CREATE EXTENSION vector"},
    {"vector_3", "vector(3)", "array[random(), i, 0]::vector", {"'[3,2,1]'"}, "v::text"},
    {"halfvec", "halfvec", "array[random() - 0.5, random() * 60000, 0]::vector::halfvec", {"'[65504]'"}, "v::text"},
    {"sparsevec",
     "sparsevec",
     "array[0, random() - 0.5, 0, random() * 1e30, i]::vector::sparsevec",
     {"'{}/5'", "'{1:1,1000000000:-1e-7}/1000000000'"},
     "jsonb_build_object('dimensions', split_part(v::text, '/', 2)::int, 'indices', " +
         of_elements("split_part(e, ':', 1)::int") + ", 'values', " + of_elements("split_part(e, ':', 2)::float8") +
         ")"},
    {"vectors", "vector[]", "array[array[random(), i]::vector, null]", {"'{}'"}, "to_json(v::text[]::json[])"},
};

}  // namespace sluice::testing
