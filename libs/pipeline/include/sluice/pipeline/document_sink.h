// Port: where documents go (Elasticsearch's _bulk), and the outcome of each of them (rules E-3, E-4).
//
// Thread rule: made, used and destroyed by the pipeline's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/pipeline/waitable.h"

namespace sluice::pipeline {

enum class DocumentAction {
  Create,  ///< journal: already there is success
  Index,   ///< mirror: external version decides
};

enum class VersionType { None, External, ExternalGte };

/// One item of a bulk. Views point into the DocumentBatch that holds it.
struct Document {
  DocumentAction action = DocumentAction::Create;
  VersionType version_type = VersionType::None;
  std::uint64_t version = 0;
  std::string_view index;
  std::string_view id;
  std::string_view body;            ///< one JSON object without a line break
  std::int64_t commit_time_us = 0;  ///< of its change in the source, since 1970; 0: not known. It is not sent
};

/// Documents to be written in order, their bytes in one buffer.
class DocumentBatch {
 public:
  struct Piece {
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  void clear();
  std::string& bytes() { return bytes_; }
  void add(Document document, Piece index, Piece id, Piece body);
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  std::size_t byte_size() const { return bytes_.size(); }
  /// How far the batch goes now; cut() takes away everything that was added since.
  struct Mark {
    std::size_t documents = 0;
    std::size_t bytes = 0;
  };
  Mark mark() const { return {entries_.size(), bytes_.size()}; }
  void cut(Mark mark);
  /// Appends a copy.
  void append(const Document& document);
  /// Valid until the next append to bytes() or clear().
  Document operator[](std::size_t ordinal) const;

 private:
  struct Entry {
    Document document;
    Piece index, id, body;
  };
  std::string bytes_;
  std::vector<Entry> entries_;
};

/// Rule E-9: soft-delete, in `index`, every document of `partition` whose version is below `version`.
struct Sweep {
  std::string index;
  std::int32_t partition = 0;
  std::uint64_t version = 0;
  bool at_or_below = false;  ///< a saturated seq: versions <= version, written external_gte
  std::uint32_t epoch = 0;
  std::string lsn;  ///< for `_sluice.lsn` and `.ts` of the soft deletes
  std::string timestamp;
  std::vector<std::string> key_fields;  ///< that the soft deletes keep, with `_sluice.key`, as the delete of a row does
};

enum class ItemOutcome {
  Written,
  Superseded,  ///< already there, or something newer is: success, counted
  Retry,       ///< not written, may work later
  Rejected,    ///< can never be written: dead letter
};

struct ItemResult {
  ItemOutcome outcome = ItemOutcome::Written;
  std::string error_type;    ///< Elasticsearch's own word; empty for a success
  std::string error_reason;  ///< truncated; may hold cell values: never log it at info or above
};

/// What became of one submitted batch. Either items has one result per document, in order, or the whole batch failed
/// for a reason that no item is guilty of (`error`, Retry): nothing is known of any item, and sending it again is
/// harmless.
struct BatchOutcome {
  std::uint64_t ticket = 0;
  std::vector<ItemResult> items;
  std::optional<base::Error> error;
  DocumentBatch documents;  ///< the batch, given back: to send its Retry items again, or to fill its buffers anew
};

class DocumentSink : public Waitable {
 public:
  /// Sends a batch; several may be in flight. The sink keeps it until its outcome was returned. Never blocks.
  /// REQUIRES: has_room().
  virtual base::Result<void> submit(DocumentBatch batch, std::uint64_t ticket) = 0;

  /// Sends a sweep; its outcome has no items. REQUIRES: has_room().
  virtual base::Result<void> sweep(Sweep sweep, std::uint64_t ticket) = 0;

  virtual bool has_room() const = 0;

  /// What has come back since the last call, to be moved from; valid until the next call. Backing off before anything
  /// is sent again is the caller's part. Errors: es.unauthorized, es.forbidden, … (Stop).
  virtual base::Result<std::span<BatchOutcome>> outcomes() = 0;
};

}  // namespace sluice::pipeline
