// How the columns of one table version stand in a mirror: their names there, which of them are the key, and their
// mapping.
//
// A column whose name Elasticsearch keeps for itself, that is called `_sluice`, that has a dot in it (a path to
// Elasticsearch) or that is blank is stored as `column_<name>`, with `_` for each dot.
//
// Types (rule E-11), by PostgreSQL's type name; domains as their base type, arrays as their element:
//   int2 int4 int8 oid        short, integer, long, long
//   float4 float8             float, double; NaN and the infinities are kept in the document but not searchable
//   numeric                   keyword, and `<name>.n` as double
//   bool                      boolean
//   date timestamp[tz]        date, or long where they are written as numbers; infinity, years before 1 and above 9999
//                             are kept but not searchable
//   text varchar bpchar       keyword, and `<name>.text` as full text
//   built-in ranges           an object: `<name>.gte`, `.gt`, `.lte`, `.lt` as their bounds, `.empty` as boolean
//   json jsonb hstore vector geometry, composites, ranges of your own   kept as they are, not searchable
//                             (`enabled: false`)
//   inet                      keyword, and `<name>.ip` as ip where it is an address without a mask
//   bytea                     binary, or keyword where it is written as hex
//   everything else           keyword
// Values longer than 8191 characters are kept, and not searchable as keyword.
//
// Thread rule: immutable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/codec/control_record.h"
#include "sluice/codec/value_options.h"

namespace sluice::documents {

class MirrorColumns {
 public:
  /// Errors (Stop): es.mirror_no_key, es.column_collision.
  static base::Result<MirrorColumns> of(const codec::SchemaRecord& schema);

  /// No column is renamed: a row can be copied as it is.
  bool are_plain() const { return plain_; }
  bool is_key(std::string_view column) const;
  /// The columns that make the document's id, in the order of the table.
  const std::vector<std::string>& key() const { return key_; }

 private:
  bool plain_ = true;
  std::vector<std::string> key_;
};

/// The name of a column as a field.
std::string field_name(std::string_view column);
bool is_reserved_field(std::string_view column);

/// The JSON object of field mappings, `_sluice` not among them.
std::string mirror_mapping(const codec::SchemaRecord& schema, const codec::ValueOptions& values = {});

}  // namespace sluice::documents
