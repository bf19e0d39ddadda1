// Uses a pure library and an adapter, so that both and what they stand on are linked.
#include <cstdio>
#include <string>
#include <string_view>

#include "sluice/kafka/topics.h"
#include "sluice/pgoutput/replication_message.h"

int main() {
  const auto keepalive = sluice::pgoutput::parse_replication_message(std::string_view("k", 1));
  if (!keepalive) std::printf("%s\n", std::string(keepalive.error().id).c_str());

  sluice::kafka::ClientOptions options;
  options.brokers = "localhost:9092";  // never asked: the property is refused first
  options.properties = {{"no.such.property", "1"}};
  const auto topics = sluice::kafka::Topics::open(options);
  if (!topics) std::printf("%s\n", std::string(topics.error().id).c_str());
}
