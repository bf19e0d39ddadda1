#include "crash/checker.h"

#include <set>
#include <sstream>

#include <fmt/format.h>

namespace sluice::testing {
namespace {

/// The first few of each rule say enough.
class Violations {
 public:
  void add(const std::string& rule, const std::string& where) {
    if (++count_[rule] <= 3) told_.push_back(rule + ": " + where);
  }
  std::vector<std::string> told() { return std::move(told_); }

 private:
  std::map<std::string, int> count_;
  std::vector<std::string> told_;
};

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

/// Adds the events that one change of test_decoding makes: two of an update that moves a row to another key.
void add_change(std::string_view change, const std::string& seq, Transaction& transaction) {
  const auto moved = change.find(" new-tuple: ");
  if (change.starts_with("INSERT:")) {
    transaction[seq] = {'c', field(change, "id"), field(change, "val")};
  } else if (change.starts_with("DELETE:")) {
    transaction[seq] = {'d', field(change, "id"), ""};
  } else if (change.starts_with("UPDATE:") && moved != std::string::npos) {
    const std::string_view row = change.substr(moved);
    transaction[seq] = {'d', field(change.substr(0, moved), "id"), ""};
    transaction[seq + ".0001"] = {'c', field(row, "id"), field(row, "val")};
  } else if (change.starts_with("UPDATE:")) {
    transaction[seq] = {'u', field(change, "id"), field(change, "val")};
  }
}

KeyChange change_of(const nlohmann::json& event) {
  const std::string op = event["op"];
  const auto& row = event[op == "d" ? "before" : "after"];
  return {op[0], row["id"].dump(), op == "d" ? "" : row["val"].get<std::string>()};
}

void check_content(const History& committed, const std::string& id, const std::string& lsn, const std::string& rest,
                   const KeyChange& change, Violations& violations) {
  const auto transaction = committed.find(lsn);
  if (transaction == committed.end()) return violations.add("no such commit", id);
  const auto truth = transaction->second.find(rest);
  if (truth == transaction->second.end()) return violations.add("phantom", id);
  if (truth->second != change) violations.add("not as committed", id);
}

}  // namespace

std::string history_query(const std::string& oracle) {
  // The planner knows nothing of what functions return: it would go through all commits for each change.
  return "SET enable_nestloop = off; SET jit = off; "
         "SELECT lpad(to_hex((start_lsn - '0/0')::bigint), 16, '0'), data "
         "FROM pg_logical_slot_peek_changes('" +
         oracle +
         "', NULL, NULL, 'include-xids', '0') "
         "WITH ORDINALITY AS change (lsn, xid, data, number) LEFT JOIN (SELECT xid, start_lsn FROM "
         "pg_replication_slots, "
         "pg_get_wal_records_info(restart_lsn, pg_current_wal_flush_lsn()) "
         "WHERE slot_name = '" +
         oracle +
         "' AND resource_manager = 'Transaction' AND record_type = 'COMMIT') AS commit "
         "USING (xid) WHERE data LIKE 'table public.work: %' ORDER BY number";
}

History committed_history(const std::string& answer) {
  History history;
  std::map<std::string, int> ordinals;
  std::istringstream lines(answer);
  for (std::string line; std::getline(lines, line);) {
    const auto bar = line.find('|');
    const std::string lsn = line.substr(0, bar);
    const std::string_view change =
        std::string_view(line).substr(bar + std::string_view("|table public.work: ").size());
    add_change(change, fmt::format("{:08x}", ++ordinals[lsn]), history[lsn]);
  }
  return history;
}

std::vector<std::string> check_topic(const History& committed, const std::vector<KafkaRecord>& records) {
  Violations violations;
  std::map<int, std::string> last_id;
  std::map<std::string, int> partitions;
  std::map<std::string, std::set<std::string>> found;
  for (const KafkaRecord& record : records) {
    const auto event = record.json();
    if (event["op"] == "m") continue;
    const std::string id = event["id"];
    // eeee-cccccccccccccccc-ssssssss[.pppp]
    const std::string lsn = id.substr(5, 16);
    const std::string rest = id.substr(22);
    if (!found[lsn].insert(rest).second) {
      violations.add("twice", id);
      continue;
    }
    std::string& last = last_id[record.partition];
    const bool in_order = id > last;
    last = std::max(last, id);
    const KeyChange change = change_of(event);
    if (!in_order) {
      violations.add("out of order", id);
    } else if (partitions.emplace(change.key, record.partition).first->second != record.partition) {
      violations.add("two partitions", id);
    } else {
      check_content(committed, id, lsn, rest, change, violations);
    }
  }
  for (const auto& [lsn, transaction] : committed) {
    const auto& there = found[lsn];
    for (const auto& [rest, change] : transaction) {
      if (there.contains(rest)) continue;
      violations.add(there.empty() ? "lost transaction" : "cut transaction", lsn + "-" + rest);
    }
  }
  return violations.told();
}

std::vector<std::string> check_journal(const std::vector<KafkaRecord>& records,
                                       const std::vector<nlohmann::json>& documents) {
  Violations violations;
  std::map<std::string, const nlohmann::json*> found;
  for (const auto& document : documents) found.emplace(document["_id"], &document["_source"]);
  for (const KafkaRecord& record : records) {
    const auto event = record.json();
    if (event["op"] == "m") continue;
    const std::string id = event["id"];
    const auto document = found.extract(id);
    if (document.empty()) {
      violations.add("lost document", id);
      continue;
    }
    for (const char* member : {"op", "before", "after"}) {
      const nlohmann::json& indexed = document.mapped()->value(member, nlohmann::json());
      if (indexed != event[member]) {
        violations.add("altered document",
                       id + " has " + member + " " + indexed.dump() + ", the record has " + event[member].dump());
      }
    }
  }
  for (const auto& [id, document] : found) violations.add("invented document", id);
  return violations.told();
}

}  // namespace sluice::testing
