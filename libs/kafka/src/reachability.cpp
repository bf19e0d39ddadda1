#include "sluice/kafka/reachability.h"

namespace sluice::kafka {

BrokersSeen brokers_in(std::string_view statistics) {
  // The rest of the document does not concern us, and it comes every second.
  const auto has = [&](std::string_view member) { return statistics.find(member) != std::string_view::npos; };
  return {has(R"("source":"learned")") || has(R"("source":"configured")"), has(R"("state":"UP")")};
}

}  // namespace sluice::kafka
