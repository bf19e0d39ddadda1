// What an operator asks or decides beside the running program. Each command gives the text to print.
//
// Thread rule: the main thread.
#pragma once

#include <cstdint>
#include <string>

#include "sluice/base/error.h"
#include "sluice/connector/program.h"

namespace sluice::connector {

struct ConfigQuery {
  bool schema = false;
};
base::Result<std::string> show_config(const ProgramOptions& program, const ConfigQuery& query);

struct LogQuery {
  std::string level = "info";
  std::string since = "1h";
  std::uint32_t limit = 1'000;
};
base::Result<std::string> read_logs(const ProgramOptions& program, const LogQuery& query);

/// What a supervisor asks a running program: `live` (the pipeline's thread gives signs of life) or `ready` (its work is
/// being done); the text is its answer. Errors: admin.no_answer, admin.silent, admin.not_ready (Retry),
/// admin.bad_answer (Stop): something else answers, or wants another token.
enum class Probe { Live, Ready };
base::Result<std::string> probe(const ProgramOptions& program, Probe probe);

/// What the running replicator answers, else what is stored and how the slot stands.
base::Result<std::string> replicator_status(const ProgramOptions& program);

/// What the running es_consumer answers, else that none does.
base::Result<std::string> es_consumer_status(const ProgramOptions& program);

/// Rule P-2.4a, after the state was lost: writes a checkpoint at the slot's confirmed position, in the epoch that the
/// control topic knows; the tails decide what is sent again (K-9). Errors: offsets.in_use, pg.slot_missing,
/// replicator.nothing_to_adopt, replicator.state_is_there, replicator.snapshot_unfinished (Stop).
base::Result<std::string> adopt_slot(const ProgramOptions& program);

struct TableOrder {
  std::string resume;  ///< "schema.table"; empty: only list
  bool accept_gap = false;
};
/// Rule P-33: the halted tables; or lets one go on, with what it changed meanwhile missing downstream. Asks nobody but
/// the state. Errors: offsets.in_use, replicator.gap_not_accepted, replicator.table_not_halted (Stop).
base::Result<std::string> halted_tables(const ProgramOptions& program, const TableOrder& order);

/// Drops the slot if it is there and makes the next start begin a new epoch with a new snapshot.
base::Result<std::string> reset_slot(const ProgramOptions& program);

}  // namespace sluice::connector
