#include "sluice/codec/envelope_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include <fmt/format.h>
#include <simdjson.h>

#include "json_text.h"
#include "sluice/codec/record_key.h"
#include "sluice/codec/stream_header.h"

namespace sluice::codec {
namespace {

namespace ondemand = simdjson::ondemand;

tl::unexpected<base::Error> bad_envelope(std::string_view what) {
  return base::fail(
      base::Recovery::Reject, "codec.bad_envelope",
      fmt::format("The record is no envelope of Sluice: {}; look at the record, and find out who else writes "
                  "into this topic",
                  what));
}

/// Members whose absence makes a record unreadable; a bit each.
enum Member : unsigned {
  kId = 1U << 0,
  kOp = 1U << 1,
  kTsMs = 1U << 2,
  kSource = 1U << 3,
  kBefore = 1U << 4,
  kAfter = 1U << 5,
  kMessage = 1U << 6,
  kSourceTsUs = 1U << 7,
  kSourceSnapshot = 1U << 8,
  kSourceDb = 1U << 9,
  kSourceSchema = 1U << 10,
  kSourceTable = 1U << 11,
  kSourceTxId = 1U << 12,
  kSourceLsn = 1U << 13,
  kSourceCommitLsn = 1U << 14,
  kSourceSeq = 1U << 15,
  kSourceEpoch = 1U << 16,
  kSourceSchemaId = 1U << 17,
};
constexpr unsigned kAlwaysThere = ((kSourceSchemaId << 1) - 1) & ~kMessage;

/// False also for a word that only begins like null.
bool is_null(ondemand::value& value) {
  bool null = false;
  return value.is_null().get(null) == simdjson::SUCCESS && null;
}

bool take(ondemand::value& value, std::string_view& out) { return value.get_string().get(out) == simdjson::SUCCESS; }
bool take(ondemand::value& value, std::int64_t& out) { return value.get_int64().get(out) == simdjson::SUCCESS; }
bool take(ondemand::value& value, std::uint64_t& out) { return value.get_uint64().get(out) == simdjson::SUCCESS; }
bool take(ondemand::value& value, bool& out) { return value.get_bool().get(out) == simdjson::SUCCESS; }

bool take(ondemand::value& value, std::uint32_t& out) {
  std::uint64_t number = 0;
  if (!take(value, number) || number > std::numeric_limits<std::uint32_t>::max()) return false;
  out = static_cast<std::uint32_t>(number);
  return true;
}

/// A null leaves `out` as it is.
template <class T>
bool take_nullable(ondemand::value& value, T& out) {
  ondemand::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  return type == ondemand::json_type::null ? is_null(value) : take(value, out);
}

bool take_names(ondemand::value& value, std::vector<std::string_view>& out) {
  ondemand::array names;
  if (value.get_array().get(names) != simdjson::SUCCESS) return false;
  out.clear();
  for (auto element : names) {
    ondemand::value name;
    if (std::move(element).get(name) != simdjson::SUCCESS || !take(name, out.emplace_back())) return false;
  }
  return true;
}

bool parse_hex(std::string_view text, std::uint64_t& out) {
  constexpr std::size_t kDigits = 16;
  if (text.size() != kDigits || text.find_first_not_of("0123456789abcdef") != std::string_view::npos) return false;
  return std::from_chars(text.data(), text.data() + text.size(), out, 16).ec == std::errc{};
}

}  // namespace

class EnvelopeReader::Impl {
 public:
  base::Result<const Envelope*> read(std::string_view key, std::string_view value);

 private:
  simdjson::padded_string_view padded(std::string_view value);
  /// Each goes through one object; false: `failed_` names a member that is not as it must be, or the JSON is broken.
  bool read_members(ondemand::object& members);
  bool read_member(std::string_view name, ondemand::value& value);
  bool read_source(ondemand::value& source);
  bool read_source_member(std::string_view name, ondemand::value& value);
  bool read_message(ondemand::value& message);
  bool read_row(ondemand::value& value, std::string_view& out);
  bool read_op(ondemand::value& value);

  base::Result<void> finish(std::string_view key);
  base::Result<void> finish_row(std::string_view key);
  base::Result<void> finish_message(std::string_view key);
  base::Result<void> check_stream_id();
  base::Result<void> check_snapshot_id();
  /// What `source` says of the id: of a stream event it is in both.
  change::EventId id_by_source() const { return {epoch_, envelope_.commit_lsn, seq_, 0}; }

  ondemand::parser parser_;
  JsonChecker json_;
  std::unique_ptr<char[]> padded_;
  std::size_t padded_size_ = 0;

