#include "sluice/codec/value_encoder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <random>

using namespace sluice;
using namespace sluice::codec;

namespace {

using change::TypeDescription;
using change::TypeDescriptionPtr;
using change::TypeKind;

class Encoder {
 public:
  explicit Encoder(const ValueOptions& options = {}) : options_(options) {}

  /// Nothing: refused.
  std::optional<std::string> operator()(std::uint32_t oid, std::string_view text,
                                        const TypeDescription* type = nullptr) {
    base::TextBuffer out;
    const std::optional<ValueTypePtr> resolved = resolve_type(oid, type, options_);
    if (!resolved || !values_.append(**resolved, text, out)) return std::nullopt;
    return std::string(out.view());
  }
  std::uint64_t replacements() const { return values_.replacements(); }

 private:
  ValueOptions options_;
  ValueEncoder values_;
};

using Json = std::optional<std::string>;

struct Case {
  std::uint32_t oid;
  std::string_view text;
  std::string_view json;
};

void expect_all(std::initializer_list<Case> cases, const ValueOptions& options = {}) {
  Encoder encode(options);
  for (const Case& value : cases)
    EXPECT_EQ(encode(value.oid, value.text), Json(value.json)) << value.oid << ' ' << value.text;
}

void expect_refused(std::uint32_t oid, std::initializer_list<std::string_view> texts) {
  Encoder encode;
  for (const std::string_view text : texts) EXPECT_EQ(encode(oid, text), std::nullopt) << oid << ' ' << text;
}

std::string json_string(std::string_view text) {
  Encoder encode;
  return encode(25, text).value_or("refused");
}

TypeDescriptionPtr described(std::uint32_t oid, std::string name, TypeKind kind, TypeDescriptionPtr element = nullptr) {
  TypeDescription type;
  type.oid = oid;
  type.schema = "public";
  type.name = std::move(name);
  type.kind = kind;
  type.element = std::move(element);
  return std::make_shared<const TypeDescription>(std::move(type));
}

}  // namespace

TEST(ValueEncoder, NumbersKeepEveryDigit) {
  expect_all({{16, "t", "true"},
              {16, "f", "false"},
              {21, "-32768", "-32768"},
              {23, "0", "0"},
              {20, "9223372036854775807", "9223372036854775807"},
              {26, "4294967295", "4294967295"},
              {700, "1e-05", "1e-05"},
              {701, "1.7976931348623157e+308", "1.7976931348623157e+308"},
              {701, "-0", "-0"},
              {701, "NaN", "\"NaN\""},
              {701, "Infinity", "\"Infinity\""},
              {700, "-Infinity", "\"-Infinity\""},
              {1700, "12.50", "\"12.50\""},
              {1700, "-0.000000000000000000000000000000000001", "\"-0.000000000000000000000000000000000001\""},
              {1700, "NaN", "\"NaN\""},
              {1700, "-Infinity", "\"-Infinity\""}});
}

TEST(ValueEncoder, TextThatIsNoNumberIsRefused) {
  expect_refused(16, {"", "true", "x"});
  expect_refused(23, {"", "-", "1.5", "01", "1 ", "0x1", "NaN", "+1"});
  expect_refused(701, {"", "1.", ".5", "1e", "inf", "nan", "1,5", "--1"});
  expect_refused(1700, {"", "1.5.1", "abc", "1\"", "$5"});
}

TEST(ValueEncoder, TimesBecomeIso8601) {
  expect_all({{1082, "2026-11-21", "\"2026-11-21\""},
              {1083, "08:00:00.123456", "\"08:00:00.123456\""},
              {1083, "24:00:00", "\"24:00:00\""},
              {1114, "2026-11-21 08:00:00", "\"2026-11-21T08:00:00\""},
              {1114, "2026-11-21 08:00:00.123456", "\"2026-11-21T08:00:00.123456\""},
              {1184, "2026-11-21 08:00:00.123456+00", "\"2026-11-21T08:00:00.123456Z\""},
              {1184, "2026-11-21 08:00:00.1+00", "\"2026-11-21T08:00:00.1Z\""},
              {1184, "2026-11-21 13:30:00+05:30", "\"2026-11-21T13:30:00+05:30\""},
              {1184, "2026-11-21 00:00:00-08", "\"2026-11-21T00:00:00-08:00\""},
              {1266, "08:00:00+00", "\"08:00:00Z\""},
              {1266, "08:00:00.5-03", "\"08:00:00.5-03:00\""}});
}

