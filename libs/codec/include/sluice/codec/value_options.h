// What a user may choose about the JSON of values (feature group D).
//
// Thread rule: values.
#pragma once

namespace sluice::codec {

enum class ValueForm {
  Typed,
  Text,  ///< every value is a string with PostgreSQL's own text, whatever its type; the other choices do not matter
};

enum class DecimalForm {
  String,
  Number,  ///< every digit as a JSON number; NaN and the infinities are strings
  Double,  ///< the nearest double, for readers that have no other numbers
};

/// What a number cannot say (infinity, timetz) stays a string.
enum class TimeForm {
  Iso,
  Micros,    ///< date: days since 1970; time: microseconds since midnight; timestamp, timestamptz: since 1970
  Debezium,  ///< the same, but timestamptz stays ISO, and interval: microseconds, a month of 30.4375 days
};

enum class BytesForm { Base64, Hex };

enum class JsonForm { Embedded, String };

/// Of text that is no UTF-8, as a database in SQL_ASCII may hold it.
enum class InvalidText {
  Replace,  ///< U+FFFD for each invalid piece, counted
  Halt,     ///< the change is refused
};

/// What GeoJSON has no form for stays hex EWKB.
enum class GeometryForm { GeoJson, Wkb };

struct ValueOptions {
  ValueForm form = ValueForm::Typed;
  DecimalForm decimal = DecimalForm::String;
  TimeForm time = TimeForm::Iso;
  BytesForm bytea = BytesForm::Base64;
  JsonForm json = JsonForm::Embedded;
  InvalidText invalid_text = InvalidText::Replace;
  GeometryForm geometry = GeometryForm::GeoJson;
};

}  // namespace sluice::codec
