// The one table of PostgreSQL's types: OID, OID of the array type, name, family. From src/include/catalog/pg_type.dat
// of PostgreSQL 14 to 18, which never changes the OID of a built-in type. A type that is not here and not described by
// the catalog is text.
#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "builtin_types.h"
#include "sluice/base/utf8.h"
#include "text_escape.h"
#include "value_type.h"

namespace sluice::codec {
namespace {

struct BuiltinType {
  std::uint32_t oid;
  std::uint32_t array_oid;
  std::string_view name;
  AppendValue append;
  char delimiter = ',';
  std::uint32_t bound_oid = 0;  ///< of a range: the type of its bounds
};

// clang-format off
constexpr BuiltinType kBuiltinTypes[] = {
    {16, 1000, "bool", append_bool},
    {17, 1001, "bytea", append_bytea},
    {20, 1016, "int8", append_integer},
    {21, 1005, "int2", append_integer},
    {23, 1007, "int4", append_integer},
    {26, 1028, "oid", append_integer},
    {114, 199, "json", append_json},
    {700, 1021, "float4", append_float},
    {701, 1022, "float8", append_float},
    {1082, 1182, "date", append_date},
    {1083, 1183, "time", append_time},
    {1114, 1115, "timestamp", append_timestamp},
    {1184, 1185, "timestamptz", append_timestamptz},
    {1186, 1187, "interval", append_interval},
    {1266, 1270, "timetz", append_timetz},
    {1700, 1231, "numeric", append_numeric},
    {2950, 2951, "uuid", append_uuid},
    {3802, 3807, "jsonb", append_json},
    {18, 1002, "char", append_text},
    {19, 1003, "name", append_text},
    {22, 1006, "int2vector", append_text},
    {24, 1008, "regproc", append_text},
    {25, 1009, "text", append_text},
    {27, 1010, "tid", append_text},
    {28, 1011, "xid", append_text},
    {29, 1012, "cid", append_text},
    {30, 1013, "oidvector", append_text},
    {142, 143, "xml", append_text},
    {600, 1017, "point", append_text},
    {601, 1018, "lseg", append_text},
    {602, 1019, "path", append_text},
    {603, 1020, "box", append_text, ';'},
    {604, 1027, "polygon", append_text},
    {628, 629, "line", append_text},
    {650, 651, "cidr", append_text},
    {718, 719, "circle", append_text},
    {774, 775, "macaddr8", append_text},
    {790, 791, "money", append_text},
    {829, 1040, "macaddr", append_text},
    {869, 1041, "inet", append_text},
    {1033, 1034, "aclitem", append_text},
    {1042, 1014, "bpchar", append_text},
    {1043, 1015, "varchar", append_text},
    {1560, 1561, "bit", append_text},
    {1562, 1563, "varbit", append_text},
    {1790, 2201, "refcursor", append_text},
    {2202, 2207, "regprocedure", append_text},
    {2203, 2208, "regoper", append_text},
    {2204, 2209, "regoperator", append_text},
    {2205, 2210, "regclass", append_text},
    {2206, 2211, "regtype", append_text},
    {2970, 2949, "txid_snapshot", append_text},
    {3220, 3221, "pg_lsn", append_text},
    {3614, 3643, "tsvector", append_text},
    {3615, 3645, "tsquery", append_text},
    {3642, 3644, "gtsvector", append_text},
    {3734, 3735, "regconfig", append_text},
    {3769, 3770, "regdictionary", append_text},
    {3904, 3905, "int4range", append_range, ',', 23},
    {3906, 3907, "numrange", append_range, ',', 1700},
    {3908, 3909, "tsrange", append_range, ',', 1114},
    {3910, 3911, "tstzrange", append_range, ',', 1184},
    {3912, 3913, "daterange", append_range, ',', 1082},
    {3926, 3927, "int8range", append_range, ',', 20},
    {4072, 4073, "jsonpath", append_text},
    {4089, 4090, "regnamespace", append_text},
    {4096, 4097, "regrole", append_text},
    {4191, 4192, "regcollation", append_text},
    {4451, 6150, "int4multirange", append_multirange, ',', 23},
    {4532, 6151, "nummultirange", append_multirange, ',', 1700},
    {4533, 6152, "tsmultirange", append_multirange, ',', 1114},
    {4534, 6153, "tstzmultirange", append_multirange, ',', 1184},
    {4535, 6155, "datemultirange", append_multirange, ',', 1082},
    {4536, 6157, "int8multirange", append_multirange, ',', 20},
    {5038, 5039, "pg_snapshot", append_text},
    {5069, 271, "xid8", append_text},
};
// clang-format on

/// A type that the codec knows by its extension's name and its own: their OIDs differ from database to database.
struct ExtensionType {
  std::string_view extension;
  std::string_view name;
  AppendValue append;
};
constexpr ExtensionType kExtensionTypes[] = {
    {"hstore", "hstore", append_hstore},      {"vector", "vector", append_vector},
    {"vector", "halfvec", append_vector},     {"vector", "sparsevec", append_sparse_vector},
    {"postgis", "geometry", append_geometry}, {"postgis", "geography", append_geometry},
};

ValueTypePtr make_type(AppendValue append, ValueTypePtr element = nullptr, char delimiter = ',') {
  return std::make_shared<const ValueType>(ValueType{append, std::move(element), delimiter, {}});
}

const BuiltinType* find_builtin(std::uint32_t oid) {
  const auto found = std::find_if(std::begin(kBuiltinTypes), std::end(kBuiltinTypes),
                                  [oid](const BuiltinType& type) { return type.oid == oid || type.array_oid == oid; });
  return found == std::end(kBuiltinTypes) ? nullptr : found;
}

AppendValue family_of_base(const change::TypeDescription& type) {
  for (const ExtensionType& known : kExtensionTypes) {
    if (known.extension == type.extension && known.name == type.name) return known.append;
  }
  return append_text;
}

using Resolved = std::optional<ValueTypePtr>;

class Resolver {
 public:
  explicit Resolver(const ValueOptions& options) : options_(options) {}

