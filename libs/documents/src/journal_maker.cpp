#include "sluice/documents/journal_maker.h"

#include <algorithm>
#include <string>

#include "commit_time.h"
#include "json_text.h"

namespace sluice::documents {
namespace {

using codec::Envelope;

std::size_t count_members(std::string_view object) {
  codec::FieldCursor fields(object);
  std::size_t count = 0;
  while (fields.next()) ++count;
  return count;
}

/// `before` has every column, not only those of the key.
bool is_whole(const Envelope& envelope) {
  return count_members(envelope.before) >= count_members(envelope.after) + envelope.unavailable.size();
}

void append_null_or(std::string_view json, std::string& out) { out += json.empty() ? std::string_view("null") : json; }

void append_identity(const Envelope& envelope, std::string& out) {
  const bool is_snapshot = envelope.origin == codec::EnvelopeOrigin::Snapshot;
  out += "{\"@timestamp\":";
  append_json_time(envelope.source_ts_us, out);
  out += ",\"event_id\":";
  append_json_string(envelope.id_text, out);
  out += ",\"op\":\"";
  out.push_back(static_cast<char>(envelope.op));
  out += "\",\"schema\":";
  append_json_string(envelope.schema, out);
  out += ",\"table\":";
  append_json_string(envelope.table, out);
  out += ",\"db\":";
  append_json_string(envelope.database, out);
  out += ",\"tx_id\":";
  if (envelope.tx_id == 0) {
    out += "null";
  } else {
    append_number(std::uint64_t{envelope.tx_id}, out);
  }
  out += ",\"lsn\":";
  append_json_lsn(envelope.lsn.is_zero() ? envelope.commit_lsn : envelope.lsn, out);
  out += ",\"commit_lsn\":";
  append_json_lsn(envelope.commit_lsn, out);
  out += ",\"seq\":";
  append_number(std::uint64_t{envelope.id.seq}, out);
  out += is_snapshot ? ",\"snapshot\":true" : ",\"snapshot\":false";
}

void append_place(const RecordPlace& place, std::int64_t lag_ms, std::string& out) {
  out += ",\"topic\":";
  append_json_string(place.topic, out);
  out += ",\"partition\":";
  append_number(std::int64_t{place.partition}, out);
  out += ",\"offset\":";
  append_number(place.offset, out);
  out += ",\"lag_ms\":";
  append_number(lag_ms, out);
  out.push_back('}');
}

}  // namespace

void JournalMaker::append_as_text(std::string& out) {
  as_text_ = after_.as_text();
  for (const std::string_view name : before_.as_text()) {
    if (std::find(as_text_.begin(), as_text_.end(), name) == as_text_.end()) as_text_.push_back(name);
  }
  if (!as_text_.empty()) append_raw_names(",\"as_text\":", as_text_, out);
}

void JournalMaker::append(const Envelope& envelope, const RecordPlace& place, std::string_view index,
                          std::int64_t now_ms, pipeline::DocumentBatch& out) {
  std::string& bytes = out.bytes();
  const auto begin = bytes.size();
  bytes += index;
  const auto id_begin = bytes.size();
  bytes += envelope.id_text;
  const auto body_begin = bytes.size();

  append_identity(envelope, bytes);
  bytes += ",\"key\":";
  if (envelope.row_key.empty()) {
    bytes += "null";
  } else {
    append_json_string(envelope.row_key, bytes);
  }
  bytes += ",\"before\":";
  append_null_or(before_.fit(envelope.before), bytes);
  bytes += ",\"after\":";
  append_null_or(after_.fit(envelope.after), bytes);
  if (!envelope.before.empty() && !envelope.after.empty() && is_whole(envelope)) {
    changed_.clear();
    codec::append_changed_names(envelope.before, envelope.after, changed_);
    append_raw_names(",\"changed\":", changed_, bytes);
  }
  if (!envelope.unavailable.empty()) {
    bytes += ",\"unavailable\":";
    append_json_strings(envelope.unavailable, bytes);
  }
  if (!envelope.reselected.empty()) {
    bytes += ",\"reselected\":";
    append_json_strings(envelope.reselected, bytes);
  }
  append_as_text(bytes);
  append_place(place, now_ms - envelope.source_ts_us / 1000, bytes);

  pipeline::Document document;
  document.action = pipeline::DocumentAction::Create;
  document.commit_time_us = commit_time_us(envelope);
  out.add(document, {begin, id_begin - begin}, {id_begin, body_begin - id_begin},
          {body_begin, bytes.size() - body_begin});
}

}  // namespace sluice::documents
