// One immutable version of a table's columns, as the stream's Relation message gives them, with what only the catalog
// knows beside it (best effort: the catalog may be newer than the message).
//
// Thread rule: immutable once shared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::change {

/// What a type OID means (pg_type). Built-in types are known to the codec by OID; this describes all others.
enum class TypeKind { Base, Enum, Domain, Array, Composite, Range, Multirange };

struct TypeDescription;
using TypeDescriptionPtr = std::shared_ptr<const TypeDescription>;

/// An attribute of a composite type.
struct TypeField {
  std::string name;
  std::uint32_t type_oid = 0;
  TypeDescriptionPtr type;
};

struct TypeDescription {
  std::uint32_t oid = 0;
  std::string schema;
  std::string name;       ///< typname: "mood", "_mood", "int4"
  std::string extension;  ///< that it belongs to: "hstore", "vector"; empty: none
  TypeKind kind = TypeKind::Base;
  char array_delimiter = ',';     ///< typdelim of the element type (';' for box)
  TypeDescriptionPtr element;     ///< Array: of its elements; Domain: of its base type; (Multi)range: of its bounds
  std::vector<TypeField> fields;  ///< Composite: those not dropped, in their order
};

struct Column {
  std::string name;
  std::uint32_t type_oid = 0;
  std::int32_t type_modifier = -1;
  bool identity = false;         ///< part of the replica identity (the Relation message's key flag)
  TypeDescriptionPtr type;       ///< null for types that the codec knows by OID
  std::optional<bool> nullable;  ///< as the catalog said
  bool primary_key = false;      ///< as the catalog said
};

/// pg_class.relreplident.
enum class ReplicaIdentity : char { Default = 'd', Nothing = 'n', Full = 'f', Index = 'i' };

struct TableSchema {
  std::uint32_t oid = 0;  ///< pg_class.oid
  std::string schema;
  std::string name;
  ReplicaIdentity identity = ReplicaIdentity::Default;
  std::vector<Column> columns;
  std::uint64_t id = 0;  ///< schema_id() of the above

  /// Ordinals of the columns that make the record key (rule P-30): the identity columns, with FULL the primary key.
  /// Empty: a table without a usable key. In the order of `columns`.
  std::vector<std::uint32_t> key_columns;
};

using TableSchemaPtr = std::shared_ptr<const TableSchema>;

/// The 64-bit hash that names a schema in the control topic: over names, column type OIDs, modifiers, identity flags
/// and replica identity; not over what only the catalog said, so that snapshot and stream agree.
std::uint64_t schema_id(const TableSchema& table);

/// Fills in `id` and `key_columns`. Whoever makes a TableSchema calls it once, last.
TableSchemaPtr finish_schema(TableSchema table);

/// "public.users".
std::string qualified_name(const TableSchema& table);

}  // namespace sluice::change
