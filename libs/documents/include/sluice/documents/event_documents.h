// The DocumentMaker of es_consumer: a record in the envelope `sluice` becomes a document of the journal, and one of the
// mirror, or a sweep.
//
// What becomes of a record: rows and truncates go to the journal and to the mirror. Markers, tombstones and logical
// messages become nothing, counted. A row of a retired epoch goes to the journal only, counted.
//
// Thread rule: one thread; see pipeline/document_maker.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "sluice/codec/envelope_reader.h"
#include "sluice/documents/generations.h"
#include "sluice/documents/index_names.h"
#include "sluice/documents/journal_maker.h"
#include "sluice/documents/mirror_columns.h"
#include "sluice/documents/mirror_maker.h"
#include "sluice/pipeline/document_maker.h"
#include "sluice/pipeline/index_admin.h"

namespace sluice::documents {

enum class Journal { Off, On };

/// Of each record when it is taken, however often it is made.
struct EventDocumentsCounters {
  std::map<std::string, pipeline::IndexedCounters> tables;  ///< "schema.table" → rows and truncates
  std::uint64_t skipped_messages = 0;                       ///< logical messages
  std::uint64_t skipped_markers = 0;
  std::uint64_t skipped_tombstones = 0;
  std::uint64_t retired = 0;     ///< of an epoch that no mirror shows any more
  std::uint64_t incomplete = 0;  ///< documents of a mirror without a value that was not to be had (rule P-31)
};

class EventDocuments final : public pipeline::DocumentMaker {
 public:
  using NowMs = std::function<std::int64_t()>;  ///< milliseconds since 1970

  /// `generations` null: no mirror. All references must outlive it.
  EventDocuments(Journal journal, IndexNames& names, pipeline::IndexAdmin& admin, Generations* generations,
                 NowMs now_ms);

  /// Errors: codec.bad_envelope, es.event_id_too_long, es.event_without_schema (Reject).
  base::Result<pipeline::MakeStatus> make(const pipeline::Partition& partition, const pipeline::ConsumedRecord& record,
                                          pipeline::DocumentBatch& documents,
                                          std::vector<pipeline::Sweep>& sweeps) override;
  void taken() override;
  base::Result<void> prepare() override;
  std::string event_id(const pipeline::ConsumedRecord& record) const override;
  base::Result<void> after_checkpoint() override;

  const EventDocumentsCounters& counters() const { return counters_; }

 private:
  /// What tells one destination from another.
  struct TableVersion {
    std::string schema;
    std::string table;
    std::uint64_t schema_id = 0;
    std::uint32_t epoch = 0;
    codec::EnvelopeOrigin origin = codec::EnvelopeOrigin::Stream;
    friend auto operator<=>(const TableVersion&, const TableVersion&) = default;
  };
  struct Destination {
    std::string journal_index;
    std::string mirror_index;              ///< empty: no mirror, or retired
    std::optional<MirrorColumns> columns;  ///< there when mirror_index is
    pipeline::IndexedCounters* counters = nullptr;
  };
  /// What make() made last.
  struct Made {
    std::uint64_t* skipped = nullptr;  ///< the counter of why it became nothing; null: it is of a table
    pipeline::IndexedCounters* counters = nullptr;
    change::Op op = change::Op::Insert;
    std::size_t documents = 0;
    bool retired = false;
    bool incomplete = false;
  };

  pipeline::MakeStatus skip(std::uint64_t& counter);
  const Destination* destination(const codec::Envelope& envelope);
  base::Result<void> append(const codec::Envelope& envelope, const Destination& to,
                            const pipeline::Partition& partition, pipeline::Offset offset,
                            pipeline::DocumentBatch& documents, std::vector<pipeline::Sweep>& sweeps);

  Journal journal_;
  IndexNames& names_;
  pipeline::IndexAdmin& admin_;
  Generations* generations_;
  NowMs now_ms_;
  codec::EnvelopeReader reader_;
  JournalMaker journal_maker_;
  MirrorMaker mirror_maker_;
  std::map<TableVersion, Destination> destinations_;
  const std::pair<const TableVersion, Destination>* last_ = nullptr;  ///< of the record before: mostly the same again
  TableVersion missing_;                                              ///< of the last record that was not ready
  Made made_;
  EventDocumentsCounters counters_;
};

}  // namespace sluice::documents
