#include "sluice/codec/envelope_reader.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/core.h>

#include "json_reader.h"
#include "sluice/codec/record_key.h"
#include "sluice/codec/stream_header.h"

namespace sluice::codec {
namespace {

tl::unexpected<base::Error> bad_envelope(std::string_view what) {
  return base::fail(
      base::Recovery::Reject, "codec.bad_envelope",
      fmt::format("The record is no envelope of Sluice: {}; look at the record, and find out who else writes "
                  "into this topic",
                  what));
}

/// The members of an envelope and of its source, in the order in which the contract has them.
enum class Member { Id, Op, TsMs, Source, Before, After, Unavailable, Reselected, Message, Unknown };
constexpr std::array<std::string_view, 9> kMembers = {"id",    "op",          "ts_ms",      "source", "before",
                                                      "after", "unavailable", "reselected", "message"};

enum class SourceMember {
  Version,
  Connector,
  Name,
  TsMs,
  TsUs,
  Snapshot,
  Db,
  Schema,
  Table,
  TxId,
  Lsn,
  CommitLsn,
  Seq,
  Epoch,
  SchemaId,
  Xmin,
  Unknown
};
constexpr std::array<std::string_view, 16> kSourceMembers = {
    "version", "connector", "name", "ts_ms",      "ts_us", "snapshot", "db",        "schema",
    "table",   "txId",      "lsn",  "commit_lsn", "seq",   "epoch",    "schema_id", "xmin"};

enum class MessageMember { Prefix, Content, Transactional, Encoding, Unknown };
constexpr std::array<std::string_view, 4> kMessageMembers = {"prefix", "content", "transactional", "encoding"};

template <class Kind>
constexpr unsigned bit(Kind member) {
  return 1U << static_cast<unsigned>(member);
}
template <class... Kinds>
constexpr unsigned bits(Kinds... members) {
  return (bit(members) | ...);
}

/// Without them a record says too little.
constexpr unsigned kNeeded = bits(Member::Id, Member::Op, Member::TsMs, Member::Source, Member::Before, Member::After);
constexpr unsigned kNeededOfSource =
    bits(SourceMember::TsUs, SourceMember::Snapshot, SourceMember::Db, SourceMember::Schema, SourceMember::Table,
         SourceMember::TxId, SourceMember::Lsn, SourceMember::CommitLsn, SourceMember::Seq, SourceMember::Epoch,
         SourceMember::SchemaId);
constexpr unsigned kNeededOfMessage = bits(MessageMember::Prefix, MessageMember::Content, MessageMember::Transactional);

constexpr bool has_all(unsigned seen, unsigned needed) { return (seen & needed) == needed; }

bool parse_schema_id(std::string_view text, std::uint64_t& out) {
  constexpr std::size_t kDigits = 16;
  const char* const end = text.data() + text.size();
  return text.size() == kDigits && std::from_chars(text.data(), end, out, 16).ptr == end;
}

}  // namespace

class EnvelopeReader::Impl {
 public:
  base::Result<const Envelope*> read(std::string_view key, std::string_view value);

 private:
  void begin(std::string_view value);
  /// Each takes one value; false: it is not as it must be, and `failed_` says which one.
  bool read_members();
  bool read_member(Member member);
  bool read_source_member(SourceMember member);
  bool read_message_member(MessageMember member);
  bool read_op();
  bool read_row(std::string_view& row);
  bool read_names(std::vector<std::string_view>& names);
  bool read_lsn(change::Lsn& lsn);
  bool read_origin();
  bool read_schema_id();
  bool read_boolean(bool& boolean);
  bool skip();
  bool is_null() { return json_.stands_at('n') && json_.take_word("null"); }

  /// What the members say together.
  base::Result<void> finish(std::string_view key);
  base::Result<void> finish_row(std::string_view key);
  base::Result<void> finish_message(std::string_view key);
  base::Result<void> check_stream_id();
  base::Result<void> check_snapshot_id();

