#include "sluice/pipeline/group_checkpoint.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::pipeline {
namespace {

bool is_safe(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

std::string url_safe(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (is_safe(c)) {
      safe.push_back(c);
    } else {
      safe += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
  }
  return safe;
}

bool is_sound(const GroupCheckpoint& checkpoint) {
  return checkpoint.from >= 0 && checkpoint.offset >= checkpoint.from &&
         std::all_of(checkpoint.since.begin(), checkpoint.since.end(),
                     [&](const auto& entry) { return entry.second >= 0 && entry.second <= checkpoint.from; });
}

}  // namespace

Offset GroupCheckpoint::holds_since(const std::string& output) const {
  const auto found = since.find(output);
  return found == since.end() ? from : found->second;
}

std::string bookkeeping_id(std::string_view group, std::string_view name) {
  return url_safe(group) + "/" + url_safe(name);
}

std::string checkpoint_id(std::string_view group, const Partition& partition) {
  return bookkeeping_id(group, fmt::format("{}-{}", partition.topic, partition.number));
}

std::string to_json(const GroupCheckpoint& checkpoint) {
  nlohmann::ordered_json json;
  json["topic"] = checkpoint.partition.topic;
  json["partition"] = checkpoint.partition.number;
  json["topic_id"] = checkpoint.topic_id;
  json["offset"] = checkpoint.offset;
  json["from"] = checkpoint.from;
  json["last_id"] = checkpoint.last_id;
  json["outputs"] = checkpoint.outputs;
  if (!checkpoint.since.empty()) json["since"] = checkpoint.since;
  return json.dump();
}

base::Result<GroupCheckpoint> parse_group_checkpoint(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    GroupCheckpoint checkpoint;
    checkpoint.partition.topic = json.at("topic").get<std::string>();
    checkpoint.partition.number = json.at("partition").get<std::int32_t>();
    checkpoint.topic_id = json.at("topic_id").get<std::string>();
    checkpoint.offset = json.at("offset").get<Offset>();
    checkpoint.from = json.at("from").get<Offset>();
    checkpoint.last_id = json.at("last_id").get<std::string>();
    checkpoint.outputs = json.at("outputs").get<std::vector<std::string>>();
    if (const auto since = json.find("since"); since != json.end()) since->get_to(checkpoint.since);
    if (is_sound(checkpoint)) return checkpoint;
  } catch (const nlohmann::json::exception&) {
  }
  return base::fail(
      base::Recovery::Stop, "es.bad_checkpoint",
      "A document of the index sluice-checkpoints is not what this program wrote. Delete the documents of "
      "this group there: the topic is then read again from its begin, which changes nothing that is right. A mirror "
      "whose snapshot is no longer in the topic needs a new epoch then (replicator slot reset --new-epoch)");
}

}  // namespace sluice::pipeline
