#include "sluice/documents/generations.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "sluice/documents/mirror_columns.h"
#include "sluice/pipeline/group_checkpoint.h"

namespace sluice::documents {

using base::Recovery;
using base::Result;

namespace {

/// The control topic is looked at when an epoch has come whose snapshot is not known yet; and now and then without
/// cause, since the snapshot of empty tables sends nothing that would announce it.
constexpr std::uint32_t kAdvancesPerLook = 30;

}  // namespace

Generations::Generations(GenerationsOptions options, pipeline::IndexAdmin& admin, pipeline::ControlLog& log,
                         IndexNames& names, Warn warn)
    : options_(std::move(options)),
      admin_(admin),
      log_(log),
      names_(names),
      warn_(std::move(warn)),
      catalog_(options_.pipeline) {}

Result<void> Generations::read_control_log() {
  SLUICE_ASSIGN(const std::vector<pipeline::ControlEntry> entries, log_.read());
  for (const pipeline::ControlEntry& entry : entries) SLUICE_TRY(catalog_.apply(entry));
  return {};
}

Result<const codec::SchemaRecord*> Generations::schema_of(std::string_view schema, std::string_view table,
                                                          std::uint64_t id) {
  if (catalog_.schema(id) == nullptr) SLUICE_TRY(read_control_log());
  if (const codec::SchemaRecord* record = catalog_.schema(id)) return record;
  return base::fail(
      Recovery::Stop, "es.schema_unknown",
      fmt::format("The control topic does not have the schema {:016x} of {}.{}, by which its mirror would be "
                  "typed. Check kafka.control_topic and that the topic was not emptied; a new epoch "
                  "(replicator slot reset --new-epoch) writes all schemas again",
                  id, schema, table));
}

Result<std::optional<std::uint32_t>> Generations::published(const std::string& alias) {
  if (const auto known = published_.find(alias); known != published_.end()) return known->second;
  SLUICE_ASSIGN(const std::optional<std::string> index, admin_.published(alias));
  const auto epoch = index ? epoch_of_generation(alias, *index) : std::nullopt;
  published_[alias] = epoch;
  return epoch;
}

tl::unexpected<base::Error> Generations::incomplete(std::uint32_t epoch, std::string why) const {
  return base::fail(Recovery::Stop, "es.mirror_incomplete",
                    fmt::format("The mirror of epoch {} of {} can never become complete: {}. Begin a new epoch with a "
                                "snapshot (replicator slot reset --new-epoch), or set elasticsearch.mirror: off",
                                epoch, options_.pipeline, why));
}

Result<Generations::Standing> Generations::standing(std::string_view schema, std::string_view table,
                                                    std::uint32_t epoch, codec::EnvelopeOrigin origin,
                                                    const std::string& alias) {
  SLUICE_ASSIGN(const std::optional<std::uint32_t> visible, published(alias));
  if (visible && epoch < *visible) return Standing::Retired;
  if (visible && epoch == *visible) return Standing::Write;
  if (catalog_.snapshot(epoch) == nullptr) SLUICE_TRY(read_control_log());
  if (catalog_.snapshot(epoch) != nullptr) {
    warn_if_hidden(schema, table, epoch);
    return Standing::Write;
  }
  const codec::SnapshotRecord* newest = catalog_.newest_snapshot();
  if (newest != nullptr && epoch < newest->epoch) return Standing::Retired;
  if (origin == codec::EnvelopeOrigin::Snapshot) return Standing::Write;
  return incomplete(epoch, "the epoch began without a snapshot");
}

void Generations::warn_if_hidden(std::string_view schema, std::string_view table, std::uint32_t epoch) {
  const auto& tables = catalog_.snapshot(epoch)->tables;
  const bool is_in = std::any_of(tables.begin(), tables.end(), [&](const codec::SnapshotRecord::Table& entry) {
    return entry.schema == schema && entry.table == table;
  });
  if (is_in) return;
  std::uint32_t& warned = hidden_[fmt::format("{}.{}", schema, table)];
  if (std::exchange(warned, epoch) == epoch) return;
  warn_(
      "es.mirror_table_hidden",
      fmt::format("The table {}.{} was not in the snapshot of epoch {}, so its mirror may lack rows and gets no alias. "
                  "Begin a new epoch (replicator slot reset --new-epoch) to read it whole",
                  schema, table, epoch));
}

Result<Generations::Target> Generations::target(std::string_view schema, std::string_view table,
                                                std::uint64_t schema_id, std::uint32_t epoch,
                                                codec::EnvelopeOrigin origin) {
  highest_epoch_ = std::max(highest_epoch_, epoch);
  SLUICE_ASSIGN(const std::string alias, names_.mirror(schema, table));
  SLUICE_ASSIGN(const Standing where, standing(schema, table, epoch, origin, alias));
  if (where == Standing::Retired) return Target{};
  SLUICE_ASSIGN(const codec::SchemaRecord* record, schema_of(schema, table, schema_id));
  SLUICE_TRY(MirrorColumns::of(*record));
  SLUICE_ASSIGN(std::string index, names_.generation(alias, epoch));
  SLUICE_TRY(admin_.ensure_mirror(index, mirror_mapping(*record, options_.values)));
  return Target{std::move(index), record};
}

bool Generations::has_news_to_expect() {
  if (advances_++ % kAdvancesPerLook == 0) return true;
  const codec::SnapshotRecord* newest = catalog_.newest_snapshot();
  return newest == nullptr || newest->epoch < highest_epoch_;
}

Result<Generations::Advance> Generations::advance() {
  if (has_news_to_expect()) SLUICE_TRY(read_control_log());
  const codec::SnapshotRecord* known = catalog_.newest_snapshot();
  if (known == nullptr || known->epoch == complete_epoch_) return Advance::Same;
  // A copy: looking for a schema below reads the control log again, which may put another record in its place.
  const codec::SnapshotRecord newest = *known;
  bool done = published_epoch_ == newest.epoch;  // aliases only move on
  if (!done) {
    published_.clear();  // another member may have moved an alias
    SLUICE_ASSIGN(done, is_published(newest));
  }
  SLUICE_ASSIGN(const Completeness reached, completeness(newest, done ? Reading::Any : Reading::This));
  if (!done && std::exchange(judged_epoch_, newest.epoch) != newest.epoch) {
    SLUICE_TRY(check_not_published_before(newest.epoch, reached));
  }
  if (!done && reached == Completeness::NotYet) return Advance::Same;
  if (!done) SLUICE_TRY(publish(newest));
  if (reached == Completeness::Complete) complete_epoch_ = newest.epoch;
  return std::exchange(published_epoch_, newest.epoch) == newest.epoch ? Advance::Same : Advance::Moved;
}

Result<bool> Generations::is_published(const codec::SnapshotRecord& snapshot) {
  for (const codec::SnapshotRecord::Table& table : snapshot.tables) {
    SLUICE_ASSIGN(const std::string alias, names_.mirror(table.schema, table.table));
    SLUICE_ASSIGN(const std::optional<std::uint32_t> epoch, published(alias));
    if (!epoch || *epoch < snapshot.epoch) return false;
  }
  return true;
}

Result<Generations::Completeness> Generations::completeness(const codec::SnapshotRecord& snapshot, Reading which) {
  bool complete = true;
  std::map<std::string, std::string> topic_ids;
  for (const codec::SnapshotRecord::Range& range : snapshot.ranges) {
    const std::string id = pipeline::checkpoint_id(options_.group, {range.topic, range.partition});
    SLUICE_ASSIGN(const std::optional<std::string> text, admin_.load(id));
    if (!text) {
      complete = false;
      continue;
    }
    SLUICE_ASSIGN(const pipeline::GroupCheckpoint checkpoint, pipeline::parse_group_checkpoint(*text));
    // Another member has not yet begun with a topic that was made again.
    if (topic_ids.try_emplace(range.topic, checkpoint.topic_id).first->second != checkpoint.topic_id) {
      return Completeness::NotYet;
    }
    const auto& outputs = checkpoint.outputs;
    if (std::find(outputs.begin(), outputs.end(), options_.output) == outputs.end()) {
      complete = false;  // not begun anew yet since the mirror was switched on
      continue;
    }
    const pipeline::Offset from = which == Reading::This ? checkpoint.from : checkpoint.holds_since(options_.output);
    if (from > range.begin) {
      // What the operator is told to do about it is under way.
      if (catalog_.newest_epoch() > snapshot.epoch) return Completeness::NotYet;
      return incomplete(snapshot.epoch, fmt::format("the group {} began at offset {} of {} [{}], the snapshot at {}",
                                                    options_.group, from, range.topic, range.partition, range.begin));
    }
    if (checkpoint.offset < range.end) complete = false;
  }
  return complete ? Completeness::Complete : Completeness::NotYet;
}

/// Whether this group had shown it, and its index or alias has gone since: what the offsets say was written is not
/// there. Who reads again from the begin fills it anew, and may show it again.
Result<void> Generations::check_not_published_before(std::uint32_t epoch, Completeness reached) {
  const std::string id = generation_id(epoch);
  SLUICE_ASSIGN(const std::optional<std::string> text, admin_.load(id));
  if (!text) return {};
  const auto generation = nlohmann::ordered_json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!generation.is_object() || !generation.value("complete", false)) return {};
  if (reached == Completeness::Complete) {
    return incomplete(epoch, "it was complete, and its indices or aliases have been deleted since");
  }
  nlohmann::ordered_json anew = generation;
  anew["complete"] = false;
  return admin_.store(id, anew.dump());
}

