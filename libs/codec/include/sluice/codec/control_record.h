// The records of the control topic (compacted, one partition) and their JSON: what a pipeline tells its readers beside
// the events. Keys: `epoch:<pipeline>`, `schema:<id as 16 hex digits>`, `snapshot:<pipeline>:<epoch>`.
//
// Thread rule: values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/change/lsn.h"
#include "sluice/change/table_schema.h"

namespace sluice::codec {

/// Acknowledged before anything else of its epoch is written.
struct EpochRecord {
  std::string pipeline;
  std::uint32_t epoch = 0;
  std::uint64_t system_id = 0;
  std::string database;
  std::string slot;
  friend bool operator==(const EpochRecord&, const EpochRecord&) = default;
};

/// Acknowledged before the first event that names it.
struct SchemaRecord {
  struct Column {
    std::string name;
    std::uint32_t type_oid = 0;
    std::int32_t type_modifier = -1;
    std::string type;                    ///< type name: "int4", "mood", "_text"
    std::string category;                ///< base, enum, domain, array, composite, range, multirange
    std::string base_type;               ///< domain, array: name of what stands behind all of them; else empty
    std::string base_category = "base";  ///< behind all domains and arrays
    bool identity = false;
    bool primary_key = false;
    std::optional<bool> nullable;
    friend bool operator==(const Column&, const Column&) = default;
  };
  std::uint64_t id = 0;
  std::uint32_t oid = 0;
  std::string schema;
  std::string table;
  change::ReplicaIdentity identity = change::ReplicaIdentity::Default;
  std::vector<Column> columns;
  friend bool operator==(const SchemaRecord&, const SchemaRecord&) = default;
};

/// Written when the last row of a snapshot is durable: what the snapshot consists of (rule P-24).
struct SnapshotRecord {
  struct Table {
    std::string schema;
    std::string table;
    std::uint64_t schema_id = 0;
    std::uint64_t rows = 0;
    friend bool operator==(const Table&, const Table&) = default;
  };
  struct Range {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t begin = 0;  ///< end offset of the partition when the snapshot began
    std::int64_t end = 0;    ///< end offset when its last row was durable
    friend bool operator==(const Range&, const Range&) = default;
  };
  std::string pipeline;
  std::uint32_t epoch = 0;
  change::Lsn lsn;  ///< at which the snapshot began
  std::vector<Table> tables;
  std::vector<Range> ranges;
  friend bool operator==(const SnapshotRecord&, const SnapshotRecord&) = default;
};

using ControlRecord = std::variant<EpochRecord, SchemaRecord, SnapshotRecord>;

SchemaRecord schema_record(const change::TableSchema& schema);

std::string control_key(const ControlRecord& record);
std::string control_value(const ControlRecord& record);

/// Nothing: a key of a kind that this version does not know (a newer one wrote it); it is passed over.
/// Error: codec.bad_control_record (Stop).
base::Result<std::optional<ControlRecord>> parse_control_record(std::string_view key, std::string_view value);

}  // namespace sluice::codec
