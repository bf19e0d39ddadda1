#include "stream_failure.h"

#include <optional>

#include <fmt/core.h>

#include "sluice/postgres/error_mapping.h"
#include "sluice/postgres/server.h"

namespace sluice::postgres {
namespace {

using base::Error;
using base::Recovery;
using base::Result;

Error slot_error(std::string_view id, std::string message) { return {Recovery::Stop, id, std::move(message)}; }

Error slot_missing(std::string_view slot) {
  return slot_error(
      "pg.slot_missing",
      fmt::format("the replication slot {} does not exist any more. What was committed since it was dropped "
                  "is not known: run `replicator slot reset --new-epoch` for a new slot and snapshot",
                  slot));
}

std::optional<Error> error_of_slot(const pipeline::SlotFacts& slot, std::string_view database) {
  if (slot.wal_status == "lost" || !slot.invalidation_reason.empty() || slot.conflicting) {
    return slot_error(
        "pg.slot_lost",
        fmt::format("the server has invalidated the replication slot {} (wal_status {}{}{}). Run `replicator "
                    "slot reset --new-epoch`, and raise max_slot_wal_keep_size",
                    slot.name, slot.wal_status, slot.invalidation_reason.empty() ? "" : ", ",
                    slot.invalidation_reason));
  }
  if (slot.plugin != "pgoutput") {
    return slot_error("pg.slot_wrong_plugin",
                      fmt::format("the replication slot {} belongs to the plugin '{}', not to pgoutput. Choose another "
                                  "postgres.slot_name",
                                  slot.name, slot.plugin));
  }
  if (slot.database != database) {
    return slot_error("pg.slot_wrong_database",
                      fmt::format("the replication slot {} belongs to the database {}, not to {}. Choose another "
                                  "postgres.slot_name or dbname",
                                  slot.name, slot.database, database));
  }
  return std::nullopt;
}

struct Names {
  std::string database;
  bool publication_exists = false;
};

Result<Names> read_names(Connection& connection, std::string_view publication) {
  SLUICE_ASSIGN(const QueryResult answer,
                connection.query("looking for the publication",
                                 "select current_database(), exists (select 1 from pg_publication where pubname = " +
                                     connection.literal(publication) + ")"));
  RowReader row = answer.row(0);
  Names names;
  names.database = row.string();
  names.publication_exists = row.boolean();
  if (row.failed()) return unexpected_answer("the publication's name");
  return names;
}

Error publication_newer_than_slot(std::string_view publication) {
  return {
      Recovery::Stop, "pg.publication_newer_than_slot",
      fmt::format("the slot must decode changes from before the publication {} was made, which PostgreSQL cannot. Run "
                  "`replicator slot reset --new-epoch` for a new slot and snapshot",
                  publication)};
}

}  // namespace

Error diagnose_stream_failure(Connection& connection, std::string_view slot, std::string_view publication,
                              std::string_view sqlstate, std::string_view message) {
  Error plain = stream_error(sqlstate, message);
  if (sqlstate != "42704" && sqlstate != "55000") return plain;
  const auto facts = fetch_slot(connection, slot);
  const auto names = facts ? read_names(connection, publication) : Result<Names>(tl::make_unexpected(facts.error()));
  // The connection went away with the error: the next attempt meets it again and can ask.
  if (!names) return Error{Recovery::Retry, "pg.connection_lost", plain.message};
  if (!*facts) return slot_missing(slot);
  if (auto error = error_of_slot(**facts, names->database)) return *error;
  if (!names->publication_exists) {
    return {
        Recovery::Stop, "pg.publication_missing",
        fmt::format("the publication {} does not exist any more. Changes since then were not published: make it again "
                    "and run `replicator slot reset --new-epoch`",
                    publication)};
  }
  if (sqlstate == "42704") return publication_newer_than_slot(publication);
  return plain;
}

}  // namespace sluice::postgres