std::string Generations::generation_id(std::uint32_t epoch) const {
  return pipeline::bookkeeping_id(options_.group, fmt::format("generation-{}", epoch));
}

Result<void> Generations::publish(const codec::SnapshotRecord& snapshot) {
  nlohmann::ordered_json tables = nlohmann::ordered_json::array();
  for (const codec::SnapshotRecord::Table& table : snapshot.tables) {
    SLUICE_ASSIGN(const codec::SchemaRecord* record, schema_of(table.schema, table.table, table.schema_id));
    SLUICE_TRY(MirrorColumns::of(*record));
    SLUICE_ASSIGN(const std::string alias, names_.mirror(table.schema, table.table));
    SLUICE_ASSIGN(const std::string index, names_.generation(alias, snapshot.epoch));
    SLUICE_TRY(
        admin_.ensure_mirror(index, mirror_mapping(*record, options_.values)));  // a table without rows has none yet
    SLUICE_TRY(admin_.refresh(index));
    SLUICE_TRY(admin_.publish(alias, index));
    published_[alias] = snapshot.epoch;
    tables.push_back(alias);
  }
  const nlohmann::ordered_json generation = {
      {"pipeline", options_.pipeline}, {"epoch", snapshot.epoch}, {"complete", true}, {"aliases", tables}};
  return admin_.store(generation_id(snapshot.epoch), generation.dump());
}

}  // namespace sluice::documents
