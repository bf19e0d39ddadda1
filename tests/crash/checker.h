// The independent checker: what PostgreSQL's own test_decoding says was committed, against what lies in the topic and
// in the mirror. It shares no line with the project's decoders: it reads text of test_decoding, JSON of kcat and of
// curl.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "sluice/testing/stack.h"

namespace sluice::testing {

/// One change of one key: op and value, in the order of commit.
struct KeyChange {
  char op = 'c';  ///< c, u, d
  std::string value;
  friend bool operator==(const KeyChange&, const KeyChange&) = default;
};
using History = std::map<std::string, std::vector<KeyChange>>;  // by key

/// Reads the output of pg_logical_slot_peek_changes(…, 'include-xids', '0') of the table public.work.
History committed_history(const std::string& test_decoding);

/// What is wrong with the topic; empty when nothing is.
std::vector<std::string> check_topic(const History& committed, const std::vector<KafkaRecord>& records);

/// What is wrong with the journal: ids that are missing or too many.
std::vector<std::string> check_journal(const std::vector<KafkaRecord>& records,
                                       const std::vector<nlohmann::json>& documents);

}  // namespace sluice::testing
