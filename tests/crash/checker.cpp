#include "crash/checker.h"

#include <set>
#include <sstream>

namespace sluice::testing {
namespace {

constexpr std::size_t kMaxReported = 5;

void complain(std::vector<std::string>& violations, std::string what) {
  if (violations.size() < kMaxReported) violations.push_back(std::move(what));
}

/// The value of a column as test_decoding shows it: name[type]:'text', or without quotes up to a space.
std::string field(std::string_view text, std::string_view name) {
  const auto column = text.find(std::string(name) + "[");
  if (column == std::string_view::npos) return {};
  constexpr std::string_view kColon = "]:";
  const auto colon = text.find(kColon, column);
  if (colon == std::string_view::npos) return {};
  const std::string_view value = text.substr(colon + kColon.size());
  const bool quoted = value.starts_with('\'');
  return std::string(quoted ? value.substr(1, value.find('\'', 1) - 1) : value.substr(0, value.find(' ')));
}

}  // namespace

History committed_history(const std::string& test_decoding) {
  History history;
  std::istringstream lines(test_decoding);
  for (std::string line; std::getline(lines, line);) {
    const std::string table = "table public.work: ";
    if (!line.starts_with(table)) continue;
    const std::string_view change = std::string_view(line).substr(table.size());
    const auto moved = change.find(" new-tuple: ");
    if (change.starts_with("INSERT:")) {
      history[field(change, "id")].push_back({'c', field(change, "val")});
    } else if (change.starts_with("DELETE:")) {
      history[field(change, "id")].push_back({'d', ""});
    } else if (change.starts_with("UPDATE:") && moved != std::string::npos) {
      history[field(change.substr(0, moved), "id")].push_back({'d', ""});
      history[field(change.substr(moved), "id")].push_back({'c', field(change.substr(moved), "val")});
    } else if (change.starts_with("UPDATE:")) {
      history[field(change, "id")].push_back({'u', field(change, "val")});
    }
  }
  return history;
}

std::vector<std::string> check_topic(const History& committed, const std::vector<KafkaRecord>& records) {
  std::vector<std::string> violations;
  std::map<int, std::string> last_id;
  std::set<std::string> ids;
  History found;
  for (const KafkaRecord& record : records) {
    const auto event = record.json();
    const std::string op = event["op"];
    if (op != "c" && op != "u" && op != "d") continue;
    const std::string id = event["id"];
    if (!ids.insert(id).second) complain(violations, "twice in the topic: " + id);
    std::string& last = last_id[record.partition];
    if (id <= last) complain(violations, "out of order in partition " + std::to_string(record.partition) + ": " + id);
    last = id;
    const auto& row = op == "d" ? event["before"] : event["after"];
    found[row["id"].dump()].push_back({op[0], op == "d" ? "" : row["val"].get<std::string>()});
  }
  for (const auto& [key, changes] : committed) {
    const auto seen = found.find(key);
    const std::size_t count = seen == found.end() ? 0 : seen->second.size();
    if (count != changes.size()) {
      complain(violations, "key " + key + ": " + std::to_string(changes.size()) +
                               " changes were committed, the topic has " + std::to_string(count));
    } else if (seen != found.end() && seen->second != changes) {
      complain(violations, "key " + key + ": the changes differ from what was committed, or their order does");
    }
  }
  for (const auto& [key, changes] : found) {
    if (!committed.contains(key)) complain(violations, "phantom: key " + key + " was never committed");
  }
  return violations;
}

std::vector<std::string> check_journal(const std::vector<KafkaRecord>& records,
                                       const std::vector<nlohmann::json>& documents) {
  std::vector<std::string> violations;
  std::set<std::string> wanted;
  for (const KafkaRecord& record : records) {
    const auto event = record.json();
    if (event["op"] != "m") wanted.insert(event["id"].get<std::string>());
  }
  std::set<std::string> found;
  for (const auto& document : documents) found.insert(document["_id"].get<std::string>());
  for (const auto& id : wanted) {
    if (!found.contains(id)) complain(violations, "the journal lacks " + id);
  }
  for (const auto& id : found) {
    if (!wanted.contains(id)) complain(violations, "the journal has " + id + ", the topic has not");
  }
  return violations;
}

}  // namespace sluice::testing
