#include "sluice/documents/event_documents.h"

#include <fmt/core.h>

#include <utility>

namespace sluice::documents {
namespace {

using base::Recovery;
using base::Result;
using codec::Envelope;
using codec::EnvelopeKind;
using pipeline::MakeStatus;

constexpr std::size_t kMaxIdBytes = 512;

/// The envelope's first member, with which every value begins.
constexpr std::string_view kIdMember = "{\"id\":\"";
constexpr std::size_t kLongestIdBytes = 128;

}  // namespace

EventDocuments::EventDocuments(Journal journal, IndexNames& names, pipeline::IndexAdmin& admin,
                               Generations* generations, NowMs now_ms)
    : journal_(journal), names_(names), admin_(admin), generations_(generations), now_ms_(std::move(now_ms)) {}

Result<MakeStatus> EventDocuments::make(const pipeline::Partition& partition, const pipeline::ConsumedRecord& record,
                                        pipeline::DocumentBatch& documents, std::vector<pipeline::Sweep>& sweeps) {
  if (record.tombstone) return skip(counters_.skipped_tombstones);
  SLUICE_ASSIGN(const Envelope* envelope, reader_.read(record.key, record.value));
  if (envelope->kind == EnvelopeKind::Marker) return skip(counters_.skipped_markers);
  if (envelope->kind == EnvelopeKind::Message) return skip(counters_.skipped_messages);
  if (envelope->id_text.size() > kMaxIdBytes) {
    return base::fail(Recovery::Reject, "es.event_id_too_long",
                      fmt::format("An event id of {} bytes cannot name a document. Look at the record among the dead "
                                  "letters; it was not written by this program, or was altered",
                                  envelope->id_text.size()));
  }
  const Destination* to = destination(*envelope);
  if (to == nullptr) return MakeStatus::NotReady;
  const std::size_t before = documents.size();
  made_ = {.counters = to->counters, .op = envelope->op};
  SLUICE_TRY(append(*envelope, *to, partition, record.offset, documents, sweeps));
  made_.documents = documents.size() - before;
  return MakeStatus::Made;
}

MakeStatus EventDocuments::skip(std::uint64_t& counter) {
  made_ = {.skipped = &counter};
  return MakeStatus::Made;
}

void EventDocuments::taken() {
  if (made_.skipped != nullptr) {
    ++*made_.skipped;
    return;
  }
  made_.counters->events.count(made_.op);
  made_.counters->documents.count(made_.op, made_.documents);
  if (made_.retired) ++counters_.retired;
  if (made_.incomplete) ++counters_.incomplete;
}

const EventDocuments::Destination* EventDocuments::destination(const Envelope& envelope) {
  const auto is = [&](const TableVersion& version) {
    return version.schema_id == envelope.schema_id && version.epoch == envelope.id.epoch &&
           version.origin == envelope.origin && version.table == envelope.table && version.schema == envelope.schema;
  };
  if (last_ != nullptr && is(last_->first)) return &last_->second;
  TableVersion version{std::string(envelope.schema), std::string(envelope.table), envelope.schema_id, envelope.id.epoch,
                       envelope.origin};
  const auto found = destinations_.find(version);
  if (found == destinations_.end()) {
    missing_ = std::move(version);
    return nullptr;
  }
  last_ = &*found;
  return &found->second;
}

Result<void> EventDocuments::append(const Envelope& envelope, const Destination& to,
                                    const pipeline::Partition& partition, pipeline::Offset offset,
                                    pipeline::DocumentBatch& documents, std::vector<pipeline::Sweep>& sweeps) {
  if (journal_ == Journal::On) {
    const RecordPlace place{partition.topic, partition.number, offset};
    journal_maker_.append(envelope, place, to.journal_index, now_ms_(), documents);
  }
  if (generations_ == nullptr) return {};
  if (envelope.schema_id == 0) {
    return base::fail(
        Recovery::Reject, "es.event_without_schema",
        fmt::format("The truncate {} names no schema, so it cannot be matched with a mirror. Look at it among "
                    "the dead letters; it was not written by this program, or was altered",
                    envelope.id_text));
  }
  if (to.mirror_index.empty()) {
    made_.retired = true;
    return {};
  }
  if (envelope.kind == EnvelopeKind::Truncate) {
    sweeps.push_back(mirror_maker_.sweep(envelope, partition.number, to.mirror_index, *to.columns));
    return {};
  }
  made_.incomplete = is_incomplete(envelope);
  mirror_maker_.append(envelope, partition.number, to.mirror_index, *to.columns, documents);
  return {};
}

Result<void> EventDocuments::prepare() {
  Destination to;
  to.counters = &counters_.tables[fmt::format("{}.{}", missing_.schema, missing_.table)];
  if (journal_ == Journal::On) {
    SLUICE_ASSIGN(to.journal_index, names_.journal(missing_.schema, missing_.table));
    SLUICE_TRY(admin_.ensure_journal(to.journal_index));
  }
  if (generations_ != nullptr && missing_.schema_id != 0) {
    SLUICE_ASSIGN(Generations::Target target, generations_->target(missing_.schema, missing_.table, missing_.schema_id,
                                                                   missing_.epoch, missing_.origin));
    to.mirror_index = std::move(target.index);
    if (target.schema != nullptr) {
      SLUICE_ASSIGN(to.columns, MirrorColumns::of(*target.schema));
    }
  }
  destinations_.insert_or_assign(missing_, std::move(to));
  return {};
}

std::string EventDocuments::event_id(const pipeline::ConsumedRecord& record) const {
  if (!record.value.starts_with(kIdMember)) return {};
  const std::string_view rest = record.value.substr(kIdMember.size(), kLongestIdBytes);
  const std::size_t end = rest.find('"');
  return end == std::string_view::npos ? std::string() : std::string(rest.substr(0, end));
}

Result<void> EventDocuments::after_checkpoint() {
  if (generations_ == nullptr) return {};
  SLUICE_ASSIGN(const Generations::Advance advance, generations_->advance());
  if (advance == Generations::Advance::Moved) {
    destinations_.clear();
    last_ = nullptr;
  }
  return {};
}

}  // namespace sluice::documents
