#include "sluice/elastic/bulk_sink.h"

#include <algorithm>
#include <vector>

#include "bulk_exchange.h"
#include "sluice/base/check.h"
#include "sweep_exchange.h"

namespace sluice::elastic {

using base::Result;
using pipeline::BatchOutcome;

class BulkSink::Flights {
 public:
  Flights(std::unique_ptr<HttpClient> client, BulkSinkOptions options)
      : options_(options), flights_(options.max_in_flight), client_(std::move(client)) {}

  std::size_t sweep_page_documents() const { return options_.sweep_page_documents; }
  bool has_room() const { return under_way_ < flights_.size(); }
  pipeline::Wait waits_for() const { return client_->waits_for(); }

  void begin(std::unique_ptr<Exchange> exchange) {
    SLUICE_CHECK(has_room(), "the caller asks has_room() first");
    const auto idle = std::ranges::find_if(flights_, [](const Flight& flight) { return !flight.exchange; });
    idle->exchange = std::move(exchange);
    ++under_way_;
    send(*idle);
  }

  Result<std::span<BatchOutcome>> outcomes() {
    if (stopped_) return tl::make_unexpected(*stopped_);
    outcomes_.clear();
    const auto ended = client_->advance();
    ended_.assign(ended.begin(), ended.end());  // a copy: taking a reply may start the next call
    for (HttpCall* call : ended_) SLUICE_TRY(take(*call));
    return std::span(outcomes_);
  }

 private:
  struct Flight {
    std::unique_ptr<Exchange> exchange;  ///< null: idle
    Workspace workspace;
  };

  void send(Flight& flight) {
    flight.exchange->fill(flight.workspace);
    client_->start(flight.workspace.call);
  }

  Result<void> take(const HttpCall& call) {
    Flight& flight = *std::ranges::find_if(flights_, [&](const Flight& one) { return &one.workspace.call == &call; });
    auto progress = flight.exchange->take(flight.workspace);
    if (!progress) {
      stopped_ = std::move(progress.error());
      return tl::make_unexpected(*stopped_);
    }
    if (*progress == Progress::Send) {
      send(flight);
      return {};
    }
    outcomes_.push_back(flight.exchange->outcome());
    flight.exchange.reset();
    --under_way_;
    return {};
  }

  BulkSinkOptions options_;
  std::vector<Flight> flights_;
  std::size_t under_way_ = 0;
  std::vector<BatchOutcome> outcomes_;
  std::vector<HttpCall*> ended_;
  std::optional<base::Error> stopped_;
  std::unique_ptr<HttpClient> client_;  // ends before what its calls point to
};

BulkSink::BulkSink(std::unique_ptr<Flights> flights) : flights_(std::move(flights)) {}
BulkSink::~BulkSink() = default;

Result<std::unique_ptr<BulkSink>> BulkSink::open(ConnectionOptions connection, BulkSinkOptions options) {
  SLUICE_CHECK(options.max_in_flight > 0 && options.sweep_page_documents > 0,
               "the configuration has checked the bounds");
  SLUICE_ASSIGN(auto client, HttpClient::open(std::move(connection)));
  return std::unique_ptr<BulkSink>(new BulkSink(std::make_unique<Flights>(std::move(client), options)));
}

Result<void> BulkSink::submit(pipeline::DocumentBatch batch, std::uint64_t ticket) {
  flights_->begin(std::make_unique<BulkExchange>(std::move(batch), ticket));
  return {};
}

Result<void> BulkSink::sweep(pipeline::Sweep sweep, std::uint64_t ticket) {
  flights_->begin(std::make_unique<SweepExchange>(std::move(sweep), ticket, flights_->sweep_page_documents()));
  return {};
}

bool BulkSink::has_room() const { return flights_->has_room(); }
Result<std::span<BatchOutcome>> BulkSink::outcomes() { return flights_->outcomes(); }
pipeline::Wait BulkSink::waits_for() const { return flights_->waits_for(); }

}  // namespace sluice::elastic
