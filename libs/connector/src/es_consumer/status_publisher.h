// Tells the world how es_consumer stands: once a second, from the pipeline's thread; and logs what the pipeline warns
// of, and when the work begins, is hindered and goes on.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "sluice/admin/admin_server.h"
#include "sluice/admin/es_consumer_status.h"
#include "sluice/admin/status_board.h"
#include "sluice/config/settings.h"
#include "sluice/documents/event_documents.h"
#include "sluice/documents/generations.h"
#include "sluice/kafka/consumer.h"
#include "sluice/pipeline/indexing.h"
#include "sluice/pipeline/stop_signal.h"

namespace sluice::connector {

class EsConsumerStatusPublisher final : public pipeline::IndexingObserver {
 public:
  /// Listens, if the configuration wants it. Errors: those of AdminServer::start().
  static base::Result<std::unique_ptr<EsConsumerStatusPublisher>> open(const config::Settings& settings);

  void retrying(const base::Error& error, base::Milliseconds wait);
  /// `generations`: null without a mirror.
  void tick(const pipeline::Indexing& indexing, const kafka::Consumer& source, const documents::EventDocuments& maker,
            const documents::Generations* generations, const pipeline::StopSignal& stop);

  void warned(std::string_view id, const std::string& message) override;
  void bulk_written(const Bulk& bulk) override;

 private:
  explicit EsConsumerStatusPublisher(const config::Settings& settings);
  void show(base::Milliseconds max_silence);
  /// Logs what is another reason, or another assignment, than the last time.
  void log_changes();

  std::set<std::string> told_;  ///< ids of reasons that stand in the log
  std::string ended_by_;        ///< id of the error of the attempt before this one
  std::optional<std::size_t> told_partitions_;
  admin::EsConsumerStatus status_;
  admin::StatusBoard board_;
  std::unique_ptr<admin::AdminServer> server_;
};

}  // namespace sluice::connector