  Resolved resolve(std::uint32_t oid, const change::TypeDescription* description, std::size_t depth) const {
    if (const BuiltinType* const builtin = find_builtin(oid)) {
      if (builtin->oid == oid) return builtin_type(*builtin);
      if (depth == kMaxTypeNesting) return std::nullopt;
      return make_type(append_array, builtin_type(*builtin), builtin->delimiter);
    }
    return description == nullptr ? make_type(append_text) : described(*description, depth);
  }

 private:
  ValueTypePtr builtin_type(const BuiltinType& type) const {
    const BuiltinType* const bound = type.bound_oid == 0 ? nullptr : find_builtin(type.bound_oid);
    return make_type(chosen(type.append), bound == nullptr ? nullptr : builtin_type(*bound));
  }

  /// The family, or another one that the user wants instead.
  AppendValue chosen(AppendValue family) const {
    if (family == append_numeric && options_.decimal == DecimalForm::Number) return append_float;
    if (family == append_numeric && options_.decimal == DecimalForm::Double) return append_nearest_double;
    if (family == append_bytea && options_.bytea == BytesForm::Hex) return append_hex;
    if (family == append_json && options_.json == JsonForm::String) return append_text;
    if (family == append_geometry && options_.geometry == GeometryForm::Wkb) return append_text;
    return options_.time == TimeForm::Iso ? family : chosen_time(family);
  }

  AppendValue chosen_time(AppendValue family) const {
    if (family == append_date) return append_days;
    if (family == append_time) return append_time_micros;
    if (family == append_timestamp) return append_timestamp_micros;
    if (family == append_timestamptz && options_.time == TimeForm::Micros) return append_timestamp_micros;
    if (family == append_interval && options_.time == TimeForm::Debezium) return append_interval_micros;
    return family;
  }

  /// Composites may name the same type over and over, each with others inside: each is resolved once a depth.
  Resolved described(const change::TypeDescription& description, std::size_t depth) const {
    const auto place = std::pair(description.oid, depth);
    if (const auto known = resolved_.find(place); known != resolved_.end()) return known->second;
    Resolved made = resolve_described(description, depth);
    resolved_.emplace(place, made);
    return made;
  }

  Resolved resolve_described(const change::TypeDescription& description, std::size_t depth) const {
    using change::TypeKind;
    if (description.kind == TypeKind::Base) return make_type(chosen(family_of_base(description)));
    if (depth == kMaxTypeNesting) return std::nullopt;
    if (description.kind == TypeKind::Composite) return composite(description, depth);
    if (description.kind == TypeKind::Enum || description.element == nullptr) return make_type(append_text);
    Resolved element = resolve(description.element->oid, description.element.get(), depth + 1);
    if (!element) return std::nullopt;
    switch (description.kind) {
      case TypeKind::Array: return make_type(append_array, std::move(*element), description.array_delimiter);
      case TypeKind::Range: return make_type(append_range, std::move(*element));
      case TypeKind::Multirange: return make_type(append_multirange, std::move(*element));
      default: return element;  // a domain is as its base type
    }
  }

  Resolved composite(const change::TypeDescription& description, std::size_t depth) const {
    ValueType type;
    type.append = append_composite;
    for (const change::TypeField& field : description.fields) {
      Resolved resolved = resolve(field.type_oid, field.type.get(), depth + 1);
      if (!resolved || base::first_non_utf8(field.name) != std::string_view::npos) return std::nullopt;
      type.fields.push_back({',' + in_quotes(field.name) + ':', std::move(*resolved)});
    }
    return std::make_shared<const ValueType>(std::move(type));
  }

  const ValueOptions& options_;
  mutable std::map<std::pair<std::uint32_t, std::size_t>, Resolved> resolved_;
};

}  // namespace

std::optional<ValueTypePtr> resolve_type(std::uint32_t type_oid, const change::TypeDescription* description,
                                         const ValueOptions& options) {
  if (options.form == ValueForm::Text) return make_type(append_text);
  return Resolver(options).resolve(type_oid, description, 1);
}

std::vector<BuiltinName> builtin_types() {
  std::vector<BuiltinName> names;
  for (const BuiltinType& type : kBuiltinTypes) names.push_back({type.name, type.oid, type.array_oid});
  return names;
}

std::string_view builtin_type_name(std::uint32_t oid) {
  const BuiltinType* const type = find_builtin(oid);
  return type == nullptr ? std::string_view() : type->name;
}

bool is_builtin_array(std::uint32_t oid) {
  const BuiltinType* const type = find_builtin(oid);
  return type != nullptr && type->array_oid == oid;
}

std::uint32_t builtin_element(std::uint32_t array_oid) {
  const BuiltinType* const type = find_builtin(array_oid);
  return type == nullptr ? 0 : type->oid;
}

std::string_view builtin_category(std::uint32_t oid) {
  const BuiltinType* const type = find_builtin(oid);
  if (type == nullptr) return {};
  if (type->array_oid == oid) return "array";
  if (type->append == append_range) return "range";
  return type->append == append_multirange ? "multirange" : "base";
}

}  // namespace sluice::codec