  // Of the record at hand.
  Envelope envelope_;
  unsigned seen_ = 0;
  std::string_view failed_;
  std::uint32_t epoch_ = 0;
  std::uint32_t seq_ = 0;
};

simdjson::padded_string_view EnvelopeReader::Impl::padded(std::string_view value) {
  if (padded_size_ < value.size() + simdjson::SIMDJSON_PADDING) {
    padded_size_ = 2 * (value.size() + simdjson::SIMDJSON_PADDING);
    padded_ = std::make_unique<char[]>(padded_size_);
  }
  if (!value.empty()) std::memcpy(padded_.get(), value.data(), value.size());
  std::memset(padded_.get() + value.size(), 0, simdjson::SIMDJSON_PADDING);
  return simdjson::padded_string_view(padded_.get(), value.size(), padded_size_);
}

base::Result<const Envelope*> EnvelopeReader::Impl::read(std::string_view key, std::string_view value) {
  std::vector<std::string_view> unavailable = std::move(envelope_.unavailable);
  std::vector<std::string_view> reselected = std::move(envelope_.reselected);
  unavailable.clear();
  reselected.clear();
  envelope_ = Envelope{};
  envelope_.unavailable = std::move(unavailable);
  envelope_.reselected = std::move(reselected);
  seen_ = 0;
  failed_ = "it is not JSON";

  ondemand::document document;
  ondemand::object members;
  if (parser_.iterate(padded(value)).get(document) != simdjson::SUCCESS) return bad_envelope(failed_);
  if (document.get_object().get(members) != simdjson::SUCCESS) return bad_envelope("it is not an object");
  if (!read_members(members)) return bad_envelope(failed_);
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS)
    return bad_envelope("something stands behind the object");
  if ((seen_ & kAlwaysThere) != kAlwaysThere) return bad_envelope("a member is missing");
  SLUICE_TRY(finish(key));
  return &envelope_;
}

bool EnvelopeReader::Impl::read_members(ondemand::object& members) {
  for (auto member : members) {
    ondemand::field field;
    std::string_view name;
    failed_ = "it is not JSON";
    if (std::move(member).get(field) != simdjson::SUCCESS) return false;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) return false;
    if (!read_member(name, field.value())) return false;
  }
  return true;
}

bool EnvelopeReader::Impl::read_member(std::string_view name, ondemand::value& value) {
  const auto expect = [&](unsigned member, std::string_view failure) {
    seen_ |= member;
    failed_ = failure;
  };
  if (name == "id") return expect(kId, "id is no string"), take_nullable(value, envelope_.id_text);
  if (name == "op") return expect(kOp, "op is unknown"), read_op(value);
  if (name == "ts_ms") return expect(kTsMs, "ts_ms is no number"), take(value, envelope_.ts_ms);
  if (name == "source") return expect(kSource, "source is no object"), read_source(value);
  if (name == "before") return expect(kBefore, "before is no object"), read_row(value, envelope_.before);
  if (name == "after") return expect(kAfter, "after is no object"), read_row(value, envelope_.after);
  if (name == "message") return expect(kMessage, "message is not one of ours"), read_message(value);
  if (name == "unavailable")
    return expect(0, "unavailable is no list of names"), take_names(value, envelope_.unavailable);
  if (name == "reselected") return expect(0, "reselected is no list of names"), take_names(value, envelope_.reselected);
  return true;
}

bool EnvelopeReader::Impl::read_op(ondemand::value& value) {
  std::string_view op;
  if (!take(value, op) || op.size() != 1) return false;
  if (std::string_view("rcudtm").find(op.front()) == std::string_view::npos) return false;
  envelope_.op = static_cast<change::Op>(op.front());
  return true;
}

bool EnvelopeReader::Impl::read_row(ondemand::value& value, std::string_view& out) {
  ondemand::json_type type{};
  out = {};
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  if (type == ondemand::json_type::null) return is_null(value);
  ondemand::object row;
  if (value.get_object().get(row) != simdjson::SUCCESS || row.raw_json().get(out) != simdjson::SUCCESS) return false;
  out = out.substr(0, out.find_last_not_of(" \t") + 1);
  return json_.is_clean(out);
}

bool EnvelopeReader::Impl::read_source(ondemand::value& source) {
  ondemand::object members;
  if (source.get_object().get(members) != simdjson::SUCCESS) return false;
  for (auto member : members) {
    ondemand::field field;
    std::string_view name;
    failed_ = "source is no JSON";
    if (std::move(member).get(field) != simdjson::SUCCESS) return false;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) return false;
    failed_ = "a member of source is of another type";
    if (!read_source_member(name, field.value())) return false;
  }
  return true;
}

