#include "sluice/postgres/catalog.h"

#include <memory>
#include <utility>

#include <fmt/core.h>

namespace sluice::postgres {
namespace {

using base::Result;
using change::TypeDescription;
using change::TypeDescriptionPtr;
using change::TypeKind;

// Domains over arrays of domains …: nobody nests deeper, and a broken catalog may not hang us.
constexpr int kMaxTypeDepth = 16;

constexpr const char* kTableQuery =
    "select a.attname, not a.attnotnull, exists (select 1 from pg_index i where i.indrelid = a.attrelid and "
    "i.indisprimary"
    " and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1]))"
    " from pg_attribute a where a.attrelid = {} and a.attnum > 0 and not a.attisdropped order by a.attnum";

// The subscripting function tells true arrays from fixed-length types with elements, such as point.
constexpr const char* kTypeQuery =
    "select n.nspname, t.typname, t.typtype, t.typsubscript = 'pg_catalog.array_subscript_handler'::regproc,"
    " t.typelem, t.typbasetype, coalesce(e.typdelim, ','),"
    " coalesce((select r.rngsubtype from pg_range r where t.oid in (r.rngtypid, r.rngmultitypid)), 0), t.typrelid,"
    " coalesce((select x.extname from pg_depend d join pg_extension x on x.oid = d.refobjid where d.classid ="
    " 'pg_type'::regclass and d.objid = t.oid and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'), '')"
    " from pg_type t join pg_namespace n on n.oid = t.typnamespace left join pg_type e on e.oid = t.typelem"
    " where t.oid = {}";

constexpr const char* kFieldsQuery =
    "select attname, atttypid from pg_attribute where attrelid = {} and attnum > 0 and not attisdropped"
    " order by attnum";

struct TypeRow {
  TypeDescription type;
  std::uint32_t element_oid = 0;   ///< 0: none
  std::uint32_t relation_oid = 0;  ///< that has the fields of a composite; 0: none
};

TypeKind kind_of(char typtype, bool is_array) {
  switch (typtype) {
    case 'e': return TypeKind::Enum;
    case 'd': return TypeKind::Domain;
    case 'c': return TypeKind::Composite;
    case 'r': return TypeKind::Range;
    case 'm': return TypeKind::Multirange;
    default: return is_array ? TypeKind::Array : TypeKind::Base;
  }
}

std::optional<TypeRow> read_type(RowReader& row, std::uint32_t oid) {
  TypeRow read;
  read.type.oid = oid;
  read.type.schema = row.string();
  read.type.name = row.string();
  const char typtype = row.character();
  const bool is_array = row.boolean();
  const std::uint32_t array_element = row.u32();
  const std::uint32_t base_type = row.u32();
  const char delimiter = row.character();
  const std::uint32_t bound_type = row.u32();
  const std::uint32_t relation = row.u32();
  read.type.extension = row.string();
  if (row.failed()) return std::nullopt;
  read.type.kind = kind_of(typtype, is_array);
  switch (read.type.kind) {
    case TypeKind::Array:
      read.element_oid = array_element;
      read.type.array_delimiter = delimiter;
      break;
    case TypeKind::Domain: read.element_oid = base_type; break;
    case TypeKind::Range:
    case TypeKind::Multirange: read.element_oid = bound_type; break;
    case TypeKind::Composite: read.relation_oid = relation; break;
    default: break;
  }
  return read;
}

}  // namespace

Result<QueryResult> SqlCatalog::ask(std::string_view what, const std::string& sql) {
  if (connection_) {
    auto answer = connection_->query(what, sql);
    if (answer || answer.error().id != "pg.connection_lost") return answer;
    connection_.reset();
  }
  SLUICE_ASSIGN(connection_, Connection::open(options_, ConnectionKind::Sql));
  return connection_->query(what, sql);
}

Result<pgoutput::TableDetails> SqlCatalog::table(std::uint32_t relation_oid) {
  types_.clear();
  SLUICE_ASSIGN(const QueryResult answer,
                ask("reading a table's catalog entry", fmt::format(fmt::runtime(kTableQuery), relation_oid)));
  pgoutput::TableDetails details;
  for (int index = 0; index < answer.rows(); ++index) {
    RowReader row = answer.row(index);
    const std::string name = row.string();
    details.nullable.emplace(name, row.boolean());
    if (row.boolean()) details.primary_key.push_back(name);
    if (row.failed()) return unexpected_answer("a table's catalog entry");
  }
  return details;
}

Result<TypeDescriptionPtr> SqlCatalog::type(std::uint32_t type_oid) { return describe(type_oid, 0); }

Result<TypeDescriptionPtr> SqlCatalog::describe(std::uint32_t type_oid, int depth) {
  if (const auto known = types_.find(type_oid); known != types_.end()) return known->second;
  if (depth > kMaxTypeDepth) return unexpected_answer("a type that contains itself");
  SLUICE_ASSIGN(const QueryResult answer,
                ask("reading a type's catalog entry", fmt::format(fmt::runtime(kTypeQuery), type_oid)));
  if (answer.rows() == 0) return TypeDescriptionPtr();  // dropped; not remembered, nobody will ask often
  RowReader row = answer.row(0);
  std::optional<TypeRow> read = read_type(row, type_oid);
  if (!read) return unexpected_answer("a type's catalog entry");
  if (read->element_oid != 0) {
    SLUICE_ASSIGN(read->type.element, describe(read->element_oid, depth + 1));
  }
  if (read->relation_oid != 0) {
    SLUICE_ASSIGN(read->type.fields, fields(read->relation_oid, depth));
  }
  auto description = std::make_shared<const TypeDescription>(std::move(read->type));
  types_.emplace(type_oid, description);
  return description;
}

Result<std::vector<change::TypeField>> SqlCatalog::fields(std::uint32_t relation_oid, int depth) {
  SLUICE_ASSIGN(const QueryResult answer,
                ask("reading the fields of a composite type", fmt::format(fmt::runtime(kFieldsQuery), relation_oid)));
  std::vector<change::TypeField> fields;
  for (int index = 0; index < answer.rows(); ++index) {
    RowReader row = answer.row(index);
    change::TypeField& field = fields.emplace_back();
    field.name = row.string();
    field.type_oid = row.u32();
    if (row.failed()) return unexpected_answer("the fields of a composite type");
    SLUICE_ASSIGN(field.type, describe(field.type_oid, depth + 1));
  }
  return fields;
}

}  // namespace sluice::postgres
