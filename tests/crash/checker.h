// The independent checker: what PostgreSQL itself (test_decoding, pg_walinspect) says was committed, against what lies
// in the topic and in the journal. It shares no line with the project's decoders: it reads text of psql, JSON of kcat
// and of curl.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "sluice/testing/stack.h"

namespace sluice::testing {

/// One change of one key.
struct KeyChange {
  char op = 'c';  ///< c, u, d
  std::string key;
  std::string value;
  friend bool operator==(const KeyChange&, const KeyChange&) = default;
};
/// By the part of the event id behind the commit LSN: ordinal in the transaction, and part.
using Transaction = std::map<std::string, KeyChange>;
/// By the part of the event id that is the commit LSN.
using History = std::map<std::string, Transaction>;

/// The statement that asks PostgreSQL for what committed_history() reads. `oracle` is a slot of test_decoding that
/// nobody moves; it keeps the WAL of which pg_walinspect tells the LSN of every commit.
std::string history_query(const std::string& oracle);

/// Reads `<commit LSN>|<change>` lines of the table public.work.
History committed_history(const std::string& answer);

/// The violations, each `<rule>: <where>`; empty when nothing is wrong. A record breaks one rule at most, a lost one is
/// told with its transaction. By these rules each key has its changes in the order of commit:
///   twice               an id that is in the topic already
///   out of order        an id that is not above the ids before it in its partition
///   two partitions      a key whose earlier events are in another partition
///   no such commit      an id that has not the LSN of a commit
///   phantom             an id that its transaction does not have
///   not as committed    another operation, key or value than PostgreSQL has at this id
///   lost transaction    no event of it is there
///   cut transaction     some of its events are not there
std::vector<std::string> check_topic(const History& committed, const std::vector<KafkaRecord>& records);

/// The same for the journal, document by document: `lost document`, `invented document`, and `altered document` when
/// its operation or its row is not that of the record.
std::vector<std::string> check_journal(const std::vector<KafkaRecord>& records,
                                       const std::vector<nlohmann::json>& documents);

}  // namespace sluice::testing
