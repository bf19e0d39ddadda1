#include "errors.h"

#include <fmt/core.h>

namespace sluice::kafka {
namespace {

using base::Error;
using base::Recovery;

// RD_KAFKA_RESP_ERR__DESTROY_BROKER by its number: the header of Debian 13's librdkafka 2.8 does not have the name yet.
constexpr auto kDestroyBroker = static_cast<rd_kafka_resp_err_t>(-137);

std::string text(std::string_view subject, rd_kafka_resp_err_t code, std::string_view remedy) {
  return fmt::format("{}: {}. {}", subject, rd_kafka_err2str(code), remedy);
}

}  // namespace

bool is_transport(rd_kafka_resp_err_t code) {
  if (code == kDestroyBroker) return true;
  switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__NODE_UPDATE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE: return true;
    default: return false;
  }
}

Error error_of(rd_kafka_resp_err_t code, std::string_view subject, std::string_view fallback_id) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
      return {Recovery::Stop, "kafka.auth_failed",
              text(subject, code, "Check the user name, the password and the SASL mechanism")};
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return {Recovery::Stop, "kafka.forbidden", text(subject, code, "Grant this user the right, then start again")};
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID:
      return {Recovery::Stop, "kafka.topic_missing",
              text(subject, code, "Create the topic, or allow its creation with kafka.create_topics")};
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return {Recovery::Stop, "kafka.partitions_changed",
              text(subject, code,
                   "The topic has another number of partitions than when this pipeline began; restore it, or migrate "
                   "with replicator slot reset --new-epoch")};
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return {
          Recovery::Stop, "kafka.message_too_large",
          text(subject, code, "Raise max.message.bytes of the topic and kafka.max_message_bytes, then start again")};
    default: break;
  }
  if (is_transport(code))
    return {Recovery::Retry, "kafka.unreachable",
            text(subject, code, "Check that the brokers run and that kafka.brokers names them")};
  return {Recovery::Retry, fallback_id, text(subject, code, "It is tried again; look at the broker's log if it stays")};
}

base::Error error_of_reading(rd_kafka_resp_err_t code, std::string_view subject) {
  base::Error error = error_of(code, subject, "kafka.consumer_failed");
  if (error.id == "kafka.topic_missing") error.recovery = base::Recovery::Retry;
  return error;
}

bool passes_by_itself(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE: return true;
    default: return is_transport(code);
  }
}

bool group_moved_on(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS || code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
         code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || code == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST;
}

}  // namespace sluice::kafka