TEST(ValueEncoder, TimesBeyondTheCalendarOfIsoStayReadableAndExact) {
  expect_all({{1082, "infinity", "\"infinity\""},
              {1082, "-infinity", "\"-infinity\""},
              {1114, "infinity", "\"infinity\""},
              {1184, "-infinity", "\"-infinity\""},
              {1082, "0044-03-15 BC", "\"0044-03-15 BC\""},
              {1082, "5874897-12-31", "\"5874897-12-31\""},
              {1114, "0044-03-15 12:00:00 BC", "\"0044-03-15T12:00:00 BC\""},
              {1184, "4713-01-01 00:00:00+00 BC", "\"4713-01-01T00:00:00Z BC\""},
              {1184, "294276-12-31 23:59:59.999999+00", "\"294276-12-31T23:59:59.999999Z\""}});
}

TEST(ValueEncoder, TimesOfAnotherDateStyleAreRefused) {
  expect_refused(1082, {"", "11/21/2026", "21.11.2026", "2026-13-01", "2026-11-32", "2026-11-2", "2026-11-21 AD"});
  expect_refused(1083, {"", "8:00:00", "08:00", "25:00:00", "08:00:00.", "08:00:00+00"});
  expect_refused(1114, {"2026-11-21", "2026-11-21T08:00:00", "Sat Nov 21 08:00:00 2026", "2026-11-21 08:00:00+00"});
  expect_refused(1184, {"2026-11-21 08:00:00", "2026-11-21 08:00:00 UTC", "2026-11-21 08:00:00+0"});
  expect_refused(1266, {"08:00:00", "08:00:00Z"});
}

TEST(ValueEncoder, IntervalsBecomeIso8601AsPostgresqlWouldWriteThem) {
  expect_all({{1186, "00:00:00", "\"PT0S\""},
              {1186, "1 year 2 mons 3 days 04:05:06.789", "\"P1Y2M3DT4H5M6.789S\""},
              {1186, "-1 years -2 mons +3 days -04:05:06", "\"P-1Y-2M3DT-4H-5M-6S\""},
              {1186, "1 mon", "\"P1M\""},
              {1186, "-1 days", "\"P-1D\""},
              {1186, "1 day -00:00:01", "\"P1DT-1S\""},
              {1186, "-00:00:00.5", "\"PT-0.5S\""},
              {1186, "00:10:00", "\"PT10M\""},
              {1186, "100:00:00", "\"PT100H\""},
              {1186, "2562047788:00:54.775807", "\"PT2562047788H54.775807S\""},
              {1186, "178000000 years", "\"P178000000Y\""},
              {1186, "infinity", "\"infinity\""}});
  expect_refused(
      1186, {"", "P1D", "1", "1 day 2 years", "1 week", "1 day 4", "@ 1 day", "04:05", "1:2:3", "00:00:00.", "days"});
}

TEST(ValueEncoder, BytesBecomeBase64) {
  expect_all({{17, "\\x", "\"\""},
              {17, "\\x00", "\"AA==\""},
              {17, "\\x0001", "\"AAE=\""},
              {17, "\\x48656c6c6f", "\"SGVsbG8=\""},
              {17, "\\xFFfefd", "\"//79\""}});
  expect_refused(17, {"", "Hello", "\\x0", "\\x0g", "\\000"});
}

TEST(ValueEncoder, JsonIsEmbeddedAsItStands) {
  expect_all({{3802, R"({"k": 1.50, "b": [1, {"c": null}], "k": 2})", R"({"k": 1.50, "b": [1, {"c": null}], "k": 2})"},
              {114, R"("text")", R"("text")"},
              {114, "12345678901234567890.123456789", "12345678901234567890.123456789"},
              {114, R"("é \u00e9 \ud83d\ude00 😀")", R"("é \u00e9 \ud83d\ude00 😀")"}});
  expect_refused(114, {"", "{", "{]", "[1,]", "{\"a\":}", "{a:1}", "nul", "1 2", "\"\t\"", "[1}", "\"\\x\"", "01", "[",
                       "{\"a\":1,}"});
}

