// Reads the envelope `sluice` out of Kafka records: es_consumer's side. What a record holds is checked, whoever wrote
// it: every member has its type, what stands twice agrees, and the whole is valid JSON in one line. So the slices
// `before` and `after` can be put into a bulk request as they are.
//
// Thread rule: one thread per reader. An Envelope is valid until the next read() of its reader; its views point into
// the key and the value that were given, or into the reader for strings that had escapes. Nothing needs padding.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/change/change_event.h"
#include "sluice/change/event_id.h"
#include "sluice/change/lsn.h"

namespace sluice::codec {

enum class EnvelopeKind {
  Row,  ///< snapshot, insert, update, delete
  Truncate,
  Message,  ///< a logical message of PostgreSQL
  Marker,   ///< begins a walk back (rule K-9): nothing to index
};

enum class EnvelopeOrigin { Stream, Snapshot };

struct Envelope {
  EnvelopeKind kind = EnvelopeKind::Row;
  EnvelopeOrigin origin = EnvelopeOrigin::Stream;
  change::Op op = change::Op::Insert;

  std::string_view id_text;  ///< empty of a marker
  /// Of a snapshot row: its epoch and, as commit_lsn, the position at which the snapshot began; seq and part 0.
  change::EventId id;

  std::string_view schema;  ///< empty of messages and markers, like table
  std::string_view table;
  std::string_view database;
  std::uint64_t schema_id = 0;    ///< 0: none
  std::uint32_t tx_id = 0;        ///< 0: none (snapshot rows)
  change::Lsn lsn;                ///< source.lsn
  change::Lsn commit_lsn;         ///< source.commit_lsn, the one in the id
  std::int64_t ts_ms = 0;         ///< when it was encoded
  std::int64_t source_ts_us = 0;  ///< commit time; of a snapshot row: when the snapshot began

  /// The part of the key behind `<schema>.<table>:`; a view into the key given to read(). Empty: a table without a key.
  std::string_view row_key;

  std::string_view before;  ///< JSON object as it stands in the value; empty: null
  std::string_view after;
  std::vector<std::string_view> unavailable;  ///< column names
  std::vector<std::string_view> reselected;

  std::string_view message_prefix;
  std::string_view message_content;  ///< as it stands: base64 when message_is_base64
  bool message_is_base64 = false;
  bool message_is_transactional = false;
};

class EnvelopeReader {
 public:
  EnvelopeReader();
  ~EnvelopeReader();
  EnvelopeReader(EnvelopeReader&&) noexcept;
  EnvelopeReader& operator=(EnvelopeReader&&) noexcept;

  /// A tombstone has no value and is told by the caller before. Unknown members are passed over.
  /// Error: codec.bad_envelope (Reject).
  base::Result<const Envelope*> read(std::string_view key, std::string_view value);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Goes through the top-level members of an object slice of an Envelope. Bounds-checked, so that a slice from elsewhere
/// can at most end early.
class FieldCursor {
 public:
  explicit FieldCursor(std::string_view object);

  /// The next member; false at the end.
  bool next();

  /// The name as it stands, with its quotes: ready to be put into other JSON.
  std::string_view raw_name() const { return raw_name_; }
  /// The name itself; valid until the next call of next().
  std::string_view name();
  /// The value as it stands: `"Ada"`, `12.5`, `{"k":1}`, `null`.
  std::string_view raw_value() const { return raw_value_; }

 private:
  std::string_view rest_;
  std::string_view raw_name_;
  std::string_view raw_value_;
  std::string unescaped_;
};

/// Appends the raw names (with quotes) of the members of `after` that `before` has with another value, compared byte by
/// byte. A column that `before` does not have (only key columns were sent) is not named: whether it changed is not
/// known.
void append_changed_names(std::string_view before, std::string_view after, std::vector<std::string_view>& raw_names);

}  // namespace sluice::codec
