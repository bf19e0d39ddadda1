// What of an envelope is the same for all rows of a schema, and what is the same within a transaction: rendered once.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/change/change_event.h"
#include "sluice/codec/envelope_encoder.h"
#include "sluice/codec/value_encoder.h"

namespace sluice::codec {

struct PreparedColumn {
  ValueTypePtr type;
  std::string quoted_name;  ///< `"name"`
  std::string member;       ///< `,"name":`
};

class PreparedTable {
 public:
  /// Error: codec.unusable_schema (Stop).
  static base::Result<PreparedTable> of_schema(change::TableSchemaPtr schema, Route route,
                                               const EncoderOptions& options);
  /// Of logical messages, which belong to no table.
  static PreparedTable of_messages(const EncoderOptions& options);

  /// Null of logical messages.
  const change::TableSchemaPtr& schema() const { return schema_; }
  Route route() const { return route_; }
  const std::vector<PreparedColumn>& columns() const { return columns_; }
  /// `public.users`, percent-encoded.
  std::string_view name() const { return std::string_view(key_lead_).substr(0, key_lead_.size() - 1); }
  /// `public.users:`, with which the key of a row begins.
  std::string_view key_lead() const { return key_lead_; }

  /// To be called first for each event. `now_ms`: milliseconds since 1970, becomes `ts_ms`.
  void begin(const change::ChangeEvent& event, std::int64_t now_ms);
  /// Appends `{"id":"…` of a record of the stream.
  void append_id(std::uint32_t seq, std::uint32_t part, base::TextBuffer& out) const;
  /// The same of a row of a snapshot (rule P-25). `row`: the key, or what else tells the row from all others.
  void append_snapshot_id(std::string_view row, base::TextBuffer& out) const;
  /// Appends `","op":…,"source":{…},"before":`.
  void append_head(const change::ChangeEvent& event, change::Op op, base::TextBuffer& out) const;

 private:
  /// What decides the rendered pieces: the same for all rows of a table in a transaction, within a millisecond.
  struct Moment {
    change::EventId id;  ///< epoch and commit_lsn
    bool snapshot = false;
    std::uint32_t xid = 0;
    std::int64_t commit_time_us = 0;
    std::int64_t now_ms = 0;
    friend bool operator==(const Moment&, const Moment&) = default;
  };

  PreparedTable(change::TableSchemaPtr schema, Route route, const EncoderOptions& options);
  void render(const Moment& moment);

  change::TableSchemaPtr schema_;
  Route route_;
  std::vector<PreparedColumn> columns_;
  std::string key_lead_;
  std::string lead_;       ///< `,"source":{"version":…,"ts_ms":`
  std::string names_;      ///< `","db":…,"txId":`
  std::string schema_id_;  ///< `,"schema_id":…,"before":`

  Moment rendered_;
  base::TextBuffer id_;         ///< `{"id":"eeee-cccccccccccccccc-`
  base::TextBuffer up_to_lsn_;  ///< `","op":"?","ts_ms":…,"source":{…,"lsn":`
  base::TextBuffer up_to_seq_;  ///< `,"commit_lsn":…,"seq":`
  base::TextBuffer rest_;       ///< `,"epoch":…,"before":`
};

}  // namespace sluice::codec
