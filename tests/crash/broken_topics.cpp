#include "crash/broken_topics.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sluice::testing {
namespace {

std::string id_of(const KafkaRecord& record) { return record.json()["id"]; }
std::string op_of(const KafkaRecord& record) { return record.json()["op"]; }
std::string lsn_of(const std::string& id) { return id.substr(5, 16); }

void set(KafkaRecord& record, const nlohmann::json::json_pointer& member, const nlohmann::json& value) {
  auto event = record.json();
  event[member] = value;
  record.value = event.dump();
}

}  // namespace

BrokenTopics::BrokenTopics(Records good) : good_(std::move(good)) {
  std::map<std::string, std::set<std::string>> transactions;
  std::map<std::string, std::size_t> last_of_key;
  for (std::size_t i = 0; i < good_.size(); ++i) {
    const std::string id = id_of(good_[i]);
    transactions[lsn_of(id)].insert(id);
    if (id.ends_with(".0001")) new_row_ = id;
    const auto [last, is_first] = last_of_key.emplace(good_[i].key, i);
    const std::size_t before = std::exchange(last->second, i);
    if (is_first) continue;
    if (op_of(good_[i]) == "d") upsert_ = before;
    if (next_update_ == 0 && op_of(good_[before]) == "u" && op_of(good_[i]) == "u") {
      update_ = before;
      next_update_ = i;
    }
  }
  for (const auto& [lsn, ids] : transactions) {
    if (ids.size() >= 3) transaction_.assign(ids.begin(), ids.end());
  }
  EXPECT_FALSE(transaction_.empty());
  EXPECT_FALSE(new_row_.empty());
  EXPECT_GT(upsert_, 0u);
  EXPECT_GT(next_update_, 0u);
}

BrokenTopics::Records BrokenTopics::without(const std::set<std::string>& ids) const {
  Records records = good_;
  std::erase_if(records, [&](const KafkaRecord& record) { return ids.contains(id_of(record)); });
  return records;
}

BrokenTopics::Records BrokenTopics::without_the_last_of_a_transaction() const { return without({transaction_.back()}); }

BrokenTopics::Records BrokenTopics::without_one_inside_a_transaction() const { return without({transaction_[1]}); }

BrokenTopics::Records BrokenTopics::without_the_new_row_of_a_key_change() const { return without({new_row_}); }

BrokenTopics::Records BrokenTopics::without_a_transaction() const {
  return without({transaction_.begin(), transaction_.end()});
}

BrokenTopics::Records BrokenTopics::upsert_again_after_its_delete() const {
  Records records = good_;
  records.push_back(records[upsert_]);
  return records;
}

BrokenTopics::Records BrokenTopics::one_appended_late() const {
  Records records = good_;
  std::rotate(records.begin(), records.begin() + 1, records.end());
  return records;
}

BrokenTopics::Records BrokenTopics::two_in_exchanged_places() const {
  Records records = good_;
  std::swap(records[update_], records[next_update_]);
  return records;
}

BrokenTopics::Records BrokenTopics::two_under_exchanged_ids() const {
  Records records = two_in_exchanged_places();
  set(records[update_], nlohmann::json::json_pointer("/id"), id_of(good_[update_]));
  set(records[next_update_], nlohmann::json::json_pointer("/id"), id_of(good_[next_update_]));
  return records;
}

BrokenTopics::Records BrokenTopics::one_with_another_value() const {
  Records records = good_;
  set(records[update_], nlohmann::json::json_pointer("/after/val"), "something else");
  return records;
}

BrokenTopics::Records BrokenTopics::one_in_another_partition() const {
  KafkaRecord moved = good_[update_];
  const std::string id = id_of(moved);
  Records records = without({id});
  const int home = moved.partition;
  const auto behind = std::find_if(records.begin(), records.end(), [&](const KafkaRecord& record) {
    return record.partition != home && id_of(record) > id;
  });
  if (behind == records.end()) ADD_FAILURE() << "the other partitions have nothing behind " << id;
  moved.partition = behind == records.end() ? home : behind->partition;
  records.insert(behind, std::move(moved));
  return records;
}

BrokenTopics::Records BrokenTopics::with_an_invented(const std::string& id) const {
  Records records = good_;
  records.push_back(good_[update_]);
  records.back().partition = good_.back().partition;
  set(records.back(), nlohmann::json::json_pointer("/id"), id);
  set(records.back(), nlohmann::json::json_pointer("/after/id"), 999'999);
  return records;
}

BrokenTopics::Records BrokenTopics::with_one_of_no_transaction() const {
  return with_an_invented("0001-ffffffffffffffff-00000001");
}

BrokenTopics::Records BrokenTopics::with_one_too_many_in_a_transaction() const {
  return with_an_invented("0001-" + lsn_of(id_of(good_.back())) + "-ffffffff");
}

BrokenTopics::Records BrokenTopics::with_record_lsns() const {
  Records records = good_;
  for (KafkaRecord& record : records) {
    const auto event = record.json();
    const std::string id = event["id"];
    const std::string lsn = fmt::format("{:016x}", event["source"]["lsn"].get<std::uint64_t>());
    set(record, nlohmann::json::json_pointer("/id"), id.substr(0, 5) + lsn + id.substr(21));
  }
  return records;
}

}  // namespace sluice::testing
