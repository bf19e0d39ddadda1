// The decision about a halted table that only an operator can take (rule P-33).
#include <fmt/core.h>

#include "sluice/connector/operator_commands.h"
#include "sluice/offsets/lmdb_offset_store.h"
#include "sluice/pipeline/table_watch.h"

namespace sluice::connector {
namespace {

using base::Recovery;

base::Result<std::string> list(const config::Settings& settings) {
  auto stored = offsets::LmdbOffsetStore::read(settings.state_dir, settings.pipeline_name());
  if (!stored && stored.error().id == "offsets.in_use") {
    return base::fail(Recovery::Stop, "offsets.in_use",
                      stored.error().message + ". While it runs, replicator status names the halted tables");
  }
  SLUICE_ASSIGN(const auto checkpoint, std::move(stored));
  if (!checkpoint) {
    return fmt::format("pipeline {} has no state in {}: nothing is known of its tables\n", settings.pipeline_name(),
                       settings.state_dir);
  }
  std::string text;
  for (const auto& [table, state] : checkpoint->tables) {
    if (state.halt) text += pipeline::table_halted(table, *state.halt).message + "\n";
  }
  return text.empty() ? "no table is halted\n" : text;
}

}  // namespace

base::Result<std::string> halted_tables(const ProgramOptions& program, const TableOrder& order) {
  SLUICE_ASSIGN(const auto settings, load_settings(program));
  if (order.resume.empty()) return list(settings);
  SLUICE_ASSIGN(const auto store, offsets::LmdbOffsetStore::open(settings.state_dir, settings.pipeline_name()));
  SLUICE_ASSIGN(auto stored, store->load());
  pipeline::Checkpoint checkpoint = std::move(stored).value_or(pipeline::Checkpoint{});
  const auto found = checkpoint.tables.find(order.resume);
  if (found == checkpoint.tables.end() || !found->second.halt) {
    return base::fail(Recovery::Stop, "replicator.table_not_halted",
                      fmt::format("{} is not among the halted tables. See: replicator tables", order.resume));
  }
  if (!order.accept_gap) {
    return base::fail(Recovery::Stop, "replicator.gap_not_accepted",
                      fmt::format("what changed in {0} since {1} would be missing downstream for ever, rows that were "
                                  "rewritten or dropped would stay there as they were, and no error would tell it. "
                                  "Say --accept-gap if that is meant; replicator slot reset --new-epoch reads all anew",
                                  order.resume, change::to_string(found->second.halt->since)));
  }
  const change::Lsn since = found->second.halt->since;
  // Its next event is the first: what it is compared with is what comes from now on.
  checkpoint.tables.erase(found);
  SLUICE_TRY(store->save(checkpoint));
  return fmt::format("{} goes on with the next start. What changed in it from {} to now may be missing downstream.\n",
                     order.resume, change::to_string(since));
}

}  // namespace sluice::connector
