// pgoutput's Catalog port, answered by SQL.
//
// Connects when it is first asked, and once more when the connection was lost in between: questions are rare, so an
// idle connection may be cut. Every question is bounded by options.query_timeout, for the pipeline's thread waits
// meanwhile.
//
// Thread rule: the pipeline's thread.
// Errors: those of Connection::open() and Connection::query(), pg.unexpected_answer (Stop).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/pgoutput/catalog.h"
#include "sluice/postgres/connection.h"

namespace sluice::postgres {

class SqlCatalog : public pgoutput::Catalog {
 public:
  explicit SqlCatalog(ConnectOptions options) : options_(std::move(options)) {}

  /// Not remembered: the server sends a Relation again exactly when something about it may have changed. The types that
  /// were known are forgotten too: ALTER TYPE changes what an OID means.
  base::Result<pgoutput::TableDetails> table(std::uint32_t relation_oid) override;

  /// Remembered until the next table().
  base::Result<change::TypeDescriptionPtr> type(std::uint32_t type_oid) override;

 private:
  base::Result<QueryResult> ask(std::string_view what, const std::string& sql);
  base::Result<change::TypeDescriptionPtr> describe(std::uint32_t type_oid, int depth);
  base::Result<std::vector<change::TypeField>> fields(std::uint32_t relation_oid, int depth);

  ConnectOptions options_;
  std::optional<Connection> connection_;
  std::unordered_map<std::uint32_t, change::TypeDescriptionPtr> types_;
};

}  // namespace sluice::postgres
