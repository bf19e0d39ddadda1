#include "incarnation_watch.h"

#include <utility>

#include <fmt/core.h>

#include "../adapter_options.h"
#include "../routing.h"
#include "broker_session.h"
#include "sluice/log/log.h"
#include "sluice/pipeline/start_plan.h"
#include "sluice/postgres/publication.h"

namespace sluice::connector {
namespace {

// The pipeline's thread waits for these.
constexpr base::Milliseconds kPatience{1'000};

}  // namespace

IncarnationWatch::IncarnationWatch(const config::Settings& settings, ReplicatorStatusPublisher& status)
    : settings_(settings), status_(status), names_(topics_of(settings)) {
  names_.push_back(settings.kafka.control_topic);
}

void IncarnationWatch::begin(base::Deadline now, postgres::Connection& sql) {
  next_ = now + settings_.postgres.recheck_interval;
  is_asking_ = false;
  missing_.clear();
  sql_ = &sql;
  own_.reset();
}

void IncarnationWatch::end() {
  // While Kafka is away a client that nobody asks collects its errors without bound.
  topics_.reset();
  is_asking_ = false;
  sql_ = nullptr;
  own_.reset();
}

base::Result<std::optional<IncarnationWatch::Publication>> IncarnationWatch::tick(base::Deadline now,
                                                                                  const pipeline::Checkpoint& stored) {
  if (is_asking_) SLUICE_TRY(look_at_topics(stored));
  if (now < next_) return std::nullopt;
  next_ = now + settings_.postgres.recheck_interval;
  SLUICE_TRY(ask_topics());
  return look_at_publication(stored);
}

base::Result<void> IncarnationWatch::ask_topics() {
  if (!topics_) {
    SLUICE_ASSIGN(topics_, kafka::TopicPoll::open(client_options(settings_)));
  }
  topics_->ask(names_);
  is_asking_ = true;
  return {};
}

base::Result<void> IncarnationWatch::look_at_topics(const pipeline::Checkpoint& stored) {
  auto answers = topics_->answer();
  if (answers && !*answers) return {};
  is_asking_ = false;
  if (!answers) {
    topics_.reset();  // the next question is asked by a new client
    return excuse(std::move(answers.error()), kafka_is_failing_);
  }
  kafka_is_failing_ = false;
  return compare_topics(stored, **answers);
}

base::Result<void> IncarnationWatch::compare_topics(const pipeline::Checkpoint& stored,
                                                    const kafka::TopicAnswers& answers) {
  std::vector<pipeline::TopicIncarnation> found;
  std::string missing;
  for (std::size_t index = 0; index < answers.size(); ++index) {
    if (!answers[index]) {
      missing = names_[index];
    } else if (names_[index] != settings_.kafka.control_topic) {
      found.push_back(*answers[index]);
    }
  }
  SLUICE_TRY(pipeline::check_topics(found, stored));
  // A broker that has just started may not know its topics yet: it takes two answers in a row to be missing.
  if (!missing.empty() && missing == missing_) return tl::make_unexpected(topic_missing(missing));
  missing_ = std::move(missing);
  return {};
}

base::Result<std::optional<IncarnationWatch::Publication>> IncarnationWatch::look_at_publication(
    const pipeline::Checkpoint& stored) {
  auto found = fetch_publication();
  if (!found) {
    // A connection on which a question failed is finished; the next time another one is opened.
    sql_ = nullptr;
    own_.reset();
    SLUICE_TRY(excuse(std::move(found.error()), postgres_is_failing_));
    return std::nullopt;
  }
  postgres_is_failing_ = false;
  if (!*found) {
    return base::fail(base::Recovery::Stop, "pg.publication_missing",
                      fmt::format("publication {} was dropped while it was streamed: changes from then on are not "
                                  "published. Make it again and begin anew: replicator slot reset --new-epoch",
                                  settings_.postgres.publication_name));
  }
  SLUICE_ASSIGN(auto lost, pipeline::check_publication(**found, stored));
  pipeline::PublicationIncarnation now = pipeline::incarnation_of(**found);
  // What was added must be known, or nobody notices when it is taken out and added again.
  if (now == stored.publication) return std::nullopt;
  return Publication{std::move(lost), std::move(now)};
}

base::Result<std::optional<pipeline::PublicationFacts>> IncarnationWatch::fetch_publication() {
  if (sql_ == nullptr && !own_) {
    SLUICE_ASSIGN(
        own_, postgres::Connection::open(connect_options_within(kPatience, settings_), postgres::ConnectionKind::Sql));
  }
  postgres::Connection& connection = sql_ == nullptr ? *own_ : *sql_;
  return postgres::fetch_publication_row(kPatience, connection, settings_.postgres.publication_name);
}

/// Who does not answer says nothing of what is compared: told once, asked again.
base::Result<void> IncarnationWatch::excuse(base::Error error, bool& is_failing) {
  if (error.id == "kafka.auth_failed" || error.id == "kafka.forbidden") return tl::make_unexpected(std::move(error));
  status_.note(error);
  if (!std::exchange(is_failing, true)) log::get("replicator").warning(error);
  return {};
}

}  // namespace sluice::connector
