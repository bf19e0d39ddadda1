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
  std::string_view name() const { return name_; }

  /// Appends `,"source":{…},"before":`.
  void append_source(const change::ChangeEvent& event, TextBuffer& out);

 private:
  /// What of `source` is the same within a transaction.
  struct Transaction {
    change::EventId id;                  ///< epoch and commit_lsn
    change::Op op = change::Op::Insert;  ///< Snapshot, or any other
    std::uint32_t xid = 0;
    std::int64_t commit_time_us = 0;
    friend bool operator==(const Transaction&, const Transaction&) = default;
  };

  PreparedTable(change::TableSchemaPtr schema, Route route, const EncoderOptions& options);
  void render(const Transaction& transaction);

  change::TableSchemaPtr schema_;
  Route route_;
  std::vector<PreparedColumn> columns_;
  std::string name_;
  std::string lead_;       ///< `,"source":{"version":…,"ts_ms":`
  std::string names_;      ///< `","db":…,"txId":`
  std::string schema_id_;  ///< `,"schema_id":…,"before":`

  Transaction rendered_;
  TextBuffer up_to_lsn_;  ///< `,"source":{…,"lsn":`
  TextBuffer up_to_seq_;  ///< `,"commit_lsn":…,"seq":`
  TextBuffer rest_;       ///< `,"epoch":…,"before":`
};

}  // namespace sluice::codec
