// A DocumentSink over a MemorySearchEngine. What becomes of a batch or sweep, and when, is up to the test: `fate` is
// asked for each that is under way, at every call of outcomes(), in the order of submission.
//
// Thread rule: one thread.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "sluice/testing/memory_search_engine.h"

namespace sluice::testing {

enum class Fate {
  Answered,
  Waits,              ///< stays under way, and nothing of it is applied yet
  LostBeforeApplied,  ///< the outcome is es.unreachable, and nothing was applied
  LostAfterApplied,   ///< the outcome is es.unreachable, but everything was applied
};

class MemoryDocumentSink final : public pipeline::DocumentSink {
 public:
  explicit MemoryDocumentSink(MemorySearchEngine& engine, std::size_t max_in_flight = 2)
      : engine_(engine), max_in_flight_(max_in_flight) {}

  std::function<Fate(std::uint64_t ticket)> fate = [](std::uint64_t) { return Fate::Answered; };

  /// For one document: an outcome instead of writing it, such as Retry (429) or Rejected. Nothing: it is written.
  std::function<std::optional<pipeline::ItemResult>(const pipeline::Document&)> refuses =
      [](const pipeline::Document&) { return std::nullopt; };

  /// Each sweep is answered with a refusal as a whole (429 of a search).
  bool refuses_sweeps = false;

  /// While set, outcomes() fails with it.
  std::optional<base::Error> stops_with;

  /// What is under way, taken away: after a crash the server may still apply it, at any time. See apply_late().
  struct Flight {
    std::uint64_t ticket = 0;
    pipeline::DocumentBatch documents;
    std::optional<pipeline::Sweep> sweep;
  };
  std::vector<Flight> abandon() { return std::move(flights_); }
  static void apply_late(MemorySearchEngine& engine, const Flight& flight);

  base::Result<void> submit(pipeline::DocumentBatch batch, std::uint64_t ticket) override;
  base::Result<void> sweep(pipeline::Sweep sweep, std::uint64_t ticket) override;
  bool has_room() const override { return flights_.size() < max_in_flight_; }
  base::Result<std::span<pipeline::BatchOutcome>> outcomes() override;
  /// With something under way: at once.
  pipeline::Wait waits_for() const override;

 private:
  base::Result<pipeline::BatchOutcome> land(Flight flight, Fate fate);
  base::Result<pipeline::ItemResult> write(const pipeline::Document& document);

  MemorySearchEngine& engine_;
  std::size_t max_in_flight_;
  std::vector<Flight> flights_;
  std::vector<pipeline::BatchOutcome> outcomes_;
};

}  // namespace sluice::testing
