// The slow poll of rule P-2.6: a topic or a publication that is made again while we stream loses changes without a
// word. What the start compared is compared again now and then, by the same checks.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/config/settings.h"
#include "sluice/kafka/topic_poll.h"
#include "sluice/pipeline/checkpoint.h"
#include "sluice/postgres/connection.h"
#include "status_publisher.h"

namespace sluice::connector {

class IncarnationWatch {
 public:
  IncarnationWatch(const config::Settings& settings, ReplicatorStatusPublisher& status);

  /// A stream begins, and all was compared just now. `sql` is asked from now on; it must live until end().
  void begin(base::Deadline now, postgres::Connection& sql);

  /// The stream has ended: nothing is asked until the next begin().
  void end();

  /// A publication that is not as it was stored.
  struct Publication {
    std::vector<std::string> lost;  ///< tables whose changes were not published, at least for a time
    pipeline::PublicationIncarnation now;
  };

  /// Call it as often as you like. Kafka is asked in the background; PostgreSQL has a second to answer.
  /// Errors (all Stop): pg.publication_changed, pg.publication_missing, kafka.topic_changed, kafka.partitions_changed,
  /// kafka.topic_missing, kafka.auth_failed, kafka.forbidden. Whoever does not answer is asked again the next time.
  base::Result<std::optional<Publication>> tick(base::Deadline now, const pipeline::Checkpoint& stored);

 private:
  base::Result<void> ask_topics();
  base::Result<void> look_at_topics(const pipeline::Checkpoint& stored);
  base::Result<void> compare_topics(const pipeline::Checkpoint& stored, const kafka::TopicAnswers& answers);
  base::Result<std::optional<Publication>> look_at_publication(const pipeline::Checkpoint& stored);
  base::Result<std::optional<pipeline::PublicationFacts>> fetch_publication();
  base::Result<void> excuse(base::Error error, bool& is_failing);

  const config::Settings& settings_;
  ReplicatorStatusPublisher& status_;
  base::Deadline next_{};

  std::unique_ptr<kafka::TopicPoll> topics_;
  std::vector<std::string> names_;  // the events' topics, then the control topic
  bool is_asking_ = false;
  bool kafka_is_failing_ = false;
  std::string missing_;  // a topic that the last answer did not have

  postgres::Connection* sql_ = nullptr;      // null: it failed, and is not asked again
  std::optional<postgres::Connection> own_;  // in its stead
  bool postgres_is_failing_ = false;
};

}  // namespace sluice::connector
