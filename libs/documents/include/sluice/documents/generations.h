// The generations of a mirror (rule E-10): every epoch of the source fills an index of its own, hidden behind the alias
// that users read, and the alias moves when that index is complete.
//
// Where a row of epoch e goes
//   e is behind the published generation              nowhere: retired, whatever it says was superseded
//   e is published, or its snapshot record is there   into `<alias>-g<e>`
//   a newer epoch has a snapshot record               nowhere: e has none and can never become complete
//   it is a snapshot row                              into `<alias>-g<e>`: its snapshot is being taken
//   otherwise                                         es.mirror_incomplete: the record of a snapshot is acknowledged
//   before
//                                                     the first change of its epoch, so there is none and never will be
//
// The newest snapshot is complete when this group, all members together, began at or before the begin of every range in
// its record and has finished up to the end of it. The members learn of each other through `sluice-checkpoints`: each
// reads all partitions back after it has stored its own, so the last one to store sees all.
//
// A group that began behind the begin of a range has a hole, whoever moved the aliases: another group did, or this one
// did before it left the mirror off for a while or its bookkeeping was lost. That is es.mirror_incomplete, unless a
// newer epoch has begun, which will replace it. So a generation is looked at until it has been complete once.
//
// A table that is not in the snapshot of its epoch (added later) is written, but stays hidden: whether it had rows
// before is not known. It is warned of as es.mirror_table_hidden.
//
// Old generations are kept, hidden.
//
// Thread rule: one thread. Every call may block on IndexAdmin and ControlLog.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/error.h"
#include "sluice/codec/envelope_reader.h"
#include "sluice/codec/value_options.h"
#include "sluice/documents/control_catalog.h"
#include "sluice/documents/index_names.h"
#include "sluice/pipeline/control_log.h"
#include "sluice/pipeline/index_admin.h"
#include "sluice/pipeline/record_source.h"

namespace sluice::documents {

struct GenerationsOptions {
  std::string pipeline;
  std::string group;           ///< consumer group
  std::string output;          ///< of GroupCheckpoint::outputs: "mirror:<prefix>"
  codec::ValueOptions values;  ///< with which the records were written
};

class Generations {
 public:
  using Warn = std::function<void(std::string_view id, const std::string& message)>;

  Generations(GenerationsOptions options, pipeline::IndexAdmin& admin, pipeline::ControlLog& log, IndexNames& names,
              Warn warn);

  struct Target {
    std::string index;                            ///< empty: retired
    const codec::SchemaRecord* schema = nullptr;  ///< null: retired
  };

  /// Where rows of this table, epoch and origin go; the index is there when it comes back. Errors (Stop):
  /// es.schema_unknown, es.mirror_incomplete, es.mirror_no_key, es.column_collision, es.index_collision.
  base::Result<Target> target(std::string_view schema, std::string_view table, std::uint64_t schema_id,
                              std::uint32_t epoch, codec::EnvelopeOrigin origin);

  enum class Advance { Same, Moved };

  /// Moves the aliases when the newest snapshot has become complete. Moved: they lead to it now; earlier targets may be
  /// retired now; ask again. Errors (Stop): es.mirror_incomplete, es.schema_unknown, es.mirror_no_key,
  /// es.bad_checkpoint.
  base::Result<Advance> advance();

  /// Of the generation that users see; 0: none yet, or not known yet.
  std::uint32_t published_epoch() const { return published_epoch_; }

 private:
  enum class Standing { Write, Retired };
  enum class Completeness { Complete, NotYet };
  /// Which readings of this group count. A visible generation has what earlier ones wrote. Behind no alias only what is
  /// read now is certain: who removes indices to fill them anew need not remove the checkpoints.
  enum class Reading { This, Any };

  base::Result<void> read_control_log();
  bool has_news_to_expect();
  base::Result<const codec::SchemaRecord*> schema_of(std::string_view schema, std::string_view table, std::uint64_t id);
  base::Result<std::optional<std::uint32_t>> published(const std::string& alias);
  base::Result<Standing> standing(std::string_view schema, std::string_view table, std::uint32_t epoch,
                                  codec::EnvelopeOrigin origin, const std::string& alias);
  void warn_if_hidden(std::string_view schema, std::string_view table, std::uint32_t epoch);
  base::Result<bool> is_published(const codec::SnapshotRecord& snapshot);
  base::Result<Completeness> completeness(const codec::SnapshotRecord& snapshot, Reading which);
  base::Result<void> check_not_published_before(std::uint32_t epoch, Completeness reached);
  base::Result<void> publish(const codec::SnapshotRecord& snapshot);
  std::string generation_id(std::uint32_t epoch) const;
  tl::unexpected<base::Error> incomplete(std::uint32_t epoch, std::string why) const;

  GenerationsOptions options_;
  pipeline::IndexAdmin& admin_;
  pipeline::ControlLog& log_;
  IndexNames& names_;
  Warn warn_;
  ControlCatalog catalog_;
  std::map<std::string, std::optional<std::uint32_t>> published_;  ///< alias → epoch, as last seen
  std::map<std::string, std::uint32_t> hidden_;                    ///< table → epoch that was warned of
  std::uint32_t published_epoch_ = 0;
  std::uint32_t judged_epoch_ = 0;    ///< asked whether this group had shown it before
  std::uint32_t complete_epoch_ = 0;  ///< published, and all of it was read by this group
  std::uint32_t highest_epoch_ = 0;   ///< of the rows that came
  std::uint32_t advances_ = 0;
};

}  // namespace sluice::documents