  JsonReader json_;

  // Of the record at hand.
  Envelope envelope_;
  unsigned seen_ = 0;  ///< a bit for each Member
  unsigned seen_of_source_ = 0;
  unsigned seen_of_message_ = 0;
  std::string_view failed_;
  std::uint32_t epoch_ = 0;
  std::uint32_t seq_ = 0;
};

void EnvelopeReader::Impl::begin(std::string_view value) {
  json_.begin(value);
  std::vector<std::string_view> unavailable = std::move(envelope_.unavailable);
  std::vector<std::string_view> reselected = std::move(envelope_.reselected);
  unavailable.clear();
  reselected.clear();
  envelope_ = Envelope{};
  envelope_.unavailable = std::move(unavailable);
  envelope_.reselected = std::move(reselected);
  seen_ = 0;
  seen_of_source_ = 0;
  seen_of_message_ = 0;
  epoch_ = 0;
  seq_ = 0;
}

base::Result<const Envelope*> EnvelopeReader::Impl::read(std::string_view key, std::string_view value) {
  begin(value);
  if (!read_members()) return bad_envelope(failed_);
  if (!json_.at_end()) return bad_envelope("something stands behind it");
  if (!has_all(seen_, kNeeded)) return bad_envelope("a member is missing");
  if (!has_all(seen_of_source_, kNeededOfSource)) return bad_envelope("a member of source is missing");
  SLUICE_TRY(finish(key));
  return &envelope_;
}

bool EnvelopeReader::Impl::read_members() {
  failed_ = "it is no object in JSON";
  return json_.take_object(kMembers, [this](std::size_t place) {
    const auto member = static_cast<Member>(place);
    seen_ |= bit(member);
    const bool read = read_member(member);
    if (read) failed_ = "its JSON is broken";
    return read;
  });
}

bool EnvelopeReader::Impl::read_member(Member member) {
  switch (member) {
    case Member::Id: failed_ = "id is no string"; return is_null() || json_.take_string(envelope_.id_text);
    case Member::Op: failed_ = "op is unknown"; return read_op();
    case Member::TsMs: failed_ = "ts_ms is no number"; return json_.take_number(envelope_.ts_ms);
    case Member::Before: failed_ = "before is no object"; return read_row(envelope_.before);
    case Member::After: failed_ = "after is no object"; return read_row(envelope_.after);
    case Member::Unavailable: failed_ = "unavailable is no list"; return read_names(envelope_.unavailable);
    case Member::Reselected: failed_ = "reselected is no list"; return read_names(envelope_.reselected);
    case Member::Source:
      failed_ = "source is not as it must be";
      return json_.take_object(kSourceMembers, [this](std::size_t place) {
        const auto member_of_source = static_cast<SourceMember>(place);
        seen_of_source_ |= bit(member_of_source);
        return read_source_member(member_of_source);
      });
    case Member::Message:
      failed_ = "message is not as it must be";
      return json_.take_object(kMessageMembers, [this](std::size_t place) {
        const auto member_of_message = static_cast<MessageMember>(place);
        seen_of_message_ |= bit(member_of_message);
        return read_message_member(member_of_message);
      });
    case Member::Unknown: break;
  }
  return skip();
}

bool EnvelopeReader::Impl::read_source_member(SourceMember member) {
  switch (member) {
    case SourceMember::TsUs: return json_.take_number(envelope_.source_ts_us);
    case SourceMember::Snapshot: return read_origin();
    case SourceMember::Db: return json_.take_string(envelope_.database);
    case SourceMember::Schema: return json_.take_string(envelope_.schema);
    case SourceMember::Table: return json_.take_string(envelope_.table);
    case SourceMember::TxId: return is_null() || json_.take_number(envelope_.tx_id);
    case SourceMember::Lsn: return read_lsn(envelope_.lsn);
    case SourceMember::CommitLsn: return read_lsn(envelope_.commit_lsn);
    case SourceMember::Seq: return is_null() || json_.take_number(seq_);
    case SourceMember::Epoch: return json_.take_number(epoch_);
    case SourceMember::SchemaId: return read_schema_id();
    case SourceMember::Version:
    case SourceMember::Connector:
    case SourceMember::Name:
    case SourceMember::TsMs:
    case SourceMember::Xmin:
    case SourceMember::Unknown: break;
  }
  return skip();
}

bool EnvelopeReader::Impl::read_message_member(MessageMember member) {
  switch (member) {
    case MessageMember::Prefix: return json_.take_string(envelope_.message_prefix);
    case MessageMember::Content: return json_.take_string(envelope_.message_content);
    case MessageMember::Transactional: return read_boolean(envelope_.message_is_transactional);
    case MessageMember::Encoding: {
      std::string_view encoding;
      envelope_.message_is_base64 = true;
      return json_.take_string(encoding) && encoding == "base64";
    }
    case MessageMember::Unknown: break;
  }
  return skip();
}

bool EnvelopeReader::Impl::skip() {
  std::string_view value;
  return json_.take_value(value);
}

bool EnvelopeReader::Impl::read_op() {
  std::string_view op;
  if (!json_.take_string(op) || op.size() != 1) return false;
  envelope_.op = static_cast<change::Op>(op.front());
  switch (envelope_.op) {
    case change::Op::Snapshot:
    case change::Op::Insert:
    case change::Op::Update:
    case change::Op::Delete:
    case change::Op::Truncate:
    case change::Op::Message: return true;
  }
  return false;
}

bool EnvelopeReader::Impl::read_row(std::string_view& row) {
  row = {};
  if (is_null()) return true;
  return json_.stands_at('{') && json_.take_value(row);
}

bool EnvelopeReader::Impl::read_names(std::vector<std::string_view>& names) {
  names.clear();
  if (!json_.take_mark('[')) return false;
  if (json_.take_mark(']')) return true;
  do {
    if (!json_.take_string(names.emplace_back())) return false;
  } while (json_.take_mark(','));
  return json_.take_mark(']');
}

bool EnvelopeReader::Impl::read_lsn(change::Lsn& lsn) {
  std::uint64_t number = 0;
  if (!is_null() && !json_.take_number(number)) return false;
  lsn = change::Lsn(number);
  return true;
}

bool EnvelopeReader::Impl::read_origin() {
  std::string_view snapshot;
  if (!json_.take_string(snapshot)) return false;
  envelope_.origin = snapshot == "false" ? EnvelopeOrigin::Stream : EnvelopeOrigin::Snapshot;
  return true;
}

bool EnvelopeReader::Impl::read_schema_id() {
  std::string_view text;
  if (is_null()) return true;
  return json_.take_string(text) && parse_schema_id(text, envelope_.schema_id);
}

bool EnvelopeReader::Impl::read_boolean(bool& boolean) {
  boolean = json_.take_word("true");
  return boolean || json_.take_word("false");
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
  if (!has_all(seen_of_message_, kNeededOfMessage)) return bad_envelope("message is missing, or a member of it");
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
  if (change::EventId{epoch_, envelope_.commit_lsn, seq_, id->part} != *id)
    return bad_envelope("id and source contradict");
  return {};
}

base::Result<void> EnvelopeReader::Impl::check_snapshot_id() {
  constexpr std::size_t kPlainSize = 30;  // eeee-cccccccccccccccc-00000000
  const std::string_view row = envelope_.id_text.substr(std::min(kPlainSize, envelope_.id_text.size()));
  const base::Result<change::EventId> id = change::parse_event_id(envelope_.id_text.substr(0, kPlainSize));
  if (!id || !row.starts_with(".r")) return bad_envelope("id is not the id of a snapshot row");
  envelope_.id = *id;
  if (change::EventId{epoch_, envelope_.commit_lsn, seq_, 0} != *id) return bad_envelope("id and source contradict");
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