TEST(ValueEncoder, LineBreaksBetweenTheTokensOfJsonAreRemoved) {
  expect_all({{114, "{\n  \"a\":\r\n  1\n}\n", "{  \"a\":  1}"},
              {114, "[1,\n2]", "[1,2]"},
              {114, "\n\"a\\nb\"", "\"a\\nb\""}});
}

TEST(ValueEncoder, JsonThatStrictReadersRefuseIsMendedAndCounted) {
  Encoder encode;
  EXPECT_EQ(encode(114, R"(["\ud800", "\udc00\ud83d\ude00", "\\ud800"])"),
            Json(R"(["\ufffd", "\ufffd\ud83d\ude00", "\\ud800"])"));
  EXPECT_EQ(encode(114, "\"a\xFF\""), Json("\"a\xEF\xBF\xBD\""));
  EXPECT_EQ(encode.replacements(), 3u);
}

TEST(ValueEncoder, DeepJsonNeedsNoStack) {
  Encoder encode;
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_EQ(encode(3802, deep), Json(deep));
  EXPECT_EQ(encode(3802, deep.substr(1)), std::nullopt);
}

TEST(ValueEncoder, ArraysKeepTheirFormAndTheTypeOfTheirElements) {
  expect_all(
      {{1007, "{}", "[]"},
       {1007, "{1,NULL,-3}", "[1,null,-3]"},
       {1007, "{{1,2},{3,4}}", "[[1,2],[3,4]]"},
       {1007, "[2:3]={7,8}", "[7,8]"},
       {1007, "[-1:0][2:3]={{1,2},{3,4}}", "[[1,2],[3,4]]"},
       {1000, "{t,f}", "[true,false]"},
       {1009, R"({a,"b c","","NULL",NULL,"q\"u\\o","{}",ü})", R"(["a","b c","","NULL",null,"q\"u\\o","{}","ü"])"},
       {1231, "{12.50,NaN}", R"(["12.50","NaN"])"},
       {1185, R"({"2026-11-21 08:00:00+00"})", R"(["2026-11-21T08:00:00Z"])"},
       {1001, R"({"\\x00"})", R"(["AA=="])"},
       {3807, R"({"{\"k\": [1, 2]}","\"s\""})", R"([{"k": [1, 2]},"s"])"},
       {1020, "{(2,2),(1,1);(4,4),(3,3)}", R"json(["(2,2),(1,1)","(4,4),(3,3)"])json"}});
}

TEST(ValueEncoder, BrokenArraysAreRefused) {
  expect_refused(1007, {"", "1", "{", "}", "{1", "{1,}", "{,1}", "{1}}", "{{1}", "{1}x", "{a}", "[2:3]", "[x]={1}",
                        "{1 }", "{{{{{{{1}}}}}}}", "{1{", "{}1", "{1}{2}"});
  expect_refused(1009, {"{\"a}", "{\"a\\", "{\"a\"b}", "{a\"b}", "{a\\b}"});
}

