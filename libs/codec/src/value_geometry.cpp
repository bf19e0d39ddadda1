// PostGIS's geometry and geography: hex EWKB (liblwgeom/lwout_wkb.c: byte order, type with flags, SRID, then counts and
// doubles) into GeoJSON (RFC 7946). What that has no form for stands as its hex EWKB: M coordinates, curves, surfaces,
// coordinates that are not finite.
#include <bit>
#include <cmath>

#include "hex.h"
#include "value_type.h"

namespace sluice::codec {
namespace {

enum Kind : std::uint32_t {
  kPoint = 1,
  kLineString,
  kPolygon,
  kMultiPoint,
  kMultiLineString,
  kMultiPolygon,
  kCollection
};

constexpr std::array<std::string_view, 8> kNames = {
    "", "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"};

constexpr std::uint32_t kHasZ = 0x80000000;
constexpr std::uint32_t kHasM = 0x40000000;
constexpr std::uint32_t kHasSrid = 0x20000000;
constexpr int kMaxDepth = 200;  // of collections in each other; PostGIS's own LW_PARSER_MAX_DEPTH
constexpr std::size_t kMaxDimensions = 3;
constexpr std::size_t kMaxDoubleSize = 32;

/// Reads bytes out of their hex digits. Once something was not there all that follows is 0.
class WkbReader {
 public:
  explicit WkbReader(std::string_view digits) : digits_(digits) {}

  bool failed() const { return failed_; }
  bool is_read() const { return !failed_ && digits_.empty(); }
  void fail() { failed_ = true; }

  /// That of the numbers that follow; 1 is little endian.
  void read_byte_order() {
    const std::uint64_t order = bytes<1>();
    if (order > 1) fail();
    little_endian_ = order == 1;
  }
  std::uint32_t number() { return static_cast<std::uint32_t>(bytes<sizeof(std::uint32_t)>()); }
  double coordinate() { return std::bit_cast<double>(bytes<sizeof(double)>()); }

 private:
  template <std::size_t kSize>
  std::uint64_t bytes() {
    if (failed_ || digits_.size() < 2 * kSize) return fail(), 0;
    std::uint64_t value = 0;
    for (std::size_t at = 0; at < kSize; ++at) {
      const std::uint8_t high = hex_value(digits_[2 * at]);
      const std::uint8_t low = hex_value(digits_[2 * at + 1]);
      if (high == kNoDigit || low == kNoDigit) return fail(), 0;
      const std::uint64_t byte = static_cast<std::uint64_t>(high << 4 | low);
      value |= byte << 8 * (little_endian_ ? at : kSize - 1 - at);
    }
    digits_.remove_prefix(2 * kSize);
    return value;
  }

  std::string_view digits_;
  bool little_endian_ = true;
  bool failed_ = false;
};

struct Header {
  std::uint32_t kind = 0;
  std::size_t dimensions = 2;
  std::uint32_t srid = 0;
};

/// Each function says whether what it appended is whole.
class GeoJson {
 public:
  GeoJson(std::string_view digits, base::TextBuffer& out) : reader_(digits), out_(out) {}

  bool append() { return append_geometry(0) && reader_.is_read(); }

 private:
  Header read_header() {
    reader_.read_byte_order();
    const std::uint32_t type = reader_.number();
    if (type & kHasM) reader_.fail();
    Header header;
    header.kind = type & ~(kHasZ | kHasM | kHasSrid);
    if (header.kind < kPoint || header.kind > kCollection) reader_.fail();
    if (type & kHasZ) header.dimensions = 3;
    if (type & kHasSrid) header.srid = reader_.number();
    return header;
  }

  bool append_geometry(int depth) {
    const Header header = read_header();
    if (reader_.failed() || depth > kMaxDepth) return false;
    out_.append(R"({"type":")");
    out_.append(kNames[header.kind]);
    out_.append('"');
    if (header.srid != 0) {
      out_.append(R"(,"srid":)");
      out_.append_number(header.srid);
    }
    const bool is_collection = header.kind == kCollection;
    out_.append(is_collection ? R"(,"geometries":)" : R"(,"coordinates":)");
    const bool whole = is_collection ? append_list([&] { return append_geometry(depth + 1); }) : append_shape(header);
    out_.append('}');
    return whole;
  }

  bool append_shape(const Header& header) {
    const auto position = [&] { return append_position(header.dimensions); };
    switch (header.kind) {
      case kPoint: return position();
      case kLineString: return append_list(position);
      case kPolygon: return append_list([&] { return append_list(position); });
      default: return append_list([&] { return append_part(header); });
    }
  }

  /// Of a Multi…, whose parts are geometries of their own.
  bool append_part(const Header& whole) {
    const Header part = read_header();
    const bool fits = part.kind == whole.kind - kMultiPoint + kPoint && part.dimensions == whole.dimensions;
    return !reader_.failed() && fits && append_shape(part);
  }

  template <class AppendOne>
  bool append_list(AppendOne append_one) {
    const std::uint32_t count = reader_.number();
    out_.append('[');
    for (std::uint32_t at = 0; at < count; ++at) {
      if (at != 0) out_.append(',');
      if (!append_one()) return false;
    }
    out_.append(']');
    return !reader_.failed();
  }

  /// An empty point has nothing but NaN.
  bool append_position(std::size_t dimensions) {
    std::array<double, kMaxDimensions> position{};
    bool is_empty = true;
    for (std::size_t at = 0; at < dimensions; ++at) {
      position[at] = reader_.coordinate();
      is_empty = is_empty && std::isnan(position[at]);
    }
    out_.append('[');
    for (std::size_t at = 0; !is_empty && at < dimensions; ++at) {
      if (!std::isfinite(position[at])) return false;
      if (at != 0) out_.append(',');
      char* const to = out_.room(kMaxDoubleSize);
      out_.written_to(std::to_chars(to, to + kMaxDoubleSize, position[at]).ptr);
    }
    out_.append(']');
    return !reader_.failed();
  }

  WkbReader reader_;
  base::TextBuffer& out_;
};

}  // namespace

bool append_geometry(ValueContext& context, const ValueType& type, std::string_view text, base::TextBuffer& out) {
  const std::size_t begin = out.size();
  if (GeoJson(text, out).append()) return true;
  out.cut_back_to(begin);
  return append_text(context, type, text, out);
}

}  // namespace sluice::codec
