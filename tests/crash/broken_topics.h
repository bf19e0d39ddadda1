// The negative controls of the checker: a topic that is right, each time with one promise broken.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "sluice/testing/stack.h"

namespace sluice::testing {

class BrokenTopics {
 public:
  using Records = std::vector<KafkaRecord>;

  /// Fails the test when the topic has not what the controls are made of.
  explicit BrokenTopics(Records good);

  Records without_the_last_of_a_transaction() const;
  Records without_one_inside_a_transaction() const;
  Records without_the_new_row_of_a_key_change() const;
  Records without_a_transaction() const;
  Records upsert_again_after_its_delete() const;
  /// Taken from its place: it is there once.
  Records one_appended_late() const;
  Records two_in_exchanged_places() const;
  /// To a reader who looks at ids alone nothing has changed.
  Records two_under_exchanged_ids() const;
  Records one_with_another_value() const;
  /// Between the ids where it belongs by its own.
  Records one_in_another_partition() const;
  Records with_one_of_no_transaction() const;
  Records with_one_too_many_in_a_transaction() const;
  Records with_record_lsns() const;

 private:
  Records without(const std::set<std::string>& ids) const;
  Records with_an_invented(const std::string& id) const;

  Records good_;
  std::vector<std::string> transaction_;  ///< the ids of one that has three events or more, in order
  std::string new_row_;                   ///< id of the second record of a key change
  std::size_t upsert_ = 0;                ///< its row was deleted later
  std::size_t update_ = 0;
  std::size_t next_update_ = 0;  ///< the next event of its key
};

}  // namespace sluice::testing
