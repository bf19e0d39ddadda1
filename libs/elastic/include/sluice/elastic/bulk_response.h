// The answer to a _bulk request: one status per item, in the order of the request. Reads what comes back for
// `filter_path=items.*.status,items.*.error.type,items.*.error.reason`, and the unfiltered form as well. (Never ask for
// `items.*.error` alone: that drops the positions of the good items.)
//
// Thread rule: one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sluice/base/error.h"

namespace sluice::elastic {

struct ItemReply {
  std::string_view action;  ///< create, index
  int status = 0;
  std::string_view error_type;    ///< empty exactly when the status is below 300
  std::string_view error_reason;  ///< may hold cell values
};

class BulkResponseParser {
 public:
  BulkResponseParser();
  ~BulkResponseParser();
  BulkResponseParser(const BulkResponseParser&) = delete;
  BulkResponseParser& operator=(const BulkResponseParser&) = delete;

  /// The replies of exactly `expected_items` items; valid until the next call. `json` may be given more capacity.
  /// Error: es.bad_response (Retry): not whole, not valid, not of this form, or of another number of items; what became
  /// of the items is unknown.
  base::Result<std::span<const ItemReply>> parse(std::string& json, std::size_t expected_items);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::elastic
