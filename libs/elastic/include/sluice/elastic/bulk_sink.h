// Documents into Elasticsearch or OpenSearch by _bulk, several requests in flight, with an outcome for every item
// (rules E-1 to E-4, E-9, E-14).
//
// Thread rule: made, used and destroyed by one thread; nothing blocks.
//
// Errors of outcomes(), all Stop: es.unauthorized, es.forbidden, es.index_missing, es.index_closed, es.unexpected_item,
// es.unexpected_reply, es.tls_untrusted, es.bad_ca_file, es.sweep_refused, es.sweep_stuck. After one of them the sink
// has nothing more to say; what was in flight is unknown. Errors inside a BatchOutcome, all Retry: es.unreachable,
// es.timeout, es.overloaded, es.server_error, es.blocked, es.bad_response.
#pragma once

#include <memory>

#include "sluice/elastic/connection.h"
#include "sluice/pipeline/document_sink.h"

namespace sluice::elastic {

struct BulkSinkOptions {
  /// Batches and sweeps under way at a time. Two keep the server busy while we render; more help when there are several
  /// nodes or a long way to them.
  std::size_t max_in_flight = 2;
  /// Documents that a sweep soft-deletes between two refreshes. At most index.max_result_window (10,000).
  std::size_t sweep_page_documents = 5'000;
};

class BulkSink final : public pipeline::DocumentSink {
 public:
  /// Does not connect yet. Errors: es.bad_address, es.bad_ca_file, es.bad_credentials (Stop).
  static base::Result<std::unique_ptr<BulkSink>> open(ConnectionOptions connection, BulkSinkOptions options);
  ~BulkSink() override;

  /// REQUIRES: the batch is not empty, and each document as append_bulk() demands it.
  base::Result<void> submit(pipeline::DocumentBatch batch, std::uint64_t ticket) override;
  base::Result<void> sweep(pipeline::Sweep sweep, std::uint64_t ticket) override;
  bool has_room() const override;
  base::Result<std::span<pipeline::BatchOutcome>> outcomes() override;
  pipeline::Wait waits_for() const override;

 private:
  class Flights;
  explicit BulkSink(std::unique_ptr<Flights> flights);
  std::unique_ptr<Flights> flights_;
};

}  // namespace sluice::elastic
