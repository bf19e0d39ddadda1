// Makes Kafka records of change events: key, partition and value in the envelope `sluice` (README,
// What arrives in Kafka).
//
// What an event becomes
//   insert, update, delete, snapshot row    one record with the row's key
//   update or such that changes the key     two: part 0 deletes the old key, part 1 creates the new one (rule P-32)
//   delete with tombstones on               the delete, and a record with a null value as the last part
//   truncate                                one record to every partition, all with the same id (rule P-34)
//   logical message                         one with the key `sluice:message:<prefix>` into EncoderOptions::messages
//
// Records say their kind, id, topic and partition. Headers are not made here: only the pipeline knows the last id of a
// partition. It adds one where the kind is not Stream or `tombstone` is set (stream_header.h).
//
// Members beyond the README's example: a logical message has `"message":{"prefix":…,"content":…,"transactional":…}`
// behind `after`; content that is no UTF-8 stands as base64 and has `"encoding":"base64"` beside it. Its source.schema
// and source.table are empty, schema_id is null. CASCADE and RESTART IDENTITY of a TRUNCATE are not said: every table
// that it reached has an event of its own, and sequences are not captured.
//
// A cell of `after` that is Unchanged is named in `unavailable`; the source has filled in those that the old row has
// and those that it fetched (rule P-31) before.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sluice/base/error.h"
#include "sluice/change/change_event.h"
#include "sluice/change/record.h"
#include "sluice/change/table_schema.h"
#include "sluice/codec/value_options.h"

namespace sluice::codec {

enum class Tombstones { Off, On };

/// Where the records of a table go.
struct Route {
  change::TopicIndex topic = 0;
  std::int32_t partitions = 1;  ///< of that topic; > 0
};

struct EncoderOptions {
  std::string version;      ///< of this program: source.version
  std::string source_name;  ///< source.name
  std::string database;     ///< source.db
  Tombstones tombstones = Tombstones::Off;
  Route messages;  ///< of logical messages
  ValueOptions values;
};

class EnvelopeEncoder {
 public:
  explicit EnvelopeEncoder(EncoderOptions options);
  ~EnvelopeEncoder();
  EnvelopeEncoder(EnvelopeEncoder&&) noexcept;
  EnvelopeEncoder& operator=(EnvelopeEncoder&&) noexcept;

  /// Renders what is the same in all envelopes of this schema. Keeps the schema alive; forgets schemas that nobody else
  /// holds any more. Preparing one again replaces its route.
  /// Errors, both Stop: codec.unusable_schema, a column's type cannot be resolved (value_encoder.h);
  /// codec.invalid_name, a name is no UTF-8: two of them could become one.
  base::Result<void> prepare(const change::TableSchemaPtr& schema, Route route);

  /// Appends the records of one event; on error none. `now_ms`: milliseconds since 1970, becomes `ts_ms`.
  /// REQUIRES: prepare() succeeded for event.table; rows have one cell per column; a snapshot row of a table without a
  /// key has its row_identity. Errors: codec.unrepresentable, codec.no_key_value, codec.invalid_text (Reject).
  base::Result<void> encode(const change::ChangeEvent& event, std::int64_t now_ms, change::RecordBatch& out);

  /// Pieces of text that were no UTF-8 and became U+FFFD, since the beginning (rule P-27).
  std::uint64_t replacements() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::codec
