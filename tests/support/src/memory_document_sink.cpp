#include "sluice/testing/memory_document_sink.h"

#include "sluice/base/check.h"

namespace sluice::testing {

using base::Recovery;
using base::Result;
using pipeline::BatchOutcome;
using pipeline::ItemOutcome;
using pipeline::ItemResult;

void MemoryDocumentSink::apply_late(MemorySearchEngine& engine, const Flight& flight) {
  if (flight.sweep) {
    engine.sweep(*flight.sweep);
    return;
  }
  for (std::size_t i = 0; i < flight.documents.size(); ++i) (void)engine.write(flight.documents[i]);
}

Result<void> MemoryDocumentSink::submit(pipeline::DocumentBatch batch, std::uint64_t ticket) {
  SLUICE_CHECK(has_room(), "the caller asks has_room() first");
  SLUICE_CHECK(!batch.empty(), "an empty batch is not sent");
  flights_.push_back({ticket, std::move(batch), std::nullopt});
  return {};
}

Result<void> MemoryDocumentSink::sweep(pipeline::Sweep sweep, std::uint64_t ticket) {
  SLUICE_CHECK(has_room(), "the caller asks has_room() first");
  flights_.push_back({ticket, {}, std::move(sweep)});
  return {};
}

Result<std::span<BatchOutcome>> MemoryDocumentSink::outcomes() {
  if (stops_with) return tl::make_unexpected(*stops_with);
  outcomes_.clear();
  std::vector<Flight> under_way = std::move(flights_);
  flights_.clear();
  for (Flight& flight : under_way) {
    const Fate its_fate = fate(flight.ticket);
    if (its_fate == Fate::Waits) {
      flights_.push_back(std::move(flight));
      continue;
    }
    SLUICE_ASSIGN(BatchOutcome outcome, land(std::move(flight), its_fate));
    outcomes_.push_back(std::move(outcome));
  }
  return std::span(outcomes_);
}

Result<BatchOutcome> MemoryDocumentSink::land(Flight flight, Fate its_fate) {
  BatchOutcome outcome;
  outcome.ticket = flight.ticket;
  if (its_fate == Fate::LostAfterApplied) apply_late(engine_, flight);
  if (its_fate != Fate::Answered) {
    outcome.error = base::Error{Recovery::Retry, "es.unreachable", "the connection was lost. It is tried again."};
  } else if (flight.sweep && refuses_sweeps) {
    outcome.error = base::Error{Recovery::Retry, "es.overloaded", "too many searches. It is tried again."};
  } else if (flight.sweep) {
    engine_.sweep(*flight.sweep);
  } else {
    for (std::size_t i = 0; i < flight.documents.size(); ++i) {
      SLUICE_ASSIGN(ItemResult result, write(flight.documents[i]));
      outcome.items.push_back(std::move(result));
    }
  }
  outcome.documents = std::move(flight.documents);
  return outcome;
}

Result<ItemResult> MemoryDocumentSink::write(const pipeline::Document& document) {
  if (auto refused = refuses(document)) return *refused;
  const MemorySearchEngine::Answer answer = engine_.write(document);
  switch (answer.status) {
    case 201: return ItemResult{};
    case 409: return ItemResult{ItemOutcome::Superseded, {}, {}};
    case 404: return base::fail(Recovery::Stop, "es.index_missing", "an index is gone. Look who deleted it.");
    default: return ItemResult{ItemOutcome::Rejected, answer.error_type, "not to be parsed"};
  }
}

pipeline::Wait MemoryDocumentSink::waits_for() const {
  if (flights_.empty()) return {};
  return {-1, 0, base::Clock::now()};
}

}  // namespace sluice::testing
