#include "replicator_reports.h"

#include <utility>

#include <fmt/core.h>

#include "../adapter_options.h"
#include "sluice/log/log.h"
#include "sluice/postgres/publication.h"

namespace sluice::connector {
namespace {

const log::Logger logger = log::get("replicator");

}  // namespace

void ReplicatorReports::altered(const pipeline::PublicationIncarnation& before,
                                const pipeline::PublicationIncarnation& now) {
  if (now.xmin == before.xmin) return;
  warn({base::Recovery::Retry, "pg.publication_altered",
        fmt::format(
            "publication {} was altered, its options or its owner. If an operation was left out of `publish` for "
            "a time, its changes are missing downstream and nothing else tells: replicator slot reset "
            "--new-epoch reads all anew",
            now.name)});
}

void ReplicatorReports::schema_changes(pipeline::Replication& replication) {
  const auto changes = replication.take_schema_changes();
  if (changes.empty()) return;
  halts(replication);
  for (const change::SchemaChange& change : changes) {
    const std::string what = change::describe(change);
    if (change::rewrites(change.kind)) {
      if (on_rewrite(settings_) == pipeline::OnRewrite::Halt) continue;
      warn({base::Recovery::Retry, "pg.table_rewritten",
            fmt::format("{}: {}. PostgreSQL tells no event of what that did to the rows that were there, and "
                        "postgres.on_rewrite is continue. To have them right downstream: replicator slot reset "
                        "--new-epoch",
                        change.table, what)});
    } else if (change.kind == change::SchemaChangeKind::ColumnsAdded) {
      warn({base::Recovery::Retry, "pg.column_added",
            fmt::format("{0}: {1}. Rows that were there got their value without an event: downstream they lack it. "
                        "Where it matters, touch them (UPDATE {0} SET {2} = {2}), or replicator slot reset --new-epoch",
                        change.table, what, change.names.front())});
    } else {
      logger.info("schema_changed: {}: {}; the new schema is followed", change.table, what);
    }
  }
}

/// Once in this life: what was read before a cut comes again.
void ReplicatorReports::halts(const pipeline::Replication& replication) {
  for (const auto& [table, state] : replication.tables()) {
    if (!state.halt || told_halts_[table] == *state.halt) continue;
    told_halts_[table] = *state.halt;
    const base::Error halted = pipeline::table_halted(table, *state.halt);
    status_.note(halted);
    logger.error(halted);
  }
}

void ReplicatorReports::warn(const base::Error& warning) {
  status_.note(warning);
  logger.warning(warning);
}

/// Somebody else made the publication and its tables, so that is how it is; but whoever looks for the reason finds it
/// here.
void ReplicatorReports::oddities(const pipeline::PublicationFacts& publication) {
  const bool changes_rows = publication.updates || publication.deletes;
  for (const pipeline::TableFacts& table : publication.tables) {
    if (const auto undecoded = postgres::undecoded_partitions(table)) warn(*undecoded);
    const auto refused = postgres::refused_updates(publication.name, table);
    if (changes_rows && refused) warn(*refused);
  }
}

/// Told once, then counted: such a database may have one in every row.
void ReplicatorReports::replacements(EncoderPort& encoder) {
  const std::uint64_t pieces = encoder.take_replacements();
  if (pieces == 0) return;
  status_.count_replacements(pieces);
  if (std::exchange(told_of_replacements_, true)) return;
  warn({base::Recovery::Retry, "codec.text_replaced",
        "text that is no UTF-8 is written with U+FFFD for each invalid piece; "
        "sluice_replicator_text_replacements_total counts on. To have the program stop before such text: "
        "encoding.invalid_utf8: halt"});
}

void ReplicatorReports::obstacles(const pipeline::Replication& replication, const kafka::Producer& producer) {
  const auto& error = replication.store_error();
  if (error && !store_is_failing_) logger.warning(*error);
  if (!error && store_is_failing_) logger.info("the position can be stored again");
  store_is_failing_ = error.has_value();
  const kafka::Reachability kafka = producer.reachability();
  if (kafka.unreachable_since && !kafka_is_away_) {
    logger.warning(base::Error{base::Recovery::Retry, "kafka.unreachable",
                               fmt::format("no broker answers ({}). What was read waits, and is sent when one does. "
                                           "Check that the brokers run",
                                           kafka.last_error)});
  }
  if (!kafka.unreachable_since && kafka_is_away_) logger.info("Kafka answers again");
  kafka_is_away_ = kafka.unreachable_since.has_value();
}

}  // namespace sluice::connector