bool EnvelopeReader::Impl::read_source_member(std::string_view name, ondemand::value& value) {
  const auto expect = [&](unsigned member) { seen_ |= member; };
  const auto take_lsn = [&](change::Lsn& lsn) {
    std::uint64_t number = 0;
    if (!take_nullable(value, number)) return false;
    lsn = change::Lsn(number);
    return true;
  };
  if (name == "ts_us") return expect(kSourceTsUs), take(value, envelope_.source_ts_us);
  if (name == "db") return expect(kSourceDb), take(value, envelope_.database);
  if (name == "schema") return expect(kSourceSchema), take(value, envelope_.schema);
  if (name == "table") return expect(kSourceTable), take(value, envelope_.table);
  if (name == "txId") return expect(kSourceTxId), take_nullable(value, envelope_.tx_id);
  if (name == "lsn") return expect(kSourceLsn), take_lsn(envelope_.lsn);
  if (name == "commit_lsn") return expect(kSourceCommitLsn), take_lsn(envelope_.commit_lsn);
  if (name == "seq") return expect(kSourceSeq), take_nullable(value, seq_);
  if (name == "epoch") return expect(kSourceEpoch), take(value, epoch_);
  std::string_view text;
  if (name == "schema_id") {
    expect(kSourceSchemaId);
    return take_nullable(value, text) && (text.data() == nullptr || parse_hex(text, envelope_.schema_id));
  }
  if (name == "snapshot") {
    expect(kSourceSnapshot);
    const bool read = take(value, text);
    envelope_.origin = text == "false" ? EnvelopeOrigin::Stream : EnvelopeOrigin::Snapshot;
    return read;
  }
  return true;
}

bool EnvelopeReader::Impl::read_message(ondemand::value& message) {
  ondemand::object members;
  if (message.get_object().get(members) != simdjson::SUCCESS) return false;
  for (auto member : members) {
    ondemand::field field;
    std::string_view name;
    if (std::move(member).get(field) != simdjson::SUCCESS) return false;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) return false;
    std::string_view encoding;
    if (name == "prefix" && !take(field.value(), envelope_.message_prefix)) return false;
    if (name == "content" && !take(field.value(), envelope_.message_content)) return false;
    if (name == "transactional" && !take(field.value(), envelope_.message_is_transactional)) return false;
    if (name == "encoding") {
      if (!take(field.value(), encoding) || encoding != "base64") return false;
      envelope_.message_is_base64 = true;
    }
  }
  return true;
}

base::Result<void> EnvelopeReader::Impl::finish(std::string_view key) {
  switch (envelope_.op) {
    case change::Op::Message: return finish_message(key);
    case change::Op::Truncate:
      envelope_.kind = EnvelopeKind::Truncate;
      if (!key.starts_with(kTruncateKeyPrefix)) return bad_envelope("its key is not that of a truncate");
      return check_stream_id();
    default: return finish_row(key);
  }
}

base::Result<void> EnvelopeReader::Impl::finish_message(std::string_view key) {
  if ((seen_ & kMessage) == 0) return bad_envelope("message is missing");
  if (key == kMarkerKey && envelope_.message_prefix == kMarkerPrefix) {
    envelope_.kind = EnvelopeKind::Marker;
    envelope_.id.epoch = epoch_;
    return {};
  }
  envelope_.kind = EnvelopeKind::Message;
  if (!key.starts_with(kMessageKeyPrefix)) return bad_envelope("its key is not that of a message");
  return check_stream_id();
}

base::Result<void> EnvelopeReader::Impl::finish_row(std::string_view key) {
  const std::optional<RowKey> row_key = parse_row_key(key);
  if (!row_key) return bad_envelope("its key is not that of a row");
  envelope_.row_key = row_key->values;
  const bool deleted = envelope_.op == change::Op::Delete;
  if ((deleted ? envelope_.before : envelope_.after).empty()) return bad_envelope("it has no row");
  if (envelope_.schema_id == 0) return bad_envelope("it names no schema");
  const bool snapshot = envelope_.op == change::Op::Snapshot;
  if (snapshot != (envelope_.origin == EnvelopeOrigin::Snapshot)) return bad_envelope("op and snapshot contradict");
  return snapshot ? check_snapshot_id() : check_stream_id();
}

base::Result<void> EnvelopeReader::Impl::check_stream_id() {
  const base::Result<change::EventId> id = change::parse_event_id(envelope_.id_text);
  if (!id) return bad_envelope("id is not the id of an event");
  envelope_.id = *id;
  change::EventId by_source = id_by_source();
  by_source.part = id->part;
  if (by_source != *id) return bad_envelope("id and source contradict");
  return {};
}

base::Result<void> EnvelopeReader::Impl::check_snapshot_id() {
  constexpr std::size_t kPlainSize = 30;  // eeee-cccccccccccccccc-00000000
  const std::string_view row = envelope_.id_text.substr(std::min(kPlainSize, envelope_.id_text.size()));
  const base::Result<change::EventId> id = change::parse_event_id(envelope_.id_text.substr(0, kPlainSize));
  if (!id || !row.starts_with(".r")) return bad_envelope("id is not the id of a snapshot row");
  envelope_.id = *id;
  if (id_by_source() != *id) return bad_envelope("id and source contradict");
  return {};
}

EnvelopeReader::EnvelopeReader() : impl_(std::make_unique<Impl>()) {}
EnvelopeReader::~EnvelopeReader() = default;
EnvelopeReader::EnvelopeReader(EnvelopeReader&&) noexcept = default;
EnvelopeReader& EnvelopeReader::operator=(EnvelopeReader&&) noexcept = default;

base::Result<const Envelope*> EnvelopeReader::read(std::string_view key, std::string_view value) {
  return impl_->read(key, value);
}

}  // namespace sluice::codec
