// What PostGIS 3.3 writes of each geometry (SELECT v FROM …), and its GeoJSON.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "sluice/codec/value_encoder.h"

using namespace sluice;
using namespace sluice::codec;

namespace {

std::optional<std::string> encoded(std::string_view text, std::string_view extension = "postgis",
                                   const ValueOptions& options = {}) {
  change::TypeDescription type;
  type.oid = 30'000;
  type.extension = extension;
  type.name = "geometry";
  ValueEncoder encoder;
  base::TextBuffer out;
  if (!encoder.append(**resolve_type(type.oid, &type, options), text, out)) return std::nullopt;
  return std::string(out.view());
}

std::string in_quotes(std::string_view text) { return '"' + std::string(text) + '"'; }

constexpr std::string_view kPoint = "0101000000000000000000F03F0000000000000440";
constexpr std::string_view kOne = "000000000000F03F";
constexpr std::string_view kNaN = "000000000000F87F";

}  // namespace

TEST(Geometry, IsGeoJson) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {kPoint, R"({"type":"Point","coordinates":[1,2.5]})"},
      {"0101000000000000000000F87F000000000000F87F", R"({"type":"Point","coordinates":[]})"},
      {"01010000009C7500883CE4377E59F3F8C21F6EA501", R"({"type":"Point","coordinates":[1e+300,1e-300]})"},
      {"01020000000200000000000000000000000000000000000000000000000000F03F000000000000F03F",
       R"({"type":"LineString","coordinates":[[0,0],[1,1]]})"},
      {"010200000000000000", R"({"type":"LineString","coordinates":[]})"},
      {"0103000000020000000400000000000000000000000000000000000000000000000000F03F0000000000000000000000000000F03F0000"
       "00000000F03F00000000000000000000000000000000040000009A9999999999B93F9A9999999999B93F9A9999999999C93F9A999999999"
       "9"
       "B93F9A9999999999C93F9A9999999999C93F9A9999999999B93F9A9999999999B93F",
       R"({"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]],[[0.1,0.1],[0.2,0.1],[0.2,0.2],[0.1,0.1]]]})"},
      {"0104000000020000000101000000000000000000F03F000000000000F03F0101000000000000000000F87F000000000000F87F",
       R"({"type":"MultiPoint","coordinates":[[1,1],[]]})"},
      {"01050000000200000001020000000200000000000000000000000000000000000000000000000000F03F000000000000F03F0102000000"
       "020000000000000000000040000000000000004000000000000008400000000000000840",
       R"({"type":"MultiLineString","coordinates":[[[0,0],[1,1]],[[2,2],[3,3]]]})"},
      {"0106000000010000000103000000010000000400000000000000000000000000000000000000000000000000F03F000000000000000000"
       "0000000000F03F000000000000F03F00000000000000000000000000000000",
       R"({"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]]]})"},
      {"010700000000000000", R"({"type":"GeometryCollection","geometries":[]})"}};
  for (const auto& [text, json] : cases) EXPECT_EQ(encoded(text), json) << text;
}

TEST(Geometry, KeepsHeightAndReferenceSystem) {
  EXPECT_EQ(encoded("01010000A0110F0000000000000000F03F00000000000000400000000000000840"),
            R"({"type":"Point","srid":3857,"coordinates":[1,2,3]})");
  EXPECT_EQ(
      encoded("0104000080020000000101000080000000000000F03F000000000000F03F000000000000F03F01010000800000000000000"
              "04000000000000000400000000000000040"),
      R"({"type":"MultiPoint","coordinates":[[1,1,1],[2,2,2]]})");
  EXPECT_EQ(
      encoded("0107000020E6100000020000000101000000000000000000F03F000000000000F03F0107000000010000000102000000000"
              "00000"),
      R"({"type":"GeometryCollection","srid":4326,"geometries":[{"type":"Point","coordinates":[1,1]},)"
      R"({"type":"GeometryCollection","geometries":[{"type":"LineString","coordinates":[]}]}]})");
}

TEST(Geometry, OfEitherByteOrderAndCaseIsTheSame) {
  EXPECT_EQ(encoded("00000000013FF00000000000004004000000000000"), R"({"type":"Point","coordinates":[1,2.5]})");
  EXPECT_EQ(encoded("0101000000000000000000f03f0000000000000440"), R"({"type":"Point","coordinates":[1,2.5]})");
}

TEST(Geometry, ThatGeoJsonHasNoFormForIsItsText) {
  const std::string point_m = "0101000040000000000000F03F00000000000000400000000000000840";
  const std::string infinite = "0101000000000000000000F07F" + std::string(kOne);
  const std::string half_empty = "0101000000" + std::string(kNaN) + std::string(kOne);
  for (const std::string& text : {point_m, std::string("010800000000000000"), infinite, half_empty})
    EXPECT_EQ(encoded(text), in_quotes(text));
}

TEST(Geometry, ThatIsBrokenIsItsText) {
  const std::string point(kPoint);
  std::string deep;
  for (int level = 0; level < 202; ++level) deep += "010700000001000000";
  for (const std::string& text :
       {std::string(), std::string("what a user calls so"), point.substr(0, 41), point + "00", "02" + point.substr(2),
        std::string("0102000000FFFFFFFF"), "010400000001000000" + std::string("010200000000000000"), deep + point,
        std::string("01FF000000"), std::string("0100000000")})
    EXPECT_EQ(encoded(text), in_quotes(text));
}

TEST(Geometry, IsItsTextWhereThatIsWantedOrTheTypeIsAnothers) {
  EXPECT_EQ(encoded(kPoint, "postgis", {.geometry = GeometryForm::Wkb}), in_quotes(kPoint));
  EXPECT_EQ(encoded(kPoint, ""), in_quotes(kPoint));
}
