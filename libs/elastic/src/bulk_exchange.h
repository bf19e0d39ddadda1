// One batch on its way through _bulk: sent whole, and in halves where the server refuses a request for its size (413)
// or for one document that must not be in it (400; nothing of such a request was applied).
//
// Thread rule: one thread.
#pragma once

#include <vector>

#include "exchange.h"

namespace sluice::elastic {

class BulkExchange final : public Exchange {
 public:
  /// REQUIRES: the batch is not empty.
  BulkExchange(pipeline::DocumentBatch batch, std::uint64_t ticket);
  void fill(Workspace& workspace) override;
  base::Result<Progress> take(Workspace& workspace) override;
  pipeline::BatchOutcome outcome() override { return std::move(outcome_); }

 private:
  struct Range {
    std::size_t begin;
    std::size_t end;
  };
  base::Result<Progress> take_items(Workspace& workspace);
  base::Result<Progress> take_refusal(const HttpCall& call);
  base::Result<void> judge(std::size_t ordinal, const ItemReply& reply);
  Progress split(pipeline::ItemResult verdict_if_alone);
  Progress give_up(base::Error error);
  Progress next() const { return ranges_.empty() ? Progress::Finished : Progress::Send; }

  pipeline::BatchOutcome outcome_;
  std::vector<Range> ranges_;  ///< still to be sent, the first one last
  bool something_is_known_ = false;
};

}  // namespace sluice::elastic