TEST(ValueEncoder, DomainsAndArraysOfTheCatalogFollowWhatTheyAreMadeOf) {
  Encoder encode;
  const TypeDescriptionPtr int4 = described(23, "int4", TypeKind::Base);
  const TypeDescriptionPtr positive = described(20'001, "positive", TypeKind::Domain, int4);
  const TypeDescriptionPtr positives = described(20'002, "_positive", TypeKind::Array, positive);
  const TypeDescriptionPtr list =
      described(20'003, "list", TypeKind::Domain, described(1007, "_int4", TypeKind::Array, int4));
  const TypeDescriptionPtr lists = described(20'004, "_list", TypeKind::Array, list);
  const TypeDescriptionPtr mood = described(20'005, "mood", TypeKind::Enum);
  const TypeDescriptionPtr moods = described(20'006, "_mood", TypeKind::Array, mood);
  EXPECT_EQ(encode(positive->oid, "7", positive.get()), Json("7"));
  EXPECT_EQ(encode(positives->oid, "{7,8}", positives.get()), Json("[7,8]"));
  EXPECT_EQ(encode(lists->oid, R"({"{1,2}","{}"})", lists.get()), Json("[[1,2],[]]"));
  EXPECT_EQ(encode(mood->oid, "so \"so\"", mood.get()), Json(R"("so \"so\"")"));
  EXPECT_EQ(encode(moods->oid, "{sad,ok}", moods.get()), Json(R"(["sad","ok"])"));
}

TEST(ValueEncoder, TypesThatNobodyDescribesAreText) {
  Encoder encode;
  EXPECT_EQ(encode(99'999, "(1,\"x\")"), Json(R"json("(1,\"x\")")json"));
  EXPECT_EQ(encode(790, "$1.00"), Json("\"$1.00\""));
  const TypeDescriptionPtr orphan = described(20'010, "orphan", TypeKind::Domain);
  EXPECT_EQ(encode(orphan->oid, "5", orphan.get()), Json("\"5\""));
}

TEST(ValueEncoder, RangesSayTheirBoundsAndWhetherTheyBelongToThem) {
  expect_all(
      {{3904, "[1,5)", R"j({"gte":1,"lt":5})j"},
       {3904, "empty", R"j({"empty":true})j"},
       {3904, "(,5)", R"j({"lt":5})j"},
       {3904, "[-3,)", R"j({"gte":-3})j"},
       {3904, "(,)", "{}"},
       {3906, "(1.50,NaN]", R"j({"gt":"1.50","lte":"NaN"})j"},
       {3912, "[2026-11-21,infinity)", R"j({"gte":"2026-11-21","lt":"infinity"})j"},
       {3908, R"j(["2026-11-21 08:00:00","2026-11-22 00:00:00"])j",
        R"j({"gte":"2026-11-21T08:00:00","lte":"2026-11-22T00:00:00"})j"},
       {3910, R"j(["0044-03-15 00:00:00+00 BC",infinity])j", R"j({"gte":"0044-03-15T00:00:00Z BC","lte":"infinity"})j"},
       {3905, R"j({"[1,2)",empty,NULL})j", R"j([{"gte":1,"lt":2},{"empty":true},null])j"}});
  expect_refused(3904, {"", "[", "[1", "[1,", "[1,5", "[1,5)x", "1,5)", "[1,,5)", "[a,5)", "[1,b)", "[1;5)", "(1,5",
                        "Empty", "[\"1,5)", "[1,\"5)", "[[1,5)"});
}

TEST(ValueEncoder, MultirangesAreArraysOfRanges) {
  expect_all({{4451, "{}", "[]"},
              {4451, "{[1,3),[5,7)}", R"j([{"gte":1,"lt":3},{"gte":5,"lt":7}])j"},
              {4536, "{(,)}", "[{}]"},
              {4534, R"j({["2026-11-21 08:00:00+00",)})j", R"j([{"gte":"2026-11-21T08:00:00Z"}])j"}});
  expect_refused(4451,
                 {"", "{", "}", "{[1,3)", "{[1,3),}", "{,[1,3)}", "[1,3)", "{[1,3)}x", "{empty}", "{[1,3)[5,7)}"});
}

TEST(ValueEncoder, RangesOfTextQuoteTheirBounds) {
  Encoder encode;
  const TypeDescriptionPtr words = described(20'020, "words", TypeKind::Range, described(25, "text", TypeKind::Base));
  EXPECT_EQ(encode(words->oid, R"j(["a""b\\","c,d"])j", words.get()), Json(R"j({"gte":"a\"b\\","lte":"c,d"})j"));
  EXPECT_EQ(encode(words->oid, R"j(("",z))j", words.get()), Json(R"j({"gt":"","lt":"z"})j"));
}

TEST(ValueEncoder, CompositesAreObjects) {
  Encoder encode;
  const TypeDescriptionPtr text = described(25, "text", TypeKind::Base);
  TypeDescription inner;
  inner.oid = 20'030;
  inner.name = "inner";
  inner.kind = TypeKind::Composite;
  inner.fields = {{"n", 1700, nullptr}, {"tags", 1009, nullptr}};
  const auto inner_ptr = std::make_shared<const TypeDescription>(inner);
  TypeDescription outer;
  outer.oid = 20'031;
  outer.name = "outer";
  outer.kind = TypeKind::Composite;
  outer.fields = {{"id", 23, nullptr}, {"say \"it\"", 25, nullptr}, {"inner", inner_ptr->oid, inner_ptr}};
  EXPECT_EQ(encode(outer.oid, R"json((1,"a b","(2.50,""{x,""""y z""""}"")"))json", &outer),
            Json(R"json({"id":1,"say \"it\"":"a b","inner":{"n":"2.50","tags":["x","y z"]}})json"));
  EXPECT_EQ(encode(outer.oid, "(,,)", &outer), Json(R"j({"id":null,"say \"it\"":null,"inner":null})j"));
  EXPECT_EQ(encode(outer.oid, R"j((7,"",))j", &outer), Json(R"j({"id":7,"say \"it\"":"","inner":null})j"));
  EXPECT_EQ(encode(outer.oid, R"j((7,"q""\\(),",))j", &outer),
            Json(R"j({"id":7,"say \"it\"":"q\"\\(),","inner":null})j"));
  const TypeDescriptionPtr array =
      described(20'032, "_outer", TypeKind::Array, std::make_shared<const TypeDescription>(outer));
  EXPECT_EQ(encode(array->oid, R"json({"(1,\"a b\",)",NULL})json", array.get()),
            Json(R"json([{"id":1,"say \"it\"":"a b","inner":null},null])json"));
  TypeDescription nothing;
  nothing.kind = TypeKind::Composite;
  EXPECT_EQ(encode(20'033, "()", &nothing), Json("{}"));
}

TEST(ValueEncoder, WhatStandsAsDeepAsItMayIsWritten) {
  Encoder encode;
  TypeDescription composite;
  composite.oid = 20'070;
  composite.kind = TypeKind::Composite;
  composite.fields = {{"n", 23, nullptr}};
  TypeDescriptionPtr type = std::make_shared<const TypeDescription>(composite);
  std::string text = "(1)";
  std::string json = R"({"n":1})";
  // A range keeps two pieces at a time.
  for (std::uint32_t depth = 1; depth < 7; ++depth) {
    type = described(20'071 + depth, "r", TypeKind::Range, type);
    std::string quoted;
    for (const char byte : text) quoted += byte == '"' || byte == '\\' ? std::string(2, byte) : std::string(1, byte);
    text = "[\"" + quoted + "\",)";
    json = R"({"gte":)" + json + "}";
  }
  EXPECT_EQ(encode(type->oid, text, type.get()), Json(json));
}

TEST(ValueEncoder, ACompositeThatNamesOneTypeOverAndOverIsResolvedOnce) {
  TypeDescriptionPtr type = described(25, "text", TypeKind::Base);
  std::uint32_t oid = 25;
  for (std::uint32_t depth = 0; depth < 6; ++depth) {
    TypeDescription wider;
    wider.oid = 20'080 + depth;
    wider.kind = TypeKind::Composite;
    for (int field = 0; field < 200; ++field) wider.fields.push_back({"f", oid, type});
    oid = wider.oid;
    type = std::make_shared<const TypeDescription>(std::move(wider));
  }
  EXPECT_TRUE(resolve_type(oid, type.get()));
}

TEST(ValueEncoder, ACompositeThatItsDescriptionDoesNotFitIsItsText) {
  Encoder encode;
  TypeDescription type;
  type.kind = TypeKind::Composite;
  type.fields = {{"a", 23, nullptr}, {"b", 23, nullptr}};
  for (const std::string_view text : {"(1,2,3)", "(1)", "()", "", "(1,2", "(1,x)", "(1,2)x", "(1,2))"})
    EXPECT_EQ(encode(20'040, text, &type), Json('"' + std::string(text) + '"')) << text;
}

TEST(ValueEncoder, TypesOfExtensionsAreKnownByTheirNames) {
  Encoder encode;
  TypeDescription hstore;
  hstore.name = "hstore";
  hstore.extension = "hstore";
  const auto pairs = [&](std::string_view text) { return encode(20'050, text, &hstore); };
  EXPECT_EQ(pairs(R"j("a"=>"1", "b"=>NULL, "say \"it\""=>"\\", ""=>"NULL")j"),
            Json(R"j({"a":"1","b":null,"say \"it\"":"\\","":"NULL"})j"));
  EXPECT_EQ(pairs(""), Json("{}"));
  for (const std::string_view broken :
       {"a", "\"a\"", "\"a\"=>", "\"a\"=>x", "\"a\"=>\"1", "\"a\"=>\"1\",", "\"a\"=>\"1\" "})
    EXPECT_EQ(pairs(broken), std::nullopt) << broken;
  hstore.extension = "";
  EXPECT_EQ(pairs("what a user calls so"), Json("\"what a user calls so\""));

  TypeDescription vector;
  vector.name = "vector";
  vector.extension = "vector";
  EXPECT_EQ(encode(20'051, "[1,2.5,-3e-07]", &vector), Json("[1,2.5,-3e-07]"));
  EXPECT_EQ(encode(20'051, "[[1]]", &vector), std::nullopt);
  EXPECT_EQ(encode(20'051, "[1", &vector), std::nullopt);

  vector.name = "sparsevec";
  const auto sparse = [&](std::string_view text) { return encode(20'052, text, &vector); };
  EXPECT_EQ(sparse("{1:2.5,4:-3e-07}/5"), Json(R"({"dimensions":5,"indices":[1,4],"values":[2.5,-3e-07]})"));
  EXPECT_EQ(sparse("{}/1000000000"), Json(R"({"dimensions":1000000000,"indices":[],"values":[]})"));
  for (const std::string_view broken :
       {"", "{}", "{1:2}", "{1:2}/", "{1}/5", "{1:2,}/5", "{1:x}/5", "1:2}/5", "{1:2}/5 "})
    EXPECT_EQ(sparse(broken), std::nullopt) << broken;
}

TEST(ValueOptions, DecimalsAsNumbersKeepEveryDigit) {
  const std::string_view long_one = "-123456789012345678901234567890.123456789012345678901234567890";
  expect_all({{1700, long_one, long_one},
              {1700, "1.50", "1.50"},
              {1700, "NaN", "\"NaN\""},
              {1231, "{0.10,NULL}", "[0.10,null]"}},
             {.decimal = DecimalForm::Number});
}

TEST(ValueOptions, DecimalsAsDoublesAreTheNearestOnes) {
  const std::string huge = "1" + std::string(400, '0');
  const std::string tiny = "0." + std::string(400, '0') + "1";
  const std::string negative_tiny = '-' + tiny;
  const std::string huge_json = '"' + huge + '"';
  expect_all({{1700, "0.10", "0.1"},
              {1700, "123456789012345678901234567890", "1.2345678901234568e+29"},
              {1700, "-0.0", "-0"},
              {1700, "-Infinity", "\"-Infinity\""},
              {1700, tiny, "0"},
              {1700, negative_tiny, "-0"},
              {1700, huge, huge_json}},
             {.decimal = DecimalForm::Double});
}

TEST(ValueOptions, ADecimalWithAnExponentThatNoDoubleHoldsStaysText) {
  expect_all({{1700, "0.5e999", "\"0.5e999\""}, {1700, "-5e-999", "\"-5e-999\""}}, {.decimal = DecimalForm::Double});
}

TEST(ValueOptions, TimesAsNumbersAreExactFromTheFirstDayToTheLast) {
  const std::initializer_list<Case> everywhere = {{1082, "1970-01-01", "0"},
                                                  {1082, "2000-03-01", "11017"},
                                                  {1082, "0001-01-01 BC", "-719528"},
                                                  {1082, "4714-11-24 BC", "-2440588"},
                                                  {1082, "5874897-12-31", "2145042905"},
                                                  {1082, "-infinity", "\"-infinity\""},
                                                  {1083, "24:00:00", "86400000000"},
                                                  {1083, "00:00:00.000001", "1"},
                                                  {1083, "08:30:00.5", "30600500000"},
                                                  {1114, "1969-12-31 23:59:59.999999", "-1"},
                                                  {1114, "2026-11-21 08:00:00.12", "1795248000120000"},
                                                  {1114, "294276-12-31 23:59:59.999999", "9224318015999999999"},
                                                  {1266, "08:00:00+01", "\"08:00:00+01:00\""}};
  expect_all(everywhere, {.time = TimeForm::Micros});
  expect_all(everywhere, {.time = TimeForm::Debezium});
  expect_all({{1184, "1970-01-01 01:30:00+01:30", "0"},
              {1184, "1969-12-31 16:00:00-08", "0"},
              {1184, "infinity", "\"infinity\""},
              {1186, "1 mon 2 days", "\"P1M2D\""}},
             {.time = TimeForm::Micros});
  expect_all({{1184, "2026-11-21 08:00:00+00", "\"2026-11-21T08:00:00Z\""},
              {1186, "1 mon", "2629800000000"},
              {1186, "-1 years +2 mons -3 days -04:05:06.7", "-26571906700000"},
              {1186, "00:00:00", "0"},
              {1186, "-2562047788:00:54.775808", "-9223372036854775808"},
              {1186, "-178000000 years", "-5617252800000000000000"}},
             {.time = TimeForm::Debezium});
}

TEST(ValueOptions, WhatIsNoTimeIsRefusedAsANumberToo) {
  Encoder encode({.time = TimeForm::Debezium});
  for (const std::string_view text : {"", "2026", "2026-13-01", "2026-11-32", "2026-11-21 BCE", "2026-11-21x", "x"})
    EXPECT_EQ(encode(1082, text), std::nullopt) << text;
  for (const std::string_view text :
       {"", "25:00:00", "08:00", "08:60:00", "08:00:00.", "08:00:00.1234567", "08:00:00x"})
    EXPECT_EQ(encode(1083, text), std::nullopt) << text;
  for (const std::string_view text : {"", "2026-11-21", "2026-11-21T08:00:00", "2026-11-21 08:00:00 AD"})
    EXPECT_EQ(encode(1114, text), std::nullopt) << text;
  for (const std::string_view text : {"", "1", "1 week", "1 mon 2", "1 mon2 days", "04:05", "- 1 mon"})
    EXPECT_EQ(encode(1186, text), std::nullopt) << text;
}

TEST(ValueOptions, BytesAndJsonAsTheirText) {
  expect_all({{17, "\\x00ff", "\"00ff\""}, {17, "\\x", "\"\""}}, {.bytea = BytesForm::Hex});
  Encoder hex({.bytea = BytesForm::Hex});
  EXPECT_EQ(hex(17, "\\x0g"), std::nullopt);
  EXPECT_EQ(hex(17, "00"), std::nullopt);
  expect_all({{3802, R"({"a": 1})", R"("{\"a\": 1}")"}, {114, "1", "\"1\""}}, {.json = JsonForm::String});
}

TEST(ValueOptions, TextIsWhatPostgresqlWritesOfEveryType) {
  expect_all({{16, "t", "\"t\""},
              {23, "7", "\"7\""},
              {1007, "{1,2}", "\"{1,2}\""},
              {1184, "2026-11-21 08:00:00+00", "\"2026-11-21 08:00:00+00\""},
              {17, "\\xff", R"("\\xff")"},
              {3904, "[1,5)", "\"[1,5)\""}},
             {.form = ValueForm::Text});
}

TEST(ValueOptions, ReachTheValuesInsideOfOthers) {
  const ValueOptions options{.decimal = DecimalForm::Number, .time = TimeForm::Micros};
  expect_all({{3906, "[1.50,2)", R"j({"gte":1.50,"lt":2})j"}, {1182, "{1970-01-02}", "[1]"}}, options);
  Encoder encode(options);
  TypeDescription type;
  type.kind = TypeKind::Composite;
  type.fields = {{"price", 1700, nullptr}, {"day", 1082, nullptr}};
  EXPECT_EQ(encode(20'060, "(1.50,1970-01-02)", &type), Json(R"({"price":1.50,"day":1})"));
}

TEST(ValueEncoder, TypesThatStandTooDeepInEachOtherAreNotResolved) {
  TypeDescriptionPtr type = described(23, "int4", TypeKind::Base);
  for (std::uint32_t depth = 0; depth < 20; ++depth) type = described(30'000 + depth, "d", TypeKind::Array, type);
  EXPECT_FALSE(resolve_type(type->oid, type.get()));
}

TEST(ValueEncoder, UuidsAreChecked) {
  expect_all({{2950, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""}});
  expect_refused(2950,
                 {"", "a0eebc99", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111"});
}

TEST(ValueEncoder, StringsEscapeWhatJsonDemandsAndNothingElse) {
  EXPECT_EQ(json_string(std::string_view("a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\0z", 16)),
            "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000z\"");
  EXPECT_EQ(json_string("Grüße 漢字 😀"), "\"Grüße 漢字 😀\"");
}

TEST(ValueEncoder, EveryPositionOfASpecialByteIsFound) {
  for (std::size_t size = 1; size <= 70; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      text[at] = '"';
      std::string json = text;
      json.insert(at, 1, '\\');
      ASSERT_EQ(json_string(text), '"' + json + '"') << size << ' ' << at;
    }
  }
}

TEST(ValueEncoder, BytesThatAreNoUtf8AreReplacedAndCounted) {
  Encoder encode;
  const std::string_view replacement = "\xEF\xBF\xBD";
  const auto expect = [&](std::string_view bytes, std::string_view text) {
    EXPECT_EQ(encode(25, bytes), Json('"' + std::string(text) + '"'));
  };
  expect(
      "a\xFF"
      "b",
      "a\xEF\xBF\xBD"
      "b");
  EXPECT_EQ(encode.replacements(), 1u);
  expect("\xE2\x82", replacement);                                                                         // cut off
  expect("\xC0\xAF", std::string(replacement) + std::string(replacement));                                 // overlong
  expect("\xED\xA0\x80", std::string(replacement) + std::string(replacement) + std::string(replacement));  // surrogate
  expect(
      "\xF0\x9F\x98"
      "x",
      std::string(replacement) + "x");
  EXPECT_EQ(encode.replacements(), 8u);
}

TEST(ValueEncoder, ACharacterAcrossTheEdgeOfAChunkIsWhole) {
  for (std::size_t before = 4090; before <= 4100; ++before) {
    const std::string text = std::string(before, 'a') + "😀" + std::string(5000, '\x01');
    const std::string json = json_string(text);
    ASSERT_EQ(nlohmann::json::parse(json).get<std::string>(), text) << before;
  }
}

TEST(ValueEncoder, RandomTextComesBackFromAnIndependentParser) {
  std::mt19937 random(20261121);
  const std::vector<std::string> pieces = {"a", "\"", "\\", "\n",   std::string(1, '\0'),        "\x1f",
                                           "é", "漢", "😀",  "\x7f", "plain text of some length "};
  Encoder encode;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::size_t count = random() % 40; count > 0; --count) text += pieces[random() % pieces.size()];
    const Json json = encode(25, text);
    ASSERT_TRUE(json);
    ASSERT_EQ(nlohmann::json::parse(*json).get<std::string>(), text);
  }
  EXPECT_EQ(encode.replacements(), 0u);
}

TEST(ValueEncoder, RandomBytesBecomeJsonOfTheSameTextAsAnIndependentReplacementGives) {
  std::mt19937 random(42);
  Encoder encode;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 60, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 3 == 0 ? random() % 128 : random() % 256);
    const Json json = encode(25, bytes);
    ASSERT_TRUE(json);
    const std::string replaced = nlohmann::json(bytes).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    ASSERT_EQ(nlohmann::json::parse(*json), nlohmann::json::parse(replaced));
  }
  EXPECT_GT(encode.replacements(), 1000u);
}
