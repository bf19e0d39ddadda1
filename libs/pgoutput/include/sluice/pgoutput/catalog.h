// Port: what only the catalog of the source database knows about the tables in the stream. Asked once for every
// Relation message, that is rarely; the answer is best effort, since the catalog is newer than the message.
//
// Thread rule: made, used and destroyed by the pipeline's thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/change/table_schema.h"

namespace sluice::pgoutput {

/// From this OID on a type's OID differs from database to database (PostgreSQL's FirstGenbkiObjectId, the limit that
/// pgoutput itself uses for Type messages); below it the codec knows types by OID.
inline constexpr std::uint32_t kFirstUnstableTypeOid = 10'000;

struct TableDetails {
  std::vector<std::string> primary_key;            ///< column names; empty: none, or the table is gone
  std::unordered_map<std::string, bool> nullable;  ///< by column name; absent: not known
};

class Catalog {
 public:
  Catalog() = default;
  virtual ~Catalog() = default;
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  /// Of a table that was dropped in the meantime: empty details, no error.
  virtual base::Result<TableDetails> table(std::uint32_t relation_oid) = 0;

  /// What a type from kFirstUnstableTypeOid on means; null when it was dropped in the meantime.
  virtual base::Result<change::TypeDescriptionPtr> type(std::uint32_t type_oid) = 0;
};

}  // namespace sluice::pgoutput
