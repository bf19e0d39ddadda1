// The rows of all published tables as they were when the slot was made (rule P-21), as a ChangeSource: one COPY after
// another on one connection that has imported the exported snapshot, then EndOfSource.
//
// What is read is what the stream will go on with: the publication's tables, columns and row filters, roots of
// partitioned tables instead of leaves where the publication says so, and schemas with the same schema_id.
//
// A table that was dropped, made again or rewritten meanwhile looks empty or different to an old snapshot and no event
// would tell it: it is noticed behind the table's last row, and the snapshot has to begin again.
//
// Thread rule: one thread.
// Errors of next(): pg.table_changed (Retry), pgoutput.bad_copy_row (Stop), and those of Connection::query().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/change/change_event.h"
#include "sluice/pgoutput/catalog.h"
#include "sluice/pgoutput/copy_row.h"
#include "sluice/pipeline/change_source.h"
#include "sluice/postgres/connection.h"

namespace sluice::postgres {

struct SnapshotOptions {
  std::string publication;
  std::string snapshot_name;  ///< CreatedSlot::snapshot_name
  change::Lsn begin;          ///< CreatedSlot::consistent_point
  std::uint32_t epoch = 0;
};

struct TableProgress {
  change::TableSchemaPtr table;
  double estimated_rows = -1;  ///< pg_class.reltuples: before the publication's row filter; -1: never analysed
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  ///< of COPY's text
  bool finished = false;
};

class SnapshotSource : public pipeline::ChangeSource {
 public:
  /// Takes over an SQL connection and imports the snapshot; blocks, bounded by the connection's query_timeout. When it
  /// returns, the exporting connection is free for other commands.
  /// Errors: pg.snapshot_gone (Retry), pg.publication_missing (Stop), those of Connection::query() and of `catalog`.
  static base::Result<std::unique_ptr<SnapshotSource>> open(Connection connection, const SnapshotOptions& options,
                                                            pgoutput::Catalog& catalog);
  ~SnapshotSource() override;

  base::Result<std::optional<change::SourceItem>> next() override;
  /// Does nothing: a snapshot holds back no position. (Rule P-24 keeps its progress elsewhere.)
  base::Result<void> confirm(change::Position durable) override;
  pipeline::Wait waits_for() const override;

  /// In the order in which they are read.
  std::span<const TableProgress> progress() const { return progress_; }

 private:
  enum class Phase { NextTable, Starting, Copying, Checking, End };

  struct BufferDeleter {
    void operator()(char* buffer) const noexcept;
  };

  SnapshotSource(Connection connection, const SnapshotOptions& options);

  base::Result<void> import(const SnapshotOptions& options);
  base::Result<void> plan(const SnapshotOptions& options, pgoutput::Catalog& catalog);
  /// False: would have to wait.
  base::Result<bool> advance();
  base::Result<bool> start_table();
  base::Result<bool> read_result();
  base::Result<bool> read_row();
  base::Result<bool> receive();
  base::Result<void> parse_row(std::string_view line, const change::TableSchema& table);
  tl::unexpected<base::Error> failure_of(const pg_result* result);
  tl::unexpected<base::Error> table_changed() const;

  Connection connection_;
  change::ChangeEvent event_;
  std::vector<TableProgress> progress_;
  std::vector<std::string> commands_;  ///< SQL that reads the table of the same ordinal
  std::size_t current_ = 0;
  Phase phase_ = Phase::NextTable;
  bool row_ready_ = false;
  pgoutput::CopyRowParser parser_;
  change::Row identified_;  ///< a row of a table without a key, with what names it behind its columns
  std::unique_ptr<char, BufferDeleter> line_;
};

}  // namespace sluice::postgres
