#include "checkpoint_record.h"

#include <fmt/core.h>
#include <xxhash.h>

#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>

#include "sluice/base/utf8.h"

namespace sluice::offsets {
namespace {

using base::fail;
using base::Recovery;
using base::Result;
using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie in memory");

// 2: what is known of the tables. Of 1 nothing is known, and no table is halted.
// 3: whether Kafka lost records.
// 4: the keys of the tables. Of an older one they are not known.
constexpr std::uint32_t kFormatVersion = 4;
constexpr std::size_t kHeaderBytes = 4 + 8 + 8;

struct Header {
  std::uint32_t version = kFormatVersion;
  std::uint64_t transaction = 0;
  std::uint64_t checksum = 0;
};

std::uint64_t checksum_of(std::string_view pipeline, const Header& header, std::string_view text) {
  std::string hashed(pipeline);
  hashed.push_back('\0');
  hashed += fmt::format("{}/{}/", header.version, header.transaction);
  hashed += text;
  return XXH3_64bits(hashed.data(), hashed.size());
}

Header read_header(std::string_view value) {
  Header header;
  std::memcpy(&header.version, value.data(), 4);
  std::memcpy(&header.transaction, value.data() + 4, 8);
  std::memcpy(&header.checksum, value.data() + 12, 8);
  return header;
}

Result<Header> checked_header(std::string_view value, std::string_view pipeline) {
  if (value.size() < kHeaderBytes) {
    return fail(Recovery::Stop, "offsets.corrupt",
                fmt::format("the checkpoint of pipeline {} has {} bytes, too few to be one", pipeline, value.size()));
  }
  const Header header = read_header(value);
  if (checksum_of(pipeline, header, value.substr(kHeaderBytes)) != header.checksum) {
    return fail(Recovery::Stop, "offsets.corrupt",
                fmt::format("the checksum of the checkpoint of pipeline {} does not agree", pipeline));
  }
  return header;
}

constexpr std::array<std::string_view, 4> kPhases = {"none", "intended", "running", "done"};

pipeline::SnapshotPhase phase_of(const std::string& name) {
  for (std::size_t ordinal = 0; ordinal < kPhases.size(); ++ordinal) {
    if (kPhases[ordinal] == name) return static_cast<pipeline::SnapshotPhase>(ordinal);
  }
  throw json::other_error::create(501, "snapshot phase", nullptr);
}

// Names come from PostgreSQL in the database's encoding. One that is no UTF-8 (SQL_ASCII databases) cannot be a JSON
// string, and must come back as it was: it is kept as an array of its bytes.
json name_json(const std::string& name) {
  if (base::first_non_utf8(name) == std::string::npos) return name;
  return std::vector<std::uint8_t>(name.begin(), name.end());
}

std::string name_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  const auto bytes = value.get<std::vector<std::uint8_t>>();
  return std::string(bytes.begin(), bytes.end());
}

json to_json(const change::EventId& id) { return {id.epoch, id.commit_lsn.value(), id.seq, id.part}; }

change::EventId event_id_of(const json& value) {
  return {value.at(0).get<std::uint32_t>(), change::Lsn(value.at(1).get<std::uint64_t>()),
          value.at(2).get<std::uint32_t>(), value.at(3).get<std::uint32_t>()};
}

json to_json(const pipeline::SlotIncarnation& slot) {
  return {{"name", slot.name},
          {"system_id", slot.system_id},
          {"timeline", slot.timeline},
          {"database", name_json(slot.database)},
          {"consistent_point", slot.consistent_point.value()}};
}

pipeline::SlotIncarnation slot_of(const json& value) {
  pipeline::SlotIncarnation slot;
  value.at("name").get_to(slot.name);
  value.at("system_id").get_to(slot.system_id);
  value.at("timeline").get_to(slot.timeline);
  slot.database = name_of(value.at("database"));
  slot.consistent_point = change::Lsn(value.at("consistent_point").get<std::uint64_t>());
  return slot;
}

json to_json(const pipeline::PublicationIncarnation& publication) {
  json members = json::array();
  for (const auto& member : publication.members)
    members.push_back({name_json(member.table), member.oid, member.xmin, member.is_schema});
  return {{"name", name_json(publication.name)},
          {"oid", publication.oid},
          {"xmin", publication.xmin},
          {"members", members}};
}

pipeline::PublicationIncarnation publication_of(const json& value) {
  pipeline::PublicationIncarnation publication;
  publication.name = name_of(value.at("name"));
  value.at("oid").get_to(publication.oid);
  value.at("xmin").get_to(publication.xmin);
  for (const json& member : value.at("members")) {
    publication.members.push_back({name_of(member.at(0)), member.at(1).get<std::uint32_t>(),
                                   member.at(2).get<std::uint32_t>(), member.size() > 3 && member.at(3).get<bool>()});
  }
  return publication;
}

json to_json(const std::vector<pipeline::TopicIncarnation>& topics) {
  json array = json::array();
  for (const auto& topic : topics) {
    array.push_back({{"topic", topic.topic},
                     {"topic_id", topic.topic_id},
                     {"partitions", topic.partitions},
                     {"end_offsets", topic.end_offsets}});
  }
  return array;
}

std::vector<pipeline::TopicIncarnation> topics_of(const json& value) {
  std::vector<pipeline::TopicIncarnation> topics;
  for (const json& topic : value) {
    topics.push_back({topic.at("topic").get<std::string>(), topic.at("topic_id").get<std::string>(),
                      topic.at("partitions").get<std::int32_t>(),
                      topic.at("end_offsets").get<std::vector<std::int64_t>>()});
  }
  return topics;
}

json to_json(const std::vector<pipeline::PartitionTail>& tails) {
  json array = json::array();
  for (const auto& tail : tails) array.push_back({tail.topic, tail.partition, tail.end_offset, to_json(tail.last)});
  return array;
}

std::vector<pipeline::PartitionTail> tails_of(const json& value) {
  std::vector<pipeline::PartitionTail> tails;
  for (const json& tail : value) {
    tails.push_back({tail.at(0).get<std::string>(), tail.at(1).get<std::int32_t>(), tail.at(2).get<std::int64_t>(),
                     event_id_of(tail.at(3))});
  }
  return tails;
}

json key_json(const std::optional<std::vector<std::string>>& key) {
  if (!key) return nullptr;
  json names = json::array();
  for (const std::string& name : *key) names.push_back(name_json(name));
  return names;
}

std::optional<std::vector<std::string>> key_of(const json& value) {
  if (value.is_null()) return std::nullopt;
  std::vector<std::string> key;
  for (const json& name : value) key.push_back(name_of(name));
  return key;
}

json to_json(const pipeline::TableStates& tables) {
  json array = json::array();
  for (const auto& [name, table] : tables) {
    json columns = json::array();  // flat: there can be many
    for (const auto& column : table.form.columns) {
      columns.push_back(name_json(column.name));
      columns.push_back(column.type_oid);
      columns.push_back(column.type_modifier);
    }
    json entry = {name_json(name), table.form.oid, std::move(columns), key_json(table.form.key)};
    if (table.halt) entry.push_back({name_json(table.halt->reason), table.halt->since.value()});
    array.push_back(std::move(entry));
  }
  return array;
}

pipeline::TableStates tables_of(const json& value, std::uint32_t version) {
  const bool has_keys = version >= 4;
  const std::size_t halt_at = has_keys ? 4 : 3;
  pipeline::TableStates tables;
  for (const json& entry : value) {
    pipeline::TableState& table = tables[name_of(entry.at(0))];
    entry.at(1).get_to(table.form.oid);
    const json& columns = entry.at(2);
    for (std::size_t at = 0; at < columns.size(); at += 3) {
      table.form.columns.push_back(
          {name_of(columns.at(at)), columns.at(at + 1).get<std::uint32_t>(), columns.at(at + 2).get<std::int32_t>()});
    }
    if (has_keys) table.form.key = key_of(entry.at(3));
    if (entry.size() > halt_at) {
      const json& halt = entry.at(halt_at);
      table.halt = pipeline::TableHalt{name_of(halt.at(0)), change::Lsn(halt.at(1).get<std::uint64_t>())};
    }
  }
  return tables;
}

json to_json(const pipeline::Checkpoint& checkpoint) {
  return {
      {"pipeline", checkpoint.pipeline},       {"epoch", checkpoint.epoch},
      {"position", checkpoint.position.value}, {"last_data_end", checkpoint.last_data_end.value},
      {"highest_xid", checkpoint.highest_xid}, {"fingerprint", checkpoint.fingerprint},
      {"settled", checkpoint.settled},         {"snapshot", kPhases.at(static_cast<std::size_t>(checkpoint.snapshot))},
      {"slot", to_json(checkpoint.slot)},      {"publication", to_json(checkpoint.publication)},
      {"topics", to_json(checkpoint.topics)},  {"tails", to_json(checkpoint.tails)},
      {"tables", to_json(checkpoint.tables)},  {"kafka_lost_records", checkpoint.kafka_lost_records}};
}

pipeline::Checkpoint checkpoint_of(const json& value, std::uint32_t version) {
  pipeline::Checkpoint checkpoint;
  value.at("pipeline").get_to(checkpoint.pipeline);
  value.at("epoch").get_to(checkpoint.epoch);
  value.at("position").get_to(checkpoint.position.value);
  value.at("last_data_end").get_to(checkpoint.last_data_end.value);
  value.at("highest_xid").get_to(checkpoint.highest_xid);
  value.at("fingerprint").get_to(checkpoint.fingerprint);
  value.at("settled").get_to(checkpoint.settled);
  checkpoint.snapshot = phase_of(value.at("snapshot").get<std::string>());
  checkpoint.slot = slot_of(value.at("slot"));
  checkpoint.publication = publication_of(value.at("publication"));
  checkpoint.topics = topics_of(value.at("topics"));
  checkpoint.tails = tails_of(value.at("tails"));
  if (version >= 2) checkpoint.tables = tables_of(value.at("tables"), version);
  if (version >= 3) value.at("kafka_lost_records").get_to(checkpoint.kafka_lost_records);
  return checkpoint;
}

}  // namespace

