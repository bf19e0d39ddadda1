// Values of out-of-line columns that an earlier message of the same transaction brought (rule P-31): the later message
// says only "unchanged", and what a query reads may be newer.
//
// Only rows are remembered that PostgreSQL can have stored out of line, so that ordinary rows cost a few additions.
//
// Thread rule: one thread, no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "sluice/change/change_event.h"

namespace sluice::postgres {

class CarriedValues {
 public:
  /// Beyond `max_bytes` all is forgotten: then the value is read from the table.
  explicit CarriedValues(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// True when the row was, or may have been, stored with out-of-line values: worth remember().
  bool worth_remembering(const change::ChangeEvent& event);

  /// The row as the message left it: after fill(), so that values are carried over several messages.
  void remember(const change::ChangeEvent& event);

  /// Fills Unchanged cells of `event.after` with what is known. The cells stay valid over one remember(), of this
  /// event.
  void fill(change::ChangeEvent& event) const;

  /// At the end of every transaction.
  void clear();

 private:
  struct Remembered {
    std::uint64_t schema_id = 0;
    change::Row row;
    std::size_t bytes = 0;
  };

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  using Rows = std::unordered_map<std::string, Remembered>;
  Rows rows_;
  Rows forgotten_;        ///< by the last remember(): the event at hand may still point into them
  change::Row replaced_;  ///< likewise
  change::TableSchemaPtr last_table_;
  std::vector<std::uint32_t> growth_;  ///< per column of last_table_: stored bytes a byte of text can stand for
};

}  // namespace sluice::postgres
