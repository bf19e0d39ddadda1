#include "sluice/documents/mirror_maker.h"

#include <fmt/core.h>
#include <openssl/sha.h>
#include <simdjson.h>

#include <utility>

#include "commit_time.h"
#include "json_text.h"
#include "sluice/base/check.h"

namespace sluice::documents {
namespace {

using codec::Envelope;

constexpr std::size_t kMaxIdBytes = 512;  // Elasticsearch's, in bytes of UTF-8

std::uint64_t version_of(const Envelope& envelope) {
  if (envelope.origin == codec::EnvelopeOrigin::Snapshot) return change::snapshot_version(envelope.commit_lsn);
  return change::external_version(envelope.commit_lsn, envelope.id.seq);
}

bool is_saturated(const Envelope& envelope) { return envelope.id.seq >= change::kSaturatedSeq; }

/// The members of a row without the braces around them.
void append_all(std::string_view object, std::string& out) {
  const std::size_t first = object.find('{');
  const std::size_t last = object.rfind('}');
  if (first == std::string_view::npos || last == std::string_view::npos || last <= first) return;
  const std::string_view members = object.substr(first + 1, last - first - 1);
  if (members.find_first_not_of(' ') == std::string_view::npos) return;
  out += members;
  out.push_back(',');
}

enum class Which { All, KeyOnly };

void append_each(std::string_view object, const MirrorColumns& columns, Which which, std::string& out) {
  codec::FieldCursor fields(object);
  while (fields.next()) {
    const std::string_view name = fields.name();
    if (which == Which::KeyOnly && !columns.is_key(name)) continue;
    if (is_reserved_field(name)) {
      append_json_string(field_name(name), out);
    } else {
      out += fields.raw_name();
    }
    out.push_back(':');
    out += fields.raw_value();
    out.push_back(',');
  }
}

bool is_delete(const Envelope& envelope) { return envelope.op == change::Op::Delete; }

void append_sluice(const Envelope& envelope, std::int32_t partition, const std::vector<std::string_view>& as_text,
                   std::string& out) {
  out += "\"_sluice\":{\"v\":";
  append_number(version_of(envelope), out);
  out += is_delete(envelope) ? ",\"deleted\":true,\"partition\":" : ",\"deleted\":false,\"partition\":";
  append_number(std::int64_t{partition}, out);
  out += ",\"epoch\":";
  append_number(std::uint64_t{envelope.id.epoch}, out);
  out += ",\"lsn\":";
  append_json_lsn(envelope.commit_lsn, out);
  out += ",\"ts\":";
  append_json_time(envelope.source_ts_us, out);
  if (needs_hash(envelope.row_key)) {
    out += ",\"key\":";
    append_json_string(envelope.row_key, out);
  }
  if (is_incomplete(envelope)) {
    out += ",\"incomplete\":";
    append_json_strings(envelope.unavailable, out);
  }
  if (!as_text.empty()) append_raw_names(",\"as_text\":", as_text, out);
  out += "}}";
}

}  // namespace

bool is_incomplete(const Envelope& envelope) { return !is_delete(envelope) && !envelope.unavailable.empty(); }

bool needs_hash(std::string_view row_key) {
  return row_key.empty() || row_key.size() > kMaxIdBytes || !simdjson::validate_utf8(row_key.data(), row_key.size());
}

std::string hashed_id(std::string_view row_key) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(row_key.data()), row_key.size(), digest);
  std::string id = "sha256:";
  for (const unsigned char byte : digest) id += fmt::format("{:02x}", byte);
  return id;
}

void MirrorMaker::append(const Envelope& envelope, std::int32_t partition, std::string_view index,
                         const MirrorColumns& columns, pipeline::DocumentBatch& out) {
  const bool deleted = is_delete(envelope);
  const std::string_view row = fitter_.fit(deleted ? envelope.before : envelope.after);
  SLUICE_CHECK(!row.empty(), "the envelope of a row has it");
  std::string& bytes = out.bytes();
  const auto begin = bytes.size();
  bytes += index;
  const auto id_begin = bytes.size();
  if (needs_hash(envelope.row_key)) {
    bytes += hashed_id(envelope.row_key);
  } else {
    bytes += envelope.row_key;
  }
  const auto body_begin = bytes.size();
  bytes.push_back('{');
  if (deleted) {
    append_each(row, columns, Which::KeyOnly, bytes);
  } else if (columns.are_plain()) {
    append_all(row, bytes);
  } else {
    append_each(row, columns, Which::All, bytes);
  }
  append_sluice(envelope, partition, fitter_.as_text(), bytes);

  pipeline::Document document;
  document.action = pipeline::DocumentAction::Index;
  document.version_type = is_saturated(envelope) ? pipeline::VersionType::ExternalGte : pipeline::VersionType::External;
  document.version = version_of(envelope);
  document.commit_time_us = commit_time_us(envelope);
  out.add(document, {begin, id_begin - begin}, {id_begin, body_begin - id_begin},
          {body_begin, bytes.size() - body_begin});
}

pipeline::Sweep MirrorMaker::sweep(const Envelope& envelope, std::int32_t partition, std::string_view index,
                                   const MirrorColumns& columns) const {
  std::string time;
  append_json_time(envelope.source_ts_us, time);
  std::vector<std::string> key_fields;
  for (const std::string& column : columns.key()) key_fields.push_back(field_name(column));
  return {.index = std::string(index),
          .partition = partition,
          .version = version_of(envelope),
          .at_or_below = is_saturated(envelope),
          .epoch = envelope.id.epoch,
          .lsn = change::to_string(envelope.commit_lsn),
          .timestamp = time.substr(1, time.size() - 2),
          .key_fields = std::move(key_fields)};
}

}  // namespace sluice::documents