std::string encode_checkpoint(const pipeline::Checkpoint& checkpoint, std::string_view pipeline,
                              std::uint64_t transaction) {
  const std::string text = to_json(checkpoint).dump();
  Header header{kFormatVersion, transaction, 0};
  header.checksum = checksum_of(pipeline, header, text);
  std::string value(kHeaderBytes, '\0');
  std::memcpy(value.data(), &header.version, 4);
  std::memcpy(value.data() + 4, &header.transaction, 8);
  std::memcpy(value.data() + 12, &header.checksum, 8);
  return value += text;
}

Result<std::uint64_t> transaction_of(std::string_view value, std::string_view pipeline) {
  SLUICE_ASSIGN(const Header header, checked_header(value, pipeline));
  return header.transaction;
}

Result<pipeline::Checkpoint> decode_checkpoint(std::string_view value, std::string_view pipeline) {
  SLUICE_ASSIGN(const Header header, checked_header(value, pipeline));
  if (header.version == 0 || header.version > kFormatVersion) {
    return fail(Recovery::Stop, "offsets.unreadable",
                fmt::format("the checkpoint of pipeline {} has format {}, this program knows 1 to {}: run the version "
                            "that wrote it, or a newer one",
                            pipeline, header.version, kFormatVersion));
  }
  try {
    return checkpoint_of(json::parse(value.substr(kHeaderBytes)), header.version);
  } catch (const json::exception&) {
    return fail(Recovery::Stop, "offsets.unreadable",
                fmt::format("the checkpoint of pipeline {} is whole, but lacks something that this program needs: run "
                            "the version that wrote it",
                            pipeline));
  }
}

}  // namespace sluice::offsets
