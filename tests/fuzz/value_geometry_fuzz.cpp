// Geometries: every input is one as hex digits of its bytes, and those that are given as digits themselves. GeoJSON has
// positions of two or three numbers at the depth of its type, or the value is its text.
#include <array>

#include "fuzz/values.h"

using namespace sluice;

namespace {

/// How many lists stand around a position.
int depth_of(const std::string& type) {
  static const std::vector<std::vector<std::string>> kByDepth = {
      {"Point"}, {"LineString", "MultiPoint"}, {"Polygon", "MultiLineString"}, {"MultiPolygon"}};
  for (std::size_t depth = 0; depth < kByDepth.size(); ++depth) {
    for (const std::string& name : kByDepth[depth]) {
      if (name == type) return static_cast<int>(depth);
    }
  }
  return -1;
}

bool are_positions(const nlohmann::json& coordinates, int depth) {
  if (!coordinates.is_array()) return false;
  if (depth == 0 && !coordinates.empty() && coordinates.size() != 2 && coordinates.size() != 3) return false;
  for (const nlohmann::json& one : coordinates) {
    if (depth == 0 ? !one.is_number() : !are_positions(one, depth - 1)) return false;
  }
  return true;
}

bool is_geojson(const nlohmann::json& geometry) {
  const std::string& type = geometry["type"].get_ref<const std::string&>();
  if (type != "GeometryCollection") return are_positions(geometry["coordinates"], depth_of(type));
  for (const nlohmann::json& part : geometry["geometries"]) {
    if (!is_geojson(part)) return false;
  }
  return true;
}

std::string hex_of(std::string_view bytes) {
  std::string digits;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    digits += "0123456789ABCDEF"[value >> 4];
    digits += "0123456789ABCDEF"[value & 0xF];
  }
  return digits;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto type = fuzz::resolved(fuzz::of_extension("postgis", "geometry"));
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const std::string& text : {hex_of(bytes), std::string(bytes)}) {
    const auto json = fuzz::encoded(*type, text);
    SLUICE_CHECK(json, "what is no geometry is text");
    const auto value = nlohmann::json::parse(*json);
    SLUICE_CHECK(value.is_string() || is_geojson(value), "a geometry is GeoJSON or text");
  }
  return 0;
}
