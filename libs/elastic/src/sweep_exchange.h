// Rule E-9: soft-deletes every document of a partition whose version is below the sweep's, by refresh → search one page
// → write it through _bulk, again and again until a search finds nothing.
//
// No point in time and no cursor: what was soft-deleted is no longer found, so the first page is always the next one.
// That works on every server version, and holds no search context open. The search gives the key of each row, which its
// soft delete keeps.
//
// Thread rule: one thread.
#pragma once

#include "exchange.h"

namespace sluice::elastic {

struct SweptRow;

class SweepExchange final : public Exchange {
 public:
  SweepExchange(pipeline::Sweep sweep, std::uint64_t ticket, std::size_t page_documents);
  void fill(Workspace& workspace) override;
  base::Result<Progress> take(Workspace& workspace) override;
  pipeline::BatchOutcome outcome() override { return std::move(outcome_); }

 private:
  enum class Stage { Refresh, Search, Write };
  void render_search(std::string& body) const;
  base::Result<Progress> take_page(Workspace& workspace);
  base::Result<Progress> take_items(Workspace& workspace);
  base::Result<Progress> take_refusal(const HttpCall& call);
  /// False: the reply is not whole. The soft deletes of its hits are in page_ then, as far as it goes.
  bool read_page(std::string& reply, std::int64_t& total);
  void add_soft_delete(const SweptRow& row);
  Progress give_up(base::Error error);

  pipeline::Sweep sweep_;
  std::size_t page_documents_;
  std::string soft_delete_;  ///< of the body what is the same for all
  Stage stage_ = Stage::Refresh;
  pipeline::DocumentBatch page_;
  std::size_t fruitless_pages_ = 0;
  pipeline::BatchOutcome outcome_;
};

}  // namespace sluice::elastic
